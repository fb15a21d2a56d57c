/*
 * Clients of a token service (tools/bench/focus): so many keep-alive connections, each of which
 * asks again as soon as it was answered.
 *
 *     token_load <address> <port> <old|hashed> <server name> <connections> <requests> <token>
 * <tokens>
 *
 * OpenID tokens are <token>-0, <token>-1, … in turn, <tokens> of them: as many as requests, and
 * none is seen twice. Prints one line of JSON: seconds, tokens a second, and microseconds from the
 * request to its whole answer (median, 99th percentile, worst). Any answer but 200 ends it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64 /* as many as Parley lets wait for a homeserver of a stranger's */
#define REQUESTS_MAX    1000000
#define TEXT_MAX        8192

struct connection {
    long asked_ns;
    size_t len;
    char answer[TEXT_MAX];
};

static struct connection connections[CONNECTIONS_MAX];
static struct pollfd polls[CONNECTIONS_MAX];
static uint32_t took_us[REQUESTS_MAX];

static struct {
    struct sockaddr_in at;
    bool hashed;
    const char *server, *token;
    long n_connections, requests, tokens;
    long asked, answered;
} load;

static void die(const char *what, const char *why) {
    fprintf(stderr, "token_load: %s: %s\n", what, why);
    exit(1);
}

static long now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000L + t.tv_nsec;
}

/* --- asking --- */

/* As FluffyChat and Element Call ask. */
static int write_body(char *to, size_t size, long token) {
    char openid[512];
    snprintf(openid, sizeof(openid),
        "{\"access_token\":\"%s-%ld\",\"token_type\":\"Bearer\",\"matrix_server_name\":\"%s\","
        "\"expires_in\":3600}",
        load.token, token, load.server);
    if (!load.hashed) {
        return snprintf(to, size,
            "{\"room\":\"!bench:%s\",\"openid_token\":%s,\"device_id\":\"DEVICE\"}", load.server,
            openid);
    }
    return snprintf(to, size,
        "{\"room_id\":\"!bench:%s\",\"slot_id\":\"m.call#ROOM\",\"openid_token\":%s,\"member\":{"
        "\"id\":\"member\",\"claimed_user_id\":\"@%s-%ld:%s\",\"claimed_device_id\":\"DEVICE\"}}",
        load.server, openid, load.token, token, load.server);
}

static void ask(size_t i) {
    char body[2048];
    char text[4096];
    int n = write_body(body, sizeof(body), load.asked % load.tokens);
    int len = snprintf(text, sizeof(text),
        "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Content-Length: %d\r\n\r\n%s",
        load.hashed ? "/get_token" : "/sfu/get", n, body);
    load.asked++;
    connections[i].len = 0;
    connections[i].asked_ns = now_ns();
    if (send(polls[i].fd, text, (size_t)len, MSG_NOSIGNAL) != len) {
        die("send", strerror(errno));
    }
}

static void open_connection(size_t i) {
    polls[i] = (struct pollfd){ .fd = socket(AF_INET, SOCK_STREAM, 0), .events = POLLIN };
    if (polls[i].fd < 0 ||
        connect(polls[i].fd, (const struct sockaddr *)&load.at, sizeof(load.at)) != 0) {
        die("connect", strerror(errno));
    }
    setsockopt(polls[i].fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
}

/* --- answers --- */

/* Is the answer whole? */
static bool whole(const char *answer, size_t len) {
    static const char field[] = "\r\ncontent-length:";
    const char *end = strstr(answer, "\r\n\r\n");
    if (end == NULL) {
        return false;
    }
    for (const char *line = answer; line < end; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line, field, sizeof(field) - 1) == 0) {
            size_t n = strtoul(line + sizeof(field) - 1, NULL, 10);
            return len >= (size_t)(end + 4 - answer) + n;
        }
    }
    return strcmp(answer + len - 5, "0\r\n\r\n") == 0; /* in chunks */
}

static void check(const char *answer) {
    if (strncmp(answer, "HTTP/1.1 200", 12) != 0 || strstr(answer, "\"jwt\"") == NULL) {
        die("refused", answer);
    }
}

static void take(size_t i) {
    struct connection *c = &connections[i];
    ssize_t n = recv(polls[i].fd, c->answer + c->len, sizeof(c->answer) - 1 - c->len, 0);
    if (n <= 0) {
        die("receive", n == 0 ? "the connection was closed" : strerror(errno));
    }
    c->len += (size_t)n;
    c->answer[c->len] = '\0';
    if (!whole(c->answer, c->len)) {
        return;
    }
    took_us[load.answered] = (uint32_t)((now_ns() - c->asked_ns) / 1000);
    load.answered++;
    check(c->answer);
    if (load.asked < load.requests) {
        ask(i);
    }
}

static double run(void) {
    long start = now_ns();
    for (size_t i = 0; i < (size_t)load.n_connections && load.asked < load.requests; i++) {
        ask(i);
    }
    while (load.answered < load.requests) {
        if (poll(polls, (nfds_t)load.n_connections, 30000) <= 0) {
            die("poll", "no answer for 30 s");
        }
        for (size_t i = 0; i < (size_t)load.n_connections; i++) {
            if (polls[i].revents != 0) {
                take(i);
            }
        }
    }
    return (double)(now_ns() - start) / 1e9;
}

/* --- the figures --- */

static int compare(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static long number(const char *text, long max) {
    long n = strtol(text, NULL, 10);
    if (n < 1 || n > max) {
        die("out of bounds", text);
    }
    return n;
}

int main(int argc, char **argv) {
    if (argc != 9) {
        fprintf(stderr,
            "usage: token_load <address> <port> <old|hashed> <server name> <connections>"
            " <requests> <token> <tokens>\n");
        return 2;
    }
    load.at = (struct sockaddr_in){ .sin_family = AF_INET,
        .sin_port = htons((uint16_t)number(argv[2], 65535)) };
    if (inet_pton(AF_INET, argv[1], &load.at.sin_addr) != 1) {
        die("no IPv4 address", argv[1]);
    }
    load.hashed = strcmp(argv[3], "hashed") == 0;
    load.server = argv[4];
    load.n_connections = number(argv[5], CONNECTIONS_MAX);
    load.requests = number(argv[6], REQUESTS_MAX);
    load.token = argv[7];
    load.tokens = number(argv[8], REQUESTS_MAX);
    for (size_t i = 0; i < (size_t)load.n_connections; i++) {
        open_connection(i);
    }
    double seconds = run();
    size_t n = (size_t)load.requests;
    qsort(took_us, n, sizeof(took_us[0]), compare);
    printf("{\"seconds\": %.6f, \"tokens_per_second\": %.1f, \"p50_us\": %u, \"p99_us\": %u, "
           "\"worst_us\": %u}\n",
        seconds, (double)n / seconds, took_us[n / 2], took_us[n * 99 / 100], took_us[n - 1]);
    return 0;
}
