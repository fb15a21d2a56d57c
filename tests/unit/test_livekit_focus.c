/* The token service as clients meet it: exact answers, and what is asked of whom before them. */
#include "livekit_world.h"

/* OpenID's answer to the request that waits for it. */
static void verified(enum mx_openid_outcome outcome, const char *user_id, const char *text) {
    mx_openid_done *done = world->verified;
    CHECK(done != NULL);
    const char *colon = strchr(user_id, ':');
    const struct mx_openid_answer a = { outcome, user_id, colon == NULL ? "" : colon + 1, text };
    world->verified = NULL;
    if (done != NULL) {
        done(world->verified_arg, &a);
    }
}

#define OPENID                                                                                     \
    "\"openid_token\":{\"access_token\":\"tok\",\"token_type\":\"Bearer\","                        \
    "\"matrix_server_name\":\"example.com\",\"expires_in\":3600}"
#define OLD "{\"room\":\"!r:example.com\",\"device_id\":\"DEVICE\"," OPENID "}"
#define HASHED                                                                                     \
    "{\"room_id\":\"!r:example.com\",\"slot_id\":\"m.call#ROOM\"," OPENID                          \
    ",\"member\":{\"id\":\"b9c1\",\"claimed_user_id\":\"@alice:example.com\","                     \
    "\"claimed_device_id\":\"DEVICE\"}}"
#define DELAY     ",\"delay_id\":\"syd_1\",\"delay_timeout\":3600000}"
#define OLD_DELAY "{\"room\":\"!r:example.com\",\"device_id\":\"DEVICE\"," OPENID DELAY
#define ALIAS     "EYjNbL5KHPtZo4QGh4xHSBGJq2+tvxOfHJAhxgddEEo"

TEST(livekit_focus, gives_tokens_in_both_dialects) {
    static const struct {
        const char *name, *path, *body, *claims, *note;
    } rows[] = {
        { "old", "/sfu/get", OLD,
            "{\"iss\":\"key1\",\"sub\":\"@alice:example.com:DEVICE\",\"video\":{"
            "\"canPublish\":true,\"canSubscribe\":true,\"canUpdateOwnMetadata\":false,"
            "\"hidden\":false,\"room\":\"" ALIAS "\",\"roomCreate\":false,\"roomJoin\":true}}",
            "token_issued !r:example.com @alice:example.com old joined "
            "@alice:example.com:DEVICE" },
        { "hashed", "/get_token", HASHED,
            "{\"iss\":\"key1\",\"sub\":\"tUnn+gBovRAlUvk/t8fUOUqt+gCT3LvvfYXuVoSwkqU\",\"video\":{"
            "\"canPublish\":true,\"canSubscribe\":true,\"canUpdateOwnMetadata\":false,"
            "\"hidden\":false,\"room\":\"" ALIAS "\",\"roomCreate\":false,\"roomJoin\":true}}",
            "token_issued !r:example.com @alice:example.com hashed joined "
            "tUnn+gBovRAlUvk/t8fUOUqt+gCT3LvvfYXuVoSwkqU" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world w;
        CHECK_ERR(OK, world_init(&w));
        CHECK(post(r->path, NULL, r->body));
        CHECK_STR("tok", w.token);
        CHECK_STR("example.com", w.server);
        CHECK_INT(3600000, w.expires_in_ms);
        verified(MX_OPENID_VALID, "@alice:example.com", "");
        CHECK_STR("!r:example.com @alice:example.com - full", w.asked);
        CHECK_INT(0, w.answers);
        admitted(LK_FINE, "joined");
        CHECK_INT(1, w.answers);
        CHECK_INT(200, w.status);
        CHECK(strncmp(w.body, "{\"url\":\"" SFU "\",\"jwt\":\"ey", 30) == 0);
        CHECK_STR(r->claims, claims(&w));
        CHECK_INT(1, w.notes);
        CHECK_STR(r->note, w.note);
        world_finish(&w);
    }
}

/* A body that is refused at once: no server is asked, and a note is made. */
TEST(livekit_focus, refuses_bodies_word_for_word) {
    static const struct {
        const char *name, *path, *body;
        int status;
        const char *want;
    } rows[] = {
        { "no JSON", "/sfu/get", "{", 400,
            "{\"errcode\":\"M_NOT_JSON\",\"error\":\"Error reading request\"}" },
        { "old: no room", "/sfu/get", "{" OPENID "}", 400,
            "{\"errcode\":\"M_BAD_JSON\",\"error\":\"Missing room parameter\"}" },
        { "old: no token", "/sfu/get", "{\"room\":\"!r:example.com\"}", 400,
            "{\"errcode\":\"M_BAD_JSON\",\"error\":\"Missing OpenID token parameters\"}" },
        { "old: half a delay", "/sfu/get",
            "{\"room\":\"!r:example.com\",\"delay_id\":\"d\"," OPENID "}", 400,
            "{\"errcode\":\"M_BAD_JSON\",\"error\":\"The request body is missing `delay_id` or "
            "`delay_timeout`\"}" },
        { "hashed: no room", "/get_token", "{" OPENID "}", 400,
            "{\"errcode\":\"M_BAD_JSON\",\"error\":\"The request body is missing `room_id` or "
            "`slot_id`\"}" },
        { "hashed: no member", "/get_token",
            "{\"room_id\":\"!r:example.com\",\"slot_id\":\"s\"," OPENID "}", 400,
            "{\"errcode\":\"M_BAD_JSON\",\"error\":\"The request body `member` is missing a `id`, "
            "`claimed_user_id` or `claimed_device_id`\"}" },
        { "hashed: no token", "/get_token",
            "{\"room_id\":\"!r:example.com\",\"slot_id\":\"s\",\"member\":{\"id\":\"i\","
            "\"claimed_user_id\":\"@u:h\",\"claimed_device_id\":\"D\"}}",
            400,
            "{\"errcode\":\"M_BAD_JSON\",\"error\":\"The request body `openid_token` is missing a "
            "`access_token` or `matrix_server_name`\"}" },
        { "a room that is none", "/sfu/get", "{\"room\":\"r\"," OPENID "}", 400,
            "{\"errcode\":\"M_INVALID_PARAM\",\"error\":\"The request body names no valid room "
            "id\"}" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world w;
        CHECK_ERR(OK, world_init(&w));
        CHECK(post(r->path, NULL, r->body));
        CHECK_INT(r->status, w.status);
        CHECK_STR(r->want, w.body);
        CHECK_INT(0, w.verifies);
        CHECK_INT(1, w.notes);
        CHECK(strncmp(w.note, "token_refused ", 14) == 0);
        world_finish(&w);
    }
}

/* Only asked whether there is such a service, with nothing in it: answered, and no note is made. */
TEST(livekit_focus, answers_probes_without_a_note) {
    static const struct {
        const char *name, *path, *body;
        int notes;
        const char *want;
    } rows[] = {
        { "nothing", "/delegate_delayed_leave", "", 0,
            "{\"errcode\":\"M_NOT_JSON\",\"error\":\"Error reading request\"}" },
        { "an empty object", "/delegate_delayed_leave", "{}", 0,
            "{\"errcode\":\"M_BAD_JSON\",\"error\":\"The request body is missing `room_id` or "
            "`slot_id`\"}" },
        { "more than that", "/delegate_delayed_leave", "{\"x\":1}", 1,
            "{\"errcode\":\"M_BAD_JSON\",\"error\":\"The request body is missing `room_id` or "
            "`slot_id`\"}" },
        { "for a token", "/get_token", "", 1,
            "{\"errcode\":\"M_NOT_JSON\",\"error\":\"Error reading request\"}" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world w;
        CHECK_ERR(OK, world_init(&w));
        CHECK(post(r->path, NULL, r->body));
        CHECK_INT(400, w.status);
        CHECK_STR(r->want, w.body);
        CHECK_INT(r->notes, w.notes);
        world_finish(&w);
    }
}

#define UNAUTHORISED                                                                               \
    "{\"errcode\":\"M_UNAUTHORIZED\",\"error\":\"The request could not be authorised.\"}"

TEST(livekit_focus, refuses_who_cannot_be_verified) {
    static const struct {
        const char *name;
        enum mx_openid_outcome outcome;
        int status;
        const char *want, *reason;
    } rows[] = {
        { "forged or expired", MX_OPENID_REFUSED, 401, UNAUTHORISED, "openid_refused" },
        { "another server's user", MX_OPENID_FOREIGN, 401, UNAUTHORISED, "openid_foreign" },
        { "a name that is none", MX_OPENID_BAD_NAME, 401, UNAUTHORISED, "openid_bad_name" },
        { "an inner address", MX_OPENID_INNER_ADDRESS, 401, UNAUTHORISED, "openid_inner_address" },
        { "no connection", MX_OPENID_UNREACHABLE, 401, UNAUTHORISED, "openid_unreachable" },
        { "nonsense", MX_OPENID_NONSENSE, 401, UNAUTHORISED, "openid_nonsense" },
        { "too slow", MX_OPENID_TIMEOUT, 401, UNAUTHORISED, "openid_timeout" },
        { "too many at once", MX_OPENID_BUSY, 429,
            "{\"errcode\":\"M_LIMIT_EXCEEDED\",\"error\":\"Too many requests\"}", "openid_busy" },
        { "our fault", MX_OPENID_FAILED, 500,
            "{\"errcode\":\"M_UNKNOWN\",\"error\":\"Internal Server Error\"}", "fault" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world w;
        char note[128];
        CHECK_ERR(OK, world_init(&w));
        CHECK(post("/sfu/get", NULL, OLD));
        verified(r->outcome, "", "what happened");
        CHECK_INT(r->status, w.status);
        CHECK_STR(r->want, w.body);
        CHECK_STR(r->status == 429 ? "1" : "", w.retry_after);
        CHECK_INT(0, w.admissions);
        snprintf(
            note, sizeof(note), "token_refused !r:example.com - old %s what happened", r->reason);
        CHECK_STR(note, w.note);
        world_finish(&w);
    }
}

TEST(livekit_focus, refuses_who_may_not) {
    static const struct {
        const char *name, *path, *body, *user;
        enum lk_refusal admission; /* LK_FINE: it is not asked */
        int status;
        const char *want;
    } rows[] = {
        { "speaks for somebody else", "/get_token", HASHED, "@mallory:example.com", LK_FINE, 401,
            UNAUTHORISED },
        { "not in the room", "/sfu/get", OLD, "@alice:example.com", LK_NOT_JOINED, 403,
            "{\"errcode\":\"M_FORBIDDEN\",\"error\":\"The requesting user is not a member of the "
            "room\"}" },
        { "nobody can say", "/sfu/get", OLD, "@alice:example.com", LK_MEMBERSHIP_UNKNOWN, 502,
            "{\"errcode\":\"M_UNKNOWN\",\"error\":\"The membership of the room could not be "
            "checked\"}" },
        { "no call", "/sfu/get", OLD, "@alice:other.org", LK_NO_CALL, 403,
            "{\"errcode\":\"M_FORBIDDEN\",\"error\":\"There is no call in the room that could be "
            "joined\"}" },
        { "a stranger's delegation", "/sfu/get", OLD_DELAY, "@alice:other.org", LK_FINE, 400,
            "{\"errcode\":\"M_BAD_JSON\",\"error\":\"Delegation of delayed events is only "
            "supported for full access users\"}" },
        { "a delegation", "/sfu/get", OLD_DELAY, "@alice:example.com", LK_FINE, 400,
            "{\"errcode\":\"M_BAD_JSON\",\"error\":\"Delegation of delayed events is not "
            "supported\"}" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world w;
        CHECK_ERR(OK, world_init(&w));
        CHECK(post(r->path, NULL, r->body));
        verified(MX_OPENID_VALID, r->user, "");
        if (r->admission != LK_FINE) {
            admitted(r->admission, NULL);
        }
        CHECK_INT(r->admission != LK_FINE, w.admissions);
        CHECK_INT(r->status, w.status);
        CHECK_STR(r->want, w.body);
        CHECK(strncmp(w.note, "token_refused !r:example.com @", 30) == 0);
        world_finish(&w);
    }
}

TEST(livekit_focus, knows_who_has_full_access) {
    static const char *const all[] = { "*" };
    static const char *const list[] = { "a.example", "B.example" };
    static const char *const mixed[] = { "*", "a.example" };
    static const struct {
        const char *name, *own;
        const char *const *list;
        size_t n;
        const char *user;
        bool full;
    } rows[] = {
        { "ours by default", "example.com", NULL, 0, "@a:example.com", true },
        { "ours in another case", "Example.com", NULL, 0, "@a:example.com", true },
        { "others not", "example.com", NULL, 0, "@a:a.example", false },
        { "no server of our own", "", NULL, 0, "@a:", false },
        { "everybody", "", all, 1, "@a:anywhere", true },
        { "the list", "example.com", list, 2, "@a:b.example", true },
        { "not on the list", "example.com", list, 2, "@a:example.com", false },
        { "a star among others is a name", "", mixed, 2, "@a:anywhere", false },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world w;
        CHECK_ERR(OK, world_open(&w));
        struct lk_focus_config cfg = world_config(&w);
        cfg.server_name = r->own;
        cfg.full_access = r->list;
        cfg.n_full_access = r->n;
        CHECK_ERR(OK, world_start(&w, &cfg));
        CHECK(post("/sfu/get", NULL, OLD));
        verified(MX_OPENID_VALID, r->user, "");
        CHECK_INT(r->full, strstr(w.asked, " full") != NULL);
        world_finish(&w);
    }
}

TEST(livekit_focus, lets_all_in_without_a_homeserver_of_its_own) {
    struct world w;
    CHECK_ERR(OK, world_open(&w));
    struct lk_focus_config cfg = world_config(&w);
    cfg.admission = NULL;
    cfg.witness = NULL;
    cfg.client = NULL;
    cfg.server_name = "";
    cfg.own_metadata = true;
    CHECK_ERR(OK, world_start(&w, &cfg));
    CHECK(post("/sfu/get", NULL, OLD));
    verified(MX_OPENID_VALID, "@alice:example.com", "");
    CHECK_INT(200, w.status);
    CHECK(strstr(claims(&w), "\"canUpdateOwnMetadata\":true") != NULL);
    CHECK_INT(0, w.notes);
    world_finish(&w);
}

TEST(livekit_focus, limits_addresses_and_users) {
    static const struct {
        const char *name;
        unsigned address, user;
        int verifies; /* of 12 requests */
    } rows[] = {
        { "an address", 1, 1000, LK_BURST_S },
        { "a user", 1000, 1, 12 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world w;
        CHECK_ERR(OK, world_open(&w));
        struct lk_focus_config cfg = world_config(&w);
        cfg.address_rate = r->address;
        cfg.user_rate = r->user;
        CHECK_ERR(OK, world_start(&w, &cfg));
        int given = 0;
        for (int i = 0; i < 12; i++) {
            CHECK(post("/sfu/get", NULL, OLD));
            if (w.verified != NULL) {
                verified(MX_OPENID_VALID, "@alice:example.com", "");
            }
            if (w.admitted != NULL) {
                admitted(LK_FINE, "joined");
            }
            given += w.status == 200;
        }
        CHECK_INT(LK_BURST_S, given);
        CHECK_INT(r->verifies, w.verifies);
        CHECK_INT(429, w.status);
        CHECK_STR("1", w.retry_after);
        CHECK_STR("{\"errcode\":\"M_LIMIT_EXCEEDED\",\"error\":\"Too many requests\"}", w.body);
        world_finish(&w);
    }
}

TEST(livekit_focus, does_not_pile_up_requests) {
    struct world w;
    CHECK_ERR(OK, world_open(&w));
    struct lk_focus_config cfg = world_config(&w);
    cfg.address_rate = LK_JOBS_MAX;
    CHECK_ERR(OK, world_start(&w, &cfg));
    for (int i = 0; i < LK_JOBS_MAX; i++) {
        CHECK(post("/sfu/get", NULL, OLD));
    }
    CHECK_INT(0, w.answers);
    CHECK(post("/sfu/get", NULL, OLD));
    CHECK_INT(1, w.answers);
    CHECK_INT(429, w.status);
    world_finish(&w);
    CHECK_INT(LK_JOBS_MAX + 1, w.answers);
}

TEST(livekit_focus, passes_openids_limits_on) {
    struct world w;
    CHECK_ERR(OK, world_init(&w));
    w.verify_error = ERR_LIMIT;
    CHECK(post("/sfu/get", NULL, OLD));
    CHECK_INT(429, w.status);
    w.verify_error = ERR_NOMEM;
    CHECK(post("/sfu/get", NULL, OLD));
    CHECK_INT(500, w.status);
    world_finish(&w);
}

TEST(livekit_focus, answers_all_when_it_stops) {
    struct world w;
    CHECK_ERR(OK, world_init(&w));
    CHECK(post("/sfu/get", NULL, OLD));
    CHECK(post("/get_token", NULL, HASHED));
    verified(MX_OPENID_VALID, "@alice:example.com", "");
    lk_focus_stop(w.focus);
    CHECK_INT(2, w.answers);
    CHECK_INT(503, w.status);
    CHECK_STR("{\"errcode\":\"M_UNKNOWN\",\"error\":\"Service is shutting down\"}", w.body);
    CHECK(w.verified == NULL && w.admitted == NULL);
    CHECK(post("/sfu/get", NULL, OLD));
    CHECK_INT(3, w.answers);
    CHECK_INT(503, w.status);
    CHECK_INT(0, w.notes);
    world_finish(&w);
}

TEST(livekit_focus, answers_preflights_and_other_methods) {
    static const struct {
        const char *name, *method;
        int status;
    } rows[] = {
        { "preflight", "OPTIONS", 200 },
        { "GET", "GET", 405 },
        { "PUT", "PUT", 405 },
    };
    static const char *const paths[] = { "/sfu/get", "/get_token" };
    FOR_ROWS (rows, r) {
        FOR_ROWS (paths, path) {
            ROW(r->name);
            struct world w;
            CHECK_ERR(OK, world_init(&w));
            struct http_request *q = http_request_create(r->method, *path, strlen(*path));
            q->deliver = note_answer;
            q->cors = true;
            if (http_router_find(w.router, q)) {
                q->route->handle(q, q->arg);
            }
            CHECK_INT(r->status, w.status);
            CHECK(r->status != 200 || w.body[0] == '\0');
            world_finish(&w);
        }
    }
}

static void world_finishp(struct world **w) {
    world_finish(*w);
}

TEST_ALLOC(livekit_focus, survives_no_memory) {
    struct world w;
    memset(&w, 0, sizeof(w));
    CLEANUP(world_finishp) struct world *own = &w;
    TRY(world_init(own));
    if (!post("/get_token", NULL, HASHED)) {
        return err_set(ERR_NOMEM, "no memory");
    }
    if (w.verified != NULL) {
        verified(MX_OPENID_VALID, "@alice:example.com", "");
    }
    if (w.admitted != NULL) {
        admitted(LK_FINE, "joined");
    }
    CHECK_INT(1, w.answers);
    CHECK(w.status == 200 || w.status == 500 || w.status == 503);
    return w.status == 200 ? OK : err_set(ERR_NOMEM, "no memory");
}
