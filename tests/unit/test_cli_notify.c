/* The packets a service manager gets, read from a socket of our own. */
#include "cli/notify.h"

#include "test.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PACKET_MAX 512

static char folder[] = "/tmp/test_cli_notify_XXXXXX";
static char path[64];

/* Listens where `name` says ("/path" or "@abstract"). */
static int listen_at(const char *name) {
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    memcpy(a.sun_path, name, strlen(name));
    if (name[0] == '@') {
        a.sun_path[0] = '\0';
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t len =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name) + (name[0] == '/'));
    CHECK(fd >= 0 && bind(fd, (const struct sockaddr *)&a, len) == 0);
    return fd;
}

static const char *packet(int fd) {
    static char text[PACKET_MAX];
    ssize_t n = recv(fd, text, sizeof(text) - 1, 0);
    text[n < 0 ? 0 : n] = '\0';
    return text;
}

static void make_path(void) {
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof(path), "%s/s", folder);
}

static void remove_path(void) {
    unlink(path);
    rmdir(folder);
    memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
}

static void ready(struct cli_notify *n) {
    cli_notify_ready(n);
}
static void reloading(struct cli_notify *n) {
    cli_notify_reloading(n, 4711);
}
static void extend(struct cli_notify *n) {
    cli_notify_extend(n, 90000000);
}
static void stopping(struct cli_notify *n) {
    cli_notify_stopping(n);
}
static void status(struct cli_notify *n) {
    cli_notify_status(n, "waiting for the database");
}
static void injected(struct cli_notify *n) {
    cli_notify_status(n, "a\nSTOPPING=1");
}

static const struct {
    const char *name;
    void (*say)(struct cli_notify *n);
    const char *want;
} packets[] = {
    { "ready", ready, "READY=1" },
    { "reloading", reloading, "RELOADING=1\nMONOTONIC_USEC=4711" },
    { "stopping", stopping, "STOPPING=1" },
    { "more time", extend, "EXTEND_TIMEOUT_USEC=90000000" },
    { "status", status, "STATUS=waiting for the database" },
    { "a status of two lines", injected, "STATUS=a STOPPING=1" },
};

static void check_packets(const char *name) {
    int fd = listen_at(name);
    CLEANUP(cli_notify_destroyp) struct cli_notify *n = NULL;
    CHECK_ERR(OK, cli_notify_open(name, &n));
    FOR_ROWS (packets, r) {
        ROW(r->name);
        r->say(n);
        CHECK_STR(r->want, packet(fd));
    }
    close(fd);
}

TEST(cli_notify, sends_one_packet_a_message) {
    make_path();
    check_packets(path);
    remove_path();
}

TEST(cli_notify, knows_abstract_sockets) {
    char name[64];
    snprintf(name, sizeof(name), "@parley-test-%d", (int)getpid());
    check_packets(name);
}

TEST(cli_notify, is_silent_without_a_manager) {
    static const char *const names[] = { NULL, "" };
    FOR_ROWS (names, name) {
        CLEANUP(cli_notify_destroyp) struct cli_notify *n = NULL;
        CHECK_ERR(OK, cli_notify_open(*name, &n));
        FOR_ROWS (packets, r) {
            r->say(n);
        }
    }
}

TEST(cli_notify, refuses_what_is_no_socket) {
    char long_name[200];
    memset(long_name, 'a', sizeof(long_name));
    long_name[0] = '/';
    long_name[sizeof(long_name) - 1] = '\0';
    struct cli_notify *n;
    CHECK_ERR(ERR_INVALID, cli_notify_open("vsock:2:1234", &n));
    CHECK_ERR(ERR_INVALID, cli_notify_open(long_name, &n));
    CHECK_ERR(ERR_IO, cli_notify_open("/nowhere/at/all", &n));
}

TEST(cli_notify, survives_a_manager_that_left) {
    make_path();
    int fd = listen_at(path);
    CLEANUP(cli_notify_destroyp) struct cli_notify *n = NULL;
    CHECK_ERR(OK, cli_notify_open(path, &n));
    close(fd);
    cli_notify_ready(n);
    remove_path();
}

static void stop_loop(uv_timer_t *t) {
    cli_notify_destroy(t->data);
    uv_close((uv_handle_t *)t, NULL);
}

TEST(cli_notify, feeds_the_watchdog) {
    make_path();
    int fd = listen_at(path);
    struct cli_notify *n;
    setenv("NOTIFY_SOCKET", path, 1);
    setenv("WATCHDOG_USEC", "20000", 1);
    CHECK_ERR(OK, cli_notify_create(&n));
    uv_loop_t loop;
    uv_timer_t timer;
    uv_loop_init(&loop);
    cli_notify_watch(n, &loop);
    uv_timer_init(&loop, &timer);
    timer.data = n;
    uv_timer_start(&timer, stop_loop, 1000, 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&loop));
    CHECK_STR("WATCHDOG=1", packet(fd));
    CHECK_STR("WATCHDOG=1", packet(fd));
    close(fd);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    remove_path();
}

TEST(cli_notify, feeds_no_watchdog_of_another_process) {
    make_path();
    int fd = listen_at(path);
    struct cli_notify *n;
    setenv("NOTIFY_SOCKET", path, 1);
    setenv("WATCHDOG_USEC", "20000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    CHECK_ERR(OK, cli_notify_create(&n));
    uv_loop_t loop;
    uv_loop_init(&loop);
    cli_notify_watch(n, &loop);
    CHECK_INT(0, uv_loop_alive(&loop));
    cli_notify_destroy(n);
    CHECK_INT(0, uv_loop_close(&loop));
    CHECK_STR("", packet(fd));
    close(fd);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    remove_path();
}

TEST_ALLOC(cli_notify, survives_no_memory) {
    CLEANUP(cli_notify_destroyp) struct cli_notify *n = NULL;
    TRY(cli_notify_open(NULL, &n));
    return OK;
}
