/* The SFU as it runs: threads, real sockets over loopback, peers by UDP and by TCP. */
#include "connection.h"
#include "media/path.h"
#include "rtc/tcp_frame.h"
#include "sfu/control.h"
#include "sink.h"
#include "source.h"
#include "unit/test.h"

#include "core/mem.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define ENDS_MAX 8
#define PATIENCE 2000 /* rounds of 10 ms: ten times what the slowest machine needs */
#define LOOPBACK "127.0.0.1"

struct stage;

/* One client and its socket. */
struct end {
    struct stage *stage;
    struct peer_connection *peer;
    struct peer_source *source;
    struct peer_sink sink;
    struct rtc_tcp_split split;
    uint8_t frame[RTC_TCP_FRAME_MOST];
    sfu_id participant, transport, track;
    int fd;
    bool tcp, connected, listens;
};

struct stage {
    uv_loop_t loop;
    struct sfu *sfu;
    struct rtc_dtls_ctx *dtls;
    struct rtc_seal *seal;
    sfu_id room;
    struct end ends[ENDS_MAX];
    unsigned n_ends;
    int64_t now_us;
};

static struct sfu_config config(const struct sfu_address *at) {
    return (struct sfu_config){ .workers = 2,
        .addresses = at,
        .n_addresses = 1,
        .gather_us = 1000,
        .packets_bytes = 16 * MIB,
        .seal = "auto" };
}

static void told(void *arg, const struct sfu_event *e) {
    struct stage *s = arg;
    for (unsigned i = 0; i < s->n_ends; i++) {
        if (e->type == SFU_EVENT_TRANSPORT && e->id == s->ends[i].transport) {
            s->ends[i].connected = e->transport.state == SFU_TRANSPORT_CONNECTED;
        }
    }
}

static void raise_stage(struct stage *s) {
    static const struct sfu_address here = { .local = LOOPBACK };
    struct sfu_config cfg = config(&here);
    memset(s, 0, sizeof(*s));
    CHECK_INT(0, uv_loop_init(&s->loop));
    CHECK_ERR(OK, rtc_dtls_ctx_create(&s->dtls));
    CHECK_ERR(OK, rtc_seal_create("evp", &s->seal));
    CHECK_ERR(OK, sfu_start(&cfg, &s->loop, told, s, &s->sfu));
    CHECK_ERR(OK, sfu_room_open(s->sfu, &s->room));
    s->now_us = (int64_t)(uv_hrtime() / 1000);
}

static void strike(struct stage *s) {
    sfu_stop(s->sfu);
    for (unsigned i = 0; i < s->n_ends; i++) {
        peer_source_destroy(s->ends[i].source);
        peer_connection_destroy(s->ends[i].peer);
        close(s->ends[i].fd);
    }
    (void)uv_run(&s->loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&s->loop));
    rtc_seal_destroy(s->seal);
    rtc_dtls_ctx_destroy(s->dtls);
}

/* --- a client's socket --- */

static void end_sends(void *arg, const uint8_t *data, size_t len) {
    struct end *e = arg;
    uint8_t frame[RTC_TCP_HEAD + 1500];
    if (e->tcp) { /* loopback takes a frame whole, or this is another test */
        rtc_tcp_head(len, frame);
        memcpy(frame + RTC_TCP_HEAD, data, len);
        CHECK_INT(len + RTC_TCP_HEAD, send(e->fd, frame, len + RTC_TCP_HEAD, MSG_NOSIGNAL));
    } else {
        (void)send(e->fd, data, len, MSG_NOSIGNAL);
    }
}

static void end_rtp(void *arg, uint8_t *packet, size_t len, int64_t now_us) {
    struct end *e = arg;
    if (e->listens) {
        peer_sink_take(&e->sink, packet, len, now_us);
    }
}

static void end_rtcp(void *arg, const uint8_t *data, size_t len, int64_t now_us) {
    struct end *e = arg;
    (void)now_us;
    if (e->source != NULL) {
        peer_source_rtcp(e->source, cur_make(data, len));
    }
}

static void emit(
    void *arg, struct rtc_srtp_sender *sender, const uint8_t *packet, size_t head_len, size_t len) {
    (void)peer_connection_rtp(((struct end *)arg)->peer, sender, packet, head_len, len);
}

static void take(struct end *e, uint8_t *bytes, size_t len) {
    struct cur c = cur_make(bytes, len);
    size_t got = 0;
    if (!e->tcp) {
        peer_connection_take(e->peer, bytes, len, e->stage->now_us);
        return;
    }
    while (rtc_tcp_split(&e->split, &c, e->frame, &got) == RTC_TCP_FRAME) {
        peer_connection_take(e->peer, e->frame, got, e->stage->now_us);
    }
}

static void receive(struct end *e) {
    uint8_t bytes[4096];
    ssize_t n;
    while ((n = recv(e->fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
        take(e, bytes, (size_t)n);
    }
}

static void tick(struct end *e) {
    uint8_t bytes[1200];
    struct wr w = wr_make(bytes, sizeof(bytes));
    peer_connection_tick(e->peer, e->stage->now_us);
    if (e->source != NULL && peer_connection_is_open(e->peer)) {
        peer_source_tick(e->source, e->stage->now_us);
    }
    if (e->listens) {
        peer_sink_feedback(&e->sink, &w, e->stage->now_us);
        if (wr_len(&w) > 0) {
            (void)peer_connection_rtcp(e->peer, bytes, wr_len(&w));
        }
    }
}

/* Ten milliseconds at most. */
static void turn(struct stage *s) {
    struct pollfd fds[ENDS_MAX];
    for (unsigned i = 0; i < s->n_ends; i++) {
        fds[i] = (struct pollfd){ .fd = s->ends[i].fd, .events = POLLIN };
    }
    (void)poll(fds, s->n_ends, 10);
    s->now_us = (int64_t)(uv_hrtime() / 1000);
    for (unsigned i = 0; i < s->n_ends; i++) {
        receive(&s->ends[i]);
        tick(&s->ends[i]);
    }
    (void)uv_run(&s->loop, UV_RUN_NOWAIT);
}

/* --- who is there --- */

static int dial(struct stage *s, bool tcp) {
    struct rtc_candidate at[8];
    size_t n = sfu_candidates(s->sfu, s->room, at, COUNT_OF(at));
    for (size_t i = 0; i < n; i++) {
        if (at[i].addr.tcp != tcp) {
            continue;
        }
        struct rtc_ice_path path = { .peer = at[i].addr };
        struct sockaddr_storage to;
        socklen_t len = media_path_sockaddr(&path, &to);
        int fd = socket(AF_INET, tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
        CHECK_INT(0, connect(fd, (struct sockaddr *)&to, len));
        return fd;
    }
    CHECK(!"no candidate");
    return -1;
}

static struct rtc_ice_params as_params(const struct rtc_ice_cred *cred) {
    struct rtc_ice_params p = { .lite = true };
    memcpy(p.ufrag, cred->ufrag, sizeof(cred->ufrag));
    memcpy(p.pwd, cred->pwd, sizeof(cred->pwd));
    return p;
}

static struct end *join(struct stage *s, bool tcp) {
    struct end *e = &s->ends[s->n_ends++];
    struct rtc_ice_cred ours, servers;
    *e = (struct end){ .stage = s, .tcp = tcp, .fd = dial(s, tcp) };
    rtc_ice_cred_make(&ours);
    rtc_ice_cred_make(&servers);
    struct rtc_ice_params us = as_params(&ours);
    struct rtc_dtls_params dtls = { .role = RTC_DTLS_CLIENT,
        .n_fingerprints = 1,
        .fingerprints = { *rtc_dtls_ctx_fingerprint(s->dtls) } };
    CHECK_ERR(OK, sfu_participant_open(s->sfu, s->room, &e->participant));
    CHECK_ERR(OK, sfu_transport_open(s->sfu, e->participant, &servers, &e->transport));
    sfu_transport_connect(s->sfu, e->transport, &us, &dtls);
    struct peer_connection_config cfg = { .dtls = s->dtls,
        .seal = s->seal,
        .ours = ours,
        .theirs = as_params(&servers),
        .their_dtls = *sfu_dtls(s->sfu),
        .streams = 8,
        .send = end_sends,
        .rtp = end_rtp,
        .rtcp = end_rtcp,
        .arg = e,
        .now_us = s->now_us };
    CHECK_ERR(OK, peer_connection_create(&cfg, &e->peer));
    return e;
}

static struct rtc_rtp_params voice(uint32_t ssrc) {
    struct rtc_rtp_params p = { .media = RTC_AUDIO, .n_codecs = 1, .n_encodings = 1 };
    p.codecs[0] = (struct rtc_codec){ .type = RTC_OPUS,
        .pt = 111,
        .rtx_pt = RTC_NO_PT,
        .feedback = RTC_FB_NACK,
        .channels = 2,
        .clock_rate = 48000 };
    p.encodings[0].ssrc = ssrc;
    return p;
}

static void speak(struct end *e, uint32_t ssrc) {
    struct sfu_track_config track = { .params = voice(ssrc) };
    struct peer_source_config cfg = { .params = track.params,
        .frame_us = 5000,
        .payload = 90,
        .packets = { 1 },
        .emit = emit,
        .arg = e,
        .now_us = e->stage->now_us };
    CHECK_ERR(OK, sfu_track_open(e->stage->sfu, e->transport, &track, &e->track));
    CHECK_ERR(OK, peer_source_create(&cfg, &e->source));
}

static void listen_to(struct end *e, const struct end *to, uint32_t ssrc) {
    struct sfu_subscription_config cfg = { .track = to->track, .params = voice(ssrc) };
    struct peer_sink_config sink = { .ssrc = ssrc, .pt = 111, .codec = RTC_OPUS, .own_ssrc = 7 };
    sfu_id id;
    peer_sink_init(&e->sink, &sink);
    e->listens = true;
    CHECK_ERR(OK, sfu_subscription_open(e->stage->sfu, e->transport, &cfg, &id));
}

static bool all_heard(const struct stage *s, uint64_t packets) {
    for (unsigned i = 0; i < s->n_ends; i++) {
        if (s->ends[i].listens && s->ends[i].sink.stats.packets < packets) {
            return false;
        }
    }
    return true;
}

/* --- */

TEST(threads, peers_hear_each_other_by_udp_and_tcp) {
    static const struct {
        const char *name;
        bool tcp[3]; /* two who speak, and one who listens */
    } rows[] = {
        { "all by UDP", { false, false, false } },
        { "all by TCP", { true, true, true } },
        { "one by TCP", { true, false, false } },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        uint64_t live = mem_live();
        struct stage s;
        raise_stage(&s);
        struct end *a = join(&s, r->tcp[0]), *b = join(&s, r->tcp[1]), *c = join(&s, r->tcp[2]);
        speak(a, 1001);
        speak(b, 1002);
        listen_to(b, a, 2001);
        listen_to(a, b, 2002);
        listen_to(c, b, 2003);
        for (unsigned i = 0; i < PATIENCE && !all_heard(&s, 100); i++) {
            turn(&s);
        }
        CHECK(a->connected && b->connected && c->connected);
        CHECK(all_heard(&s, 100));
        for (unsigned i = 0; i < s.n_ends; i++) {
            CHECK_INT(0, peer_sink_faults(&s.ends[i].sink));
        }
        strike(&s); /* in the middle of it */
        CHECK_INT(live, mem_live());
    }
}

TEST(threads, rooms_come_and_go_under_traffic) {
    uint64_t live = mem_live();
    struct stage s;
    raise_stage(&s);
    struct end *a = join(&s, false), *b = join(&s, false);
    speak(a, 1001);
    listen_to(b, a, 2001);
    for (unsigned i = 0; i < PATIENCE && !all_heard(&s, 50); i++) {
        sfu_id room, participant, transport;
        struct rtc_ice_cred cred;
        rtc_ice_cred_make(&cred);
        CHECK_ERR(OK, sfu_room_open(s.sfu, &room)); /* on the other worker, mostly */
        CHECK_ERR(OK, sfu_participant_open(s.sfu, room, &participant));
        CHECK_ERR(OK, sfu_transport_open(s.sfu, participant, &cred, &transport));
        turn(&s);
        sfu_room_close(s.sfu, room);
    }
    CHECK(all_heard(&s, 50));
    CHECK_INT(0, peer_sink_faults(&b->sink));
    sfu_room_close(s.sfu, s.room);
    strike(&s);
    CHECK_INT(live, mem_live());
}

static uint16_t taken_port(int type, int *ret_fd) {
    struct sockaddr_in at = { .sin_family = AF_INET };
    socklen_t len = sizeof(at);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *ret_fd = socket(AF_INET, type, 0);
    CHECK_INT(0, bind(*ret_fd, (struct sockaddr *)&at, sizeof(at)));
    CHECK(type == SOCK_DGRAM || listen(*ret_fd, 1) == 0);
    CHECK_INT(0, getsockname(*ret_fd, (struct sockaddr *)&at, &len));
    return ntohs(at.sin_port);
}

TEST(threads, a_start_that_fails_names_the_reason) {
    static const struct {
        const char *name, *local, *announced, *says;
        int taken;
        enum err want;
    } rows[] = {
        { "a UDP port that is taken", LOOPBACK, NULL, "UDP 127.0.0.1 port ", SOCK_DGRAM, ERR_IO },
        { "a TCP port that is taken", LOOPBACK, NULL, "TCP 127.0.0.1 port ", SOCK_STREAM, ERR_IO },
        { "no address of this machine", "192.0.2.1", NULL, "UDP 192.0.2.1 port ", 0, ERR_IO },
        { "no address at all", "localhost", NULL, "'localhost'", 0, ERR_INVALID },
        { "announced what is none", LOOPBACK, "here", "'here'", 0, ERR_INVALID },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        uint64_t live = mem_live();
        struct sfu_address at = { .local = r->local, .announced = r->announced };
        struct sfu_config cfg = config(&at);
        struct sfu *sfu = NULL;
        uv_loop_t loop;
        int fd = -1;
        if (r->taken != 0) {
            *(r->taken == SOCK_DGRAM ? &cfg.udp_port : &cfg.tcp_port) = taken_port(r->taken, &fd);
        }
        CHECK_INT(0, uv_loop_init(&loop));
        CHECK_ERR(r->want, sfu_start(&cfg, &loop, told, NULL, &sfu));
        CHECK(strstr(err_text(), r->says) != NULL);
        (void)uv_run(&loop, UV_RUN_DEFAULT);
        CHECK_INT(0, uv_loop_close(&loop));
        if (fd >= 0) {
            close(fd);
        }
        CHECK_INT(live, mem_live());
    }
}

static enum err start_and_stop(uv_loop_t *loop) {
    static const struct sfu_address at = { .local = LOOPBACK };
    struct sfu_config cfg = config(&at);
    struct sfu *sfu = NULL;
    TRY(sfu_start(&cfg, loop, told, NULL, &sfu));
    sfu_stop(sfu);
    return OK;
}

TEST_ALLOC(threads, start_without_memory) {
    uv_loop_t loop;
    CHECK_INT(0, uv_loop_init(&loop));
    enum err e = start_and_stop(&loop);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&loop));
    return e;
}
