/* Questions to RoomService: one way for all methods, and for both kinds of SFU. */
#include "livekit/rooms.h"

#include "core/buf.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "http/client.h"
#include "livekit/grant.h"
#include "livekit/keys.h"
#include "livekit/nodes.h"

#include <string.h>
#include <utlist.h>

#define TIMEOUT_US       (5 * SEC_US)
#define ANSWER_MAX_BYTES (4 * MIB) /* the participants of the largest room */
#define TOKEN_LIFETIME_S 60        /* of one request */
/* As the token service that we replace makes them. */
#define EMPTY_TIMEOUT_S     300 /* a room nobody came to */
#define TRIAL_TIMEOUT_S     1
#define DEPARTURE_TIMEOUT_S 20 /* a room everybody left */

METRIC_COUNTER(asked_total, "parley_sfu_requests_total", "Requests to the LiveKit server.");
METRIC_COUNTER(failed_total, "parley_sfu_requests_failed_total",
    "Requests to the LiveKit server without an answer, or with a refusal.");

struct lk_rooms {
    struct http_client *http;
    const struct lk_keys *keys;
    char *base;              /* "https://sfu.example.com/twirp/livekit.RoomService/" */
    lk_rooms_answerer *here; /* our own SFU's: then there is none of the above … */
    void *here_arg;
    uv_timer_t *turn;       /* … but this, which answers … */
    struct lk_nodes *nodes; /* … what is here; NULL: all is */
    struct call *calls;
    size_t n_calls;
};

/* What differs between the methods. */
struct ask {
    const char *method;
    const char *alias;
    const char *identity; /* NULL = none; likewise the track, which is to be muted */
    const char *track;
    enum lk_right create, list, admin;
    bool trial;                    /* CreateRoom: for a moment */
    enum { ROOM, NAME, NAMES } as; /* what the method calls the room: "room", "name", "names" */
};

struct call {
    struct lk_rooms *rooms;
    struct call *prev, *next;
    struct http_client_call *under_way;
    const char *method;
    struct ask ask; /* of a question to our own SFU: its texts are the call's */
    char *alias, *identity, *track;
    bool is_here;               /* it waits for its turn */
    struct lk_rooms *elsewhere; /* who was asked instead */
    lk_rooms_done *done;
    void *arg;
};

static void call_destroy(struct call *c) {
    if (c->under_way != NULL) {
        http_client_cancel(c->under_way);
    }
    if (c->elsewhere != NULL) {
        lk_rooms_forget(c->elsewhere, c);
    }
    if (c->rooms->nodes != NULL) {
        lk_nodes_forget(c->rooms->nodes, c);
    }
    DL_DELETE(c->rooms->calls, c);
    c->rooms->n_calls--;
    mem_free(c->alias);
    mem_free(c->identity);
    mem_free(c->track);
    mem_free(c);
}

/* --- answers --- */

static enum err status_err(int status) {
    switch (status) {
    case 401:
    case 403:
        return ERR_UNAUTHORIZED;
    case 404:
        return ERR_NOT_FOUND;
    case 429:
        return ERR_LIMIT;
    default:
        return status >= 200 && status < 300 ? OK : ERR_UNREACHABLE;
    }
}

/* Ends the call; `json` is borrowed. */
static void answer(struct call *c, enum err e, const json_t *json, const char *text) {
    lk_rooms_done *done = c->done;
    void *done_arg = c->arg;
    call_destroy(c);
    done(done_arg, e, e == OK ? json : NULL, text);
}

static void answer_here(struct call *c) {
    json_t *json = NULL;
    const struct lk_rooms_question q = { c->method, c->alias, c->identity, c->track };
    enum err e = c->rooms->here(c->rooms->here_arg, &q, &json);
    answer(c, e, json, e == OK ? "" : err_text());
    json_decref(json);
}

static struct call *next_here(const struct lk_rooms *r) {
    struct call *c = r->calls;
    while (c != NULL && !c->is_here) {
        c = c->next;
    }
    return c;
}

/* What is asked meanwhile waits for the next turn. */
static void turn(uv_timer_t *t) {
    struct lk_rooms *r = t->data;
    struct call *c = next_here(r);
    for (size_t n = r->n_calls; n > 0 && c != NULL; n--) {
        answer_here(c);
        c = next_here(r);
    }
    if (c != NULL) {
        uv_timer_start(t, turn, 0, 0);
    }
}

static void on_http(void *arg, const struct http_client_answer *h) {
    struct call *c = arg;
    c->under_way = NULL;
    json_t *json = h->err == OK ? json_loadb(h->body, h->len, 0, NULL) : NULL;
    enum err e = h->err == OK ? status_err(h->status) : h->err;
    if (e == OK && !json_is_object(json)) {
        e = ERR_UNREACHABLE;
    }
    const char *said = json_string_value(json_object_get(json, "msg"));
    const char *text = h->err != OK ? h->text : said != NULL ? said : "";
    metric_add(&asked_total, 1);
    if (e != OK && e != ERR_NOT_FOUND) {
        metric_add(&failed_total, 1);
        LOG_WARN(&log_root, "sfu_request_failed", "method=%s cause=%s status=%d reason=%s",
            c->method, err_name(e), h->status, LOG_Q(text));
    }
    answer(c, e, json, text);
    json_decref(json);
}

/* --- questions --- */

static enum err sign(const struct lk_keys *keys, const struct ask *a, char **ret) {
    CLEANUP(lk_grant_destroyp) struct lk_grant *g = NULL;
    int64_t now_s = clock_wall_ms() / SEC_MS;
    TRY(lk_grant_create(&g));
    g->not_before_s = now_s;
    g->expires_s = now_s + TOKEN_LIFETIME_S;
    g->has_video = true;
    g->video.room = a->alias;
    g->video.room_create = a->create;
    g->video.room_list = a->list;
    g->video.room_admin = a->admin;
    return lk_grant_to_jwt(g, keys, ret);
}

static void write_body(const struct ask *a, struct buf *b) {
    buf_putc(b, '{');
    if (a->as == NAMES) {
        buf_json_key(b, "names");
        buf_putc(b, '[');
        buf_json_str(b, a->alias);
        buf_putc(b, ']');
    } else {
        buf_json_field(b, a->as == NAME ? "name" : "room", a->alias);
    }
    if (a->identity != NULL) {
        buf_json_field(b, "identity", a->identity);
    }
    if (a->track != NULL) {
        buf_json_field(b, "track_sid", a->track);
        buf_json_bool_field(b, "muted", true);
    }
    if (a->as == NAME) {
        buf_json_int_field(b, "empty_timeout", a->trial ? TRIAL_TIMEOUT_S : EMPTY_TIMEOUT_S);
        buf_json_int_field(b, "departure_timeout", DEPARTURE_TIMEOUT_S);
    }
    buf_putc(b, '}');
}

static enum err write_request(const struct lk_keys *keys, const char *base, const struct ask *a,
    struct lk_rooms_request *ret) {
    CLEANUP(mem_freep) char *jwt = NULL;
    CLEANUP(buf_finish) struct buf body;
    CLEANUP(buf_finish) struct buf url;
    buf_init(&body, 0);
    buf_init(&url, 0);
    TRY(sign(keys, a, &jwt));
    write_body(a, &body);
    buf_printf(&url, "%s%s", base, a->method);
    TRY(buf_check(&body));
    TRY(buf_check(&url));
    *ret = (struct lk_rooms_request){ buf_take(&url), STEAL(jwt), buf_take(&body) };
    return OK;
}

void lk_rooms_request_finish(struct lk_rooms_request *q) {
    mem_free(q->url);
    mem_free(q->bearer);
    mem_free(q->body);
    *q = (struct lk_rooms_request){ 0 };
}

static enum err ask(struct lk_rooms *r, const struct ask *a, lk_rooms_done *done, void *arg);

static void on_elsewhere(void *arg, enum err e, const json_t *json, const char *text) {
    struct call *c = arg;
    c->elsewhere = NULL;
    answer(c, e, json, text);
}

static void call_turn(struct call *c) {
    c->is_here = true;
    uv_timer_start(c->rooms->turn, turn, 0, 0);
}

static void on_found(void *arg, enum err e, const struct lk_place *place) {
    struct call *c = arg;
    if (e == OK && place->elsewhere == NULL) {
        call_turn(c);
        return;
    }
    if (e == OK) {
        e = ask(place->elsewhere, &c->ask, on_elsewhere, c);
        c->elsewhere = e == OK ? place->elsewhere : NULL;
    }
    if (e != OK) {
        answer(c, e, NULL, err_text());
    }
}

static enum err call_wait(struct call *c, const struct ask *a) {
    c->alias = mem_strdup(a->alias);
    c->identity = a->identity == NULL ? NULL : mem_strdup(a->identity);
    c->track = a->track == NULL ? NULL : mem_strdup(a->track);
    if (c->alias == NULL || (a->identity != NULL && c->identity == NULL) ||
        (a->track != NULL && c->track == NULL)) {
        return err_set(ERR_NOMEM, "no memory for a question to the SFU");
    }
    c->ask = *a;
    c->ask.alias = c->alias;
    c->ask.identity = c->identity;
    c->ask.track = c->track;
    if (c->rooms->nodes != NULL) {
        return lk_nodes_find(c->rooms->nodes, c->alias, on_found, c);
    }
    call_turn(c);
    return OK;
}

static enum err call_send(struct call *c, const struct ask *a) {
    CLEANUP(lk_rooms_request_finish) struct lk_rooms_request q = { 0 };
    TRY(write_request(c->rooms->keys, c->rooms->base, a, &q));
    const struct http_client_spec spec = {
        .method = "POST",
        .url = q.url,
        .bearer = q.bearer,
        .body = q.body,
        .timeout_us = TIMEOUT_US,
        .answer_max = ANSWER_MAX_BYTES,
    };
    return http_client_send(c->rooms->http, &spec, on_http, c, &c->under_way);
}

static enum err ask(struct lk_rooms *r, const struct ask *a, lk_rooms_done *done, void *arg) {
    if (r->n_calls >= LK_ROOMS_CALLS_MAX) {
        return err_set(ERR_LIMIT, "%d requests to the SFU are under way", LK_ROOMS_CALLS_MAX);
    }
    struct call *c = mem_alloc(sizeof(*c));
    if (c == NULL) {
        return err_set(ERR_NOMEM, "no memory for a request to the SFU");
    }
    *c = (struct call){ .rooms = r, .method = a->method, .done = done, .arg = arg };
    DL_APPEND(r->calls, c);
    r->n_calls++;
    enum err e = r->here == NULL ? call_send(c, a) : call_wait(c, a);
    if (e != OK) {
        call_destroy(c);
    }
    return e;
}

enum err lk_rooms_ensure(struct lk_rooms *r, const char *alias, lk_rooms_done *done, void *arg) {
    return ask(r,
        &(struct ask){ .method = "CreateRoom", .alias = alias, .create = LK_YES, .as = NAME }, done,
        arg);
}

enum err lk_rooms_look(struct lk_rooms *r, const char *alias, lk_rooms_done *done, void *arg) {
    return ask(r,
        &(struct ask){ .method = "ListRooms", .alias = alias, .list = LK_YES, .as = NAMES }, done,
        arg);
}

enum err lk_rooms_find(
    struct lk_rooms *r, const char *alias, const char *identity, lk_rooms_done *done, void *arg) {
    return ask(r,
        &(struct ask){
            .method = "GetParticipant", .alias = alias, .identity = identity, .admin = LK_YES },
        done, arg);
}

enum err lk_rooms_list(struct lk_rooms *r, const char *alias, lk_rooms_done *done, void *arg) {
    return ask(r, &(struct ask){ .method = "ListParticipants", .alias = alias, .admin = LK_YES },
        done, arg);
}

enum err lk_rooms_remove(
    struct lk_rooms *r, const char *alias, const char *identity, lk_rooms_done *done, void *arg) {
    return ask(r,
        &(struct ask){
            .method = "RemoveParticipant", .alias = alias, .identity = identity, .admin = LK_YES },
        done, arg);
}

enum err lk_rooms_mute(struct lk_rooms *r, const char *alias, const char *identity,
    const char *track, lk_rooms_done *done, void *arg) {
    return ask(r,
        &(struct ask){ .method = "MutePublishedTrack",
            .alias = alias,
            .identity = identity,
            .track = track,
            .admin = LK_YES },
        done, arg);
}

/* --- life --- */

/* Clients have a WebSocket's address; RoomService is behind the same one. */
static enum err base_of(const char *url, char **ret) {
    static const char *const schemes[][2] = { { "ws://", "http://" }, { "wss://", "https://" },
        { "http://", "http://" }, { "https://", "https://" } };
    for (size_t i = 0; i < COUNT_OF(schemes); i++) {
        size_t n = strlen(schemes[i][0]);
        if (strncmp(url, schemes[i][0], n) != 0) {
            continue;
        }
        const char *rest = url + n;
        size_t len = strlen(rest);
        while (len > 0 && rest[len - 1] == '/') {
            len--;
        }
        CLEANUP(buf_finish) struct buf b;
        buf_init(&b, 0);
        buf_puts(&b, schemes[i][1]);
        buf_put(&b, rest, len);
        buf_puts(&b, "/twirp/livekit.RoomService/");
        TRY(buf_check(&b));
        *ret = buf_take(&b);
        return OK;
    }
    return err_set(ERR_INVALID, "the address of the SFU must begin with ws://, wss:// or http");
}

enum err lk_rooms_try(const struct lk_keys *keys, const char *url, const char *alias,
    enum lk_rooms_trial what, struct lk_rooms_request *ret) {
    CLEANUP(mem_freep) char *base = NULL;
    TRY(base_of(url, &base));
    const struct ask look = { .method = "ListRooms", .alias = alias, .list = LK_YES, .as = NAMES };
    const struct ask make = {
        .method = "CreateRoom", .alias = alias, .create = LK_YES, .trial = true, .as = NAME
    };
    return write_request(keys, base, what == LK_ROOMS_TRIAL_MAKE ? &make : &look, ret);
}

enum err lk_rooms_create(
    struct http_client *http, const struct lk_keys *keys, const char *url, struct lk_rooms **ret) {
    char *base = NULL;
    TRY(base_of(url, &base));
    struct lk_rooms *r = mem_alloc(sizeof(*r));
    if (r == NULL) {
        mem_free(base);
        return err_set(ERR_NOMEM, "no memory for the client of the SFU");
    }
    *r = (struct lk_rooms){ .http = http, .keys = keys, .base = base };
    metrics_register(&asked_total);
    metrics_register(&failed_total);
    *ret = r;
    return OK;
}

enum err lk_rooms_create_here(
    uv_loop_t *loop, lk_rooms_answerer *here, void *arg, struct lk_rooms **ret) {
    struct lk_rooms *r = mem_zalloc(sizeof(*r));
    uv_timer_t *t = mem_zalloc(sizeof(*t));
    if (r == NULL || t == NULL) {
        mem_free(t);
        mem_free(r);
        return err_set(ERR_NOMEM, "no memory for the rooms of the SFU");
    }
    (void)uv_timer_init(loop, t); /* cannot fail */
    t->data = r;
    r->here = here;
    r->here_arg = arg;
    r->turn = t;
    *ret = r;
    return OK;
}

void lk_rooms_set_nodes(struct lk_rooms *r, struct lk_nodes *nodes) {
    r->nodes = nodes;
}

bool lk_rooms_is_idle(const struct lk_rooms *r) {
    return r->calls == NULL;
}

void lk_rooms_forget(struct lk_rooms *r, const void *arg) {
    struct call *c = NULL;
    struct call *next = NULL;
    DL_FOREACH_SAFE(r->calls, c, next) {
        if (c->arg == arg) {
            call_destroy(c);
        }
    }
}

void lk_rooms_destroy(struct lk_rooms *r) {
    if (r == NULL) {
        return;
    }
    while (r->calls != NULL) {
        call_destroy(r->calls);
    }
    if (r->turn != NULL) {
        uv_close((uv_handle_t *)r->turn, (uv_close_cb)mem_free);
    }
    mem_free(r->base);
    mem_free(r);
}
