/* Who is let in, and in which words others are not (livekit-protocol 1.4). */
#include "core/crypto.h"
#include "http/router.h"
#include "livekit/nodes.h"
#include "signal_world.h"

#include "played_nodes.h"

#include <zlib.h>

#define EXP        "\"exp\":1700003600"
#define JOIN(more) "{" EXP ",\"sub\":\"alice\",\"video\":{\"roomJoin\":true" more "}}"

TEST(livekit_entry, refuses_in_the_words_that_clients_know) {
    static const struct {
        const char *name;
        const char *claims; /* NULL = no token */
        const char *path;
        const char *query;
        const char *prefix; /* of a header instead of the parameter */
        int status;
        const char *text;
    } rows[] = {
        { "let in", JOIN(",\"room\":\"r\""), "/rtc", "", NULL, 101, "" },
        { "let in by header", JOIN(",\"room\":\"r\""), "/rtc", "", "Bearer ", 101, "" },
        { "a slash too many", JOIN(",\"room\":\"r\""), "//rtc", "", NULL, 101, "" },
        { "no token", NULL, "/rtc", "", NULL, 401, "permissions denied" },
        { "another scheme", JOIN(",\"room\":\"r\""), "/rtc", "", "Basic ", 401,
            "invalid authorization header. Must start with Bearer " },
        { "expired", "{\"exp\":1699990000,\"sub\":\"a\",\"video\":{\"roomJoin\":true}}", "/rtc", "",
            NULL, 401, "invalid token: token is expired" },
        { "no end", "{\"sub\":\"a\",\"video\":{\"roomJoin\":true}}", "/rtc", "", NULL, 401,
            "invalid token: token is missing required claim: exp" },
        { "no right", "{" EXP ",\"sub\":\"alice\",\"video\":{\"room\":\"r\"}}", "/rtc", "", NULL,
            401, "permissions denied" },
        { "no video", "{" EXP ",\"sub\":\"alice\"}", "/rtc", "", NULL, 401, "permissions denied" },
        { "nobody", "{" EXP ",\"video\":{\"roomJoin\":true,\"room\":\"r\"}}", "/rtc", "", NULL, 400,
            "identity cannot be empty" },
        { "no room", JOIN(""), "/rtc", "", NULL, 400, "no room name" },
        { "no join_request", JOIN(",\"room\":\"r\""), "/rtc/v1", "", NULL, 400,
            "join_request is required" },
        { "not base64", JOIN(",\"room\":\"r\""), "/rtc/v1", "&join_request=%21", NULL, 400,
            "join_request is not base64url" },
        { "attributes without the right", JOIN(",\"room\":\"r\""), "/rtc", "&attributes=e30", NULL,
            401, "permissions denied" },
        { "attributes with it", JOIN(",\"room\":\"r\",\"canUpdateOwnMetadata\":true"), "/rtc",
            "&attributes=eyJhIjoiYiJ9", NULL, 101, "" },
        { "attributes of another type", JOIN(",\"room\":\"r\",\"canUpdateOwnMetadata\":true"),
            "/rtc", "&attributes=eyJhIjoxfQ", NULL, 400, "an attribute is no text" },
    };
    FOR_ROWS (rows, r) {
        struct signal_world w;
        struct client c;
        struct buf target;
        char text[200] = "";
        char *token = NULL;
        ROW(r->name);
        CHECK_ERR(OK, signal_open(&w, NULL));
        buf_init(&target, 0);
        if (r->claims != NULL) {
            CHECK_ERR(OK, token_of(&w, r->claims, &token));
        }
        if (r->prefix != NULL) {
            struct buf header;
            buf_init(&header, 0);
            buf_printf(&header, "%s%s", r->prefix, token);
            buf_printf(&target, "%s?x=1%s", r->path, r->query);
            CHECK_INT(
                r->status, knock(&w, &c, buf_str(&target), buf_str(&header), text, sizeof(text)));
            buf_finish(&header);
        } else {
            buf_printf(&target, "%s?x=1%s%s%s", r->path,
                token == NULL ? "" : "&access_token=", token == NULL ? "" : token, r->query);
            CHECK_INT(r->status, knock(&w, &c, buf_str(&target), NULL, text, sizeof(text)));
        }
        CHECK_STR(r->text, text);
        mem_free(token);
        buf_finish(&target);
        hang_up(&c);
        signal_close(&w);
    }
}

TEST(livekit_entry, refuses_tokens_of_others) {
    static const struct {
        const char *name, *token, *text;
    } rows[] = {
        { "no token at all", "rubbish", "invalid authorization token" },
        /* {"alg":"HS256"} . {"iss":"other"} */
        { "another key", "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJvdGhlciJ9.x", "invalid API key" },
        { "a broken signature", "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJkZXZrZXkifQ.x",
            "invalid token: signature is invalid" },
    };
    FOR_ROWS (rows, r) {
        struct signal_world w;
        struct client c;
        char target[200];
        char text[200] = "";
        ROW(r->name);
        CHECK_ERR(OK, signal_open(&w, NULL));
        snprintf(target, sizeof(target), "/rtc?access_token=%s", r->token);
        CHECK_INT(401, knock(&w, &c, target, NULL, text, sizeof(text)));
        CHECK_STR(r->text, text);
        signal_close(&w);
    }
}

TEST(livekit_entry, refuses_for_reasons_of_the_room) {
    static const struct room_directory_config closed = { .no_create = true };
    static const struct room_config single = { .max_members = 1 };
    struct signal_world w;
    struct client alice, bob;
    struct room *room = NULL;
    char text[200] = "";
    char target[1000];
    CHECK_ERR(OK, signal_open(&w, &closed));
    char *token = token_for(&w, "bob", "");
    snprintf(target, sizeof(target), "/rtc?access_token=%s", token);
    CHECK_INT(404, knock(&w, &bob, target, NULL, text, sizeof(text)));
    CHECK_STR("requested room does not exist", text);
    CHECK_ERR(OK, room_directory_ensure(w.rooms, "r", &single, &room));
    call_in(&w, &alice, "alice", "", "");
    CHECK_INT(503, knock(&w, &bob, target, NULL, text, sizeof(text)));
    CHECK_STR("room has exceeded its max participants", text);
    hang_up(&alice);
    lk_signal_drain(w.signal);
    CHECK_INT(503, knock(&w, &bob, target, NULL, text, sizeof(text)));
    CHECK_STR("the server is stopping", text);
    mem_free(token);
    signal_close(&w);
}

/* --- several nodes --- */

static int validated;

static void note_validated(struct http_request *r) {
    validated = r->status;
    http_request_destroy(r);
}

/* The status of what clients ask when they were not let in; 0 = they wait. `from`: the node that
 * sends it on, or NULL. */
static int validate(const struct http_router *router, const char *query, const char *from) {
    struct buf target;
    buf_init(&target, 0);
    buf_printf(&target, "/rtc/validate%s", query);
    struct http_request *r = http_request_create("GET", buf_str(&target), target.len);
    CHECK(r != NULL && http_request_expect_fields(r, 1));
    buf_finish(&target);
    if (from != NULL) {
        http_request_put_field(r, LK_FORWARD_FIELD, strlen(LK_FORWARD_FIELD), from, strlen(from));
    }
    r->deliver = note_validated;
    validated = 0;
    CHECK(http_router_find(router, r));
    r->route->handle(r, r->arg);
    return validated;
}

struct entrance {
    struct signal_world w;
    struct http_router *router;
    char target[1000];
};

static void entrance_open(struct entrance *d) {
    memset(&held, 0, sizeof(held));
    CHECK_ERR(OK, nodes_open());
    CHECK_ERR(OK, signal_open(&d->w, NULL));
    CHECK_ERR(OK, http_router_create(&d->router));
    CHECK_ERR(OK, lk_signal_add(d->w.signal, d->router, false));
    lk_signal_set_nodes(d->w.signal, NODES);
    char *token = token_for(&d->w, "bob", "");
    snprintf(d->target, sizeof(d->target), "/rtc?access_token=%s", token);
    mem_free(token);
}

static void entrance_close(struct entrance *d) {
    lk_signal_set_nodes(d->w.signal, NULL);
    nodes_close();
    http_router_destroy(d->router);
    signal_close(&d->w);
}

TEST(livekit_entry, lets_in_whose_room_is_here) {
    static const struct {
        const char *name;
        enum lk_node_entry entry;
        bool was_held;
        int status;
        const char *text;
    } rows[] = {
        { "here", LK_NODE_LET_IN, false, 101, "" },
        { "here, as was found out", LK_NODE_LET_IN, true, 101, "" },
        { "another process has our name", LK_NODE_NOT_HERE, false, 404,
            "requested room does not exist" },
        { "still not known", LK_NODE_UNSURE, true, 503, "the room is being looked for" },
        { "elsewhere, meanwhile", LK_NODE_ELSEWHERE, true, 404, "requested room does not exist" },
    };
    struct entrance d;
    struct client c;
    entrance_open(&d);
    FOR_ROWS (rows, r) {
        char text[200] = "";
        ROW(r->name);
        nodes.entry = r->entry;
        held.was = r->was_held;
        CHECK_INT(r->status, knock(&d.w, &c, d.target, NULL, text, sizeof(text)));
        CHECK_STR(r->text, text);
        CHECK_STR("r", nodes.alias);
        if (!r->was_held) {
            CHECK_INT(r->status == 101 ? 200 : r->status,
                validate(d.router, strchr(d.target, '?'), NULL));
        }
        hang_up(&c);
    }
    ROW("a token that is none is refused before");
    nodes.alias[0] = '\0';
    CHECK_INT(401, validate(d.router, "?access_token=x", NULL));
    CHECK_STR("", nodes.alias);
    entrance_close(&d);
}

TEST(livekit_entry, holds_back_whose_room_may_be_elsewhere) {
    static const struct {
        const char *name;
        enum lk_node_entry entry;
        enum err e;
        const struct lk_place *place;
        const char *end;
        int validates; /* 0: the other node is asked */
    } rows[] = {
        { "here", LK_NODE_UNSURE, OK, &here, "again", 200 },
        { "there", LK_NODE_UNSURE, OK, &there, "the node two, http://two:8090, X-Parley-Node: one",
            0 },
        { "there, as was known", LK_NODE_ELSEWHERE, OK, &there,
            "the node two, http://two:8090, X-Parley-Node: one", 0 },
        { "there, and there is no way", LK_NODE_ELSEWHERE, ERR_UNREACHABLE, &hidden,
            "404 requested room does not exist", 404 },
        { "the database is away", LK_NODE_UNSURE, ERR_DATABASE, NULL,
            "503 the room is being looked for", 503 },
    };
    struct entrance d;
    struct client c;
    char text[200];
    entrance_open(&d);
    FOR_ROWS (rows, r) {
        ROW(r->name);
        nodes.entry = r->entry;
        CHECK_INT(-(int)ERR_LIMIT, knock(&d.w, &c, d.target, NULL, text, sizeof(text)));
        CHECK(held.waits);
        CHECK_INT('e', nodes.how);
        nodes_say(r->e == OK ? OK : err_set(r->e, "secret"), r->place);
        CHECK(!held.waits);
        CHECK_STR(r->end, held.end);
        CHECK_INT(0, validate(d.router, strchr(d.target, '?'), NULL));
        nodes.entry = r->place == &here ? LK_NODE_LET_IN : r->entry;
        nodes_say(r->e == OK ? OK : err_set(r->e, "secret"), r->place);
        CHECK_INT(r->validates, validated);
        if (r->validates == 0) {
            CHECK(strncmp(asks[0].said, "GET http://two:8090/rtc/validate?access_token=", 46) == 0);
            node_answers(0, 200, "", "success", 7);
            CHECK_INT(200, validated);
        }
    }
    ROW("one hop");
    nodes.entry = LK_NODE_ELSEWHERE;
    CHECK_INT(0, validate(d.router, strchr(d.target, '?'), "two"));
    nodes_say(OK, &there);
    CHECK_INT(404, validated);
    ROW("that node does not answer");
    CHECK_INT(0, validate(d.router, strchr(d.target, '?'), NULL));
    nodes_say(OK, &there);
    node_answers(0, 0, NULL, "", 0);
    CHECK_INT(503, validated);
    ROW("nobody can be asked");
    nodes.fails = ERR_LIMIT;
    CHECK_INT(-(int)ERR_LIMIT, knock(&d.w, &c, d.target, NULL, text, sizeof(text)));
    CHECK(!held.waits);
    CHECK_INT(503, validate(d.router, strchr(d.target, '?'), NULL));
    nodes.fails = OK;
    ROW("the client has left");
    CHECK_INT(-(int)ERR_LIMIT, knock(&d.w, &c, d.target, NULL, text, sizeof(text)));
    held.waits = false;
    held.gone(held.arg);
    CHECK(nodes.placed == NULL);
    ROW("we end");
    CHECK_INT(-(int)ERR_LIMIT, knock(&d.w, &c, d.target, NULL, text, sizeof(text)));
    entrance_close(&d);
    CHECK_STR("503 the room is being looked for", held.end);
}

TEST(livekit_entry, refuses_names_that_are_too_long) {
    static const struct {
        const char *name, *text;
        int identity, room;
    } rows[] = {
        { "identity", "identity exceeds max length 256", 257, 1 },
        { "room", "room name exceeds max length 256", 1, 257 },
    };
    FOR_ROWS (rows, r) {
        struct signal_world w;
        struct client c;
        char text[200] = "";
        char claims[1000];
        char target[2000];
        char *token = NULL;
        ROW(r->name);
        CHECK_ERR(OK, signal_open(&w, NULL));
        snprintf(claims, sizeof(claims),
            "{" EXP ",\"sub\":\"%0*d\",\"video\":{\"roomJoin\":true,\"room\":\"%0*d\"}}",
            r->identity, 1, r->room, 1);
        CHECK_ERR(OK, token_of(&w, claims, &token));
        snprintf(target, sizeof(target), "/rtc?access_token=%s", token);
        CHECK_INT(400, knock(&w, &c, target, NULL, text, sizeof(text)));
        CHECK_STR(r->text, text);
        mem_free(token);
        signal_close(&w);
    }
}

/* gzip, with and without padding, and a bomb. */
static void wrap_gzip(const void *bytes, size_t len, bool padding, struct buf *out) {
    Lk__WrappedJoinRequest wrapped = LK__WRAPPED_JOIN_REQUEST__INIT;
    z_stream z = { 0 };
    struct buf packed;
    struct buf outer;
    buf_init(&packed, 0);
    buf_init(&outer, 0);
    CHECK_INT(Z_OK, deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY));
    z.next_in = (Bytef *)bytes;
    z.avail_in = (uInt)len;
    uint8_t *room = buf_room(&packed, len + 200);
    z.next_out = room;
    z.avail_out = (uInt)len + 200;
    CHECK_INT(Z_STREAM_END, deflate(&z, Z_FINISH));
    wrapped.compression = LK__WRAPPED_JOIN_REQUEST__COMPRESSION__GZIP;
    wrapped.join_request.data = room;
    wrapped.join_request.len = len + 200 - z.avail_out;
    deflateEnd(&z);
    CHECK_ERR(OK, lk_convert_write(&wrapped.base, &outer));
    char *text = mem_alloc(CRYPTO_BASE64_SIZE(outer.len));
    crypto_base64((const uint8_t *)outer.data, outer.len, text);
    for (char *at = text; *at != '\0'; at++) { /* a query: percent, where the alphabet needs it */
        if (*at == '+' || *at == '/') {
            buf_printf(out, "%%%02X", *at);
        } else {
            buf_putc(out, *at);
        }
    }
    for (size_t n = strlen(text); n % 4 != 0 && padding; n++) {
        buf_puts(out, "%3D");
    }
    mem_free(text);
    buf_finish(&packed);
    buf_finish(&outer);
}

TEST(livekit_entry, reads_a_compressed_join_request_within_its_bound) {
    static const struct {
        const char *name;
        size_t bytes; /* of metadata inside */
        bool padding;
        int status;
        const char *text;
    } rows[] = {
        { "small", 10, false, 101, "" },
        { "padded", 11, true, 101, "" },
        { "larger than the first guess", 200000, true, 101, "" },
        { "too large", 1 << 21, true, 400, "join_request has more than 1048576 bytes" },
    };
    FOR_ROWS (rows, r) {
        Lk__JoinRequest j = LK__JOIN_REQUEST__INIT;
        struct signal_world w;
        struct client c;
        struct buf inner;
        struct buf target;
        char text[200] = "";
        ROW(r->name);
        CHECK_ERR(OK, signal_open(&w, NULL));
        char *token = token_for(&w, "alice", "");
        j.metadata = mem_zalloc(r->bytes + 1);
        memset(j.metadata, 'm', r->bytes);
        buf_init(&inner, 0);
        buf_init(&target, 0);
        CHECK_ERR(OK, lk_convert_write(&j.base, &inner));
        buf_printf(&target, "/rtc/v1?access_token=%s&join_request=", token);
        wrap_gzip(inner.data, inner.len, r->padding, &target);
        CHECK_INT(r->status, knock(&w, &c, buf_str(&target), NULL, text, sizeof(text)));
        CHECK_STR(r->text, text);
        hang_up(&c);
        mem_free(j.metadata);
        mem_free(token);
        buf_finish(&inner);
        buf_finish(&target);
        signal_close(&w);
    }
}

TEST(livekit_entry, resolves_rights_as_livekit_does) {
    static const struct {
        const char *name, *more;
        bool publish, data, subscribe;
        unsigned sources;
    } rows[] = {
        { "nothing said", "", true, true, true, 0 },
        { "no publishing", ",\"canPublish\":false", false, false, true, 0 },
        { "but data", ",\"canPublish\":false,\"canPublishData\":true", false, true, true, 0 },
        { "no subscribing", ",\"canSubscribe\":false", true, true, false, 0 },
        { "a microphone", ",\"canPublishSources\":[\"microphone\"]", true, true, true,
            1u << ROOM_MICROPHONE },
        { "unknown sources", ",\"canPublishSources\":[\"nose\"]", false, true, true, 0 },
    };
    FOR_ROWS (rows, r) {
        struct signal_world w;
        struct client c;
        ROW(r->name);
        CHECK_ERR(OK, signal_open(&w, NULL));
        call_in(&w, &c, "alice", r->more, "&capabilities=CAP_PACKET_TRAILER,x&client_protocol=2");
        const struct room_member *m = room_find_member(room_directory_find(w.rooms, "r"), "alice");
        CHECK_INT(r->publish, m->grant.publish);
        CHECK_INT(r->subscribe, m->grant.subscribe);
        CHECK_INT(r->sources, m->grant.sources);
        CHECK_INT(2, m->capabilities);
        CHECK_INT(2, m->protocol);
        hang_up(&c);
        signal_close(&w);
    }
}

TEST_ALLOC(livekit_entry, survives_no_memory) {
    struct signal_world w;
    struct client c = { 0 };
    char text[200] = "";
    char target[1000];
    enum err e = signal_open(&w, NULL);
    char *token = NULL;
    if (e == OK) {
        e = token_of(&w, JOIN(",\"room\":\"r\""), &token);
    }
    if (e == OK) {
        snprintf(target, sizeof(target), "/rtc?access_token=%s", token);
        const int status = knock(&w, &c, target, NULL, text, sizeof(text));
        e = status == 101 ? OK : ERR_NOMEM;
        hang_up(&c);
    }
    mem_free(token);
    signal_close(&w);
    return e;
}
