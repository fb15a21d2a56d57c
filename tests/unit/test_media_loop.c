/* The thread of a worker over real sockets: it turns when something comes and when it is woken. */
#include "media/loop.h"

#include "media/transport.h"
#include "rtc/stun.h"

#include "test.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 5000

struct world {
    struct rtc_dtls_ctx *dtls;
    struct media_loop *loop;
    struct media_loop_config cfg;
    atomic_uint turns;
};

static void end_of_turn(void *arg, int64_t now_us) {
    struct world *w = arg;
    (void)now_us;
    atomic_fetch_add(&w->turns, 1);
}

static void no_messages(void *arg, int64_t now_us) {
    (void)arg;
    (void)now_us;
}

static void no_state(void *owner, enum media_state state, enum media_end end) {
    (void)owner;
    (void)state;
    (void)end;
}

static void world_finish(struct world *w) {
    media_loop_destroy(w->loop);
    rtc_seal_destroy(w->cfg.worker.seal);
    rtc_dtls_ctx_destroy(w->dtls);
}

static enum err world_init(struct world *w) {
    TRY(rtc_dtls_ctx_create(&w->dtls));
    TRY(rtc_seal_create("evp", &w->cfg.worker.seal));
    w->cfg.worker.packets_bytes = MIB;
    w->cfg.worker.dtls = w->dtls;
    w->cfg.worker.hooks = (struct media_hooks){
        .messages = no_messages, .state = no_state, .end_of_turn = end_of_turn
    };
    w->cfg.worker.hooks_arg = w;
    return OK;
}

/* On this address; the seal is the loop's when that went well. */
static enum err open_loop(struct world *w, const char *const *addresses, size_t n) {
    w->cfg.addresses = addresses;
    w->cfg.n_addresses = n;
    TRY(media_loop_create(&w->cfg, &w->loop));
    w->cfg.worker.seal = NULL;
    return OK;
}

TEST(media_loop, refuses_addresses_with_a_sentence) {
    static const struct {
        const char *name;
        const char *addresses[MEDIA_ADDRESSES_MAX + 1];
        size_t n;
        const char *text;
    } rows[] = {
        { "none", { NULL }, 0, "1 to 8 addresses" },
        { "too many", { "127.0.0.1" }, MEDIA_ADDRESSES_MAX + 1, "1 to 8 addresses" },
        { "a name", { "localhost" }, 1, "localhost" },
        { "somebody else's", { "127.0.0.1", "192.0.2.1" }, 2, "192.0.2.1" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CLEANUP(world_finish) struct world w = { 0 };
        CHECK_ERR(OK, world_init(&w));
        CHECK(open_loop(&w, r->addresses, r->n) != OK);
        CHECK(strstr(err_text(), r->text) != NULL);
        CHECK(w.loop == NULL);
    }
}

TEST_ALLOC(media_loop, ends_without_having_begun) {
    static const char *const address[] = { "127.0.0.1" };
    CLEANUP(world_finish) struct world w = { 0 };
    TRY(world_init(&w));
    TRY(open_loop(&w, address, 1));
    CHECK(media_loop_udp_port(w.loop, 0) != 0);
    CHECK(media_loop_tcp_port(w.loop, 0) != 0);
    media_loop_stop(w.loop);
    return OK;
}

static int socket_to(const struct world *w) {
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in to = { .sin_family = AF_INET,
        .sin_port = htons(media_loop_udp_port(w->loop, 0)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0);
    return fd;
}

/* Bytes of what comes within the time; 0 = nothing. */
static size_t receive(int fd, uint8_t *bytes, size_t cap) {
    struct pollfd p = { .fd = fd, .events = POLLIN };
    ssize_t n = poll(&p, 1, PATIENCE_MS) == 1 ? recv(fd, bytes, cap, 0) : 0;
    return n > 0 ? (size_t)n : 0;
}

TEST(media_loop, answers_checks_and_drops_what_is_nothing) {
    static const char *const address[] = { "127.0.0.1" };
    static const uint8_t nothing[] = { 0xff, 1, 2, 3 }, too_long[PKT_DATAGRAM + 1] = { 0xff };
    CLEANUP(world_finish) struct world w = { 0 };
    struct media_transport *t = NULL;
    struct rtc_ice_cred cred;
    rtc_ice_cred_make(&cred);
    CHECK_ERR(OK, world_init(&w));
    CHECK_ERR(OK, open_loop(&w, address, 1));
    CHECK_ERR(OK, media_transport_create(media_loop_worker(w.loop), &cred, NULL, &t));
    CHECK_ERR(OK, media_loop_start(w.loop));

    int fd = socket_to(&w);
    uint8_t bytes[512];
    struct rtc_stun_response answer = { 0 };
    struct rtc_stun_ask ask = { .local = "peer",
        .remote = cred.ufrag,
        .password = cred.pwd,
        .role = RTC_STUN_CONTROLLING,
        .priority = 1,
        .use_candidate = true };
    memset(ask.id, 7, sizeof(ask.id));
    size_t n = rtc_stun_write_request(&ask, bytes, sizeof(bytes));
    CHECK(send(fd, nothing, sizeof(nothing), 0) == sizeof(nothing));
    CHECK(send(fd, too_long, sizeof(too_long), 0) == sizeof(too_long));
    CHECK(n > 0 && send(fd, bytes, n, 0) == (ssize_t)n);
    n = receive(fd, bytes, sizeof(bytes));
    CHECK(rtc_stun_read_response(bytes, n, ask.id, cred.pwd, &answer) && answer.success);

    unsigned before = atomic_load(&w.turns);
    media_loop_wake(w.loop);
    for (int i = 0; i < PATIENCE_MS && atomic_load(&w.turns) == before; i++) {
        (void)poll(NULL, 0, 1);
    }
    CHECK(atomic_load(&w.turns) > before);

    media_loop_stop(w.loop);
    const struct media_worker_stats *stats = &media_loop_worker(w.loop)->stats;
    CHECK_INT(2, stats->packets);
    CHECK_INT(1, stats->drops[MEDIA_DROP_KIND]);
    CHECK_INT(1, stats->drops[MEDIA_DROP_TOO_LONG]);
    media_transport_destroy(t);
    close(fd);
}
