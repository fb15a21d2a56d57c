/* Wiring of the embedded SFU. */
#include "cli/sfu.h"

#include "cli/room_webhooks.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/secret_file.h"
#include "http/socket.h"
#include "livekit/revoked.h"
#include "livekit/signal.h"
#include "livekit/twirp.h"
#include "media/discover.h"
#include "media/places.h"
#include "rooms/directory.h"
#include "sfu/control.h"

#include <string.h>

#define TURN_SECRET_MOST 4096 /* bytes: core/config_rows.c has it for turn.secret */

#define WATCH_EVERY_MS 250 /* whether somebody is still there, something untold */

struct cli_sfu {
    struct room_directory *rooms;
    struct sfu *sfu;
    struct lk_signal *signal;
    struct http_sockets *sockets;
    struct lk_twirp_door twirp;
    struct lk_revoked *revoked;
    struct cli_room_webhooks *webhooks; /* NULL: nobody is told */
    char *turn_secret;                  /* from a file; NULL: turn.secret */
    uv_timer_t watch;                   /* while winding down; while the last news is told */
    int64_t until_us;
    void (*wound_down)(void *arg); /* NULL: it was said */
    void *wound_down_arg;
    bool winding_down;
    void (*drained)(void *arg);
    void *drained_arg;
};

/* --- starting --- */

static void log_places(const struct media_places *p) {
    for (size_t i = 0; i < p->n; i++) {
        LOG_INFO(&log_root, "media_listening", "address=%s announced=%s", p->at[i].local,
            p->at[i].announced);
    }
    if (p->cut) {
        LOG_WARN(&log_root, "media_addresses_left_out", "most=%d next=%s", MEDIA_PLACES_MAX,
            "rtc.announced_ips");
    }
}

static enum err choose_places(const struct config *c, struct media_places *ret) {
    return c->rtc.discover[0] != '\0'
               ? media_discover(c->rtc.discover, ret)
               : media_places_choose(c->rtc.announced_ips.items, c->rtc.announced_ips.n, ret);
}

static enum err start_media(struct cli_sfu *s, uv_loop_t *loop, const struct config *c) {
    struct media_places places;
    struct sfu_address addresses[MEDIA_PLACES_MAX];
    TRY(choose_places(c, &places));
    for (size_t i = 0; i < places.n; i++) {
        addresses[i] = (struct sfu_address){ places.at[i].local, places.at[i].announced };
    }
    const struct sfu_config cfg = {
        .workers = config_workers(c, uv_available_parallelism()),
        .udp_port = (uint16_t)c->rtc.udp_port,
        .tcp_port = (uint16_t)c->rtc.tcp_port,
        .no_tcp = c->rtc.tcp_port == 0,
        .addresses = addresses,
        .n_addresses = places.n,
        .gather_us = c->rtc.gather_us,
        .packets_bytes = c->rtc.packets_memory,
        .seal = c->rtc.srtp,
    };
    enum err e = sfu_start(&cfg, loop, room_directory_told, s->rooms, &s->sfu);
    if (e != OK) {
        return err_set(e, "media cannot be had (rtc.udp_port, rtc.tcp_port, rtc.announced_ips): %s",
            err_text());
    }
    log_places(&places);
    return room_directory_start(s->rooms, s->sfu, loop);
}

static enum err read_turn_secret(struct cli_sfu *s, const struct config *c) {
    size_t n = 0;
    if (c->turn.secret[0] != '\0' || c->turn.secret_file[0] == '\0') {
        return OK;
    }
    TRY(secret_file_read(c->turn.secret_file, TURN_SECRET_MOST, &s->turn_secret, &n));
    while (n > 0 && strchr(" \t\r\n", s->turn_secret[n - 1]) != NULL) {
        s->turn_secret[--n] = '\0';
    }
    return n > 0 ? OK : err_set(ERR_INVALID, "turn.secret_file: %s is empty", c->turn.secret_file);
}

/* "/" belongs to nobody where Parley stands behind a proxy with a homeserver; clients that warm up
 * their connection ask for it where the SFU is alone. The private side is for clients that other
 * nodes lead to us. */
static enum err add_door(struct cli_sfu *s, uv_loop_t *loop, const struct config *c,
    const struct lk_keys *keys, struct http_router *public, struct http_router *private) {
    const struct lk_signal_config signal = { .rooms = s->rooms,
        .keys = keys,
        .revoked = s->revoked,
        .ice = { .urls = c->turn.urls.items,
            .n_urls = c->turn.urls.n,
            .secret = s->turn_secret != NULL ? s->turn_secret : c->turn.secret,
            .lifetime_us = c->turn.lifetime_us } };
    struct http_sockets_config sockets = { .ping_after_us = LK_SIGNAL_PING_AFTER_US };
    TRY(lk_signal_create(&signal, &s->signal));
    TRY(lk_signal_add(s->signal, public, config_alone(c)));
    TRY(lk_signal_add(s->signal, private, false));
    sockets.paths = lk_signal_paths(s->signal, &sockets.n_paths);
    return http_sockets_create(loop, &sockets, &s->sockets);
}

enum err cli_sfu_create(uv_loop_t *loop, const struct config *c, const struct lk_keys *keys,
    struct http_router *public, struct http_router *private, struct cli_sfu **ret) {
    const struct room_directory_config rooms = { 0 };
    struct cli_sfu *s = mem_zalloc(sizeof(*s));
    if (s == NULL) {
        return err_set(ERR_NOMEM, "no memory for the SFU");
    }
    *ret = s;
    uv_timer_init(loop, &s->watch);
    s->watch.data = s;
    TRY(room_directory_create(&rooms, &s->rooms));
    TRY(lk_revoked_create(&s->revoked));
    TRY(cli_room_webhooks_create(loop, c, keys, s->rooms, &s->webhooks));
    TRY(read_turn_secret(s, c));
    TRY(start_media(s, loop, c));
    s->twirp = (struct lk_twirp_door){ .keys = keys, .rooms = s->rooms, .revoked = s->revoked };
    TRY(cli_sfu_add_service(s, private));
    return add_door(s, loop, c, keys, public, private);
}

enum err cli_sfu_add_service(struct cli_sfu *s, struct http_router *router) {
    return lk_twirp_add(&s->twirp, router);
}

struct http_sockets *cli_sfu_sockets(struct cli_sfu *s) {
    return s->sockets;
}

struct room_directory *cli_sfu_rooms(struct cli_sfu *s) {
    return s->rooms;
}

void cli_sfu_set_nodes(struct cli_sfu *s, struct lk_nodes *nodes) {
    if (s != NULL && s->signal != NULL) {
        lk_signal_set_nodes(s->signal, nodes);
        lk_twirp_set_nodes(&s->twirp, nodes);
    }
}

/* --- the end --- */

void cli_sfu_hurry(struct cli_sfu *s) {
    void (*done)(void *arg) = STEAL(s->wound_down);
    if (done != NULL) {
        uv_timer_stop(&s->watch);
        done(s->wound_down_arg);
    }
}

static void watch_rooms(uv_timer_t *t) {
    struct cli_sfu *s = t->data;
    if (room_directory_is_idle(s->rooms) || clock_mono_us() >= s->until_us) {
        LOG_INFO(&log_root, "rooms_drained", "left=%s",
            room_directory_is_idle(s->rooms) ? "nobody" : "those who have to join anew");
        cli_sfu_hurry(s);
    }
}

void cli_sfu_wind_down(struct cli_sfu *s, int64_t limit_us, void (*done)(void *arg), void *arg) {
    room_directory_wind_down(s->rooms);
    s->winding_down = true;
    s->until_us = clock_mono_us() + limit_us;
    s->wound_down = done;
    s->wound_down_arg = arg;
    uv_timer_start(&s->watch, watch_rooms, 0, WATCH_EVERY_MS);
}

bool cli_sfu_is_winding_down(const struct cli_sfu *s) {
    return s != NULL && s->winding_down;
}

static void watch_news(uv_timer_t *t) {
    struct cli_sfu *s = t->data;
    const size_t n = cli_room_webhooks_waiting(s->webhooks);
    if (n > 0 && clock_mono_us() < s->until_us) {
        return;
    }
    if (n > 0) {
        LOG_WARN(
            &log_root, "room_webhooks_lost", "n=%zu limit_ms=%d", n, (int)(CLI_SFU_NEWS_US / 1000));
    }
    uv_timer_stop(t);
    s->drained(s->drained_arg);
}

/* What the end of the rooms is told by needs the loop to turn. */
static void tell_last(void *arg) {
    struct cli_sfu *s = arg;
    cli_sfu_end_rooms(s);
    s->until_us = clock_mono_us() + CLI_SFU_NEWS_US;
    uv_timer_start(&s->watch, watch_news, 0, WATCH_EVERY_MS);
}

void cli_sfu_drain(struct cli_sfu *s, int64_t limit_us, void (*done)(void *arg), void *arg) {
    s->drained = done;
    s->drained_arg = arg;
    lk_signal_drain(s->signal);
    http_sockets_drain(s->sockets, HTTP_SOCKET_GOING_AWAY, limit_us, tell_last, s);
}

void cli_sfu_end_rooms(struct cli_sfu *s) {
    if (s != NULL && s->rooms != NULL) {
        room_directory_stop(s->rooms);
    }
}

void cli_sfu_close(struct cli_sfu *s) {
    if (s == NULL) {
        return;
    }
    uv_close((uv_handle_t *)&s->watch, NULL);
    if (s->sockets != NULL) {
        http_sockets_destroy(STEAL(s->sockets));
    }
    cli_sfu_end_rooms(s);
    cli_room_webhooks_destroy(STEAL(s->webhooks));
    sfu_stop(STEAL(s->sfu));
}

void cli_sfu_destroy(struct cli_sfu *s) {
    if (s != NULL) {
        room_directory_destroy(s->rooms);
        lk_signal_destroy(s->signal);
        lk_revoked_destroy(s->revoked);
        mem_free_secret(s->turn_secret);
        mem_free(s);
    }
}
