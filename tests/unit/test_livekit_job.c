/* What happens between admission and answer: the room in the SFU, who it is for, the delayed leave.
 * None of them late: a token that has left finds all of it done. */
#include "livekit_world.h"

#define OPENID    "\"openid_token\":{\"access_token\":\"tok\",\"matrix_server_name\":\"example.com\"}"
#define DELAY     ",\"delay_id\":\"syd_1\",\"delay_timeout\":3600000"
#define OLD(more) "{\"room\":\"!r:example.com\",\"device_id\":\"DEV\"," OPENID more "}"
#define HASHED(more)                                                                               \
    "{\"room_id\":\"!r:example.com\",\"slot_id\":\"m.call#ROOM\"," OPENID                          \
    ",\"member\":{\"id\":\"b9c1\",\"claimed_user_id\":\"@alice:example.com\","                     \
    "\"claimed_device_id\":\"DEV\"}" more "}"
#define ALIAS  "EYjNbL5KHPtZo4QGh4xHSBGJq2+tvxOfHJAhxgddEEo"
#define DEVICE "@alice:example.com:DEV"

static enum err start_among(struct world *w, const char *full_access, bool nodes) {
    static int something; /* rooms and nodes that nobody looks into */
    static const char *servers[1];
    TRY(world_open(w));
    struct lk_focus_config cfg = world_config(w);
    servers[0] = full_access;
    cfg.full_access = servers;
    cfg.n_full_access = 1;
    cfg.rooms = (struct lk_rooms *)&something;
    cfg.participants = (struct lk_participants *)&something;
    cfg.delegate = (struct lk_delegate *)&something;
    cfg.nodes = nodes ? (struct lk_nodes *)&something : NULL;
    cfg.masquerade = true;
    return world_start(w, &cfg);
}

static enum err start(struct world *w, const char *full_access) {
    return start_among(w, full_access, false);
}

static void verified(void) {
    mx_openid_done *done = world->verified;
    const struct mx_openid_answer a = { MX_OPENID_VALID, "@alice:example.com", "example.com", "" };
    CHECK(done != NULL);
    world->verified = NULL;
    done(world->verified_arg, &a);
}

static void sfu_says(enum err e) {
    lk_rooms_done *done = world->room_done;
    CHECK(done != NULL);
    world->room_done = NULL;
    done(world->room_arg, e, NULL, "what the SFU said");
}

static void leave_is(enum lk_refusal r) {
    lk_delegate_done *done = world->leave_done;
    CHECK(done != NULL);
    world->leave_done = NULL;
    done(world->leave_arg, r);
}

TEST(livekit_job, has_all_done_before_the_token_leaves) {
    static const struct {
        const char *name, *path, *body, *identity, *leave;
    } rows[] = {
        { "old", "/sfu/get", OLD(""),
            ALIAS " " DEVICE " !r:example.com m.call#ROOM @alice:example.com DEV '' old", "" },
        { "old with a leave", "/sfu/get", OLD(DELAY),
            ALIAS " " DEVICE " !r:example.com m.call#ROOM @alice:example.com DEV '' old",
            ALIAS " " DEVICE " @alice:example.com !r:example.com syd_1 3600000 -" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world w;
        CHECK_ERR(OK, start(&w, "example.com"));
        CHECK(post(r->path, NULL, r->body));
        verified();
        admitted(LK_FINE, "joined");
        CHECK_STR(ALIAS, w.ensured);
        CHECK_STR("", w.identity);
        sfu_says(OK);
        CHECK_STR(r->identity, w.identity);
        CHECK_STR(r->leave, w.leave);
        if (r->leave[0] != '\0') {
            CHECK_INT(0, w.answers);
            leave_is(LK_FINE);
        }
        CHECK_INT(1, w.answers);
        CHECK_INT(200, w.status);
        CHECK_INT(1, w.minted);
        CHECK(strstr(claims(&w), "\"sub\":\"" DEVICE "\"") != NULL);
        world_finish(&w);
    }
}

TEST(livekit_job, gives_no_token_for_what_went_wrong) {
    static const struct {
        const char *name;
        enum err room;
        enum lk_refusal leave;
        int status;
        const char *body;
    } rows[] = {
        { "no room", ERR_UNREACHABLE, LK_FINE, 500,
            "{\"errcode\":\"M_UNKNOWN\",\"error\":\"Unable to create room on SFU\"}" },
        { "no client API", OK, LK_DELEGATION_NO_SERVER, 400,
            "{\"errcode\":\"M_BAD_JSON\",\"error\":\"Unable to resolve client-server API\"}" },
        { "not kept: the client keeps it", OK, LK_DELEGATION_NOT_KEPT, 400,
            "{\"errcode\":\"M_BAD_JSON\",\"error\":\"Delegation of delayed events is not "
            "supported\"}" },
        { "too many", OK, LK_TOO_MANY, 429,
            "{\"errcode\":\"M_LIMIT_EXCEEDED\",\"error\":\"Too many requests\"}" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world w;
        CHECK_ERR(OK, start(&w, "example.com"));
        CHECK(post("/sfu/get", NULL, OLD(DELAY)));
        verified();
        admitted(LK_FINE, "joined");
        sfu_says(r->room);
        if (r->room == OK) {
            leave_is(r->leave);
        }
        CHECK_INT(1, w.answers);
        CHECK_INT(r->status, w.status);
        CHECK_STR(r->body, w.body);
        CHECK_INT(0, w.minted);
        world_finish(&w);
    }
}

/* Of several nodes. */
TEST(livekit_job, sends_clients_to_the_node_of_their_room) {
    static const struct lk_place node = { .node = "two", .url = "wss://two" };
    static const struct {
        const char *name;
        enum err e;
        const struct lk_place *place;
        bool asks; /* the node to make the room */
        int status;
        const char *url;
    } rows[] = {
        { "another node", OK, &node, true, 200, "{\"url\":\"wss://two\"," },
        { "one that cannot be asked", ERR_UNREACHABLE, &node, false, 200,
            "{\"url\":\"wss://two\"," },
        { "nowhere", ERR_UNREACHABLE, NULL, false, 500, "{\"errcode\":\"M_UNKNOWN\"," },
        { "the database is away", ERR_DATABASE, NULL, false, 500, "{\"errcode\":\"M_UNKNOWN\"," },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world w;
        CHECK_ERR(OK, start_among(&w, "example.com", true));
        CHECK(post("/sfu/get", NULL, OLD("")));
        verified();
        admitted(LK_FINE, "joined");
        CHECK_STR(ALIAS, w.placed_alias);
        CHECK_STR("", w.ensured);
        w.placed(w.placed_arg, r->e == OK ? OK : err_set(r->e, "why"), r->place);
        CHECK_STR(r->asks ? ALIAS : "", w.ensured);
        if (r->asks) {
            sfu_says(OK);
        }
        CHECK_INT(1, w.answers);
        CHECK_INT(r->status, w.status);
        CHECK(strncmp(r->url, w.body, strlen(r->url)) == 0);
        world_finish(&w);
    }
}

TEST(livekit_job, asks_nobody_where_there_is_nobody) {
    struct world w;
    CHECK_ERR(OK, world_init(&w));
    CHECK(post("/sfu/get", NULL, OLD("")));
    verified();
    admitted(LK_FINE, "joined");
    CHECK_INT(200, w.status);
    CHECK_STR("", w.ensured);
    CHECK_STR("", w.identity);
    world_finish(&w);
}

TEST(livekit_job, makes_the_room_of_restricted_users_who_were_let_in) {
    struct world w;
    CHECK_ERR(OK, start(&w, "other.org"));
    CHECK(post("/sfu/get", NULL, OLD("")));
    verified();
    admitted(LK_FINE, "joined");
    CHECK_STR(ALIAS, w.ensured);
    sfu_says(OK);
    CHECK_INT(200, w.status);
    world_finish(&w);
}

TEST(livekit_job, takes_leaves_alone) {
    static const struct {
        const char *name, *full_access;
        enum lk_refusal leave;
        int status;
        const char *body;
    } rows[] = {
        { "kept", "example.com", LK_FINE, 200, "{}" },
        { "not kept", "example.com", LK_DELEGATION_NOT_KEPT, 503,
            "{\"errcode\":\"M_UNKNOWN\",\"error\":\"The delayed event could not be taken\"}" },
        { "of a restricted user", "other.org", LK_FINE, 403,
            "{\"errcode\":\"M_FORBIDDEN\",\"error\":\"Delegation of delayed events is only "
            "supported for full access users\"}" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world w;
        bool full = strcmp(r->full_access, "example.com") == 0;
        CHECK_ERR(OK, start(&w, r->full_access));
        CHECK(post("/delegate_delayed_leave", NULL, HASHED(DELAY)));
        verified();
        if (full) {
            admitted(LK_FINE, "joined");
            CHECK(strstr(w.leave, " @alice:example.com !r:example.com syd_1 3600000 " DEVICE) !=
                  NULL);
            leave_is(r->leave);
        }
        CHECK_INT(1, w.answers);
        CHECK_INT(r->status, w.status);
        CHECK_STR(r->body, w.body);
        CHECK_STR("", w.ensured);
        CHECK_STR("", w.identity);
        world_finish(&w);
    }
}

#define PROXIED_PATH                                                                               \
    "/_matrix/client/unstable/io.element.msc4195/rtc/livekit/delegate_delayed_leave"

TEST(livekit_job, looks_up_the_leaves_that_the_homeserver_hands_on) {
    static const struct {
        const char *name;
        enum err err;
        const char *event;
        int status; /* 0: goes on */
        const char *errcode;
    } rows[] = {
        { "there", OK, "{\"room_id\":\"!r:example.com\",\"delay_ms\":18000}", 0, "" },
        { "unknown", ERR_NOT_FOUND, "{}", 400, "M_INVALID_PARAM" },
        { "of another room", OK, "{\"room_id\":\"!s:example.com\",\"delay_ms\":18000}", 400,
            "M_INVALID_PARAM" },
        { "without a delay", OK, "{\"room_id\":\"!r:example.com\"}", 503, "M_UNKNOWN" },
        { "nobody says", ERR_TIMEOUT, "{}", 503, "M_UNKNOWN" },
    };
    static const char *const headers[] = { "Authorization", "Bearer hs", "X-Matrix-User-Identifier",
        "@alice:example.com", NULL };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world w;
        json_t *event = json_loads(r->event, 0, NULL);
        CHECK_ERR(OK, start(&w, "example.com"));
        CHECK(post(PROXIED_PATH, headers,
            "{\"url\":\"" SFU "\",\"room_id\":\"!r:example.com\",\"slot_id\":\"m.call#ROOM\","
            "\"member_id\":\"b9c1\",\"delay_id\":\"syd_1\"}"));
        CHECK_STR("@alice:example.com syd_1", w.looked_up);
        CHECK(w.relay_done != NULL);
        w.relay_done(w.relay_arg,
            &(struct mx_answer){ .err = r->err, .text = "", .errcode = "", .json = event });
        if (r->status == 0) {
            admitted(LK_FINE, "joined");
            CHECK(strstr(w.leave, " syd_1 18000 -") != NULL);
            leave_is(LK_FINE);
            CHECK_STR("{}", w.body);
        } else {
            CHECK_INT(r->status, w.status);
            CHECK(strstr(w.body, r->errcode) != NULL);
        }
        CHECK_INT(1, w.answers);
        json_decref(event);
        world_finish(&w);
    }
}

TEST(livekit_job, answers_when_it_stops_in_the_middle) {
    static const struct {
        const char *name;
        int steps;
    } rows[] = { { "a node is being found", -1 }, { "the room is being made", 0 },
        { "the leave is being kept", 1 } };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world w;
        CHECK_ERR(OK, start_among(&w, "example.com", r->steps < 0));
        CHECK(post("/sfu/get", NULL, OLD(DELAY)));
        verified();
        admitted(LK_FINE, "joined");
        if (r->steps > 0) {
            sfu_says(OK);
        }
        lk_focus_stop(w.focus);
        CHECK_INT(503, w.status);
        CHECK(w.room_done == NULL && w.leave_done == NULL && w.placed == NULL);
        world_finish(&w);
    }
}
