/* Who is to be silent, found in the rooms of an SFU that the test plays. */
#include "livekit/mutes.h"

#include "core/mem.h"
#include "livekit/occupants.h"
#include "livekit/rooms.h"
#include "livekit/witness.h"
#include "store/watches.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

/* --- the SFU: questions are answered by answer() --- */

static struct {
    struct {
        lk_rooms_done *done;
        void *arg;
        char what[128]; /* "list ALIAS", "mute IDENTITY TRACK" */
    } asked[8];
    size_t n;
    enum err refuse;
    int forgotten;
    /* the outcome */
    int told;
    size_t tracks;
    char problem[128];
} w;

static enum err keep(const char *what, lk_rooms_done *done, void *arg) {
    if (w.refuse != OK) {
        return err_set(w.refuse, "too many questions");
    }
    w.asked[w.n].done = done;
    w.asked[w.n].arg = arg;
    snprintf(w.asked[w.n].what, sizeof(w.asked[w.n].what), "%s", what);
    w.n++;
    return OK;
}
enum err lk_rooms_list(struct lk_rooms *r, const char *alias, lk_rooms_done *done, void *arg) {
    char what[128];
    (void)r;
    snprintf(what, sizeof(what), "list %s", alias);
    return keep(what, done, arg);
}
enum err lk_rooms_mute(struct lk_rooms *r, const char *alias, const char *identity,
    const char *track, lk_rooms_done *done, void *arg) {
    char what[128];
    (void)r;
    (void)alias;
    snprintf(what, sizeof(what), "mute %s %s", identity, track);
    return keep(what, done, arg);
}
enum err lk_rooms_remove(
    struct lk_rooms *r, const char *alias, const char *identity, lk_rooms_done *done, void *arg) {
    (void)r, (void)alias, (void)identity, (void)done, (void)arg;
    return err_set(ERR_LIMIT, "nobody is removed here");
}
void lk_rooms_forget(struct lk_rooms *r, const void *arg) {
    (void)r, (void)arg;
    w.forgotten++;
}
void lk_witness_note(struct lk_witness *x, const struct call_input *in) {
    (void)x, (void)in;
}

/* Answers the oldest question. */
static void answer(enum err e, const char *json) {
    json_t *object = json == NULL ? NULL : json_loads(json, 0, NULL);
    lk_rooms_done *done = w.asked[0].done;
    void *arg = w.asked[0].arg;
    memmove(&w.asked[0], &w.asked[1], sizeof(w.asked) - sizeof(w.asked[0]));
    w.n--;
    done(arg, e, object, e == OK ? "" : "the SFU is away");
    json_decref(object);
}

static void on_done(void *arg, size_t n, const char *problem) {
    (void)arg;
    w.told++;
    w.tracks = n;
    snprintf(w.problem, sizeof(w.problem), "%s", problem == NULL ? "" : problem);
}

/* --- --- */

static const struct store_watch alice = {
    .room_id = "!r:hs", .slot = "m.call#ROOM", .user_id = "@a:hs", .device_id = "D"
};

static enum err open_world(struct lk_occupants **o, struct lk_mutes **m) {
    struct lk_rooms *rooms = (struct lk_rooms *)&w;
    memset(&w, 0, sizeof(w));
    TRY(lk_occupants_create(rooms, (struct lk_witness *)&w, o));
    return lk_mutes_create(rooms, *o, m);
}

static void close_world(struct lk_occupants *o, struct lk_mutes *m) {
    lk_mutes_destroy(m);
    lk_occupants_destroy(o);
}

#define PERSON(identity, tracks)                                                                   \
    "{\"participants\":[{\"identity\":\"@b:hs:D\",\"tracks\":[{\"sid\":\"TR_B\",\"type\":"         \
    "\"AUDIO\"}]},"                                                                                \
    "{\"identity\":\"" identity "\",\"tracks\":[" tracks "]}]}"
#define MICROPHONE "{\"sid\":\"TR_M\",\"type\":\"AUDIO\",\"muted\":false}"
#define BY_DEFAULT "{\"sid\":\"TR_M\"}" /* of a server that leaves out what is 0 */
#define CAMERA     "{\"sid\":\"TR_C\",\"type\":\"VIDEO\",\"muted\":false}"
#define SILENT     "{\"sid\":\"TR_S\",\"type\":\"AUDIO\",\"muted\":true}"

TEST(livekit_mutes, silence_what_is_meant) {
    static const struct {
        const char *name, *track, *list;
        enum err listed;
        const char *asked; /* after the list; "" = nothing */
        size_t tracks;
        const char *problem;
    } rows[] = {
        { "all sound", NULL, PERSON("@a:hs:D", MICROPHONE "," CAMERA), OK, "mute @a:hs:D TR_M", 1,
            "" },
        { "sound by default", NULL, PERSON("@a:hs:D", BY_DEFAULT), OK, "mute @a:hs:D TR_M", 1, "" },
        { "a track", "TR_C", PERSON("@a:hs:D", MICROPHONE "," CAMERA), OK, "mute @a:hs:D TR_C", 1,
            "" },
        { "silent already", NULL, PERSON("@a:hs:D", SILENT), OK, "", 1, "" },
        { "a camera alone", NULL, PERSON("@a:hs:D", CAMERA), OK, "", 0, "sends no sound" },
        { "no such track", "TR_X", PERSON("@a:hs:D", CAMERA), OK, "", 0, "no such track" },
        { "another device", NULL, PERSON("@a:hs:E", MICROPHONE), OK, "", 0, "not in the SFU" },
        { "nobody there", NULL, "{\"participants\":[]}", OK, "", 0, "not in the SFU" },
        { "no such room", NULL, NULL, ERR_NOT_FOUND, "", 0, "not in the SFU" },
        { "no answer", NULL, NULL, ERR_TIMEOUT, "", 0, "the SFU is away" },
    };
    FOR_ROWS (rows, r) {
        struct lk_occupants *o = NULL;
        struct lk_mutes *m = NULL;
        ROW(r->name);
        CHECK_ERR(OK, open_world(&o, &m));
        CHECK_ERR(OK, lk_mutes_order(m, &alice, r->track, on_done, NULL));
        CHECK_INT(1, w.n);
        CHECK(strncmp(w.asked[0].what, "list ", 5) == 0);
        answer(r->listed, r->list);
        CHECK_STR(r->asked, w.n == 0 ? "" : w.asked[0].what);
        if (w.n > 0) {
            CHECK_INT(0, w.told);
            answer(OK, "{}");
        }
        CHECK_INT(1, w.told);
        CHECK_INT(r->tracks, w.tracks);
        CHECK_STR(r->problem, w.problem);
        close_world(o, m);
    }
}

TEST(livekit_mutes, look_into_each_room_that_the_member_may_be_in) {
    struct lk_occupants *o = NULL;
    struct lk_mutes *m = NULL;
    struct store_watch elsewhere = alice;
    elsewhere.slot = "m.call#other";
    CHECK_ERR(OK, open_world(&o, &m));
    CHECK_ERR(OK, lk_mutes_order(m, &elsewhere, NULL, on_done, NULL));
    answer(ERR_NOT_FOUND, NULL);
    CHECK_INT(1, w.n); /* the other room */
    answer(OK, PERSON("@a:hs:D", MICROPHONE));
    CHECK_STR("mute @a:hs:D TR_M", w.asked[0].what);
    answer(ERR_TIMEOUT, NULL);
    CHECK_INT(0, w.tracks);
    CHECK_STR("the SFU is away", w.problem);
    close_world(o, m);
}

TEST(livekit_mutes, end_without_a_word_when_they_are_forgotten) {
    struct lk_occupants *o = NULL;
    struct lk_mutes *m = NULL;
    CHECK_ERR(OK, open_world(&o, &m));
    CHECK_ERR(OK, lk_mutes_order(m, &alice, NULL, on_done, &w));
    lk_mutes_forget(m, &w);
    answer(OK, "{}");
    CHECK_INT(0, w.told);
    CHECK_ERR(OK, lk_mutes_order(m, &alice, NULL, on_done, &w));
    close_world(o, m); /* in the middle */
    CHECK_INT(0, w.told);
    CHECK(w.forgotten > 0);
}

TEST(livekit_mutes, say_when_nothing_was_begun) {
    struct lk_occupants *o = NULL;
    struct lk_mutes *m = NULL;
    CHECK_ERR(OK, open_world(&o, &m));
    w.refuse = ERR_LIMIT;
    CHECK_ERR(ERR_LIMIT, lk_mutes_order(m, &alice, NULL, on_done, NULL));
    close_world(o, m);
    CHECK_INT(0, w.told);
}

TEST_ALLOC(livekit_mutes, survive_no_memory) {
    struct lk_occupants *o = NULL;
    struct lk_mutes *m = NULL;
    enum err e = open_world(&o, &m);
    if (e == OK) {
        e = lk_mutes_order(m, &alice, NULL, on_done, NULL);
    }
    close_world(o, m);
    return e;
}
