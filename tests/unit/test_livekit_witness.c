/* Notes of the token service and of the SFU: written together, each once and in order; kept in a
 * file while nobody can write, counted beyond that. */
#include "livekit/witness.h"

#include "calls/work.h"
#include "core/buf.h"
#include "core/clock.h"
#include "livekit/participants.h"
#include "test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- calls/work, of which only the inputs are kept --- */

struct call_work {
    struct arena arena;
    size_t n;
    char kinds[LK_NOTES_A_UNIT + 3]; /* i, r, u, g, m: a letter an input */
    struct buf ids, texts;           /* "id;" and "type room user identity;" of each */
    int64_t lost;
    call_work_done *done;
    void *arg;
};

static struct {
    uv_loop_t loop;
    struct call_work *run; /* the unit under way */
    int units;
    size_t inputs;
    int64_t lost;
    char last_user[64];
    struct buf ids, texts; /* of what was committed, each id once: as the database does it */
    int repeats;
    enum err outcome; /* of units in run_until */
    bool silent;      /* livekit/participants does not answer */
    int forgotten;
    char folder[64], path[96];
} now;

static const char *said(const char *text) {
    return text == NULL || text[0] == '\0' ? "-" : text;
}

enum err call_work_create(struct calls *c, int64_t now_ms, struct call_work **ret) {
    (void)c;
    (void)now_ms;
    struct call_work *w = mem_zalloc(sizeof(*w));
    if (w == NULL) {
        return err_set(ERR_NOMEM, "no memory");
    }
    arena_init(&w->arena);
    buf_init(&w->ids, 0);
    buf_init(&w->texts, 0);
    *ret = w;
    return OK;
}

struct arena *call_work_arena(struct call_work *w) {
    return &w->arena;
}

enum err call_work_add(struct call_work *w, const struct call_input *in) {
    const bool counts = in->type == IN_TOKENS_UNRECORDED || in->type == IN_GAP;
    w->kinds[w->n++] = in->type == IN_TOKEN_ISSUED    ? 'i'
                       : in->type == IN_TOKEN_REFUSED ? 'r'
                       : in->type == IN_GAP           ? 'g'
                       : counts                       ? 'u'
                                                      : 'm';
    w->lost += counts ? in->token.count : 0;
    buf_printf(&w->ids, "%s;", said(in->event_id));
    buf_printf(&w->texts, "%s %s %s %s %s;", call_input_name(in->type), said(in->room_id),
        said(in->sender), said(in->token.identity), said(in->token.reason));
    snprintf(now.last_user, sizeof(now.last_user), "%s", in->sender == NULL ? "" : in->sender);
    return OK;
}

void call_work_destroy(struct call_work *w) {
    if (w != NULL) {
        arena_finish(&w->arena);
        buf_finish(&w->ids);
        buf_finish(&w->texts);
        mem_free(w);
    }
}

void call_work_run(struct call_work *w, call_work_done *done, void *arg) {
    CHECK(now.run == NULL);
    w->done = done;
    w->arg = arg;
    now.run = w;
}

/* The next word of a list that ends each with ';'. */
static size_t next_word(const char *list, char *ret, size_t size) {
    const size_t n = strcspn(list, ";");
    snprintf(ret, size, "%.*s;", (int)n, list);
    return n + 1;
}

static void remember(const struct call_work *w) {
    const char *id = buf_str(&w->ids);
    const char *text = buf_str(&w->texts);
    char one_id[128], one_text[256];
    while (*id != '\0') {
        id += next_word(id, one_id, sizeof(one_id));
        text += next_word(text, one_text, sizeof(one_text));
        if (strcmp(one_id, "-;") != 0 && strstr(buf_str(&now.ids), one_id) != NULL) {
            now.repeats++;
            continue;
        }
        buf_puts(&now.ids, one_id);
        buf_puts(&now.texts, one_text);
    }
}

static void commit(enum err e) {
    struct call_work *w = STEAL(now.run);
    CHECK(w != NULL);
    if (w == NULL) {
        return;
    }
    now.units += e == OK;
    now.inputs += e == OK ? w->n : 0;
    now.lost += e == OK ? w->lost : 0;
    if (e == OK) {
        remember(w);
    }
    const struct call_work_report report = { .inputs = w->n };
    call_work_done *done = w->done;
    void *arg = w->arg;
    call_work_destroy(w);
    if (e != OK) {
        (void)err_set(e, "the database is away");
    }
    done(arg, e, &report);
}

/* --- livekit/participants: of alias "call" all are known --- */

enum err lk_participants_find(struct lk_participants *p, const char *alias, const char *identity,
    lk_participants_found *found, void *arg) {
    const struct store_identity row = { .alias = alias,
        .identity = identity,
        .room_id = "!r:hs",
        .slot_id = "m.call#ROOM",
        .user_id = "@user:hs",
        .device_id = "DEV" };
    (void)p;
    if (now.silent) {
        return OK;
    }
    found(arg, &row, strcmp(alias, "call") == 0 ? 1 : 0);
    return OK;
}

void lk_participants_forget(struct lk_participants *p, const void *arg) {
    (void)p;
    (void)arg;
    now.forgotten++;
}

/* --- */

static int something;
#define PEOPLE ((struct lk_participants *)&something)
#define CALLS  ((struct calls *)&something)

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

/* --- with a file --- */

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

static void note_media(struct lk_witness *w, enum call_input_type type, const char *identity) {
    const struct call_input in = { .type = type,
        .origin_ms = 1000,
        .token = { .alias = strcmp(identity, "stranger") == 0 ? "dev" : "call",
            .identity = identity,
            .reason = "R" } };
    lk_witness_note(w, &in);
}

TEST(livekit_witness, names_who_is_in_the_sfu) {
    struct lk_witness *w = open_world();
    lk_witness_set_participants(w, PEOPLE);
    note_media(w, IN_MEDIA_ROOM_OPENED, "a");
    note_media(w, IN_MEDIA_CONNECTED, "a");
    note_media(w, IN_MEDIA_CONNECTED, "stranger");
    lk_witness_set_calls(w, CALLS);
    commit(OK);
    CHECK_STR("media_room_opened !r:hs - - R;media_connected !r:hs @user:hs a R;"
              "media_connected - - stranger R;",
        buf_str(&now.texts));
    close_world(w);
}

TEST(livekit_witness, keeps_in_a_file_what_nobody_takes) {
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

TEST(livekit_witness, writes_none_twice_when_a_commit_was_not_heard_of) {
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

TEST(livekit_witness, writes_down_what_nobody_can_name_now) {
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

TEST(livekit_witness, counts_what_the_file_has_no_room_for) {
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

TEST(livekit_witness, does_without_a_file_that_cannot_be_had) {
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
