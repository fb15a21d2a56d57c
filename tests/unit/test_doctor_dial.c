/* Names of listeners: who reaches them, and what a failed connect means. */
#include "doctor/dial.h"

#include "core/clock.h"
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

TEST(doctor_dial, tells_who_reaches_a_listener) {
    static const struct {
        const char *name;
        enum doctor_exposure want;
    } rows[] = {
        { "127.0.0.1:8090", DOCTOR_EXPOSED_HOST },
        { "127.8.9.1:8090", DOCTOR_EXPOSED_HOST },
        { "[::1]:8090", DOCTOR_EXPOSED_HOST },
        { "unix:/run/parley/private.sock", DOCTOR_EXPOSED_HOST },
        { "10.1.2.3:8090", DOCTOR_EXPOSED_NETWORK },
        { "172.31.255.1:1", DOCTOR_EXPOSED_NETWORK },
        { "192.168.0.1:8090", DOCTOR_EXPOSED_NETWORK },
        { "100.127.0.1:8090", DOCTOR_EXPOSED_NETWORK },
        { "[fd00::1]:8090", DOCTOR_EXPOSED_NETWORK },
        { "[fe80::1]:8090", DOCTOR_EXPOSED_NETWORK },
        { "0.0.0.0:8090", DOCTOR_EXPOSED_ALL },
        { "[::]:8090", DOCTOR_EXPOSED_ALL },
        { "172.32.0.1:8090", DOCTOR_EXPOSED_ALL },
        { "100.128.0.1:8090", DOCTOR_EXPOSED_ALL },
        { "198.51.100.7:8090", DOCTOR_EXPOSED_ALL },
        { "[2001:db8::1]:8090", DOCTOR_EXPOSED_ALL },
        { "nonsense", DOCTOR_EXPOSED_ALL },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK_INT(r->want, doctor_exposure_of(r->name));
    }
}

TEST(doctor_dial, tells_firewalls_from_programs) {
    static const struct {
        const char *name;
        int error;
        bool local;
        enum doctor_dial want;
    } rows[] = {
        { "fine", 0, false, DOCTOR_DIAL_OK },
        { "nobody listens", ECONNREFUSED, false, DOCTOR_DIAL_REFUSED },
        { "nobody listens any more", ECONNREFUSED, true, DOCTOR_DIAL_REFUSED },
        { "dropped", ETIMEDOUT, false, DOCTOR_DIAL_SILENT },
        { "queue full", EAGAIN, true, DOCTOR_DIAL_SILENT },
        { "rejected", EHOSTUNREACH, false, DOCTOR_DIAL_REJECTED },
        { "no way", ENETUNREACH, false, DOCTOR_DIAL_REJECTED },
        { "forbidden", EACCES, false, DOCTOR_DIAL_REJECTED },
        { "no socket", ENOENT, true, DOCTOR_DIAL_MISSING },
        { "not ours", EACCES, true, DOCTOR_DIAL_MISSING },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK_INT(r->want, doctor_dial_of(r->error, r->local));
    }
}

/* A port of the loopback; listens unless `silent`. */
static int open_port(bool listens, int *ret_port) {
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_INT(0, bind(fd, (struct sockaddr *)&at, sizeof(at)));
    CHECK_INT(0, getsockname(fd, (struct sockaddr *)&at, &len));
    CHECK_INT(0, listens ? listen(fd, 1) : 0);
    *ret_port = ntohs(at.sin_port);
    return fd;
}

TEST(doctor_dial, connects_to_what_listens) {
    int open_at, closed_at;
    int open_fd = open_port(true, &open_at), closed_fd = open_port(false, &closed_at);
    const struct {
        const char *format;
        int port;
        enum doctor_dial want;
    } rows[] = {
        { "127.0.0.1:%d", open_at, DOCTOR_DIAL_OK },
        { "0.0.0.0:%d", open_at, DOCTOR_DIAL_OK },
        { "127.0.0.1:%d", closed_at, DOCTOR_DIAL_REFUSED },
        { "unix:/nonexistent/%d.sock", open_at, DOCTOR_DIAL_MISSING },
    };
    FOR_ROWS (rows, r) {
        char name[64];
        enum doctor_dial got;
        const char *why;
        snprintf(name, sizeof(name),
            r->format[0] == 'u'   ? "unix:/nonexistent/%d.sock"
            : r->format[0] == '0' ? "0.0.0.0:%d"
                                  : "127.0.0.1:%d",
            r->port);
        ROW(name);
        CHECK_ERR(OK, doctor_dial_listener(name, 10 * SEC_US, &got, &why));
        CHECK_INT(r->want, got);
    }
    close(open_fd);
    close(closed_fd);
}

TEST(doctor_dial, refuses_what_is_no_listener) {
    static const char *const rows[] = { "", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "host:1",
        "[::1:1", "[]:1", "]:1", ":1", "[:1",
        "unix:/a-path-that-is-too-long/"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "127.0.0.1.127.0.0.1.127.0.0.1.127.0.0.1.127.0.0.1.127.0.0.1:1" };
    FOR_ROWS (rows, r) {
        enum doctor_dial got;
        const char *why;
        ROW(*r);
        CHECK_ERR(ERR_INVALID, doctor_dial_listener(*r, SEC_US, &got, &why));
    }
}
