/* One connect with a deadline, and what its errno means. */
#include "doctor/dial.h"

#include "core/clock.h"
#include "core/mem.h"
#include "http/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define UNIX_PREFIX "unix:"
#define PORT_MAX    65535

struct target {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un local;
    } at;
    socklen_t len;
};

/* --- names --- */

static bool is_unix(const char *name) {
    return strncmp(name, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0;
}

static bool unix_target(const char *path, struct target *t) {
    t->at.local.sun_family = AF_UNIX;
    t->len = sizeof(t->at.local);
    if (strlen(path) >= sizeof(t->at.local.sun_path)) {
        return false;
    }
    memcpy(t->at.local.sun_path, path, strlen(path) + 1);
    return true;
}

/* Somebody who listens everywhere listens on the loopback too. */
static bool tcp_target(const char *name, struct target *t) {
    const char *colon = strrchr(name, ':');
    char host[HTTP_ADDRESS_TEXT_SIZE + 2] = "";
    if (colon == NULL || (size_t)(colon - name) >= sizeof(host)) {
        return false;
    }
    long port = strtol(colon + 1, NULL, 10);
    bool v6 = name[0] == '[';
    if (port <= 0 || port > PORT_MAX || (v6 && (colon - name < 2 || colon[-1] != ']'))) {
        return false;
    }
    size_t n = (size_t)(colon - name) - (v6 ? 2 : 0);
    memcpy(host, name + (v6 ? 1 : 0), n);
    if (v6) {
        t->at.v6 =
            (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
        t->len = sizeof(t->at.v6);
        return inet_pton(AF_INET6, strcmp(host, "::") == 0 ? "::1" : host, &t->at.v6.sin6_addr) ==
               1;
    }
    t->at.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    t->len = sizeof(t->at.v4);
    return inet_pton(
               AF_INET, strcmp(host, "0.0.0.0") == 0 ? "127.0.0.1" : host, &t->at.v4.sin_addr) == 1;
}

/* --- reaching --- */

enum doctor_dial doctor_dial_of(int error, bool local) {
    switch (error) {
    case 0:
        return DOCTOR_DIAL_OK;
    case ECONNREFUSED:
        return DOCTOR_DIAL_REFUSED;
    case ETIMEDOUT:
    case EAGAIN: /* a unix socket whose queue is full */
        return DOCTOR_DIAL_SILENT;
    default: /* TCP: EHOSTUNREACH, ENETUNREACH, EACCES, EPERM … */
        return local ? DOCTOR_DIAL_MISSING : DOCTOR_DIAL_REJECTED;
    }
}

/* The errno of the connect. */
static int wait_for(int fd, int64_t timeout_us) {
    struct pollfd p = { .fd = fd, .events = POLLOUT };
    int64_t until_us = clock_mono_us() + timeout_us;
    int n;
    do {
        int64_t left_ms = (until_us - clock_mono_us()) / (SEC_US / SEC_MS);
        n = poll(&p, 1, left_ms > 0 ? (int)left_ms : 0);
    } while (n < 0 && errno == EINTR);
    int error = n == 0 ? ETIMEDOUT : errno;
    socklen_t len = sizeof(error);
    if (n > 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0) {
        error = errno;
    }
    return error;
}

/* Gives the errno of the connect. */
static enum err dial(const struct sockaddr *at, socklen_t len, int64_t timeout_us, int *ret_error) {
    int fd = socket(at->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return err_set(ERR_IO, "no socket: %s", strerror(errno));
    }
    int error = connect(fd, at, len) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
        error = wait_for(fd, timeout_us);
    }
    close(fd);
    *ret_error = error;
    return OK;
}

enum err doctor_dial_address(
    const struct sockaddr *at, socklen_t len, int64_t timeout_us, enum doctor_dial *ret) {
    int error = 0;
    TRY(dial(at, len, timeout_us, &error));
    *ret = doctor_dial_of(error, false);
    return OK;
}

enum err doctor_dial_listener(
    const char *name, int64_t timeout_us, enum doctor_dial *ret, const char **ret_why) {
    struct target t = { .len = 0 };
    bool fine = is_unix(name) ? unix_target(name + strlen(UNIX_PREFIX), &t) : tcp_target(name, &t);
    if (!fine) {
        return err_set(ERR_INVALID, "\"%s\" is no address and port, or unix:/path", name);
    }
    int error = 0;
    TRY(dial(&t.at.any, t.len, timeout_us, &error));
    *ret = doctor_dial_of(error, is_unix(name));
    *ret_why = strerror(error);
    return OK;
}

/* --- exposure --- */

static bool within(const struct http_address *a, const char *const *blocks, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct http_block b;
        if (http_block_read(blocks[i], &b) == OK && http_block_has(&b, a)) {
            return true;
        }
    }
    return false;
}

enum doctor_exposure doctor_exposure_of(const char *name) {
    static const char *const host[] = { "127.0.0.0/8", "::1" };
    static const char *const network[] = { "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
        "100.64.0.0/10", "169.254.0.0/16", "fc00::/7", "fe80::/10" };
    struct http_address a;
    if (is_unix(name)) {
        return DOCTOR_EXPOSED_HOST;
    }
    if (!http_address_read(name, strlen(name), &a)) {
        return DOCTOR_EXPOSED_ALL;
    }
    if (within(&a, host, COUNT_OF(host))) {
        return DOCTOR_EXPOSED_HOST;
    }
    return within(&a, network, COUNT_OF(network)) ? DOCTOR_EXPOSED_NETWORK : DOCTOR_EXPOSED_ALL;
}
