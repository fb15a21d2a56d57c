/*
 * Drives src/store by lines of text, so that a Python test can play nodes, crashes and races.
 *
 *     store_probe <url> <key file> [pool size] [connect time-out ms]
 *
 * Commands on standard input are a word, the name of a unit, and name=value pairs:
 *
 *     open A rooms=!a,!b legacy=!a/c1 ids=$1,$2 txn=t1 hash=x now=ms
 *     due A now=ms limit=n
 *     commit A room=!a create=2 kind=rtc events=3 people=2 kept=1 final=1 touch=1 strays=1
 *              source=$1 due=ms ids=$1 txn=t1 hash=x now=ms
 *     abort A
 *     next B, live B, claim B now=ms interval=ms
 *
 * What comes of them is printed as it happens:
 *
 *     opened A ok known=0 seen=01 calls=room/key/state/p<people>/l<last n>/k<kept>/r<rows>,…
 *     committed A ok, aborted A, answered B ok …, changed 1
 *
 * An error by its name and sentence; at the end "live <blocks of memory>".
 */
#include "core/clock.h"
#include "core/mem.h"
#include "store/calls.h"
#include "store/chain.h"
#include "store/pool.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define LINE_MAX_BYTES 65536
#define LIST_MAX       4096
#define UNITS_MAX      1024

struct unit {
    char name[32];
    struct arena arena;
    struct store_work *work;
    const struct store_loaded_call *calls;
    size_t n_calls;
    struct unit *next;
};

static struct store *store;
static struct store_audit_key *key;
static struct unit *units;
static char line[LINE_MAX_BYTES];
static size_t line_len;

/* --- arguments --- */

static const char *value_of(const char *name) {
    static char copies[16][LINE_MAX_BYTES];
    static int turn;
    size_t n = strlen(name);
    for (const char *at = strchr(line, ' '); at != NULL; at = strchr(at + 1, ' ')) {
        if (strncmp(at + 1, name, n) == 0 && at[1 + n] == '=') {
            char *copy = copies[turn = (turn + 1) % 16];
            snprintf(copy, LINE_MAX_BYTES, "%s", at + 2 + n);
            copy[strcspn(copy, " ")] = '\0';
            return copy;
        }
    }
    return NULL;
}

static int64_t number_of(const char *name, int64_t otherwise) {
    const char *v = value_of(name);
    return v == NULL ? otherwise : strtoll(v, NULL, 10);
}

/* The parts of a list with commas, copied into the unit's arena. */
static size_t list_of(struct unit *u, const char *name, const char ***ret) {
    const char *v = value_of(name);
    *ret = arena_array(&u->arena, LIST_MAX, sizeof(**ret));
    size_t n = 0;
    char *copy = arena_strdup(&u->arena, v);
    for (char *save = NULL, *part = copy == NULL ? NULL : strtok_r(copy, ",", &save);
         part != NULL && n < LIST_MAX; part = strtok_r(NULL, ",", &save)) {
        (*ret)[n++] = part;
    }
    return n;
}

static struct unit *unit_of(bool make) {
    char name[32] = "";
    (void)sscanf(line, "%*s %31s", name);
    for (struct unit *u = units; u != NULL; u = u->next) {
        if (strcmp(u->name, name) == 0) {
            return u;
        }
    }
    if (!make) {
        printf("unknown %s\n", name);
        return NULL;
    }
    struct unit *u = mem_zalloc(sizeof(*u));
    if (u == NULL) {
        abort();
    }
    snprintf(u->name, sizeof(u->name), "%s", name);
    arena_init(&u->arena);
    u->next = units;
    units = u;
    return u;
}

static void drop_unit(struct unit *u) {
    for (struct unit **at = &units; *at != NULL; at = &(*at)->next) {
        if (*at == u) {
            *at = u->next;
            break;
        }
    }
    arena_finish(&u->arena);
    mem_free(u);
}

static const uint8_t *hash_of(struct unit *u) {
    const char *v = value_of("hash");
    uint8_t *hash = arena_alloc(&u->arena, SHA256_SIZE);
    crypto_sha256(v == NULL ? "" : v, v == NULL ? 0 : strlen(v), hash);
    return hash;
}

/* --- opening --- */

static void print_opened(const struct store_snapshot *s, size_t n_ids) {
    printf(" known=%d seen=", s->txn_known);
    for (size_t i = 0; i < n_ids; i++) {
        printf("%d", s->event_seen[i]);
    }
    printf(" calls=");
    for (size_t i = 0; i < s->n_calls; i++) {
        const struct store_loaded_call *c = &s->calls[i];
        printf("%s%s/%s/%s/p%zu/l%d/k%zu/r%d", i == 0 ? "" : ",", c->row.room_id,
            c->row.natural_key, c->row.state, c->n_participants, c->last_n, c->n_kept,
            c->row.chain_rows);
    }
}

static size_t
    ids_asked; /* by the open command under way; one at a time is enough for the tests that look */

static void opened(void *arg, enum err e, struct store_work *w, const struct store_snapshot *s) {
    struct unit *u = arg;
    u->work = w;
    printf("opened %s %s", u->name, err_name(e));
    if (e != OK) {
        printf(" %s\n", err_text());
        drop_unit(u);
        return;
    }
    u->calls = s->calls;
    u->n_calls = s->n_calls;
    print_opened(s, s->event_seen == NULL ? 0 : ids_asked);
    printf("\n");
}

static void do_open(void) {
    struct unit *u = unit_of(true);
    struct store_scope scope = { .now_ms = number_of("now", clock_wall_ms()) };
    const char **rooms, **ids, **legacy;
    scope.n_rooms = list_of(u, "rooms", &rooms);
    scope.n_event_ids = ids_asked = list_of(u, "ids", &ids);
    size_t n = list_of(u, "legacy", &legacy);
    struct store_legacy_key *keys = arena_array(&u->arena, n, sizeof(*keys));
    for (size_t i = 0; i < n; i++) {
        size_t len = strcspn(legacy[i], "/");
        keys[i] = (struct store_legacy_key){ arena_strndup(&u->arena, legacy[i], len),
            legacy[i] + len + 1 };
    }
    scope.rooms = rooms;
    scope.event_ids = ids;
    scope.legacy = keys;
    scope.n_legacy = n;
    scope.txn_id = arena_strdup(&u->arena, value_of("txn"));
    scope.txn_hash = hash_of(u);
    enum err e = store_calls_open(store, &u->arena, &scope, opened, u);
    if (e != OK) {
        opened(u, e, NULL, NULL);
    }
}

static void do_due(void) {
    struct unit *u = unit_of(true);
    enum err e = store_calls_open_due(store, &u->arena, number_of("now", clock_wall_ms()),
        (size_t)number_of("limit", 10), opened, u);
    if (e != OK) {
        opened(u, e, NULL, NULL);
    }
}

/* --- committing --- */

static const char *text_number(struct unit *u, const char *what, int64_t n) {
    return arena_printf(&u->arena, "%s%" PRId64, what, n);
}

static struct store_event *make_event(
    struct unit *u, const struct store_call *row, int i, int64_t now) {
    struct store_event *e = arena_alloc(&u->arena, sizeof(*e));
    struct store_detail *d = arena_array(&u->arena, 3, sizeof(*d));
    d[0] = (struct store_detail){ "reason", STORE_DETAIL_TEXT, "caf\xC3\xA9 \"quoted\"", 0, &d[1] };
    d[1] = (struct store_detail){ "index", STORE_DETAIL_INT, NULL, i, &d[2] };
    d[2] = (struct store_detail){ "video", STORE_DETAIL_BOOL, NULL, i % 2, NULL };
    const char *source = value_of("source");
    *e = (struct store_event){ .type = i == 0 ? "call_invited" : text_number(u, "type_", i),
        .room_id = row->room_id,
        .call_id = row->call_id,
        .user_id = i % 2 == 0 ? "@alice:test" : NULL,
        .subject = i % 3 == 0 ? NULL : "@bob:test",
        .source_event_id = arena_strdup(&u->arena, source),
        .at = now - 1500,
        .recorded_at = now,
        .late = i % 5 == 1,
        .inferred = i % 7 == 1,
        .ignored = false,
        .partial = i % 2 == 1,
        .details = i % 4 == 3 ? NULL : d };
    return e;
}

static void add_events(struct unit *u, struct store_changed_call *ch, int n, int64_t now) {
    struct store_event **events = arena_array(&u->arena, (size_t)n, sizeof(*events));
    for (int i = 0; i < n; i++) {
        events[i] = make_event(u, ch->row, i, now);
    }
    ch->events = events;
    ch->n_events = (size_t)n;
}

static void add_people(struct unit *u, struct store_changed_call *ch, int n, int64_t now) {
    struct store_participant **people = arena_array(&u->arena, (size_t)n, sizeof(*people));
    for (int i = 0; i < n; i++) {
        people[i] = arena_alloc(&u->arena, sizeof(*people[i]));
        *people[i] = (struct store_participant){ .n = i + 1,
            .user_id = text_number(u, "@user", i),
            .party = "DEVICE",
            .role = i == 0 ? "caller" : "callee",
            .joined_at = now,
            .left_at = i == 2 ? now : 0 };
    }
    ch->participants = people;
    ch->n_participants = (size_t)n;
}

static void add_kept(struct unit *u, struct store_changed_call *ch, int n) {
    struct store_kept *kept = arena_array(&u->arena, (size_t)n, sizeof(*kept));
    for (int i = 0; i < n; i++) {
        kept[i] = (struct store_kept){
            .n = i + 1, .input = 2, .event_id = "$kept", .sender = "@bob:test"
        };
    }
    ch->kept = kept;
    ch->n_kept = (size_t)n;
    ch->kept_changed = true;
}

static void set_state(struct store_changed_call *ch, int64_t now) {
    const char *state = number_of("final", 0) != 0 ? "ended" : "ringing";
    ch->row->state = state;
    ch->row->status = state;
    ch->row->due_at = number_of("due", 0);
    ch->row->closed_at = number_of("final", 0) != 0 ? now : 0;
    ch->final = number_of("final", 0) != 0;
}

static void create_call(struct unit *u, struct store_changed_call *ch, int64_t now, int64_t index) {
    struct store_call *row = arena_alloc(&u->arena, sizeof(*row));
    crypto_uuid(now, row->id);
    row->kind = value_of("kind") == NULL ? "legacy" : arena_strdup(&u->arena, value_of("kind"));
    row->room_id =
        value_of("room") == NULL ? "!room:test" : arena_strdup(&u->arena, value_of("room"));
    row->natural_key = arena_printf(&u->arena, "%s-%" PRId64, u->name, index);
    row->call_id = value_of("badtext") == NULL ? row->natural_key : "bad \xFF text";
    row->media = "audio";
    row->caller_user = "@alice:test";
    row->created_at = now - 2000;
    row->duration_ms = -1;
    *ch = (struct store_changed_call){ .row = row, .created = true };
}

static void drop_work(struct unit *u, enum err e) {
    printf("committed %s %s%s%s\n", u->name, err_name(e), e == OK ? "" : " ",
        e == OK ? "" : err_text());
    drop_unit(u);
}

static void committed(void *arg, enum err e) {
    drop_work(arg, e);
}

static void do_commit(void) {
    struct unit *u = unit_of(false);
    if (u == NULL) {
        return;
    }
    int64_t now = number_of("now", clock_wall_ms());
    size_t n_new = (size_t)number_of("create", 0);
    size_t n_old = number_of("touch", 0) != 0 ? u->n_calls : 0;
    struct store_changes *ch = arena_alloc(&u->arena, sizeof(*ch));
    ch->calls = arena_array(&u->arena, n_new + n_old, sizeof(*ch->calls));
    ch->n_calls = n_new + n_old;
    for (size_t i = 0; i < ch->n_calls; i++) {
        if (i < n_new) {
            create_call(u, &ch->calls[i], now, (int64_t)i);
        } else {
            struct store_call *row = arena_alloc(&u->arena, sizeof(*row));
            *row = u->calls[i - n_new].row;
            ch->calls[i] = (struct store_changed_call){ .row = row };
        }
        set_state(&ch->calls[i], now);
        add_events(u, &ch->calls[i], (int)number_of("events", 0), now);
        add_people(u, &ch->calls[i], (int)number_of("people", 0), now);
        if (value_of("kept") != NULL) {
            add_kept(u, &ch->calls[i], (int)number_of("kept", 0));
        }
    }
    struct store_call stray = { .room_id = "!stray:test" };
    struct store_changed_call strays = { .row = &stray };
    add_events(u, &strays, (int)number_of("strays", 0), now);
    ch->strays = strays.events;
    ch->n_strays = strays.n_events;
    const char **ids;
    ch->n_event_ids = list_of(u, "ids", &ids);
    ch->event_ids = ids;
    ch->txn_id = arena_strdup(&u->arena, value_of("txn"));
    ch->txn_hash = hash_of(u);
    ch->now_ms = now;
    store_calls_commit(u->work, key, ch, committed, u);
}

static void do_abort(void) {
    struct unit *u = unit_of(false);
    if (u != NULL) {
        store_calls_abort(u->work);
        printf("aborted %s\n", u->name);
        drop_unit(u);
    }
}

/* --- questions --- */

static void told_outlook(void *arg, enum err e, const struct store_calls_outlook *o) {
    struct unit *u = arg;
    printf("answered %s %s due=%" PRId64 "\n", u->name, err_name(e), o->due_at);
    drop_unit(u);
}

static void told_rooms(void *arg, enum err e, const char *const *rooms, size_t n) {
    struct unit *u = arg;
    printf("answered %s %s rooms=", u->name, err_name(e));
    for (size_t i = 0; i < n; i++) {
        printf("%s%s", i == 0 ? "" : ",", rooms[i]);
    }
    printf("\n");
    drop_unit(u);
}

static void told_claim(void *arg, enum err e, bool claimed) {
    struct unit *u = arg;
    printf("answered %s %s claimed=%d\n", u->name, err_name(e), claimed);
    drop_unit(u);
}

static void report_refusal(struct unit *u, enum err e) {
    if (e != OK) {
        printf("answered %s %s\n", u->name, err_name(e));
        drop_unit(u);
    }
}

static void do_next(void) {
    struct unit *u = unit_of(true);
    report_refusal(u, store_calls_look_ahead(store, told_outlook, u));
}

static void do_live(void) {
    struct unit *u = unit_of(true);
    report_refusal(u, store_calls_live_rooms(store, told_rooms, u));
}

static void do_claim(void) {
    struct unit *u = unit_of(true);
    report_refusal(u, store_calls_claim_reconcile(
                          store, number_of("now", 0), number_of("interval", 0), told_claim, u));
}

/* --- the loop --- */

static const struct {
    const char *word;
    void (*run)(void);
} commands[] = { { "open", do_open }, { "due", do_due }, { "commit", do_commit },
    { "abort", do_abort }, { "next", do_next }, { "live", do_live }, { "claim", do_claim } };

static void run_line(void) {
    size_t n = strcspn(line, " ");
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        if (strlen(commands[i].word) == n && strncmp(commands[i].word, line, n) == 0) {
            commands[i].run();
            return;
        }
    }
    printf("unknown command: %s\n", line);
}

/* The first open unit that is found ends while the store lives, the others after it is gone: both
 * must do. */
static void end_units(void) {
    bool ended = false;
    struct unit *next;
    for (struct unit *u = units; u != NULL && !ended; u = next) {
        next = u->next;
        if (u->work != NULL) {
            store_calls_abort(u->work);
            drop_unit(u);
            ended = true;
        }
    }
    store_destroy(store); /* units that wait for their opening fail from inside */
    for (struct unit *u = units; u != NULL; u = next) {
        next = u->next;
        store_calls_abort(u->work);
        drop_unit(u);
    }
}

static void got_input(uv_stream_t *in, ssize_t n, const uv_buf_t *b) {
    for (ssize_t i = 0; i < n; i++) {
        if (b->base[i] == '\n') {
            line[line_len] = '\0';
            line_len = 0;
            run_line();
        } else if (line_len + 1 < sizeof(line)) {
            line[line_len++] = b->base[i];
        }
    }
    if (n < 0) {
        uv_close((uv_handle_t *)in, NULL);
        end_units();
    }
}

static void give_buffer(uv_handle_t *h, size_t size, uv_buf_t *b) {
    static char bytes[LINE_MAX_BYTES];
    (void)h;
    (void)size;
    *b = uv_buf_init(bytes, sizeof(bytes));
}

static void changed(void *arg, bool up) {
    (void)arg;
    printf("changed %d\n", up);
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: store_probe <url> <key file> [pool size] [connect time-out ms]\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct store_config cfg = { .url = argv[1],
        .pool_size = argc > 3 ? (unsigned)atoi(argv[3]) : 2,
        .connect_timeout_us = (argc > 4 ? atoi(argv[4]) : 5000) * INT64_C(1000),
        .statement_timeout_us = 10 * SEC_US };
    uv_pipe_t in;
    if (store_audit_key_load(argv[2], &key) != OK ||
        store_create(uv_default_loop(), &cfg, changed, NULL, &store) != OK) {
        fprintf(stderr, "store_probe: %s\n", err_text());
        return 1;
    }
    uv_pipe_init(uv_default_loop(), &in, 0);
    uv_pipe_open(&in, 0);
    uv_read_start((uv_stream_t *)&in, give_buffer, got_input);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    store_audit_key_destroy(key);
    printf("live %" PRIu64 "\n", mem_live());
    return uv_loop_close(uv_default_loop());
}
