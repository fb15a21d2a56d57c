/* Notes of the token service and of the SFU: written together, kept while nobody can write, counted
 * beyond that. */
#include "witness_world.h"

static struct lk_witness *open_world(void) {
    static const struct lk_witness_config cfg = { .spool_file = "" };
    struct lk_witness *w = NULL;
    memset(&now, 0, sizeof(now));
    uv_loop_init(&now.loop);
    CHECK_ERR(OK, lk_witness_create(&now.loop, &cfg, &w));
    return w;
}

static void close_world(struct lk_witness *w) {
    lk_witness_destroy(w);
    if (now.run != NULL) {
        commit(ERR_GONE);
    }
    uv_run(&now.loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&now.loop));
    buf_finish(&now.ids);
    buf_finish(&now.texts);
}

static void note(struct lk_witness *w, enum call_input_type type) {
    char user[] = "@alice:hs"; /* gone when it is written */
    const struct call_input in = { .type = type, .sender = user, .token.dialect = "old" };
    lk_witness_note(w, &in);
    memset(user, 'x', sizeof(user) - 1);
}

static void turn(void) {
    uv_run(&now.loop, UV_RUN_NOWAIT);
}

TEST(livekit_witness, writes_what_comes_together_at_once) {
    struct lk_witness *w = open_world();
    lk_witness_set_calls(w, CALLS);
    note(w, IN_TOKEN_ISSUED);
    note(w, IN_TOKEN_REFUSED);
    note(w, IN_TOKEN_ISSUED);
    CHECK(now.run == NULL);
    turn();
    CHECK_STR("iri", now.run == NULL ? "" : now.run->kinds);
    CHECK_STR("@alice:hs", now.last_user);
    note(w, IN_TOKEN_ISSUED);
    turn();
    commit(OK);
    CHECK_STR("i", now.run == NULL ? "" : now.run->kinds);
    commit(OK);
    CHECK(now.run == NULL);
    CHECK_INT(4, now.inputs);
    close_world(w);
}

TEST(livekit_witness, writes_a_hundred_at_a_time) {
    struct lk_witness *w = open_world();
    for (int i = 0; i < 2 * LK_NOTES_A_UNIT + 1; i++) {
        note(w, IN_TOKEN_ISSUED);
    }
    turn();
    CHECK(now.run == NULL);
    lk_witness_set_calls(w, CALLS);
    CHECK_INT(LK_NOTES_A_UNIT, now.run->n);
    commit(OK);
    commit(OK);
    commit(OK);
    CHECK_INT(3, now.units);
    CHECK_INT(2 * LK_NOTES_A_UNIT + 1, now.inputs);
    close_world(w);
}

TEST(livekit_witness, tries_again_with_all_of_them) {
    struct lk_witness *w = open_world();
    lk_witness_set_calls(w, CALLS);
    note(w, IN_TOKEN_ISSUED);
    turn();
    commit(ERR_DATABASE);
    CHECK(now.run == NULL);
    note(w, IN_TOKEN_REFUSED);
    int64_t begin_us = clock_mono_us();
    while (now.run == NULL && clock_mono_us() - begin_us < 20 * SEC_US) {
        uv_run(&now.loop, UV_RUN_ONCE);
    }
    CHECK_STR("ir", now.run == NULL ? "" : now.run->kinds);
    commit(OK);
    CHECK_INT(2, now.inputs);
    close_world(w);
}

TEST(livekit_witness, counts_what_it_cannot_keep) {
    struct lk_witness *w = open_world();
    for (int i = 0; i < LK_NOTES_MAX + 7; i++) {
        note(w, IN_TOKEN_ISSUED);
    }
    lk_witness_set_calls(w, CALLS);
    CHECK_INT('g', now.run->kinds[0]);
    while (now.run != NULL) {
        commit(OK);
    }
    CHECK_INT(7, now.lost);
    CHECK_INT(LK_NOTES_MAX + 1, now.inputs);
    close_world(w);
}

TEST(livekit_witness, counts_refusals_that_come_too_fast) {
    struct lk_witness *w = open_world();
    enum { MANY = 10 * LK_REFUSALS_A_SECOND };
    for (int i = 0; i < MANY; i++) {
        note(w, IN_TOKEN_REFUSED);
    }
    note(w, IN_TOKEN_ISSUED);
    lk_witness_set_calls(w, CALLS);
    while (now.run != NULL) {
        commit(OK);
    }
    /* The second may have turned while they came. */
    CHECK(now.lost >= MANY - 5 * LK_REFUSALS_A_SECOND && now.lost <= MANY - LK_REFUSALS_A_SECOND);
    CHECK_INT(MANY, now.lost + (int64_t)now.inputs - 2);
    close_world(w);
}

TEST(livekit_witness, may_go_while_it_writes) {
    struct lk_witness *w = open_world();
    lk_witness_set_calls(w, CALLS);
    note(w, IN_TOKEN_ISSUED);
    turn();
    CHECK(now.run != NULL);
    note(w, IN_TOKEN_ISSUED);
    close_world(w);
}

TEST(livekit_witness, names_who_is_in_the_sfu) {
    struct lk_witness *w = open_world();
    lk_witness_set_participants(w, PEOPLE);
    note_media(w, IN_MEDIA_ROOM_OPENED, "a");
    note_media(w, IN_MEDIA_CONNECTED, "a");
    note_media(w, IN_MEDIA_CONNECTED, "stranger");
    lk_witness_set_calls(w, CALLS);
    commit(OK);
    CHECK_STR("media_room_opened !r:hs - a R;media_connected !r:hs @user:hs a R;"
              "media_connected - - stranger R;",
        buf_str(&now.texts));
    close_world(w);
}

TEST_ALLOC(livekit_witness, survives_no_memory) {
    struct lk_witness *w = NULL;
    memset(&now, 0, sizeof(now));
    uv_loop_init(&now.loop);
    static const struct lk_witness_config cfg = { .spool_file = "" };
    enum err e = lk_witness_create(&now.loop, &cfg, &w);
    if (e == OK) {
        note(w, IN_TOKEN_ISSUED);
        lk_witness_set_calls(w, CALLS);
        while (now.run != NULL) {
            commit(OK);
        }
        e = now.inputs == 1 && now.lost == 0 ? OK : err_set(ERR_NOMEM, "not written yet");
    }
    close_world(w);
    return e;
}
