/*
 * LiveKit's signalling over the fake SFU: clients without sockets. What they are sent is kept as
 * the protobuf form of JSON, a line each, "join {…}". Included once by a test program, in place of
 * the SFU and of http/socket.
 */
#ifndef TESTS_UNIT_SIGNAL_WORLD_H
#define TESTS_UNIT_SIGNAL_WORLD_H

#include "core/buf.h"
#include "core/crypto.h"
#include "http/exchange.h"
#include "http/hold.h"
#include "http/relay.h"
#include "http/request.h"
#include "http/socket.h"
#include "livekit/convert.h"
#include "livekit/grant.h"
#include "livekit/keys.h"
#include "livekit/proto/signal.pb-c.h"
#include "livekit/revoked.h"
#include "livekit/signal.h"
#include "rooms/directory.h"
#include "rooms/member.h"
#include "tests/unit/fake_sfu.h"

#define SIGNAL_NOW_S INT64_C(1700000000)
#define HEARD_MAX    512

struct http_socket {
    char *heard[HEARD_MAX]; /* JSON */
    size_t n;
    size_t seen; /* of them, by the test */
    int closed;  /* the code we closed with; 0 = open */
    bool full;   /* the client does not read */
};

struct client {
    struct http_socket socket;
    const struct http_socket_path *path;
    void *state;
    bool in;
};

struct signal_world {
    struct lk_keys *keys;
    struct room_directory *rooms;
    struct lk_signal *signal;
    struct lk_revoked *revoked;
    int64_t now_us;
};

/* --- what the sessions call --- */

enum err http_socket_send(struct http_socket *s, const void *bytes, size_t len, bool binary) {
    struct arena a;
    struct buf json;
    ProtobufCMessage *m = NULL;
    CHECK(binary);
    if (s->closed != 0) {
        return err_set(ERR_GONE, "the WebSocket is closing");
    }
    if (s->full) {
        s->closed = HTTP_SOCKET_SLOW;
        return err_set(ERR_LIMIT, "the client does not read");
    }
    arena_init(&a);
    buf_init(&json, 0);
    enum err e = lk_convert_read(&lk__signal_response__descriptor, bytes, len, &a, &m);
    if (e == OK) {
        lk_convert_write_json(m, LK_CONVERT_PLAIN, &json);
        e = buf_check(&json);
    }
    if (e == OK && s->n < HEARD_MAX) {
        s->heard[s->n++] = buf_take(&json);
    }
    buf_finish(&json);
    arena_finish(&a);
    return e;
}

void http_socket_close(struct http_socket *s, int code, const char *reason) {
    (void)reason;
    s->closed = s->closed == 0 ? code : s->closed;
}

/* --- clients that are held back --- */

static struct {
    bool was; /* who knocks was held back */
    void (*gone)(void *arg);
    void *arg;
    bool waits;
    char end[200]; /* "again", "404 text", "two http://… X-…: …" */
} held;

enum err http_hold_begin(
    struct http_request *r, void (*gone)(void *arg), void *arg, struct http_hold **ret) {
    CHECK(!held.was && !held.waits && r != NULL);
    held.gone = gone;
    held.arg = arg;
    held.waits = true;
    held.end[0] = '\0';
    *ret = (struct http_hold *)&held;
    return err_set(ERR_LIMIT, "the client waits");
}

bool http_hold_was(const struct http_request *r) {
    CHECK(r != NULL);
    return held.was;
}

void http_hold_decide(struct http_hold *h) {
    CHECK(h == (struct http_hold *)&held);
    held.waits = false;
    snprintf(held.end, sizeof(held.end), "again");
}

void http_hold_refuse(struct http_hold *h, int status, const char *text) {
    CHECK(h == (struct http_hold *)&held);
    held.waits = false;
    snprintf(held.end, sizeof(held.end), "%d %s", status, text);
}

void http_hold_relay(struct http_hold *h, const struct http_relay_to *to) {
    CHECK(h == (struct http_hold *)&held);
    held.waits = false;
    snprintf(held.end, sizeof(held.end), "%s, %s, %s", to->name, to->url, to->line);
}

/* --- the world --- */

static inline int64_t signal_wall_ms(void *arg) {
    const struct signal_world *w = arg;
    return SIGNAL_NOW_S * 1000 + w->now_us / 1000;
}

static inline enum err signal_open(
    struct signal_world *w, const struct room_directory_config *cfg) {
    static const struct room_directory_config usual = { 0 };
    const struct lk_keys_source from = { "devkey", "secret", "", "", "" };
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    fake_sfu_reset();
    *w = (struct signal_world){ 0 };
    TRY(lk_keys_create(&from, &w->keys));
    TRY(room_directory_create(cfg == NULL ? &usual : cfg, &w->rooms));
    TRY(room_directory_start(w->rooms, &fake_sfu, NULL));
    TRY(lk_revoked_create(&w->revoked));
    const struct lk_signal_config signal = { .rooms = w->rooms,
        .keys = w->keys,
        .revoked = w->revoked,
        .wall_ms = signal_wall_ms,
        .arg = w };
    return lk_signal_create(&signal, &w->signal);
}

/* Every client must have hung up before. */
static inline void signal_close(struct signal_world *w) {
    lk_signal_destroy(w->signal);
    lk_revoked_destroy(w->revoked);
    room_directory_destroy(w->rooms);
    lk_keys_destroy(w->keys);
}

static inline void signal_wait(struct signal_world *w, int64_t us) {
    const int64_t until = w->now_us + us;
    while (w->now_us < until) {
        w->now_us = until - w->now_us > SEC_US / 4 ? w->now_us + SEC_US / 4 : until;
        room_directory_turn(w->rooms, w->now_us);
    }
}

/* --- tokens --- */

static inline enum err token_of(const struct signal_world *w, const char *claims, char **ret) {
    struct lk_grant *g = NULL;
    json_t *json = json_loads(claims, 0, NULL);
    CHECK(json != NULL);
    enum err e = lk_grant_read(json, &g);
    json_decref(json);
    if (e == OK) {
        e = lk_grant_to_jwt(g, w->keys, ret);
    }
    lk_grant_destroy(g);
    return e;
}

/* A token for the room "r". `more`: members of the claim video, with a comma before them. */
static inline char *token_for(
    const struct signal_world *w, const char *identity, const char *more) {
    char claims[600];
    char *token = NULL;
    snprintf(claims, sizeof(claims),
        "{\"sub\":\"%s\",\"name\":\"N "
        "%s\",\"exp\":%lld,\"video\":{\"roomJoin\":true,\"room\":\"r\","
        "\"canUpdateOwnMetadata\":true%s}}",
        identity, identity, (long long)SIGNAL_NOW_S + 3600, more);
    CHECK_ERR(OK, token_of(w, claims, &token));
    return token;
}

/* --- clients --- */

static inline const struct http_socket_path *path_of(
    const struct signal_world *w, const char *path) {
    size_t n = 0;
    const struct http_socket_path *rows = lk_signal_paths(w->signal, &n);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rows[i].path, path) == 0) {
            return &rows[i];
        }
    }
    CHECK(path == NULL);
    return NULL;
}

/* Asks to be let in; `target` with its query. Gives the status: 101, or the refusal's. */
static inline int knock(const struct signal_world *w, struct client *c, const char *target,
    const char *header, char *text, size_t text_size) {
    char path[64];
    const size_t n = strcspn(target, "?");
    memcpy(path, target, n < sizeof(path) ? n : 0);
    path[n < sizeof(path) ? n : 0] = '\0';
    struct http_request *r = http_request_create("GET", target, strlen(target));
    int status = 101;
    *c = (struct client){ .path = path_of(w, path) };
    if (r == NULL || !http_request_expect_fields(r, 1)) {
        http_request_destroy(r);
        return 0;
    }
    if (header != NULL) {
        http_request_put_field(r, "Authorization", 13, header, strlen(header));
    }
    enum err e = c->path->accept(r, c->path->arg, &c->state);
    if (e != OK) {
        status = r->status == 0 ? -(int)e : r->status;
        snprintf(text, text_size, "%s", r->answer == NULL ? "" : (const char *)r->answer);
    } else {
        c->in = true;
        c->path->open(&c->socket, c->state);
    }
    http_request_destroy(r);
    return status;
}

/* Joins with two peer connections. */
static inline void call_in(const struct signal_world *w, struct client *c, const char *identity,
    const char *more, const char *query) {
    char text[200] = "";
    char *token = token_for(w, identity, more);
    struct buf target;
    buf_init(&target, 0);
    buf_printf(&target, "/rtc?protocol=17&sdk=js&access_token=%s%s", token, query);
    CHECK_INT(101, knock(w, c, buf_str(&target), NULL, text, sizeof(text)));
    CHECK_STR("", text);
    buf_finish(&target);
    mem_free(token);
}

/* A join_request, not compressed. */
static inline void put_join_request(const Lk__JoinRequest *j, struct buf *out) {
    Lk__WrappedJoinRequest wrapped = LK__WRAPPED_JOIN_REQUEST__INIT;
    struct buf inner;
    struct buf outer;
    buf_init(&inner, 0);
    buf_init(&outer, 0);
    CHECK_ERR(OK, lk_convert_write(&j->base, &inner));
    wrapped.join_request.data = (uint8_t *)inner.data;
    wrapped.join_request.len = inner.len;
    CHECK_ERR(OK, lk_convert_write(&wrapped.base, &outer));
    char *text = mem_alloc(CRYPTO_BASE64_SIZE(outer.len));
    crypto_base64((const uint8_t *)outer.data, outer.len, text);
    for (char *at = text; *at != '\0'; at++) {
        *at = *at == '+' ? '-' : *at == '/' ? '_' : *at;
    }
    buf_puts(out, text);
    mem_free(text);
    buf_finish(&inner);
    buf_finish(&outer);
}

/* Asks for one peer connection. */
static inline void call_in_by(const struct signal_world *w, struct client *c, const char *identity,
    const Lk__JoinRequest *j) {
    char text[200] = "";
    char *token = token_for(w, identity, "");
    struct buf target;
    buf_init(&target, 0);
    buf_printf(&target, "/rtc/v1?access_token=%s&join_request=", token);
    put_join_request(j, &target);
    CHECK_INT(101, knock(w, c, buf_str(&target), NULL, text, sizeof(text)));
    CHECK_STR("", text);
    buf_finish(&target);
    mem_free(token);
}

/* Joins with one peer connection; `offer` may be NULL. */
static inline void call_in_v1(
    const struct signal_world *w, struct client *c, const char *identity, const char *offer) {
    Lk__JoinRequest j = LK__JOIN_REQUEST__INIT;
    Lk__ConnectionSettings settings = LK__CONNECTION_SETTINGS__INIT;
    Lk__SessionDescription d = LK__SESSION_DESCRIPTION__INIT;
    settings.auto_subscribe = true;
    j.connection_settings = &settings;
    d.type = (char *)"offer";
    d.sdp = (char *)offer;
    d.id = 1;
    j.publisher_offer = offer == NULL ? NULL : &d;
    call_in_by(w, c, identity, &j);
}

/* The socket is gone. */
static inline void hang_up(struct client *c) {
    if (c->in) {
        c->in = false;
        c->path->close(c->state, HTTP_SOCKET_LOST);
    }
    for (size_t i = 0; i < c->socket.n; i++) {
        mem_free(c->socket.heard[i]);
    }
    c->socket.n = c->socket.seen = 0;
}

/* Says a SignalRequest, given as JSON. */
static inline void say(struct client *c, const char *text) {
    struct arena a;
    struct buf bytes;
    ProtobufCMessage *m = NULL;
    json_t *json = json_loads(text, 0, NULL);
    arena_init(&a);
    buf_init(&bytes, 0);
    CHECK(json != NULL);
    CHECK_ERR(OK, lk_convert_read_json(&lk__signal_request__descriptor, json, &a, &m));
    CHECK_ERR(OK, lk_convert_write(m, &bytes));
    c->path->message(&c->socket, c->state, buf_str(&bytes), bytes.len, true);
    json_decref(json);
    buf_finish(&bytes);
    arena_finish(&a);
}

/* A description: SDP needs its line ends quoted. */
static inline void say_sdp(struct client *c, const char *verb, const char *sdp, unsigned id) {
    struct buf text;
    buf_init(&text, 0);
    buf_printf(&text, "{\"%s\":{\"type\":\"%s\",\"id\":%u,\"sdp\":", verb, verb, id);
    buf_json_str(&text, sdp);
    buf_puts(&text, "}}");
    say(c, buf_str(&text));
    buf_finish(&text);
}

/* The names of what came since the last look: "join refreshToken answer". */
static inline const char *heard(struct client *c) {
    static char names[1000];
    size_t len = 0;
    names[0] = '\0';
    for (; c->socket.seen < c->socket.n; c->socket.seen++) {
        const char *json = c->socket.heard[c->socket.seen] + 2; /* {"name": */
        len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%.*s", len == 0 ? "" : " ",
            (int)strcspn(json, "\""), json);
    }
    return names;
}

/* The latest message of this name, as a JSON object to json_decref; NULL = none. */
static inline json_t *latest(const struct client *c, const char *name) {
    for (size_t i = c->socket.n; i > 0; i--) {
        json_t *json = json_loads(c->socket.heard[i - 1], 0, NULL);
        json_t *inner = json_incref(json_object_get(json, name));
        json_decref(json);
        if (inner != NULL) {
            return inner;
        }
    }
    return NULL;
}

/* A text of the latest message of this name: json_unpack's path "{s:{s:s}}". */
static inline void check_latest(
    const struct client *c, const char *name, const char *want_member, const char *want) {
    json_t *m = latest(c, name);
    const json_t *v = json_object_get(m, want_member);
    char text[200];
    snprintf(text, sizeof(text), "%s", json_is_string(v) ? json_string_value(v) : "");
    if (json_is_integer(v)) {
        snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(v));
    }
    CHECK_STR(want, text);
    json_decref(m);
}

/* Does the latest message of this name have the text in its description? */
static inline bool says(const struct client *c, const char *name, const char *text) {
    json_t *m = latest(c, name);
    const char *sdp = json_string_value(json_object_get(m, "sdp"));
    const bool found = sdp != NULL && strstr(sdp, text) != NULL;
    json_decref(m);
    return found;
}

static inline void track_sid(const struct client *c, char ret[ROOM_SID_SIZE]) {
    json_t *m = latest(c, "trackPublished");
    const char *sid = json_string_value(json_object_get(json_object_get(m, "track"), "sid"));
    snprintf(ret, ROOM_SID_SIZE, "%s", sid == NULL ? "" : sid);
    json_decref(m);
}

/* The client's answer to our offer: every section as it stands, the other way round. */
static inline void answer_offer(struct client *c) {
    json_t *offer = latest(c, "offer");
    const char *sdp = json_string_value(json_object_get(offer, "sdp"));
    const unsigned id = (unsigned)json_integer_value(json_object_get(offer, "id"));
    struct buf text;
    buf_init(&text, 0);
    for (const char *at = sdp == NULL ? "" : sdp; *at != '\0';) {
        const size_t n = strcspn(at, "\n") + 1;
        if (strncmp(at, "a=setup:actpass", 15) == 0) {
            buf_puts(&text, "a=setup:active\r\n");
        } else if (strncmp(at, "a=sendonly", 10) == 0) {
            buf_puts(&text, "a=recvonly\r\n");
        } else if (strncmp(at, "a=ssrc", 6) != 0 && strncmp(at, "a=msid", 6) != 0 &&
                   strncmp(at, "a=ice-lite", 10) != 0) {
            buf_put(&text, at, n);
        }
        at += n;
    }
    say_sdp(c, "answer", buf_str(&text), id);
    buf_finish(&text);
    json_decref(offer);
}

/* The client's connections stand. */
static inline void connect_media(const struct signal_world *w, const char *identity) {
    const struct room_member *m = room_find_member(room_directory_find(w->rooms, "r"), identity);
    const enum room_way way = m->single ? ROOM_ONLY : ROOM_DOWN;
    const struct sfu_event up =
        fake_transport_event(m->transports[way].part.id, SFU_TRANSPORT_CONNECTED, SFU_END_NONE);
    room_directory_told(w->rooms, &up);
}

#endif
