/* One socket a family, a question that is repeated, one answer each. */
#include "media/discover.h"

#include "core/crypto.h"
#include "core/mem.h"
#include "media/path.h"
#include "rtc/stun.h"

#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_TRY_US (SEC_US / 2) /* RFC 8489, 6.2.1: RTO; twice as long after each try */
#define STUN_PORT    "3478"       /* RFC 8489, 18.3 */
#define FAMILIES     2

struct question {
    int fd; /* -1: no way there, or answered */
    uint8_t id[RTC_STUN_ID_SIZE];
};

/* --- the server --- */

/* "stun:host[:port]", as core/config has let it through: brackets about IPv6. */
static enum err find_server(const char *server, struct addrinfo **ret) {
    static const char scheme[] = "stun:";
    char host[NI_MAXHOST];
    const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICSERV };
    if (strncmp(server, scheme, sizeof(scheme) - 1) != 0) {
        return err_set(ERR_INVALID, "rtc.discover_ip: %s does not begin with stun:", server);
    }
    const char *name = server + sizeof(scheme) - 1;
    bool six = name[0] == '[';
    name += six ? 1 : 0;
    size_t n = strcspn(name, six ? "]" : ":");
    const char *port = strrchr(name + n, ':');
    snprintf(host, sizeof(host), "%.*s", (int)n, name);
    int e = getaddrinfo(host, port == NULL ? STUN_PORT : port + 1, &hints, ret);
    if (e != 0) {
        return err_set(
            ERR_NOT_FOUND, "rtc.discover_ip: %s is not to be found: %s", host, gai_strerror(e));
    }
    return OK;
}

/* Connected, so that the kernel says where packets to it leave, and drops those of others. */
static void open_socket(struct question *q, const struct addrinfo *at) {
    crypto_random(q->id, sizeof(q->id));
    q->fd = socket(at->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (q->fd >= 0 && connect(q->fd, at->ai_addr, at->ai_addrlen) != 0) {
        close(q->fd);
        q->fd = -1;
    }
}

/* --- question and answer --- */

static void ask(const struct question *q) {
    struct rtc_stun_ask what = { 0 };
    uint8_t bytes[RTC_STUN_MOST];
    memcpy(what.id, q->id, sizeof(q->id));
    size_t n = rtc_stun_write_request(&what, bytes, sizeof(bytes));
    if (q->fd >= 0) {
        (void)!send(q->fd, bytes, n, 0); /* it is asked again */
    }
}

/* True: that was the answer, and the place is known. */
static bool hear(const struct question *q, struct media_places *p) {
    uint8_t bytes[RTC_STUN_MOST];
    struct rtc_stun_response said;
    struct sockaddr_storage at;
    socklen_t len = sizeof(at);
    ssize_t n = recv(q->fd, bytes, sizeof(bytes), 0);
    if (n <= 0 || !rtc_stun_read_response(bytes, (size_t)n, q->id, NULL, &said) || !said.success ||
        getsockname(q->fd, (struct sockaddr *)&at, &len) != 0) {
        return false;
    }
    struct rtc_addr local = media_path_of((struct sockaddr *)&at, false, 0).peer;
    rtc_addr_write_ip(&local, p->at[p->n].local);
    rtc_addr_write_ip(&said.mapped, p->at[p->n++].announced);
    return true;
}

/* Waits until then for answers; gives how many questions are open. */
static size_t wait_until(struct question *q, size_t n, int64_t until_us, struct media_places *p) {
    struct pollfd polled[FAMILIES];
    size_t open = n;
    for (int64_t left = until_us - clock_mono_us(); left > 0 && open > 0;
         left = until_us - clock_mono_us()) {
        for (size_t i = 0; i < n; i++) {
            polled[i] = (struct pollfd){ .fd = q[i].fd, .events = POLLIN };
        }
        (void)poll(polled, n, (int)(left / 1000) + 1);
        open = 0;
        for (size_t i = 0; i < n; i++) {
            if (polled[i].revents != 0 && hear(&q[i], p)) {
                close(q[i].fd);
                q[i].fd = -1;
            }
            open += q[i].fd >= 0;
        }
    }
    return open;
}

/* Who has answered when the others are asked again is enough: IPv6 often leads nowhere. */
static void ask_all(struct question *q, size_t n, struct media_places *p) {
    int64_t now_us = clock_mono_us();
    int64_t end_us = now_us + MEDIA_DISCOVER_US;
    size_t open = n;
    for (int64_t pause = FIRST_TRY_US; open > 0 && p->n == 0 && now_us < end_us; pause *= 2) {
        for (size_t i = 0; i < n; i++) {
            ask(&q[i]);
        }
        open = wait_until(q, n, now_us + pause < end_us ? now_us + pause : end_us, p);
        now_us = clock_mono_us();
    }
}

enum err media_discover(const char *server, struct media_places *ret) {
    struct question questions[FAMILIES];
    struct media_places places = { 0 };
    struct addrinfo *found = NULL;
    size_t n = 0;
    TRY(find_server(server, &found));
    for (const struct addrinfo *at = found; at != NULL && n < FAMILIES; at = at->ai_next) {
        if (n == 0 || at->ai_family != found->ai_family) { /* the best of each family */
            open_socket(&questions[n++], at);
        }
    }
    freeaddrinfo(found);
    ask_all(questions, n, &places);
    for (size_t i = 0; i < n; i++) {
        if (questions[i].fd >= 0) {
            close(questions[i].fd);
        }
    }
    if (places.n == 0) {
        return err_set(ERR_TIMEOUT,
            "rtc.discover_ip: %s did not say within %d s which address it sees us at", server,
            (int)(MEDIA_DISCOVER_US / SEC_US));
    }
    *ret = places;
    return OK;
}
