/*
 * Calls that were recorded between a LiveKit server and its clients, said again by their clients:
 * what they hear from us has the shape of what they heard then.
 *
 * livekit_capture/ has a line a step: a connection that opens (with its join_request or query),
 * what the client said (SignalRequest as JSON), and of what it heard the name and the parts that
 * count. Ids that the server gave are replaced by ours; answers to the server's offers are made
 * anew, since ours are others.
 */
#include "signal_world.h"

#include <zlib.h>

#define CLIENTS        3
#define LINE_MAX_BYTES (256 * KIB)
#define IDS_MAX        64
#define NAMES_MAX      24

/* One side of the comparison: how often each message came. */
struct tally {
    const char *names[NAMES_MAX];
    unsigned then[NAMES_MAX], now[NAMES_MAX];
    size_t n;
};

struct replay {
    struct signal_world w;
    struct client clients[CLIENTS];
    struct tally tallies[CLIENTS];
    char then[IDS_MAX][ROOM_SID_SIZE], now[IDS_MAX][ROOM_SID_SIZE];
    size_t n_ids;
    size_t answered[CLIENTS]; /* how many of our offers */
    unsigned answers[CLIENTS];
};

static unsigned *count(struct tally *t, const char *name, bool then) {
    size_t i = 0;
    while (i < t->n && strcmp(t->names[i], name) != 0) {
        i++;
    }
    if (i == t->n) {
        CHECK(t->n < NAMES_MAX - 1);
        t->n = t->n < NAMES_MAX - 1 ? t->n + 1 : t->n;
        t->names[i] = mem_strdup(name);
    }
    return then ? &t->then[i] : &t->now[i];
}

static const char *text_of(const json_t *o, const char *member) {
    const char *text = json_string_value(json_object_get(o, member));
    return text == NULL ? "" : text;
}

/* --- ids --- */

static void learn(struct replay *r, const char *then, const char *now) {
    CHECK(r->n_ids < IDS_MAX && now[0] != '\0');
    if (r->n_ids < IDS_MAX) {
        snprintf(r->then[r->n_ids], ROOM_SID_SIZE, "%s", then);
        snprintf(r->now[r->n_ids++], ROOM_SID_SIZE, "%s", now);
    }
}

/* Theirs and ours have the same length. */
static void replace_ids(const struct replay *r, char *text) {
    for (size_t i = 0; i < r->n_ids; i++) {
        for (char *at = strstr(text, r->then[i]); at != NULL; at = strstr(at, r->then[i])) {
            memcpy(at, r->now[i], strlen(r->now[i]));
        }
    }
}

/* --- what is said --- */

static void answer_offers(struct replay *r, size_t c) {
    for (size_t i = r->answered[c]; i < r->clients[c].socket.n; i++) {
        json_t *m = json_loads(r->clients[c].socket.heard[i], 0, NULL);
        const json_t *offer = json_object_get(m, "offer");
        const char *sdp = text_of(offer, "sdp");
        struct buf text;
        buf_init(&text, 0);
        for (const char *at = sdp; *at != '\0';) {
            const size_t n = strcspn(at, "\n") + 1;
            if (strncmp(at, "a=setup:", 8) == 0) {
                buf_puts(&text, "a=setup:active\r\n");
            } else if (strncmp(at, "a=sendonly", 10) == 0) {
                buf_puts(&text, "a=recvonly\r\n");
            } else if (strncmp(at, "a=ssrc", 6) != 0 && strncmp(at, "a=msid", 6) != 0 &&
                       strncmp(at, "a=ice-lite", 10) != 0) {
                buf_put(&text, at, n);
            }
            at += n;
        }
        r->answered[c] = i + 1;
        if (offer != NULL) {
            say_sdp(&r->clients[c], "answer", buf_str(&text),
                (unsigned)json_integer_value(json_object_get(offer, "id")));
        }
        buf_finish(&text);
        json_decref(m);
    }
}

static void open_v1(struct replay *r, size_t c, const char *identity, const json_t *join) {
    struct arena a;
    struct buf target;
    ProtobufCMessage *m = NULL;
    char text[200] = "";
    char *token = token_for(&r->w, identity, "");
    arena_init(&a);
    buf_init(&target, 0);
    CHECK_ERR(OK, lk_convert_read_json(&lk__join_request__descriptor, join, &a, &m));
    buf_printf(&target, "/rtc/v1?access_token=%s&join_request=", token);
    put_join_request((Lk__JoinRequest *)m, &target);
    CHECK_INT(101, knock(&r->w, &r->clients[c], buf_str(&target), NULL, text, sizeof(text)));
    CHECK_STR("", text);
    buf_finish(&target);
    arena_finish(&a);
    mem_free(token);
}

static void open_classic(struct replay *r, size_t c, const char *identity, json_t *query) {
    const char *key = NULL;
    json_t *value = NULL;
    struct buf more;
    buf_init(&more, 0);
    json_object_foreach(query, key, value) {
        buf_printf(&more, "&%s=%s", key, json_string_value(value));
    }
    call_in(&r->w, &r->clients[c], identity, "", buf_str(&more));
    buf_finish(&more);
}

static int put_text(const char *bytes, size_t n, void *arg) {
    buf_put(arg, bytes, n);
    return 0;
}

static void take_say(struct replay *r, size_t c, const json_t *m) {
    struct buf text;
    buf_init(&text, 0);
    CHECK_INT(0, json_dump_callback(m, put_text, &text, JSON_COMPACT));
    if (json_object_get(m, "answer") == NULL && r->clients[c].socket.closed == 0) {
        replace_ids(r, text.data);
        say(&r->clients[c], text.data);
    }
    buf_finish(&text);
}

/* --- what is heard --- */

static bool has_keys(const json_t *ours, const json_t *keys, const char *except) {
    size_t i = 0;
    json_t *key = NULL;
    bool all = true;
    json_array_foreach(keys, i, key) {
        const char *name = json_string_value(key);
        if (json_object_get(ours, name) == NULL && strstr(except, name) == NULL) {
            test_fail(__FILE__, __LINE__, "no %s", name);
            all = false;
        }
    }
    return all;
}

/* "a0 v1r=q;h;f D2": kind and mid of each section, whether we take something there, and layers. */
static void shape_of(const char *sdp, char *ret, size_t size) {
    size_t len = 0;
    ret[0] = '\0';
    for (const char *at = sdp; *at != '\0' && len + 64 < size; at += strcspn(at, "\n") + 1) {
        const int n = (int)strcspn(at, "\r\n");
        if (strncmp(at, "m=", 2) == 0) {
            len += (size_t)snprintf(ret + len, size - len, "%s%c", len == 0 ? "" : " ",
                strncmp(at, "m=app", 5) == 0 ? 'D' : at[2]);
        } else if (strncmp(at, "a=mid:", 6) == 0) {
            len += (size_t)snprintf(ret + len, size - len, "%.*s", n - 6, at + 6);
        } else if (n == 10 && strncmp(at, "a=recvonly", 10) == 0) {
            len += (size_t)snprintf(ret + len, size - len, "r");
        } else if (strncmp(at, "a=simulcast:recv ", 17) == 0) {
            len += (size_t)snprintf(ret + len, size - len, "=%.*s", n - 17, at + 17);
        }
    }
}

/* The parts of a shape stand in another order in their text: sorted, letter by letter. */
static void check_answer(struct replay *r, size_t c, const json_t *step) {
    unsigned n = 0;
    char ours[500] = "";
    json_t *answer = NULL;
    for (size_t i = 0; i < r->clients[c].socket.n && answer == NULL; i++) {
        json_t *m = json_loads(r->clients[c].socket.heard[i], 0, NULL);
        if (json_object_get(m, "answer") != NULL && n++ == r->answers[c]) {
            answer = json_incref(json_object_get(m, "answer"));
        }
        json_decref(m);
    }
    r->answers[c]++;
    CHECK_INT(json_integer_value(json_object_get(step, "id")),
        json_integer_value(json_object_get(answer, "id")));
    shape_of(text_of(answer, "sdp"), ours, sizeof(ours));
    CHECK_STR(text_of(step, "shape"), ours);
    json_decref(answer);
}

static void take_heard(struct replay *r, size_t c, const char *name, const json_t *step) {
    struct client *client = &r->clients[c];
    (*count(&r->tallies[c], name, true))++;
    if (strcmp(name, "join") == 0) {
        json_t *ours = latest(client, "join");
        CHECK(has_keys(ours, json_object_get(step, "keys"), "iceServers"));
        learn(r, text_of(step, "sid"), text_of(json_object_get(ours, "participant"), "sid"));
        json_decref(ours);
    } else if (strcmp(name, "trackPublished") == 0) {
        json_t *ours = latest(client, "trackPublished");
        const json_t *track = json_object_get(ours, "track");
        CHECK_STR(text_of(step, "cid"), text_of(ours, "cid"));
        CHECK(has_keys(track, json_object_get(step, "keys"), ""));
        learn(r, text_of(step, "sid"), text_of(track, "sid"));
        json_decref(ours);
    } else if (strcmp(name, "answer") == 0) {
        check_answer(r, c, step);
    }
}

static void step(struct replay *r, const json_t *o) {
    const size_t c = (size_t)json_integer_value(json_object_get(o, "c")) % CLIENTS;
    const char *identity = text_of(o, "identity");
    if (json_object_get(o, "open") != NULL) {
        if (json_object_get(o, "join") != NULL) {
            open_v1(r, c, identity, json_object_get(o, "join"));
        } else {
            open_classic(r, c, identity, json_object_get(o, "query"));
            answer_offers(r, c);
        }
        if (room_transport_is_open(room_find_member(room_directory_find(r->w.rooms, "r"), identity),
                json_object_get(o, "join") != NULL ? ROOM_ONLY : ROOM_DOWN)) {
            connect_media(&r->w, identity);
        }
    } else if (json_object_get(o, "say") != NULL) {
        take_say(r, c, json_object_get(o, "say"));
    } else if (json_object_get(o, "hear") != NULL) {
        take_heard(r, c, text_of(o, "hear"), o);
    }
    signal_wait(&r->w, SEC_US / 10); /* our offers wait a moment */
    for (size_t i = 0; i < CLIENTS; i++) {
        if (r->clients[i].in && r->clients[i].socket.closed == 0) {
            answer_offers(r, i);
        }
    }
}

/* --- the comparison --- */

static void compare(struct replay *r, size_t c) {
    static const struct {
        const char *name;
        bool as_often; /* else: at least once, where it came at all */
    } rows[] = { { "join", true }, { "answer", true }, { "trackPublished", true },
        { "trackSubscribed", true }, { "subscriptionPermissionUpdate", true }, { "leave", true },
        { "refreshToken", false }, { "update", false }, { "offer", false },
        { "subscribedQualityUpdate", false }, { "mediaSectionsRequirement", false } };
    for (size_t i = 0; i < r->clients[c].socket.n; i++) {
        char name[64];
        const char *json = r->clients[c].socket.heard[i] + 2;
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(json, "\""), json);
        (*count(&r->tallies[c], name, false))++;
    }
    FOR_ROWS (rows, row) {
        const unsigned then = *count(&r->tallies[c], row->name, true);
        const unsigned now = *count(&r->tallies[c], row->name, false);
        if (row->as_often ? now != then : (now == 0) != (then == 0)) {
            test_fail(__FILE__, __LINE__, "client %zu: %s %u times, recorded %u times", c,
                row->name, now, then);
        }
    }
}

static void run(const char *path) {
    struct replay *r = mem_zalloc(sizeof(*r));
    char *line = mem_alloc(LINE_MAX_BYTES);
    gzFile file = gzopen(path, "rb");
    CHECK(file != NULL);
    CHECK_ERR(OK, signal_open(&r->w, NULL));
    while (file != NULL && gzgets(file, line, (int)LINE_MAX_BYTES) != NULL) {
        json_t *o = json_loads(line, 0, NULL);
        CHECK(o != NULL);
        step(r, o);
        json_decref(o);
    }
    for (size_t c = 0; c < CLIENTS; c++) {
        compare(r, c);
        hang_up(&r->clients[c]);
        for (size_t i = 0; i < r->tallies[c].n; i++) {
            mem_free((char *)r->tallies[c].names[i]);
        }
    }
    signal_close(&r->w);
    CHECK_INT(0, fake_count("room") + fake_count("subscription") + fake_count("track"));
    if (file != NULL) {
        gzclose(file);
    }
    mem_free(line);
    mem_free(r);
}

TEST(livekit_replay, is_heard_as_it_was_recorded) {
    static const struct {
        const char *name, *path;
    } rows[] = {
        { "livekit-client, one connection", CAPTURE_DIR "/js_default.jsonl.gz" },
        { "livekit-client, two connections", CAPTURE_DIR "/js_classic.jsonl.gz" },
        { "rtc-node", CAPTURE_DIR "/node.jsonl.gz" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        run(r->path);
    }
}
