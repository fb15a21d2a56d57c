/* Look: one question. End, kick, mute: find the call, write down who wants what, then do it. */
#include "api/admin_calls.h"

#include "api/admin_auth.h"
#include "api/live_calls.h"
#include "api/order.h"
#include "calls/work.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/mem.h"
#include "http/reply.h"
#include "http/request.h"
#include "http/router.h"
#include "matrix/ids.h"
#include "store/live_calls.h"

#include <stdlib.h>
#include <string.h>

#define LIST_DEFAULT   100
#define ORDER_BODY_MAX 4096 /* bytes: three short texts */

/* An order of an admin under way; lives in its request's arena. */
struct order {
    struct api_admin_calls *a;
    struct http_request *request;
    struct api_order what;
    const char *room_id;
    bool legacy;
    struct call_ending_member *members;
    size_t n;
    struct call_ending *ending;
    struct api_admin_mute *mute;
    struct order *prev, *next; /* in a->orders while `ending` or `mute` runs */
};

struct api_admin_calls {
    struct api_admin_auth *auth;
    struct api_admin_calls_engine engine; /* all 0 = none */
    struct order *orders;
};

static enum err no_memory(void) {
    return err_set(ERR_NOMEM, "out of memory");
}

static void reply_stopping(struct http_request *r) {
    http_reply_error(r, 503, "M_UNKNOWN", "Parley is starting or stopping; try again");
}

static void reply_text(struct http_request *r, const struct buf *b) {
    enum err e = buf_check(b);
    if (e == OK) {
        http_reply_json(r, 200, buf_str(b));
    } else {
        http_reply_err(r, e);
    }
}

/* --- look --- */

static void on_list(void *arg, enum err e, const struct store_live_calls *found) {
    struct http_request *r = arg;
    if (e != OK) {
        http_reply_err(r, e);
        return;
    }
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    api_live_calls_print(&b, found);
    reply_text(r, &b);
}

static enum err read_most(const char *text, size_t *ret) {
    char *end = NULL;
    unsigned long n = text == NULL ? LIST_DEFAULT : strtoul(text, &end, 10);
    bool digits = text == NULL || (text[0] >= '0' && text[0] <= '9' && *end == '\0');
    if (!digits || n < 1 || n > STORE_LIVE_CALLS_MOST) {
        return err_set(ERR_INVALID, "limit: want a number from 1 to %d", STORE_LIVE_CALLS_MOST);
    }
    *ret = n;
    return OK;
}

static enum err read_filter(const struct http_request *r, struct store_live_filter *ret) {
    *ret = (struct store_live_filter){
        .session_id = http_request_query(r, "session_id"),
        .room_id = http_request_query(r, "room_id"),
        .user_id = http_request_query(r, "user_id"),
        .kind = http_request_query(r, "kind"),
    };
    uint8_t id[UUID_SIZE];
    if (ret->session_id != NULL && !crypto_uuid_read(ret->session_id, id)) {
        return err_set(ERR_INVALID, "session_id: want the id of a call");
    }
    if (ret->room_id != NULL && !mx_room_id_valid(ret->room_id)) {
        return err_set(ERR_INVALID, "room_id: want an id like !abc:example.com");
    }
    if (ret->user_id != NULL && !mx_user_id_valid(ret->user_id)) {
        return err_set(ERR_INVALID, "user_id: want an id like @who:example.com");
    }
    if (ret->kind != NULL && strcmp(ret->kind, "legacy") != 0 && strcmp(ret->kind, "rtc") != 0) {
        return err_set(ERR_INVALID, "kind: want legacy or rtc");
    }
    return read_most(http_request_query(r, "limit"), &ret->most);
}

static void list(struct http_request *r, void *arg, const char *who) {
    (void)who;
    struct api_admin_calls *a = arg;
    struct store_live_filter filter;
    enum err e = read_filter(r, &filter);
    if (e == OK && a->engine.store == NULL) {
        reply_stopping(r);
        return;
    }
    if (e == OK) {
        e = store_live_calls_ask(a->engine.store, &filter, on_list, r);
    }
    if (e != OK) {
        http_reply_err(r, e);
    }
}

/* --- the outcome of an order --- */

static void print_member(struct buf *b, const struct call_ending_member *m) {
    bool by_user = m->by == CALL_ENDING_BY_USER;
    buf_puts(b, "{");
    buf_json_field(b, "user_id", m->user_id);
    buf_json_field(b, "device_id", m->device_id);
    if (m->by == CALL_ENDING_FAILED) {
        buf_json_field(b, "problem", m->problem);
    } else {
        buf_json_field(b, "by", by_user ? "user" : "sender");
    }
    buf_puts(b, "}");
}

static void print_members(struct buf *b, const struct order *o, const char *key, bool failed) {
    buf_json_key(b, key);
    buf_puts(b, "[");
    const char *comma = "";
    for (size_t i = 0; i < o->n; i++) {
        if ((o->members[i].by == CALL_ENDING_FAILED) == failed) {
            buf_puts(b, comma);
            print_member(b, &o->members[i]);
            comma = ",";
        }
    }
    buf_puts(b, "]");
}

static void answer(const struct order *o) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    buf_puts(&b, "{");
    buf_json_field(&b, "session_id", o->what.session_id);
    if (o->legacy) {
        buf_json_bool_field(&b, "clients_told", false);
    }
    if (o->mute != NULL) {
        api_admin_mute_print(o->mute, &b);
    } else {
        print_members(&b, o, "ended", false);
        print_members(&b, o, "not_ended", true);
    }
    buf_puts(&b, "}");
    reply_text(o->request, &b);
}

static void unlink_order(struct order *o) {
    *(o->prev == NULL ? &o->a->orders : &o->prev->next) = o->next;
    if (o->next != NULL) {
        o->next->prev = o->prev;
    }
}

static void link_order(struct order *o) {
    o->next = o->a->orders;
    if (o->next != NULL) {
        o->next->prev = o;
    }
    o->a->orders = o;
}

/* --- doing it --- */

static void ended(void *arg) {
    struct order *o = arg;
    unlink_order(o);
    answer(o);
}

static void remove_media(const struct order *o) {
    const struct api_admin_calls_engine *e = &o->a->engine;
    for (size_t i = 0; i < o->n && e->remove != NULL; i++) {
        e->remove(e->arg, o->room_id, o->members[i].user_id, o->members[i].device_id,
            o->what.act == API_ORDER_KICK ? "kicked_by_admin" : "ended_by_admin", o->what.who);
    }
}

static enum err carry_out(struct order *o) {
    const struct api_admin_calls_engine *e = &o->a->engine;
    link_order(o);
    if (o->what.act == API_ORDER_MUTE) {
        return api_admin_mute_run(http_request_arena(o->request), &e->mute, o->members, o->n,
            o->what.track, ended, o, &o->mute);
    }
    remove_media(o);
    return call_ending_run(&e->ending, o->members, o->n, ended, o, &o->ending);
}

/* The audit has it. */
static void recorded(void *arg, enum err e, const struct call_work_report *report) {
    (void)report;
    struct order *o = arg;
    if (e != OK) {
        http_reply_err(o->request, e);
        return;
    }
    if (o->a->engine.calls == NULL) {
        reply_stopping(o->request);
        return;
    }
    if (o->legacy) {
        answer(o);
        return;
    }
    e = carry_out(o);
    if (e != OK) {
        unlink_order(o);
        http_reply_err(o->request, e);
    }
}

static const struct call_input *make_input(struct arena *a, const struct order *o, int64_t now_ms) {
    static const enum call_input_type types[] = { [API_ORDER_END] = IN_ENDED_BY_ADMIN,
        [API_ORDER_KICK] = IN_KICKED_BY_ADMIN,
        [API_ORDER_MUTE] = IN_MUTED_BY_ADMIN };
    const struct api_order *w = &o->what;
    struct call_input *in = arena_alloc(a, sizeof(*in));
    if (in == NULL) {
        return NULL;
    }
    *in = (struct call_input){
        .type = types[w->act],
        .room_id = o->room_id,
        .sender = w->who[0] == '@' ? w->who : NULL,
        .origin_ms = now_ms,
        .sent_ms = now_ms,
        .received_ms = now_ms,
        .admin = { .session_id = w->session_id,
            .actor = w->who,
            .user_id = w->user_id,
            .device_id = w->device_id,
            .track = w->track,
            .reason = w->reason },
    };
    return in;
}

static enum err record(struct order *o) {
    struct call_work *w = NULL;
    int64_t now_ms = clock_wall_ms();
    TRY(call_work_create(o->a->engine.calls, now_ms, &w));
    const struct call_input *in = make_input(call_work_arena(w), o, now_ms);
    enum err e = in == NULL ? no_memory() : call_work_add(w, in);
    if (e != OK) {
        call_work_destroy(w);
        return e;
    }
    call_work_run(w, recorded, o);
    return OK;
}

/* --- finding it --- */

static bool is_meant(const struct api_order *w, const struct store_participant *p) {
    return w->act == API_ORDER_END ||
           (strcmp(p->user_id, w->user_id) == 0 &&
               (w->device_id == NULL || (p->party != NULL && strcmp(p->party, w->device_id) == 0)));
}

static const char *keep(struct arena *a, const char *text) {
    return text == NULL ? NULL : arena_strdup(a, text);
}

static enum err keep_members(struct order *o, const struct store_live_call *c) {
    struct arena *arena = http_request_arena(o->request);
    o->members = arena_array(arena, c->n_people, sizeof(*o->members));
    for (size_t i = 0; o->members != NULL && i < c->n_people; i++) {
        const struct store_participant *p = &c->people[i];
        if (is_meant(&o->what, p)) {
            o->members[o->n++] = (struct call_ending_member){
                .room_id = o->room_id,
                .user_id = keep(arena, p->user_id),
                .device_id = keep(arena, p->party),
                .generation = keep(arena, p->generation),
                .entry_key = keep(arena, p->entry_key),
                .membership_id = keep(arena, p->membership_id),
                .slot = keep(arena, c->row.call_id),
            };
        }
    }
    return arena->failed ? no_memory() : OK;
}

static enum err take_call(struct order *o, const struct store_live_calls *found) {
    if (found->n == 0) {
        return err_set(ERR_NOT_FOUND, "No call that goes on has this id");
    }
    const struct store_live_call *c = &found->calls[0];
    o->legacy = strcmp(c->row.kind, "legacy") == 0;
    o->room_id = keep(http_request_arena(o->request), c->row.room_id);
    if (o->what.act != API_ORDER_END && o->legacy) {
        return err_set(
            ERR_CONFLICT, "Nobody can be kicked or muted in a call of two: end it instead");
    }
    if (o->legacy) {
        return http_request_arena(o->request)->failed ? no_memory() : OK;
    }
    TRY(keep_members(o, c));
    return o->n > 0 || o->what.act == API_ORDER_END
               ? OK
               : err_set(ERR_NOT_FOUND, "They are not in this call");
}

static void on_found(void *arg, enum err e, const struct store_live_calls *found) {
    struct order *o = arg;
    if (e == OK && o->a->engine.calls == NULL) {
        reply_stopping(o->request);
        return;
    }
    if (e == OK) {
        e = take_call(o, found);
    }
    if (e == OK) {
        e = record(o);
    }
    if (e != OK) {
        http_reply_err(o->request, e);
    }
}

static enum err begin(
    struct api_admin_calls *a, struct http_request *r, enum api_order_act act, const char *who) {
    struct order *o = arena_alloc(http_request_arena(r), sizeof(*o));
    if (o == NULL) {
        return no_memory();
    }
    *o = (struct order){ .a = a, .request = r };
    TRY(api_order_read(r, act, who, &o->what));
    const struct store_live_filter filter = { .session_id = o->what.session_id, .most = 1 };
    return store_live_calls_ask(a->engine.store, &filter, on_found, o);
}

static void obey(
    struct http_request *r, struct api_admin_calls *a, enum api_order_act act, const char *who) {
    if (a->engine.store == NULL) {
        reply_stopping(r);
        return;
    }
    enum err e = begin(a, r, act, who);
    if (e != OK) {
        http_reply_err(r, e);
    }
}

static void end_call(struct http_request *r, void *arg, const char *who) {
    obey(r, arg, API_ORDER_END, who);
}

static void kick(struct http_request *r, void *arg, const char *who) {
    obey(r, arg, API_ORDER_KICK, who);
}

static void mute(struct http_request *r, void *arg, const char *who) {
    obey(r, arg, API_ORDER_MUTE, who);
}

/* --- the door --- */

static void get_calls(struct http_request *r, void *arg) {
    api_admin_allow(((struct api_admin_calls *)arg)->auth, r, list, arg);
}

static void post_end(struct http_request *r, void *arg) {
    api_admin_allow(((struct api_admin_calls *)arg)->auth, r, end_call, arg);
}

static void post_kick(struct http_request *r, void *arg) {
    api_admin_allow(((struct api_admin_calls *)arg)->auth, r, kick, arg);
}

static void post_mute(struct http_request *r, void *arg) {
    api_admin_allow(((struct api_admin_calls *)arg)->auth, r, mute, arg);
}

static enum err guard(struct http_request *r, void *arg) {
    return api_admin_guard(r, ((const struct api_admin_calls *)arg)->auth);
}

static const struct http_route routes[] = {
    { "GET", "/_parley/admin/v1/calls", get_calls, 0 },
    { "POST", "/_parley/admin/v1/calls/{session_id}/end", post_end, ORDER_BODY_MAX },
    { "POST", "/_parley/admin/v1/calls/{session_id}/kick", post_kick, ORDER_BODY_MAX },
    { "POST", "/_parley/admin/v1/calls/{session_id}/mute", post_mute, ORDER_BODY_MAX },
};

enum err api_admin_calls_create(
    struct http_router *router, struct api_admin_auth *auth, struct api_admin_calls **ret) {
    struct api_admin_calls *a = mem_zalloc(sizeof(*a));
    if (a == NULL) {
        return no_memory();
    }
    a->auth = auth;
    enum err e = http_router_add(router, routes, COUNT_OF(routes), guard, a);
    if (e != OK) {
        mem_free(a);
        return e;
    }
    *ret = a;
    return OK;
}

void api_admin_calls_attach(struct api_admin_calls *a, const struct api_admin_calls_engine *e) {
    a->engine = *e;
}

void api_admin_calls_detach(struct api_admin_calls *a) {
    struct order *next;
    for (struct order *o = a->orders; o != NULL; o = next) {
        next = o->next;
        call_ending_destroy(o->ending);
        api_admin_mute_end(o->mute);
        reply_stopping(o->request);
    }
    a->orders = NULL;
    a->engine = (struct api_admin_calls_engine){ 0 };
}

void api_admin_calls_destroy(struct api_admin_calls *a) {
    if (a != NULL) {
        api_admin_calls_detach(a);
        mem_free(a);
    }
}
