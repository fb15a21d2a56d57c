/* Notes that nobody takes, in a file: each is written once and in order when somebody does. */
#include "witness_world.h"

static struct lk_witness *start(int64_t max_bytes) {
    const struct lk_witness_config cfg = { .spool_file = now.path, .spool_max = max_bytes };
    struct lk_witness *w = NULL;
    uv_loop_init(&now.loop);
    CHECK_ERR(OK, lk_witness_create(&now.loop, &cfg, &w));
    return w;
}

static void stop(struct lk_witness *w) {
    lk_witness_set_calls(w, NULL);
    if (now.run != NULL) {
        commit(ERR_GONE);
    }
    lk_witness_destroy(w);
    uv_run(&now.loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&now.loop));
}

static struct lk_witness *open_folder(int64_t max_bytes) {
    memset(&now, 0, sizeof(now));
    snprintf(now.folder, sizeof(now.folder), "/tmp/parley-witness-XXXXXX");
    CHECK(mkdtemp(now.folder) != NULL);
    snprintf(now.path, sizeof(now.path), "%s/audit.spool", now.folder);
    return start(max_bytes);
}

static void close_folder(void) {
    unlink(now.path);
    rmdir(now.folder);
    buf_finish(&now.ids);
    buf_finish(&now.texts);
}

static int64_t file_size(void) {
    struct stat st;
    return stat(now.path, &st) == 0 ? (int64_t)st.st_size : -1;
}

/* Turns, with units that end as `outcome` says, until so many were committed or refused, or for so
 * long. */
static void run_until(size_t rows, int64_t most_us) {
    const int64_t end_us = clock_mono_us() + most_us;
    size_t n = 0;
    while (n < rows && clock_mono_us() < end_us) {
        uv_run(&now.loop, UV_RUN_NOWAIT);
        if (now.run != NULL) {
            commit(now.outcome);
        }
        n = 0;
        for (const char *c = buf_str(&now.texts); *c != '\0'; c++) {
            n += *c == ';';
        }
        usleep(1000);
    }
}

static void run_until_size(bool enough(int64_t size)) {
    const int64_t end_us = clock_mono_us() + 20 * SEC_US;
    while (!enough(file_size()) && clock_mono_us() < end_us) {
        uv_run(&now.loop, UV_RUN_NOWAIT);
        if (now.run != NULL) {
            commit(now.outcome);
        }
        usleep(1000);
    }
    CHECK(enough(file_size()));
}

static bool has_rows(int64_t size) {
    return size > 32;
}

static bool is_empty(int64_t size) {
    return size <= 32;
}

TEST(livekit_witness_file, keeps_in_a_file_what_nobody_takes) {
    static const char *const names[] = { "a", "b", "c", "d", "e" };
    struct lk_witness *w = open_folder(1 << 20);
    struct stat st;
    lk_witness_set_participants(w, PEOPLE);
    lk_witness_set_calls(w, CALLS);
    now.outcome = ERR_DATABASE;
    note_media(w, IN_MEDIA_CONNECTED, names[0]);
    note_media(w, IN_MEDIA_CONNECTED, names[1]);
    run_until_size(has_rows);
    CHECK(stat(now.path, &st) == 0 && (st.st_mode & 0777) == 0600);
    note_media(w, IN_MEDIA_CONNECTED, names[2]);
    stop(w); /* the next process */
    w = start(1 << 20);
    lk_witness_set_participants(w, PEOPLE);
    note_media(w, IN_MEDIA_CONNECTED, names[3]);
    lk_witness_set_calls(w, CALLS);
    now.outcome = OK;
    run_until(4, 20 * SEC_US);
    run_until_size(is_empty);
    note_media(w, IN_MEDIA_CONNECTED, names[4]);
    run_until(5, 20 * SEC_US);
    CHECK_STR("media_connected !r:hs @user:hs a R;media_connected !r:hs @user:hs b R;"
              "media_connected !r:hs @user:hs c R;media_connected !r:hs @user:hs d R;"
              "media_connected !r:hs @user:hs e R;",
        buf_str(&now.texts));
    CHECK(file_size() <= 32);
    stop(w);
    close_folder();
}

TEST(livekit_witness_file, writes_none_twice_when_a_commit_was_not_heard_of) {
    struct lk_witness *w = open_folder(1 << 20);
    lk_witness_set_participants(w, PEOPLE);
    lk_witness_set_calls(w, CALLS);
    run_until(1, SEC_US / 10); /* the file was looked for */
    note_media(w, IN_MEDIA_CONNECTED, "a");
    while (now.run == NULL) {
        uv_run(&now.loop, UV_RUN_ONCE);
    }
    const int64_t end_us = clock_mono_us() + 20 * SEC_US;
    while (!has_rows(file_size()) && clock_mono_us() < end_us) {
        uv_run(&now.loop, UV_RUN_ONCE); /* it hangs */
    }
    CHECK(has_rows(file_size()));
    note_media(w, IN_MEDIA_CONNECTED, "b");
    run_until(2, 20 * SEC_US);
    run_until_size(is_empty);
    CHECK_STR("media_connected !r:hs @user:hs a R;media_connected !r:hs @user:hs b R;",
        buf_str(&now.texts));
    CHECK_INT(1, now.repeats);
    stop(w);
    close_folder();
}

TEST(livekit_witness_file, writes_down_what_nobody_can_name_now) {
    struct lk_witness *w = open_folder(1 << 20);
    lk_witness_set_participants(w, PEOPLE);
    lk_witness_set_calls(w, CALLS);
    run_until(1, SEC_US / 10); /* the file was looked for */
    now.silent = true;
    note_media(w, IN_MEDIA_CONNECTED, "a");
    run_until_size(has_rows);
    CHECK(now.forgotten > 0);
    stop(w); /* killed */
    now.silent = false;
    w = start(1 << 20);
    lk_witness_set_participants(w, PEOPLE);
    lk_witness_set_calls(w, CALLS);
    run_until(1, 20 * SEC_US);
    CHECK_STR("media_connected !r:hs @user:hs a R;", buf_str(&now.texts));
    stop(w);
    close_folder();
}

TEST(livekit_witness_file, counts_what_the_file_has_no_room_for) {
    enum { MANY = 3000, FILE_MAX = 64 * 1024 };
    struct lk_witness *w = open_folder(FILE_MAX);
    lk_witness_set_participants(w, PEOPLE);
    lk_witness_set_calls(w, CALLS);
    now.outcome = ERR_DATABASE;
    for (int i = 0; i < MANY; i++) {
        char name[16];
        snprintf(name, sizeof(name), "p%d", i);
        note_media(w, IN_MEDIA_CONNECTED, name);
        if (i == MANY / 2) {
            run_until(1, SEC_US / 2);
        }
    }
    run_until(1, SEC_US / 2);
    CHECK(file_size() > FILE_MAX / 2 && file_size() < FILE_MAX + 512);
    stop(w); /* the count survives, too */
    w = start(FILE_MAX);
    lk_witness_set_participants(w, PEOPLE);
    note_media(w, IN_MEDIA_CONNECTED, "more");
    now.outcome = OK;
    lk_witness_set_calls(w, CALLS);
    run_until_size(is_empty);
    note_media(w, IN_MEDIA_CONNECTED, "after");
    run_until(MANY, SEC_US / 2);
    const char *gap = strstr(buf_str(&now.texts), "gap");
    CHECK(gap != NULL && strstr(gap + 1, "gap -") == NULL);
    CHECK_STR("gap - - - spool_full;media_connected !r:hs @user:hs more R;"
              "media_connected !r:hs @user:hs after R;",
        gap == NULL ? "" : gap);
    CHECK_INT(MANY + 2, now.lost + (int64_t)now.inputs - 1 - now.repeats);
    stop(w);
    close_folder();
}

TEST(livekit_witness_file, does_without_a_file_that_cannot_be_had) {
    struct lk_witness *w = open_folder(1 << 20);
    stop(w);
    snprintf(now.path, sizeof(now.path), "%s/no/such/folder", now.folder);
    w = start(1 << 20);
    lk_witness_set_participants(w, PEOPLE);
    lk_witness_set_calls(w, CALLS);
    now.outcome = ERR_DATABASE;
    note_media(w, IN_MEDIA_CONNECTED, "a");
    run_until(1, SEC_US / 2);
    now.outcome = OK;
    run_until(1, 20 * SEC_US);
    CHECK_STR("media_connected !r:hs @user:hs a R;", buf_str(&now.texts));
    stop(w);
    close_folder();
}
