/* What happens in the rooms of our own SFU, as notes. */
#include "livekit/chronicle.h"

#include "livekit/witness.h"
#include "rooms_world.h"

#include <stdio.h>

static struct {
    struct buf said; /* "type alias identity track reason count; " */
    int64_t count;
    int n;
} heard;

static const char *or_dash(const char *text) {
    return text == NULL || text[0] == '\0' ? "-" : text;
}

void lk_witness_note(struct lk_witness *w, const struct call_input *in) {
    const struct call_input_token *t = &in->token;
    (void)w;
    CHECK(in->origin_ms > 0 && in->room_id == NULL && in->sender == NULL);
    heard.n++;
    heard.count += t->count;
    buf_printf(&heard.said, "%s%s %s %s", heard.said.len == 0 ? "" : "; ",
        call_input_name(in->type), t->alias, or_dash(t->identity));
    if (t->media != NULL) {
        buf_printf(&heard.said, " %s %s %s", t->media, or_dash(t->source), or_dash(t->codec));
    }
    if (t->reason != NULL) {
        buf_printf(&heard.said, " %s", t->reason);
    }
}

#define CHECK_SAID(want)                                                                           \
    do {                                                                                           \
        CHECK_STR(want, buf_str(&heard.said));                                                     \
        buf_clear(&heard.said);                                                                    \
    } while (0)

struct told_world {
    struct world w;
    struct lk_chronicle *c;
};

static void open_told(struct told_world *t) {
    memset(&heard, 0, sizeof(heard));
    buf_init(&heard.said, 0);
    CHECK_ERR(OK, world_open(&t->w, NULL));
    CHECK_ERR(OK, lk_chronicle_create(t->w.rooms, (struct lk_witness *)&heard, &t->c));
}

static void close_told(struct told_world *t) {
    room_directory_stop(t->w.rooms);
    lk_chronicle_destroy(t->c);
    world_close(&t->w);
    buf_finish(&heard.said);
}

TEST(livekit_chronicle, tells_a_room_from_its_first_member_to_its_end) {
    struct told_world t;
    struct guest alice, bob;
    open_told(&t);
    enter(&t.w, &alice, "alice");
    CHECK_SAID("media_room_opened r alice; media_connected r alice");
    struct room_publication *mic = publish(&alice, "mic", RTC_AUDIO);
    CHECK_SAID("track_published r alice audio microphone opus");
    room_publication_mute(mic, true);
    room_publication_mute(mic, true);
    room_publication_mute(mic, false);
    CHECK_SAID("track_muted r alice audio microphone -; track_unmuted r alice audio microphone -");
    room_publication_silence(mic);
    CHECK_SAID("track_muted r alice audio microphone - by_moderator");
    enter(&t.w, &bob, "bob");
    CHECK_SAID("media_connected r bob");
    room_leave(bob.m, ROOM_REMOVED);
    CHECK_SAID("media_disconnected r bob PARTICIPANT_REMOVED");
    room_leave(alice.m, ROOM_LEFT);
    CHECK_SAID("track_unpublished r alice audio microphone -; "
               "media_disconnected r alice CLIENT_INITIATED");
    world_wait(&t.w, 60 * SEC_US);
    CHECK_SAID("media_room_closed r alice");
    close_told(&t);
    guest_finish(&alice);
    guest_finish(&bob);
}

TEST(livekit_chronicle, tells_nothing_of_rooms_where_nobody_came) {
    struct told_world t;
    struct room *room = NULL;
    open_told(&t);
    CHECK_ERR(OK, room_directory_ensure(t.w.rooms, "empty", NULL, &room));
    room_end(room, ROOM_DELETED);
    CHECK_SAID("");
    close_told(&t);
}

TEST(livekit_chronicle, tells_who_was_there_when_we_stop) {
    struct told_world t;
    struct guest alice;
    open_told(&t);
    enter(&t.w, &alice, "alice");
    buf_clear(&heard.said);
    room_directory_stop(t.w.rooms);
    CHECK_SAID("media_disconnected r alice SERVER_SHUTDOWN; media_room_closed r alice");
    close_told(&t);
    guest_finish(&alice);
}

TEST(livekit_chronicle, counts_what_comes_too_fast) {
    struct told_world t;
    struct guest alice;
    open_told(&t);
    enter(&t.w, &alice, "alice");
    struct room_publication *mic = publish(&alice, "mic", RTC_AUDIO);
    const int before = heard.n - 1;
    enum { MANY = 3 * LK_CHRONICLE_BURST };
    for (int i = 0; i < MANY; i++) {
        room_publication_mute(mic, i % 2 == 0);
    }
    room_leave(alice.m, ROOM_LEFT);
    world_wait(&t.w, 60 * SEC_US);
    const char *end = strrchr(buf_str(&heard.said), ';');
    CHECK_STR("; media_room_closed r alice", end);
    CHECK(strstr(buf_str(&heard.said), "gap r alice too_many; media_room_closed") != NULL);
    CHECK(heard.n - before < LK_CHRONICLE_BURST + 20 * LK_CHRONICLE_A_SECOND);
    CHECK(heard.count > MANY - LK_CHRONICLE_BURST - 20 * LK_CHRONICLE_A_SECOND);
    close_told(&t);
    guest_finish(&alice);
}

TEST_ALLOC(livekit_chronicle, survives_no_memory) {
    struct told_world t = { .c = NULL };
    struct guest alice = { .gone = -1 };
    memset(&heard, 0, sizeof(heard));
    enum err e = world_open(&t.w, NULL);
    if (e == OK) {
        e = lk_chronicle_create(t.w.rooms, (struct lk_witness *)&heard, &t.c);
    }
    if (e == OK) {
        e = try_enter(&t.w, &alice, "alice");
    }
    if (e == OK && heard.n < 2) {
        e = err_set(ERR_NOMEM, "not told, and said so");
    }
    lk_chronicle_destroy(t.c);
    world_close(&t.w);
    guest_finish(&alice);
    buf_finish(&heard.said);
    return e;
}
