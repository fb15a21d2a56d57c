/* What the rooms of a fake SFU look like to an admin. */
#include "api/stats.h"

#include "api/admin_auth.h"
#include "core/mem.h"
#include "http/reply.h"
#include "http/request.h"
#include "http/router.h"
#include "rooms_world.h"

#include <jansson.h>

struct http_request {
    const char *room; /* of the query */
    char *body;
    enum err failed;
};

const char *http_request_query(const struct http_request *r, const char *name) {
    CHECK_STR("room", name);
    return r->room;
}
void http_reply_json(struct http_request *r, int status, const char *json) {
    CHECK_INT(200, status);
    r->body = mem_strdup(json);
}
void http_reply_err(struct http_request *r, enum err e) {
    r->failed = e;
}

static const struct http_route *routes;
static void *routes_arg;
enum err http_router_add(
    struct http_router *t, const struct http_route *list, size_t n, http_guard *guard, void *arg) {
    (void)t, (void)guard;
    CHECK_INT(1, (int64_t)n);
    routes = list;
    routes_arg = arg;
    return OK;
}
enum err api_admin_guard(struct http_request *r, const struct api_admin_auth *a) {
    (void)r, (void)a;
    return OK;
}
void api_admin_allow(
    struct api_admin_auth *a, struct http_request *r, api_admin_then *then, void *arg) {
    (void)a;
    then(r, arg, "@admin:hs");
}

/* Gives what is answered, to json_decref. */
static json_t *ask(const char *room) {
    struct http_request r = { .room = room };
    routes[0].handle(&r, routes_arg);
    CHECK_INT(OK, r.failed);
    json_t *json = r.body == NULL ? NULL : json_loads(r.body, 0, NULL);
    CHECK(json != NULL);
    mem_free(r.body);
    return json;
}

static int64_t number(const json_t *json, const char *part, const char *key) {
    const json_t *in = part == NULL ? json : json_object_get(json, part);
    return json_integer_value(json_object_get(in, key));
}

static void measure(const struct world *w, sfu_id id, bool published, uint32_t bps) {
    struct sfu_event e = { .type = SFU_EVENT_STATS, .id = id };
    e.stats = (struct sfu_stats){
        .published = published, .bps = bps, .expected = 250, .lost = 3, .mos = 4.25F, .score = 90
    };
    room_directory_told(w->rooms, &e);
}

TEST(api_stats, tells_of_rooms_people_and_tracks) {
    struct world w;
    struct guest alice, bob;
    struct api_stats *s = NULL;
    CHECK_ERR(OK, world_open(&w, NULL));
    CHECK_ERR(OK, api_stats_create(NULL, NULL, "one", &s));
    json_t *none = ask(NULL);
    CHECK(json_is_null(json_object_get(none, "sfu")));
    CHECK_INT(0, number(none, "totals", "rooms"));
    json_decref(none);

    api_stats_set_rooms(s, w.rooms);
    enter(&w, &alice, "alice");
    enter(&w, &bob, "bob");
    const struct room_publication *voice = publish(&alice, "voice", RTC_AUDIO);
    agree(&bob, "0");
    measure(&w, voice->part.id, true, 32000);
    measure(&w, bob.latest->part.id, false, 31000);
    json_t *all = ask(NULL);
    static const struct {
        const char *name;
        int64_t want;
    } totals[] = { { "rooms", 1 }, { "participants", 2 }, { "tracks", 1 }, { "subscriptions", 1 },
        { "in_bps", 32000 }, { "out_bps", 31000 } };
    FOR_ROWS (totals, r) {
        ROW(r->name);
        CHECK_INT(r->want, number(all, "totals", r->name));
    }
    const json_t *worker = json_array_get(json_object_get(all, "workers"), 0);
    CHECK_INT(7, number(worker, NULL, "busy_percent"));
    CHECK_INT(65536, number(worker, NULL, "packets_bytes"));
    const json_t *room = json_array_get(json_object_get(all, "rooms"), 0);
    const json_t *people = json_object_get(room, "participants");
    CHECK_INT(2, (int64_t)json_array_size(people));
    const json_t *track = json_array_get(json_object_get(json_array_get(people, 0), "tracks"), 0);
    CHECK_STR("microphone", json_string_value(json_object_get(track, "source")));
    CHECK_INT(3, number(track, NULL, "lost"));
    CHECK_INT(1, number(track, NULL, "subscribers"));
    CHECK_INT(425, (int64_t)(json_real_value(json_object_get(track, "mos")) * 100 + 0.5));
    CHECK(json_is_false(json_object_get(all, "more")));
    json_decref(all);

    json_t *other = ask("elsewhere");
    CHECK_INT(0, (int64_t)json_array_size(json_object_get(other, "rooms")));
    CHECK_INT(1, number(other, "totals", "rooms"));
    json_decref(other);
    world_close(&w);
    api_stats_destroy(s);
    guest_finish(&alice);
    guest_finish(&bob);
}

TEST(api_stats, ends_the_list_in_time) {
    struct world w;
    struct api_stats *s = NULL;
    char name[ROOM_NAME_MAX_BYTES];
    struct room *room = NULL;
    const size_t n = API_STATS_MAX_BYTES / sizeof(name) + 10;
    const struct room_directory_config cfg = { 0 };
    CHECK_ERR(OK, world_open(&w, &cfg));
    CHECK_ERR(OK, api_stats_create(NULL, NULL, "one", &s));
    api_stats_set_rooms(s, w.rooms);
    for (size_t i = 0; i < n; i++) {
        snprintf(name, sizeof(name), "%0*zu", (int)sizeof(name) - 1, i);
        CHECK_ERR(OK, room_directory_ensure(w.rooms, name, NULL, &room));
    }
    json_t *all = ask(NULL);
    CHECK_INT((int64_t)n, number(all, "totals", "rooms"));
    CHECK(json_array_size(json_object_get(all, "rooms")) < n);
    CHECK(json_is_true(json_object_get(all, "more")));
    json_decref(all);
    world_close(&w);
    api_stats_destroy(s);
}

TEST_ALLOC(api_stats, is_made_or_not) {
    struct api_stats *s = NULL;
    enum err e = api_stats_create(NULL, NULL, "one", &s);
    if (e == OK) {
        struct http_request r = { 0 };
        routes[0].handle(&r, routes_arg);
        e = r.failed != OK ? r.failed : r.body == NULL ? ERR_NOMEM : OK;
        mem_free(r.body);
    }
    api_stats_destroy(s);
    return e;
}
