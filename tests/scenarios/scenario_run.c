/* Plays the scenarios of a file, step by step. */
#include "scenario.h"

#include "calls/admin.h"
#include "calls/stale.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 4096
#define ROOMS_MAX      16
#define DUE_ROUNDS_MAX 8 /* a tick that still finds something due after so many runs spins */

/* One line of a group, waiting for its end. */
struct pending {
    char *words[SCENARIO_WORDS_MAX];
    size_t n;
    int line;
    int64_t at_ms;
};

struct run {
    struct arena arena; /* of the scenario */
    struct sim_store store;
    struct sim_news news;
    struct call_policy policy;
    struct call_room_view rooms[ROOMS_MAX];
    size_t n_rooms;
    int64_t now_ms;
    struct pending group[SCENARIO_GROUP_MAX];
    size_t n_group;
    bool grouping;
    bool active; /* inside a scenario that is to run and has not failed */
    char name[256];
};

static void begin(struct run *r, const char *name) {
    arena_init(&r->arena);
    r->store = (struct sim_store){ .arena = &r->arena };
    r->news = (struct sim_news){ 0 };
    static const char *const receivers[] = { "one" };
    const struct call_news_policy news = { receivers, 1, ~0U, true };
    r->policy =
        (struct call_policy){ .max_duration_ms = 86400000, .server_name = "hs", .news = news };
    r->n_rooms = 0;
    r->now_ms = SCENARIO_EPOCH_MS;
    r->n_group = 0;
    r->grouping = false;
    r->active = true;
    snprintf(r->name, sizeof(r->name), "%s", name);
}

/* --- words --- */

/* Splits in place at spaces outside quotes, and takes the quotes away. */
static size_t split_words(char *line, char **words) {
    size_t n = 0;
    char *at = line;
    while (n < SCENARIO_WORDS_MAX) {
        at += strspn(at, " \t\r\n");
        if (*at == '\0') {
            break;
        }
        words[n++] = at;
        char *to = at;
        bool quoted = false;
        for (; *at != '\0' && (quoted || strchr(" \t\r\n", *at) == NULL); at++) {
            if (*at == '"') {
                quoted = !quoted;
            } else {
                *to++ = *at;
            }
        }
        bool more = *at != '\0';
        *to = '\0';
        at += more;
    }
    return n;
}

/* --- steps --- */

static void keep_news(struct run *r, const struct call_batch *b) {
    r->news = (struct sim_news){
        .pushes = sim_alloc(&r->arena, (b->n_pushes + 1) * sizeof(*r->news.pushes)),
        .n_pushes = b->n_pushes,
        .rechecks = sim_alloc(&r->arena, (b->n_rechecks + 1) * sizeof(*r->news.rechecks)),
        .n_rechecks = b->n_rechecks,
    };
    for (size_t i = 0; i < b->n_pushes; i++) {
        r->news.pushes[i] = (struct call_push){ .type = b->pushes[i].type,
            .user_id = sim_strdup(&r->arena, b->pushes[i].user_id) };
    }
    for (size_t i = 0; i < b->n_rechecks; i++) {
        r->news.rechecks[i] = sim_strdup(&r->arena, b->rechecks[i]);
    }
}

static const char *commit(struct run *r, struct call_batch *b) {
    struct store_changes changes;
    if (call_batch_changes(b, &changes) != OK) {
        return err_text();
    }
    keep_news(r, b);
    return sim_store_commit(&r->store, &changes);
}

static enum err apply_all(struct call_batch *b, const struct store_snapshot *snapshot,
    const struct call_input *inputs, size_t n) {
    TRY(call_batch_load(b, snapshot));
    for (size_t i = 0; i < n; i++) {
        TRY(call_batch_apply(b, &inputs[i]));
    }
    return OK;
}

static const char *apply(
    struct run *r, struct arena *a, const struct call_input *inputs, size_t n) {
    const char **rooms = sim_alloc(a, n * sizeof(*rooms));
    struct store_legacy_key *legacy = sim_alloc(a, n * sizeof(*legacy));
    struct store_scope scope = {
        .rooms = rooms, .n_rooms = n, .legacy = legacy, .now_ms = r->now_ms
    };
    for (size_t i = 0; i < n; i++) {
        rooms[i] = inputs[i].room_id == NULL ? "" : inputs[i].room_id;
        if (inputs[i].type <= IN_REPLACES) {
            legacy[scope.n_legacy++] =
                (struct store_legacy_key){ inputs[i].room_id, inputs[i].legacy.call_id };
        }
    }
    struct store_snapshot snapshot;
    sim_store_open(&r->store, &scope, a, &snapshot);
    struct call_batch b;
    call_batch_init(&b, a, &r->policy, r->now_ms);
    b.rooms = r->rooms;
    b.n_rooms = r->n_rooms;
    return apply_all(&b, &snapshot, inputs, n) != OK ? err_text() : commit(r, &b);
}

/* Scenarios call a session by its name. */
static const char *resolve(const struct run *r, struct call_input *in) {
    const char **id = call_admin_is(in)   ? &in->admin.session_id
                      : call_stale_is(in) ? &in->stale.session_id
                                          : NULL;
    if (id == NULL) {
        return NULL;
    }
    const char *name = *id;
    const struct sim_call *c = name == NULL ? NULL : sim_store_find(&r->store, name);
    if (c == NULL) {
        return "this input needs session_id= of a call that there is";
    }
    *id = c->row.id;
    return NULL;
}

/* The inputs arrive together, at the time of the last; each was sent at its own. */
static const char *play_group(struct run *r, struct arena *a) {
    struct call_input *inputs = sim_alloc(a, r->n_group * sizeof(*inputs));
    for (size_t i = 0; i < r->n_group; i++) {
        struct pending *p = &r->group[i];
        const char *wrong = scenario_read_input(p->words, p->n, p->line, p->at_ms, a, &inputs[i]);
        if (wrong == NULL) {
            wrong = resolve(r, &inputs[i]);
        }
        if (wrong != NULL) {
            return wrong;
        }
        inputs[i].received_ms = r->now_ms;
        if (inputs[i].origin_ms > r->now_ms) {
            inputs[i].origin_ms = r->now_ms;
        }
    }
    size_t n = r->n_group;
    r->n_group = 0;
    return n == 0 ? NULL : apply(r, a, inputs, n);
}

static const char *tick(struct run *r) {
    r->news = (struct sim_news){ 0 };
    for (int round = 0; round < DUE_ROUNDS_MAX; round++) {
        struct arena a;
        arena_init(&a);
        struct store_snapshot snapshot;
        bool due = sim_store_open_due(&r->store, r->now_ms, &a, &snapshot);
        const char *wrong = NULL;
        if (due) {
            struct call_batch b;
            call_batch_init(&b, &a, &r->policy, r->now_ms);
            b.rooms = r->rooms;
            b.n_rooms = r->n_rooms;
            bool failed =
                call_batch_load(&b, &snapshot) != OK || call_batch_run_deadlines(&b) != OK;
            wrong = failed ? err_text() : commit(r, &b);
        }
        arena_finish(&a);
        if (wrong != NULL || !due) {
            return wrong;
        }
    }
    return "the deadlines spin";
}

/* --- statements --- */

static const char *set_time(struct run *r, const char *word) {
    char *end = NULL;
    double seconds = strtod(word, &end);
    if (*end != '\0') {
        return "want a time";
    }
    int64_t ms = (int64_t)(seconds * 1000.0 + 0.5);
    int64_t next = word[0] == '+' ? r->now_ms + ms : SCENARIO_EPOCH_MS + ms;
    if (next < r->now_ms) {
        return "time goes back";
    }
    r->now_ms = next;
    return NULL;
}

static const char *take_input(struct run *r, char **words, size_t n, int line) {
    if (r->n_group == SCENARIO_GROUP_MAX) {
        return "too many lines in a group";
    }
    struct pending *p = &r->group[r->n_group++];
    for (size_t i = 0; i < n; i++) {
        p->words[i] = sim_strdup(&r->arena, words[i]);
    }
    p->n = n;
    p->line = line;
    p->at_ms = r->now_ms;
    return NULL;
}

static int by_strcmp(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static struct call_room_view *room_of(struct run *r, const char *room_id) {
    for (size_t i = 0; i < r->n_rooms; i++) {
        if (strcmp(r->rooms[i].room_id, room_id) == 0) {
            return &r->rooms[i];
        }
    }
    return r->n_rooms == ROOMS_MAX ? NULL : &r->rooms[r->n_rooms++];
}

static const char *say_room(struct run *r, char **words, size_t n) {
    struct call_room_view *room = n < 3 ? NULL : room_of(r, words[1]);
    if (room == NULL) {
        return "want: room ID joined USERS… [public], or room ID unknown";
    }
    const char **joined = sim_alloc(&r->arena, n * sizeof(*joined));
    *room = (struct call_room_view){ .room_id = sim_strdup(&r->arena, words[1]),
        .joined = joined,
        .known = strcmp(words[2], "joined") == 0 };
    for (size_t i = 3; i < n; i++) {
        if (strcmp(words[i], "public") == 0) {
            room->joinable = true;
        } else {
            joined[room->n_joined++] = sim_strdup(&r->arena, words[i]);
        }
    }
    qsort(joined, room->n_joined, sizeof(*joined), by_strcmp);
    return NULL;
}

static const char *say_policy(struct run *r, char **words, size_t n) {
    for (size_t i = 1; i < n; i++) {
        if (strncmp(words[i], "max_duration=", 13) == 0) {
            r->policy.max_duration_ms = strtoll(words[i] + 13, NULL, 10) * 1000;
        } else if (strncmp(words[i], "ring_lifetime_max=", 18) == 0) {
            r->policy.ring_lifetime_max_ms = strtoll(words[i] + 18, NULL, 10) * 1000;
        } else if (strncmp(words[i], "keep_sdp=", 9) == 0) {
            r->policy.keep_sdp = strcmp(words[i] + 9, "yes") == 0;
        } else {
            return "no such setting";
        }
    }
    return NULL;
}

static const char *finish_step(struct run *r) {
    struct arena a;
    arena_init(&a);
    const char *wrong = sim_strdup(&r->arena, play_group(r, &a));
    arena_finish(&a);
    return wrong;
}

static const char *play_timed(struct run *r, char **words, size_t n, int line) {
    const char *wrong = set_time(r, words[0]);
    if (wrong != NULL) {
        return wrong;
    }
    if (n == 2 && strcmp(words[1], "tick") == 0) {
        return tick(r);
    }
    wrong = take_input(r, words + 1, n - 1, line);
    return wrong != NULL || r->grouping ? wrong : finish_step(r);
}

static const char *play_line(struct run *r, char **words, size_t n, int line) {
    if (strcmp(words[0], "{") == 0) {
        r->grouping = true;
        return NULL;
    }
    if (strcmp(words[0], "}") == 0) {
        r->grouping = false;
        return finish_step(r);
    }
    if (strcmp(words[0], "room") == 0) {
        return say_room(r, words, n);
    }
    if (strcmp(words[0], "policy") == 0) {
        return say_policy(r, words, n);
    }
    if (strcmp(words[0], "expect") == 0) {
        return scenario_expect(&r->store, &r->news, words + 1, n - 1, &r->arena);
    }
    return play_timed(r, words, n, line);
}

/* --- files --- */

static void end(struct run *r, struct scenario_counts *counts, bool failed) {
    if (!r->active) {
        return;
    }
    printf("%s %s\n", failed ? "not ok" : "ok", r->name);
    *(failed ? &counts->failed : &counts->passed) += 1;
    r->active = false;
    arena_finish(&r->arena);
}

static void run_lines(
    struct run *r, FILE *f, const char *path, const char *only, struct scenario_counts *counts) {
    char text[LINE_MAX_BYTES];
    char *words[SCENARIO_WORDS_MAX];
    for (int line = 1; fgets(text, sizeof(text), f) != NULL; line++) {
        size_t n = split_words(text, words);
        if (n == 0 || words[0][0] == '#') {
            continue;
        }
        if (strcmp(words[0], "scenario") == 0) {
            end(r, counts, false);
            if (n == 2 && (only == NULL || strstr(words[1], only) != NULL)) {
                begin(r, words[1]);
            }
            continue;
        }
        const char *wrong = r->active ? play_line(r, words, n, line) : NULL;
        if (wrong != NULL) {
            printf("    %s:%d: %s\n", path, line, wrong);
            end(r, counts, true);
        }
    }
}

void scenario_run_file(const char *path, const char *only, struct scenario_counts *counts) {
    FILE *f = fopen(path, "r");
    struct run *r = mem_zalloc(sizeof(*r));
    if (f == NULL || r == NULL) {
        printf("not ok %s: %s\n", path, strerror(errno));
        counts->failed++;
    } else {
        run_lines(r, f, path, only, counts);
        end(r, counts, false);
    }
    if (f != NULL) {
        fclose(f);
    }
    mem_free(r);
}
