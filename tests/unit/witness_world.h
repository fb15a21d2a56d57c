/*
 * calls/work and livekit/participants as the witness sees them: units that end as the test wants,
 * and a list of what was committed, each id once. Include it in one file of a program; it defines
 * the functions of those rooms.
 */
#ifndef TESTS_UNIT_WITNESS_WORLD_H
#define TESTS_UNIT_WITNESS_WORLD_H

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

static inline const char *said(const char *text) {
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
static inline size_t next_word(const char *list, char *ret, size_t size) {
    const size_t n = strcspn(list, ";");
    snprintf(ret, size, "%.*s;", (int)n, list);
    return n + 1;
}

static inline void remember(const struct call_work *w) {
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

static inline void commit(enum err e) {
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

static inline void note_media(
    struct lk_witness *w, enum call_input_type type, const char *identity) {
    const struct call_input in = { .type = type,
        .origin_ms = 1000,
        .token = { .alias = strcmp(identity, "stranger") == 0 ? "dev" : "call",
            .identity = identity,
            .reason = "R" } };
    lk_witness_note(w, &in);
}

#endif
