/*
 * The door of Janus' plugin videoroom, as its own clients use it: a session with one handle that
 * joins and publishes, and one that subscribes to all publishers over one connection, which is
 * negotiated anew for each that comes. Who publishes nothing only joins, to hear who is there.
 *
 * A reply bears the transaction of its request, so a transaction is the name of a step and the
 * table has a row for each.
 */
#include "janus.h"

#include "client.h"
#include "core/clock.h"
#include "core/mem.h"
#include "door.h"
#include "intake.h"
#include "negotiate.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int put_text(const char *text, size_t n, void *arg) {
    buf_put(arg, text, n);
    return 0;
}

/* Takes `message`. `handle` 0: about the session. */
static void say(struct load_client *c, const char *step, uint64_t handle, json_t *message) {
    if (c->janus.session != 0) {
        json_object_set_new(message, "session_id", json_integer((json_int_t)c->janus.session));
    }
    if (handle != 0) {
        json_object_set_new(message, "handle_id", json_integer((json_int_t)handle));
    }
    json_object_set_new(message, "transaction", json_string(step));
    CLEANUP(buf_finish) struct buf text;
    buf_init(&text, 0);
    if (json_dump_callback(message, put_text, &text, JSON_COMPACT) == 0 && buf_check(&text) == OK) {
        load_signal_send(c->signal, buf_str(&text), text.len);
    } else {
        load_client_fail(c, "no memory for a message");
    }
    json_decref(message);
}

/* Takes `body`, and `jsep`, which may be NULL. */
static void ask(
    struct load_client *c, const char *step, uint64_t handle, json_t *body, json_t *jsep) {
    json_t *message = json_pack("{s:s, s:o}", "janus", "message", "body", body);
    if (jsep != NULL) {
        json_object_set_new(message, "jsep", jsep);
    }
    say(c, step, handle, message);
}

static void attach(struct load_client *c, const char *step) {
    say(c, step, 0, json_pack("{s:s, s:s}", "janus", "attach", "plugin", "janus.plugin.videoroom"));
}

/* Rooms are numbers, or texts where Janus is told so. */
static json_t *room_of(const struct load_client *c) {
    char *end = NULL;
    unsigned long long n = strtoull(c->shared->room, &end, 10);
    return *end == '\0' ? json_integer((json_int_t)n) : json_string(c->shared->room);
}

static json_t *description(const char *type, const struct buf *sdp) {
    return json_pack("{s:s, s:s}", "type", type, "sdp", buf_str(sdp));
}

static uint64_t id_of(const json_t *object, const char *name) {
    return (uint64_t)json_integer_value(json_object_get(object, name));
}

/* --- publishing --- */

static void publish(struct load_client *c) {
    CLEANUP(buf_finish) struct buf offer;
    buf_init(&offer, 0);
    c->pub.needed = true;
    if (load_negotiate_offer(c, &offer) != OK) {
        load_client_fail(c, err_text());
        return;
    }
    ask(c, "publish", c->janus.publisher, json_pack("{s:s}", "request", "publish"),
        description("offer", &offer));
}

static void take_answer(struct load_client *c, const json_t *reply, const json_t *data) {
    const char *sdp = json_string_value(json_object_get(json_object_get(reply, "jsep"), "sdp"));
    (void)data;
    if (sdp == NULL) {
        load_client_fail(c, "no answer to what it publishes");
    } else if (load_negotiate_answered(c, sdp) != OK) {
        load_client_fail(c, err_text());
    }
}

/* --- subscribing --- */

/* One request at a time: each changes the description. */
static void subscribe(struct load_client *c) {
    struct load_janus *j = &c->janus;
    if (j->busy || j->subscriber == 0 || j->n_feeds == 0) {
        return;
    }
    json_t *feeds = json_array();
    for (size_t i = 0; i < j->n_feeds; i++) {
        json_array_append_new(feeds, json_pack("{s:I}", "feed", (json_int_t)j->feeds[i]));
    }
    j->n_feeds = 0;
    j->busy = true;
    json_t *body = j->subscribed ? json_pack("{s:s, s:o}", "request", "update", "subscribe", feeds)
                                 : json_pack("{s:s, s:s, s:o, s:I, s:o}", "request", "join",
                                       "ptype", "subscriber", "room", room_of(c), "private_id",
                                       (json_int_t)j->private_id, "streams", feeds);
    j->subscribed = true;
    ask(c, "subscribe", j->subscriber, body, NULL);
}

static void take_subscriber(struct load_client *c, const json_t *reply, const json_t *data) {
    (void)data;
    c->janus.subscriber = id_of(json_object_get(reply, "data"), "id");
    subscribe(c);
}

static void take_offer(struct load_client *c, const json_t *reply, const json_t *data) {
    CLEANUP(buf_finish) struct buf answer;
    const char *sdp = json_string_value(json_object_get(json_object_get(reply, "jsep"), "sdp"));
    (void)data;
    buf_init(&answer, 0);
    if (sdp == NULL) {
        load_client_fail(c, "no offer of what it subscribes to");
    } else if (load_negotiate_offered(c, sdp, &answer) != OK) {
        load_client_fail(c, err_text());
    } else {
        ask(c, "start", c->janus.subscriber, json_pack("{s:s}", "request", "start"),
            description("answer", &answer));
    }
}

static void take_started(struct load_client *c, const json_t *reply, const json_t *data) {
    (void)reply, (void)data;
    c->janus.busy = false;
    subscribe(c);
}

/* Comes by itself too, when somebody begins to publish. */
static void take_publishers(struct load_client *c, const json_t *data) {
    struct load_janus *j = &c->janus;
    const json_t *publishers = json_object_get(data, "publishers");
    for (size_t i = 0; i < json_array_size(publishers) && !c->deaf; i++) {
        char id[LOAD_SID_SIZE];
        uint64_t feed = id_of(json_array_get(publishers, i), "id");
        snprintf(id, sizeof(id), "%" PRIu64, feed);
        if (j->n_feeds < LOAD_JANUS_FEEDS && load_intake_is_new(c, id)) {
            j->feeds[j->n_feeds++] = feed;
        }
    }
    if (j->n_feeds > 0 && !c->sub.needed) {
        c->sub.needed = true;
        attach(c, "subscriber");
    }
    subscribe(c);
}

/* --- joining --- */

static void take_session(struct load_client *c, const json_t *reply, const json_t *data) {
    (void)data;
    c->janus.session = id_of(json_object_get(reply, "data"), "id");
    attach(c, "publisher");
}

static void take_publisher(struct load_client *c, const json_t *reply, const json_t *data) {
    (void)data;
    c->janus.publisher = id_of(json_object_get(reply, "data"), "id");
    json_t *body = json_pack("{s:s, s:s, s:o, s:s}", "request", "join", "ptype", "publisher",
        "room", room_of(c), "display", c->name);
    ask(c, "join", c->janus.publisher, body, NULL);
}

static void take_joined(struct load_client *c, const json_t *reply, const json_t *data) {
    (void)reply;
    c->state = LOAD_JOINED;
    c->janus.private_id = id_of(data, "private_id");
    c->met_tracks = json_array_size(json_object_get(data, "publishers")) > 0;
    /* Others have no connection without media; where nobody has any, each has one for data. */
    if (c->n_tracks > 0 || c->shared->silent) {
        publish(c);
    }
}

/* --- what comes --- */

/* False: the client has failed, or the message is of no interest. */
static bool look(struct load_client *c, const json_t *m, const json_t *data) {
    static const char *const ends[] = { "hangup", "timeout", "detached" };
    const char *kind = json_string_value(json_object_get(m, "janus"));
    const json_t *reason = json_object_get(json_object_get(m, "error"), "reason");
    const char *why = json_string_value(reason == NULL ? json_object_get(data, "error") : reason);
    if (why != NULL) {
        load_client_fail(c, why);
        return false;
    }
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        if (kind != NULL && strcmp(kind, ends[i]) == 0) {
            load_client_lost(c, "the server has ended the connection");
            return false;
        }
    }
    return kind != NULL && (strcmp(kind, "success") == 0 || strcmp(kind, "event") == 0);
}

static void act(struct load_client *c, const json_t *m) {
    static const struct {
        const char *step;
        void (*take)(struct load_client *c, const json_t *reply, const json_t *data);
    } rows[] = {
        { "session", take_session },
        { "publisher", take_publisher },
        { "join", take_joined },
        { "publish", take_answer },
        { "subscriber", take_subscriber },
        { "subscribe", take_offer },
        { "start", take_started },
    };
    const char *step = json_string_value(json_object_get(m, "transaction"));
    const json_t *data = json_object_get(json_object_get(m, "plugindata"), "data");
    if (!look(c, m, data)) {
        return;
    }
    for (size_t i = 0; i < COUNT_OF(rows) && step != NULL && c->state != LOAD_FAILED; i++) {
        if (strcmp(step, rows[i].step) == 0) {
            rows[i].take(c, m, data);
        }
    }
    take_publishers(c, data);
}

static void take_message(void *arg, const void *bytes, size_t len) {
    struct load_client *c = arg;
    json_t *m = json_loadb(bytes, len, 0, NULL);
    c->shared->now_us = clock_mono_us();
    act(c, m);
    json_decref(m);
}

/* --- the door --- */

static enum err join(struct load_client *c) {
    struct load_signal_config cfg = { .path = "/",
        .protocol = "janus-protocol",
        .text = true,
        .message = take_message,
        .lost = load_client_lost,
        .arg = c };
    TRY(load_signal_open(c->shared->signals, &cfg, &c->signal));
    say(c, "session", 0, json_pack("{s:s}", "janus", "create"));
    return OK;
}

static void ping(struct load_client *c) {
    say(c, "ping", 0, json_pack("{s:s}", "janus", "keepalive"));
}

static void leave(struct load_client *c) {
    say(c, "leave", 0, json_pack("{s:s}", "janus", "destroy"));
}

const struct load_door load_janus = { .name = "janus", .join = join, .ping = ping, .leave = leave };
