/* Reading a TURN address, and asking the server behind it. */
#include "doctor/turn.h"

#include "core/clock.h"
#include "core/crypto.h"
#include "core/mem.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_TRY_US    (SEC_US / 2) /* RFC 8489, 6.2.1: RTO; twice as long after each try */
#define TURN_PORT       3478         /* RFC 8656, 3.1 */
#define TURNS_PORT      5349
#define HOST_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:"
#define STUN_BINDING    0x0001
#define STUN_MASK       0xfeef /* what is left of a type without its class */
#define STUN_ANSWER     0x0100 /* of an answer: success, and with 0x0010 error */
#define MAGIC           "\x21\x12\xa4\x42"

/* --- addresses --- */

static bool starts(const char *s, const char *prefix, const char **ret_rest) {
    size_t n = strlen(prefix);
    *ret_rest = s + n;
    return strncmp(s, prefix, n) == 0;
}

/* "host", "host:port", "[v6]:port"; `n` bytes. */
static enum err read_host(const char *s, size_t n, struct doctor_turn *t) {
    bool v6 = n > 0 && s[0] == '[';
    const char *end = v6 ? memchr(s, ']', n) : memchr(s, ':', n);
    if (v6 && end == NULL) {
        return err_set(ERR_INVALID, "an IPv6 address ends with ]");
    }
    size_t host = end == NULL ? n : (size_t)(end - s);
    const char *name = v6 ? s + 1 : s;
    size_t len = v6 ? host - 1 : host;
    const char *port = s + host + (v6 ? 1 : 0);
    size_t port_len = n - (size_t)(port - s);
    if (len == 0 || len >= sizeof(t->host)) {
        return err_set(ERR_INVALID, "it names no host");
    }
    memcpy(t->host, name, len);
    t->host[len] = '\0';
    if (strspn(t->host, HOST_CHARACTERS) != len) {
        return err_set(ERR_INVALID, "its host is no name and no address");
    }
    if (port_len == 0) {
        return OK;
    }
    char *stop = NULL;
    long number = port[0] == ':' && port_len > 1 ? strtol(port + 1, &stop, 10) : 0;
    if (number < 1 || number > UINT16_MAX || stop != port + port_len) {
        return err_set(ERR_INVALID, "its port is no number from 1 to 65535");
    }
    t->port = (uint16_t)number;
    return OK;
}

enum err doctor_turn_read(const char *uri, struct doctor_turn *ret) {
    const char *rest;
    bool tls = starts(uri, "turns:", &rest);
    if (!tls && !starts(uri, "turn:", &rest)) {
        return err_set(ERR_INVALID, "it begins neither with turn: nor with turns:");
    }
    const char *query = strchr(rest, '?');
    size_t n = query == NULL ? strlen(rest) : (size_t)(query - rest);
    *ret = (struct doctor_turn){ .tcp = tls, .port = tls ? TURNS_PORT : TURN_PORT };
    TRY(read_host(rest, n, ret));
    if (query != NULL && strcmp(query, "?transport=udp") == 0) {
        ret->tcp = false;
    } else if (query != NULL && strcmp(query, "?transport=tcp") == 0) {
        ret->tcp = true;
    } else if (query != NULL) {
        return err_set(ERR_INVALID, "behind the ? stands neither transport=udp nor transport=tcp");
    }
    return OK;
}

/* --- STUN --- */

void doctor_stun_ask(const uint8_t id[DOCTOR_STUN_ID_SIZE], uint8_t ret[DOCTOR_STUN_SIZE]) {
    static const uint8_t head[] = { STUN_BINDING >> 8, STUN_BINDING, 0, 0 }; /* type, length */
    memcpy(ret, head, sizeof(head));
    memcpy(ret + 4, MAGIC, 4);
    memcpy(ret + 8, id, DOCTOR_STUN_ID_SIZE);
}

bool doctor_stun_answers(const uint8_t id[DOCTOR_STUN_ID_SIZE], const uint8_t *bytes, size_t n) {
    if (n < DOCTOR_STUN_SIZE) {
        return false;
    }
    unsigned type = (unsigned)bytes[0] << 8 | bytes[1];
    return (type & STUN_MASK) == STUN_BINDING && (type & STUN_ANSWER) != 0 &&
           memcmp(bytes + 4, MAGIC, 4) == 0 && memcmp(bytes + 8, id, DOCTOR_STUN_ID_SIZE) == 0;
}

/* --- reaching --- */

/* One question and the wait for its answer: 0, an errno, or ETIMEDOUT. */
static int ask_once(int fd, const uint8_t id[DOCTOR_STUN_ID_SIZE], int64_t wait_us) {
    uint8_t question[DOCTOR_STUN_SIZE];
    uint8_t answer[1500];
    doctor_stun_ask(id, question);
    if (send(fd, question, sizeof(question), 0) < 0) {
        return errno;
    }
    int64_t until_us = clock_mono_us() + wait_us;
    for (int64_t left_us = wait_us; left_us > 0; left_us = until_us - clock_mono_us()) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        if (poll(&p, 1, (int)(left_us / 1000) + 1) <= 0) {
            continue;
        }
        ssize_t n = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN) {
            return errno; /* ECONNREFUSED: the machine said that nobody listens */
        }
        if (n > 0 && doctor_stun_answers(id, answer, (size_t)n)) {
            return 0;
        }
    }
    return ETIMEDOUT;
}

static int ask_udp(int fd, int64_t timeout_us) {
    uint8_t id[DOCTOR_STUN_ID_SIZE];
    crypto_random(id, sizeof(id));
    int64_t until_us = clock_mono_us() + timeout_us;
    int error = ETIMEDOUT;
    for (int64_t wait_us = FIRST_TRY_US; error == ETIMEDOUT && clock_mono_us() < until_us;
         wait_us *= 2) {
        int64_t left_us = until_us - clock_mono_us();
        error = ask_once(fd, id, wait_us < left_us ? wait_us : left_us);
    }
    return error;
}

static enum err reach(const struct addrinfo *at, int64_t timeout_us, enum doctor_dial *ret) {
    if (at->ai_socktype == SOCK_STREAM) {
        return doctor_dial_address(at->ai_addr, at->ai_addrlen, timeout_us, ret);
    }
    int fd = socket(at->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return err_set(ERR_IO, "no socket: %s", strerror(errno));
    }
    int error = connect(fd, at->ai_addr, at->ai_addrlen) == 0 ? ask_udp(fd, timeout_us) : errno;
    close(fd);
    *ret = doctor_dial_of(error, false);
    return OK;
}

enum err doctor_turn_reach(const struct doctor_turn *t, int64_t timeout_us, enum doctor_dial *ret) {
    const struct addrinfo hints = { .ai_family = AF_UNSPEC,
        .ai_socktype = t->tcp ? SOCK_STREAM : SOCK_DGRAM,
        .ai_flags = AI_ADDRCONFIG };
    struct addrinfo *found = NULL;
    char port[8];
    snprintf(port, sizeof(port), "%u", t->port);
    int failed = getaddrinfo(t->host, port, &hints, &found);
    if (failed != 0) {
        return err_set(ERR_NOT_FOUND, "%s: %s", t->host, gai_strerror(failed));
    }
    enum err e = OK;
    *ret = DOCTOR_DIAL_SILENT;
    for (const struct addrinfo *at = found; at != NULL; at = at->ai_next) {
        e = reach(at, timeout_us, ret);
        if (e == OK && *ret == DOCTOR_DIAL_OK) {
            break;
        }
    }
    freeaddrinfo(found);
    return e;
}
