/* What those hear who are in no room: everything, once, in order. */
#include "rooms/watcher.h"

#include "rooms_world.h"

static const char *const names[ROOM_NEWS_TYPES] = { "started", "finished", "joined", "left",
    "aborted", "published", "unpublished", "data published", "data unpublished", "muted",
    "unmuted" };

/* "r started; r alice joined; r alice unpublished mic forced; " */
static void note(void *arg, const struct room_told *news) {
    struct buf *b = arg;
    buf_printf(b, "%s", news->room->name);
    if (news->member != NULL) {
        buf_printf(b, " %s", news->member->identity);
    }
    buf_printf(b, " %s", names[news->type]);
    if (news->type == ROOM_NEWS_LEFT || news->type == ROOM_NEWS_ABORTED) {
        buf_printf(b, " %d", (int)news->member->reason);
    }
    if (news->publication != NULL) {
        buf_printf(b, " %s%s", news->publication->track.name, news->forced ? " forced" : "");
    }
    if (news->data_track != NULL) {
        buf_printf(b, " %s%s", news->data_track->name, news->forced ? " forced" : "");
    }
    buf_puts(b, "; ");
}

#define CHECK_NOTED(want, b)                                                                       \
    do {                                                                                           \
        CHECK_STR(want, buf_str(b));                                                               \
        buf_clear(b);                                                                              \
    } while (0)

TEST(rooms_watcher, hears_the_life_of_a_room) {
    struct world w;
    struct guest alice, bob;
    CLEANUP(buf_finish) struct buf b;
    struct room_watcher watcher = { .told = note, .arg = &b };
    const struct room_member_config cfg = { .identity = "bob", .grant = all_rights };
    buf_init(&b, 0);
    CHECK_ERR(OK, world_open(&w, NULL));
    room_directory_watch(w.rooms, &watcher);
    enter(&w, &alice, "alice");
    CHECK_NOTED("r started; r alice joined; ", &b);
    CHECK_ERR(OK, try_join(&w, &bob, &cfg));
    CHECK_NOTED("", &b); /* he is not connected yet … */
    world_wait(&w, ROOM_ACTIVE_US + SEC_US);
    CHECK_NOTED("r bob aborted 6; ", &b); /* … and never was */
    struct room_publication *p = publish(&alice, "mic", RTC_AUDIO);
    room_publication_mute(p, true);
    room_publication_mute(p, true);
    room_publication_mute(p, false);
    room_publication_silence(p);
    CHECK_NOTED("r alice published mic; r alice muted mic; r alice unmuted mic; "
                "r alice muted mic forced; ",
        &b);
    room_unpublish(p, false);
    publish(&alice, "cam", RTC_VIDEO);
    struct room_grant mute_one = all_rights;
    mute_one.publish = false;
    room_member_permit(alice.m, &mute_one);
    room_member_permit(alice.m, &all_rights);
    CHECK_NOTED(
        "r alice unpublished mic; r alice published cam; r alice unpublished cam forced; ", &b);
    const struct room_data_said pose = { .handle = 1, .name = "pose" };
    struct room_data_track *t = NULL;
    struct room_grant no_data = all_rights;
    no_data.publish_data = false;
    CHECK_ERR(OK, room_data_publish(alice.m, &pose, &t));
    room_data_unpublish(t);
    CHECK_ERR(OK, room_data_publish(alice.m, &pose, &t));
    room_member_permit(alice.m, &no_data);
    CHECK_NOTED("r alice data published pose; r alice data unpublished pose; "
                "r alice data published pose; r alice data unpublished pose forced; ",
        &b);
    publish(&alice, "cam", RTC_VIDEO);
    room_leave(alice.m, ROOM_LEFT);
    world_wait(&w, (ROOM_DEPARTURE_S + 1) * SEC_US);
    CHECK_NOTED("r alice published cam; r alice unpublished cam; r alice left 0; r finished; ", &b);
    room_directory_unwatch(w.rooms, &watcher);
    world_close(&w);
    guest_finish(&alice);
    guest_finish(&bob);
}

TEST(rooms_watcher, hears_who_replaced_whom_and_that_we_stop) {
    struct world w;
    struct guest old, new;
    CLEANUP(buf_finish) struct buf b, second;
    struct room_watcher one = { .told = note, .arg = &b };
    struct room_watcher two = { .told = note, .arg = &second };
    buf_init(&b, 0);
    buf_init(&second, 0);
    CHECK_ERR(OK, world_open(&w, NULL));
    room_directory_watch(w.rooms, &one);
    room_directory_watch(w.rooms, &two);
    enter(&w, &old, "alice");
    enter(&w, &new, "alice");
    room_directory_unwatch(w.rooms, &two);
    CHECK_NOTED("r started; r alice joined; r alice left 1; r alice joined; ", &b);
    CHECK_NOTED("r started; r alice joined; r alice left 1; r alice joined; ", &second);
    room_directory_stop(w.rooms);
    CHECK_NOTED("r alice left 2; r finished; ", &b);
    CHECK_NOTED("", &second);
    world_close(&w);
    guest_finish(&old);
    guest_finish(&new);
}
