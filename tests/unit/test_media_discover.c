/* Asking for our address on the loopback, where a thread is the STUN server and says another one.
 */
#include "media/discover.h"

#include "rtc/stun.h"
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#define SEEN_AT "203.0.113.5"

struct server {
    int fd;
    int lost;      /* so many questions get no answer */
    bool stranger; /* before the answer comes one to another question */
    int asked;
};

static void answer(const struct server *s, const struct rtc_stun_request *r,
    const struct sockaddr_in *to, socklen_t len) {
    uint8_t bytes[RTC_STUN_ANSWER_MOST];
    struct rtc_addr mapped = { 0 };
    CHECK(rtc_addr_read_ip(SEEN_AT, strlen(SEEN_AT), &mapped));
    mapped.port = ntohs(to->sin_port);
    size_t n = rtc_stun_write_success(r, &mapped, "not known to who asks", bytes, sizeof(bytes));
    CHECK(sendto(s->fd, bytes, n, 0, (const struct sockaddr *)to, len) == (ssize_t)n);
}

/* Until it has answered. */
static void serve(void *arg) {
    struct server *s = arg;
    uint8_t bytes[RTC_STUN_MOST];
    const struct rtc_stun_cred nobody = { .local = "", .password = "" };
    while (s->asked <= s->lost) {
        struct rtc_stun_request r = { 0 };
        struct sockaddr_in from;
        socklen_t len = sizeof(from);
        ssize_t n = recvfrom(s->fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &len);
        if (n <= 0) {
            return;
        }
        /* Without credentials: STUN, but none of ICE. */
        CHECK_INT(RTC_STUN_BAD_REQUEST, rtc_stun_check(bytes, (size_t)n, &nobody, &r));
        if (s->asked++ < s->lost) {
            continue;
        }
        if (s->stranger) {
            struct rtc_stun_request other = r;
            other.id[0] ^= 1;
            answer(s, &other, &from, len);
        }
        answer(s, &r, &from, len);
    }
}

static int listen_here(char *ret_url, size_t size) {
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);
    const struct timeval patience = { .tv_sec = 60 };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0);
    CHECK(bind(fd, (struct sockaddr *)&at, len) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&at, &len) == 0);
    snprintf(ret_url, size, "stun:127.0.0.1:%u", ntohs(at.sin_port));
    return fd;
}

TEST(media_discover, is_told_how_it_is_seen) {
    static const struct {
        const char *name;
        int lost;
        bool stranger;
    } rows[] = {
        { "at once", 0, false },
        { "after a question was lost", 1, false },
        { "after an answer to another question", 0, true },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct server s = { .lost = r->lost, .stranger = r->stranger };
        struct media_places places = { 0 };
        char url[64];
        uv_thread_t thread;
        s.fd = listen_here(url, sizeof(url));
        CHECK(uv_thread_create(&thread, serve, &s) == 0);
        CHECK_ERR(OK, media_discover(url, &places));
        CHECK(uv_thread_join(&thread) == 0);
        CHECK_INT(1, places.n);
        CHECK_STR("127.0.0.1", places.at[0].local);
        CHECK_STR(SEEN_AT, places.at[0].announced);
        close(s.fd);
    }
}

TEST(media_discover, asks_stun_servers_alone) {
    struct media_places places = { 0 };
    CHECK_ERR(ERR_INVALID, media_discover("turn:127.0.0.1:3478", &places));
    CHECK_INT(0, places.n);
}
