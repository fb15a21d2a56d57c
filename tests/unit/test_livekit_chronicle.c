/* What happens in the rooms of our own SFU, as notes. */
#include "livekit/chronicle.h"

#include "livekit/deliveries.h"
#include "livekit/witness.h"
#include "rooms/measure.h"
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
    const bool stay = in->type == IN_MEDIA_CONNECTED || in->type == IN_MEDIA_DISCONNECTED ||
                      in->type == IN_MEDIA_ROOM_OPENED || in->type == IN_MEDIA_ROOM_CLOSED;
    CHECK_STR(stay ? "n" : "-", or_dash(t->node));
    CHECK_STR(stay ? "run" : "-", or_dash(t->run));
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
    if (t->direction != NULL) {
        const struct call_input_figures *f = &t->figures;
        CHECK(f->span_ms >= 5000);
        buf_printf(&heard.said,
            " %s %s %d/%d %d bps %d ms %d ms mos %d least %d layer %d freezes %d spoken %d %d",
            t->direction, t->path, (int)f->lost, (int)f->expected, (int)f->bps, (int)f->jitter_ms,
            (int)f->rtt_ms, (int)f->mos, (int)f->worst_mos, (int)f->layer, (int)f->freezes,
            (int)f->spoken_ms, (int)f->loudest_dbov);
    }
    if (in->type == IN_MEDIA_DELIVERY) {
        const struct call_input_figures *f = &t->figures;
        CHECK(f->span_ms >= 5000);
        buf_printf(&heard.said,
            " %s %d/%d in %d ms %d bps %d ms %d ms mos %d least %d layer %d %d (%d-%d) freezes %d "
            "%d ms paused %d ms",
            t->path, (int)f->lost, (int)f->expected, (int)f->came_ms, (int)f->bps,
            (int)f->jitter_ms, (int)f->rtt_ms, (int)f->mos, (int)f->worst_mos, (int)f->layer,
            (int)f->layer_mean, (int)f->layer_least, (int)f->layer_most, (int)f->freezes,
            (int)f->freeze_ms, (int)f->paused_ms);
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
    const struct lk_chronicle_config cfg = { t->w.rooms, (struct lk_witness *)&heard, "n", "run" };
    CHECK_ERR(OK, lk_chronicle_create(&cfg, &t->c));
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
    const struct room_data_said pose = { .handle = 1, .name = "pose" };
    struct room_data_track *data = NULL;
    CHECK_ERR(OK, room_data_publish(alice.m, &pose, &data));
    room_data_unpublish(data);
    CHECK_SAID("track_published r alice data - -; track_unpublished r alice data - -");
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

static void measure(const struct told_world *t, sfu_id id, bool video, float mos) {
    struct sfu_event e = { .type = SFU_EVENT_STATS, .id = id };
    e.stats = (struct sfu_stats){ .published = true,
        .video = video,
        .layer = 1,
        .mos = mos,
        .expected = 250,
        .lost = 5,
        .bps = 32000,
        .jitter_ms = (uint32_t)mos,
        .rtt_ms = 40,
        .freezes = video ? 1 : 0,
        .spoken_ms = video ? 0 : 400,
        .loudest_dbov = video ? 0 : (int8_t)(-10 * mos) };
    room_directory_told(t->w.rooms, &e);
}

static void serve(const struct told_world *t, const struct guest *g, enum sfu_quality quality) {
    struct sfu_event e = { .type = SFU_EVENT_QUALITY, .id = g->m->id };
    e.quality.quality = quality;
    e.quality.mos = 2;
    room_directory_told(t->w.rooms, &e);
}

TEST(livekit_chronicle, sums_up_how_well_media_came) {
    struct told_world t;
    struct guest alice, bob;
    open_told(&t);
    enter(&t.w, &alice, "alice");
    enter(&t.w, &bob, "bob");
    struct room_publication *mic = publish(&alice, "mic", RTC_AUDIO);
    agree(&bob, "0");
    struct room_publication *camera = publish(&alice, "camera", RTC_VIDEO);
    agree(&bob, "1");
    struct room_member *m = bob.m;
    struct sfu_event up =
        fake_transport_event(m->transports[ROOM_ONLY].part.id, SFU_TRANSPORT_CONNECTED, 0);
    snprintf(up.transport.remote, sizeof(up.transport.remote), "192.0.2.7:4000");
    room_directory_told(t.w.rooms, &up);
    const uint8_t relay[4] = { 192, 0, 2, 7 };
    const struct rtc_addr other = rtc_addr_v4(relay, 4001, false);
    const struct rtc_addr his = rtc_addr_v4(relay, 4000, false);
    room_relay_add(m, &other);
    CHECK(!room_is_relayed(m, ROOM_DOWN));
    room_relay_add(m, &his);
    for (unsigned i = 0; i < 2 * ROOM_RELAYS_MAX; i++) {
        room_relay_add(m, i % 2 == 0 ? &other : &his);
    }
    CHECK_INT(2, m->n_relays);
    for (uint16_t port = 5000; port < 5000 + ROOM_RELAYS_MAX; port++) {
        const struct rtc_addr old = rtc_addr_v4(relay, port, false);
        room_relay_add(m, &old);
    }
    CHECK(!room_is_relayed(m, ROOM_DOWN)); /* that was long ago */
    room_relay_add(m, &his);
    CHECK_INT(ROOM_RELAYS_MAX, m->n_relays);
    CHECK(room_is_relayed(m, ROOM_DOWN));
    buf_clear(&heard.said);
    measure(&t, mic->part.id, false, 4);
    measure(&t, mic->part.id, false, 3);
    measure(&t, camera->part.id, true, 4.5F);
    measure(&t, bob.latest->part.id, true, 4.5F);
    CHECK_SAID("");
    room_unpublish(mic, false);
    CHECK_SAID(
        "media_quality r alice audio microphone - sent direct 10/500 64000 bps 4 ms 40 ms mos 350 "
        "least 300 layer -1 freezes 0 spoken 800 -30; track_unpublished r alice audio microphone "
        "-");
    room_leave(bob.m, ROOM_LEFT);
    CHECK_SAID(
        "media_delivery r bob video camera - relay 5/250 in 5000 ms 32000 bps 4 ms 40 ms mos 450 "
        "least 450 layer 1 100 (1-1) freezes 1 0 ms paused 0 ms; "
        "media_quality r bob received relay 5/250 32000 bps 4 ms 40 ms mos 450 least 450 layer 1 "
        "freezes 1 spoken 0 0; media_disconnected r bob CLIENT_INITIATED");
    world_wait(&t.w, ROOM_MEASURE_US);
    measure(&t, camera->part.id, true, 4.5F);
    CHECK_SAID(
        "media_quality r alice video camera - sent direct 10/500 1049 bps 4 ms 40 ms mos 450 "
        "least 450 layer 1 freezes 2 spoken 0 0");
    room_leave(alice.m, ROOM_LEFT); /* nothing new to tell */
    CHECK_SAID("track_unpublished r alice video camera -; "
               "media_disconnected r alice CLIENT_INITIATED");
    close_told(&t);
    guest_finish(&alice);
    guest_finish(&bob);
}

/* --- what each got of each track --- */

static void deliver(const struct told_world *t, const struct room_subscription *s, float mos,
    int8_t layer, uint32_t bps) {
    struct sfu_event e = { .type = SFU_EVENT_STATS, .id = s->part.id };
    e.stats = (struct sfu_stats){ .video = s->publication->track.media == RTC_VIDEO,
        .layer = layer,
        .mos = mos,
        .expected = 100,
        .lost = 1,
        .bps = bps,
        .freeze_ms = 100 };
    room_directory_told(t->w.rooms, &e);
}

static void flow(const struct told_world *t, const struct room_subscription *s,
    enum sfu_subscription_state state) {
    struct sfu_event e = { .type = SFU_EVENT_SUBSCRIPTION, .id = s->part.id };
    e.subscription = state;
    room_directory_told(t->w.rooms, &e);
}

static void open_pair(struct told_world *t, struct guest *alice, struct guest *bob) {
    open_told(t);
    enter(&t->w, alice, "alice");
    enter(&t->w, bob, "bob");
    publish(alice, "camera", RTC_VIDEO);
    agree(bob, "0");
    buf_clear(&heard.said);
}

static void close_pair(struct told_world *t, struct guest *alice, struct guest *bob) {
    close_told(t);
    guest_finish(alice);
    guest_finish(bob);
}

TEST(livekit_chronicle, sums_up_what_each_got_of_each_track) {
    struct told_world t;
    struct guest alice, bob;
    open_pair(&t, &alice, &bob);
    const struct room_subscription *s = bob.latest;
    flow(&t, s, SFU_SUBSCRIPTION_STARTED);
    deliver(&t, s, 4, 2, 90000);
    flow(&t, s, SFU_SUBSCRIPTION_PAUSED);
    world_wait(&t.w, 5 * SEC_US);
    deliver(&t, s, 2, -1, 0); /* no layer, and no packets either */
    world_wait(&t.w, 2 * SEC_US);
    flow(&t, s, SFU_SUBSCRIPTION_RESUMED);
    world_wait(&t.w, 3 * SEC_US);
    deliver(&t, s, 3, 1, 30000);
    CHECK_SAID("");
    CHECK_ERR(OK, room_subscribe(bob.m, s->sid, false));
    CHECK_SAID("media_delivery r bob video camera - direct 3/300 in 10000 ms 60000 bps 0 ms 0 ms "
               "mos 300 least 200 layer 1 150 (1-2) freezes 0 300 ms paused 7000 ms");
    CHECK_ERR(OK, room_subscribe(bob.m, s->sid, true));
    agree(&bob, "0");
    deliver(&t, s, 4, 0, 8000);
    flow(&t, s, SFU_SUBSCRIPTION_PAUSED);
    world_wait(&t.w, ROOM_DELIVERY_US); /* nobody is gone, but who knows when a process ends */
    deliver(&t, s, 4, -1, 0);
    CHECK_SAID(
        "media_quality r bob received direct 5/500 177 bps 0 ms 0 ms mos 340 least 200 layer "
        "-1 freezes 0 spoken 0 0; "
        "media_delivery r bob video camera - direct 2/200 in 5000 ms 8000 bps 0 ms 0 ms "
        "mos 400 least 400 layer -1 0 (0-0) freezes 0 200 ms paused 3600000 ms");
    world_wait(&t.w, SEC_US);
    deliver(&t, s, 4, -1, 0); /* the pause is not told twice */
    room_leave(alice.m, ROOM_LEFT);
    CHECK_SAID("media_delivery r bob video camera - direct 1/100 in 0 ms 0 bps 0 ms 0 ms mos 400 "
               "least 400 layer -1 -1 (-1--1) freezes 0 100 ms paused 1000 ms; "
               "track_unpublished r alice video camera -; "
               "media_disconnected r alice CLIENT_INITIATED");
    close_pair(&t, &alice, &bob);
}

/* Bob begins to look at alice and looks away again, each time a little worse served than before. */
static void look_away(const struct told_world *t, struct guest *bob, int times) {
    const char *sid = bob->latest->sid;
    for (int i = 0; i < times; i++) {
        deliver(t, bob->latest, 4.5F - (float)(i % 1000) / 1000, 1, 1000);
        CHECK_ERR(OK, room_subscribe(bob->m, sid, false));
        CHECK_ERR(OK, room_subscribe(bob->m, sid, true));
        agree(bob, "0");
    }
}

static int rows_of(const char *type) {
    int n = 0;
    for (const char *at = buf_str(&heard.said); (at = strstr(at, type)) != NULL; at++) {
        n++;
    }
    return n;
}

TEST(livekit_chronicle, keeps_the_worst_of_too_many_deliveries) {
    static const struct {
        const char *name;
        bool hour; /* it is over; else the room is empty */
    } rows[] = { { "the hour is over", true }, { "nobody is there any more", false } };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct told_world t;
        struct guest alice, bob;
        open_pair(&t, &alice, &bob);
        enum { MANY = LK_DELIVERIES_AT_ONCE + LK_DELIVERIES_KEPT + 7 };
        look_away(&t, &bob, LK_DELIVERIES_AT_ONCE);
        CHECK_INT(LK_DELIVERIES_AT_ONCE, rows_of("media_delivery"));
        buf_clear(&heard.said);
        look_away(&t, &bob, MANY - LK_DELIVERIES_AT_ONCE);
        CHECK_INT(0, rows_of("media_delivery"));
        if (r->hour) {
            world_wait(&t.w, 3600 * SEC_US);
            room_publication_mute(alice.m->publications, true);
        } else {
            room_leave(bob.m, ROOM_LEFT);
            CHECK_INT(0, rows_of("media_delivery"));
            room_leave(alice.m, ROOM_LEFT);
        }
        CHECK_INT(LK_DELIVERIES_KEPT, rows_of("media_delivery"));
        CHECK_INT(0, rows_of("mos 450 ")); /* these were among the seven best */
        CHECK_INT(1, rows_of("gap r alice too_many_deliveries"));
        CHECK_INT(7, heard.count);
        buf_clear(&heard.said);
        if (r->hour) { /* from the beginning */
            look_away(&t, &bob, 1);
            CHECK_INT(1, rows_of("media_delivery"));
        }
        close_pair(&t, &alice, &bob);
    }
}

TEST_ALLOC(livekit_chronicle, counts_deliveries_without_memory) {
    struct lk_deliveries d = { .n = LK_DELIVERIES_AT_ONCE };
    const struct call_input in = { .type = IN_MEDIA_DELIVERY, .token = { .alias = "r" } };
    lk_deliveries_add(&d, NULL, &in);
    const int64_t untold = d.untold;
    lk_deliveries_finish(&d);
    return untold == 0 ? OK : err_set(ERR_NOMEM, "not kept, and counted");
}

TEST(livekit_chronicle, tells_who_is_badly_served_for_long) {
    struct told_world t;
    struct guest alice;
    open_told(&t);
    enter(&t.w, &alice, "alice");
    buf_clear(&heard.said);
    serve(&t, &alice, SFU_QUALITY_POOR);
    world_wait(&t.w, ROOM_POOR_US / 2);
    serve(&t, &alice, SFU_QUALITY_GOOD);
    world_wait(&t.w, ROOM_POOR_US);
    CHECK_SAID(""); /* it was a moment */
    serve(&t, &alice, SFU_QUALITY_POOR);
    world_wait(&t.w, ROOM_POOR_US / 2);
    serve(&t, &alice, SFU_QUALITY_LOST);
    world_wait(&t.w, ROOM_POOR_US);
    CHECK_SAID("media_poor r alice");
    serve(&t, &alice, SFU_QUALITY_POOR);
    world_wait(&t.w, 2 * ROOM_POOR_US);
    CHECK_SAID("");
    serve(&t, &alice, SFU_QUALITY_EXCELLENT);
    CHECK_SAID("media_recovered r alice");
    serve(&t, &alice, SFU_QUALITY_POOR); /* a timer that is under way */
    room_leave(alice.m, ROOM_LEFT);
    CHECK_SAID("media_disconnected r alice CLIENT_INITIATED");
    close_told(&t);
    guest_finish(&alice);
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
    CHECK(strstr(buf_str(&heard.said), "; gap r alice too_many;") != NULL);
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
        const struct lk_chronicle_config cfg = { t.w.rooms, (struct lk_witness *)&heard, "n",
            "run" };
        e = lk_chronicle_create(&cfg, &t.c);
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
