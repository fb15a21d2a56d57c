/* A connected datagram socket and a timer. */
#include "cli/notify.h"

#include "core/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MESSAGE_MAX 256 /* bytes; our messages are short, a status line is cut */

struct cli_notify {
    int fd;              /* -1 = nobody listens */
    int64_t watchdog_us; /* 0 = not expected */
    uv_timer_t timer;
    bool watching;
    bool closing;
    bool orphaned; /* destroyed while the timer closes: its callback frees */
};

static enum err connect_to(const char *name, int *ret) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t n = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || n >= sizeof(address.sun_path)) {
        return err_set(ERR_INVALID,
            "NOTIFY_SOCKET must be a path or an @abstract name of at most %zu bytes",
            sizeof(address.sun_path) - 1);
    }
    memcpy(address.sun_path, name, n);
    if (name[0] == '@') {
        address.sun_path[0] = '\0';
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return err_set(ERR_IO, "cannot open a socket for NOTIFY_SOCKET: %s", strerror(errno));
    }
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (name[0] == '/'));
    if (connect(fd, (const struct sockaddr *)&address, len) != 0) {
        int reason = errno;
        close(fd);
        return err_set(ERR_IO, "cannot reach NOTIFY_SOCKET: %s", strerror(reason));
    }
    *ret = fd;
    return OK;
}

enum err cli_notify_open(const char *socket_name, struct cli_notify **ret) {
    CLEANUP(cli_notify_destroyp) struct cli_notify *n = mem_zalloc(sizeof(*n));
    if (n == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    n->fd = -1;
    if (socket_name != NULL && socket_name[0] != '\0') {
        TRY(connect_to(socket_name, &n->fd));
    }
    *ret = STEAL(n);
    return OK;
}

/* How often the manager wants to hear from us, when it means this process (sd_watchdog_enabled(3)).
 */
static int64_t watchdog_from_environment(void) {
    const char *pid = getenv("WATCHDOG_PID");
    const char *us = getenv("WATCHDOG_USEC");
    bool ours = pid == NULL || strtoll(pid, NULL, 10) == (long long)getpid();
    int64_t n = us == NULL || !ours ? 0 : strtoll(us, NULL, 10);
    return n > 0 ? n : 0;
}

enum err cli_notify_create(struct cli_notify **ret) {
    struct cli_notify *n;
    TRY(cli_notify_open(getenv("NOTIFY_SOCKET"), &n));
    n->watchdog_us = watchdog_from_environment();
    *ret = n;
    return OK;
}

static void timer_closed(uv_handle_t *h) {
    struct cli_notify *n = h->data;
    n->watching = false;
    n->closing = false;
    if (n->orphaned) {
        mem_free(n);
    }
}

void cli_notify_unwatch(struct cli_notify *n) {
    if (n->watching && !n->closing) {
        n->closing = true;
        uv_close((uv_handle_t *)&n->timer, timer_closed);
    }
}

void cli_notify_destroy(struct cli_notify *n) {
    if (n == NULL) {
        return;
    }
    if (n->fd >= 0) {
        close(n->fd);
        n->fd = -1;
    }
    if (n->watching) {
        n->orphaned = true;
        cli_notify_unwatch(n);
    } else {
        mem_free(n);
    }
}

void cli_notify_destroyp(struct cli_notify **n) {
    cli_notify_destroy(*n);
}

static void say(struct cli_notify *n, const char *message) {
    if (n->fd >= 0) {
        /* The manager's queue being full, or the manager gone, must not stop a call server. */
        ssize_t sent = send(n->fd, message, strlen(message), MSG_NOSIGNAL);
        (void)sent;
    }
}

void cli_notify_ready(struct cli_notify *n) {
    say(n, "READY=1");
}

void cli_notify_reloading(struct cli_notify *n, int64_t mono_us) {
    char message[MESSAGE_MAX];
    snprintf(message, sizeof(message), "RELOADING=1\nMONOTONIC_USEC=%" PRId64, mono_us);
    say(n, message);
}

void cli_notify_stopping(struct cli_notify *n) {
    say(n, "STOPPING=1");
}

void cli_notify_extend(struct cli_notify *n, int64_t us) {
    char message[MESSAGE_MAX];
    snprintf(message, sizeof(message), "EXTEND_TIMEOUT_USEC=%" PRId64, us);
    say(n, message);
}

void cli_notify_status(struct cli_notify *n, const char *line) {
    char message[MESSAGE_MAX];
    snprintf(message, sizeof(message), "STATUS=%s", line);
    /* A line feed would begin another assignment. */
    for (char *c = message; *c != '\0'; c++) {
        *c = *c == '\n' ? ' ' : *c;
    }
    say(n, message);
}

static void on_timer(uv_timer_t *t) {
    say(t->data, "WATCHDOG=1");
}

void cli_notify_watch(struct cli_notify *n, uv_loop_t *loop) {
    if (n->fd < 0 || n->watchdog_us == 0 || n->watching || uv_timer_init(loop, &n->timer) != 0) {
        return;
    }
    n->watching = true;
    n->timer.data = n;
    uint64_t half_ms = (uint64_t)(n->watchdog_us / 2 / 1000);
    half_ms = half_ms == 0 ? 1 : half_ms;
    uv_timer_start(&n->timer, on_timer, half_ms, half_ms);
}
