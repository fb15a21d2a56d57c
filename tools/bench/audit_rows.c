/*
 * Makes the rows of a year of calls for tools/bench/audit, with chains that hold, as text for COPY.
 *
 *     audit_rows <events|calls|people|heads> <key file> <calls> <events a call> <end, Unix ms>
 *
 * The same arguments make the same rows, so that the four tables fit together. Each call is over; a
 * quarter are MatrixRTC calls of four, the rest are between two.
 */
#include "store/chain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define USERS   20000
#define ROOMS   5000
#define YEAR_MS (INT64_C(365) * 24 * 3600 * 1000)

struct shape {
    int64_t calls;
    int events; /* of each */
    int64_t end_ms;
    struct store_audit_key *key;
};

/* What there is to know of call i. */
struct call {
    int64_t i;
    char id[UUID_TEXT_SIZE];
    char room[32];
    char name[32];
    char users[4][32];
    int n_users;
    bool rtc;
    const char *status;
    int64_t at;
    int64_t answered_ms; /* after its beginning; 0 = never */
    int64_t lasts_ms;
    uint8_t mac[SHA256_SIZE];
};

/* SplitMix64: the same number for the same question. */
static uint64_t dice(uint64_t a, uint64_t b) {
    uint64_t z = a * 0x9E3779B97F4A7C15U + b * 0xD1B54A32D192ED03U + 0x632BE59BD9B4E019U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

static void make_call(const struct shape *s, int64_t i, struct call *c) {
    static const char *const statuses[] = { "ended", "ended", "ended", "ended", "ended", "ended",
        "missed", "missed", "rejected", "failed" };
    uint64_t d = dice((uint64_t)i, 0);
    *c = (struct call){ .i = i, .rtc = d % 4 == 0, .at = s->end_ms - YEAR_MS };
    c->at += (int64_t)((double)i / (double)s->calls * (double)YEAR_MS);
    c->status = c->rtc ? "ended" : statuses[(d >> 8) % 10];
    c->n_users = c->rtc ? 4 : 2;
    c->answered_ms = strcmp(c->status, "ended") == 0 ? 5000 + (int64_t)((d >> 16) % 20000) : 0;
    c->lasts_ms = 30000 + (int64_t)((d >> 24) % 1200000);
    uint8_t uuid[UUID_SIZE];
    for (int b = 0; b < 6; b++) {
        uuid[b] = (uint8_t)((uint64_t)c->at >> (40 - 8 * b));
    }
    uuid[7] = 0;
    for (int b = 9; b < UUID_SIZE; b++) { /* later calls of a millisecond sort later */
        uuid[b] = (uint8_t)((uint64_t)i >> (8 * (UUID_SIZE - 1 - b)));
    }
    uuid[6] = 0x70;
    uuid[8] = 0x80;
    crypto_uuid_write(uuid, c->id);
    snprintf(c->room, sizeof(c->room), "!room%04d:bench", (int)(dice((uint64_t)i, 2) % ROOMS));
    snprintf(c->name, sizeof(c->name), "call%09" PRId64, i);
    for (int u = 0; u < c->n_users; u++) {
        snprintf(c->users[u], sizeof(c->users[u]), "@user%05d:bench",
            (int)(dice((uint64_t)i, 3 + (uint64_t)u) % USERS));
    }
}

static void print_time(int64_t ms) {
    char text[32];
    time_t s = (time_t)(ms / 1000);
    struct tm tm;
    gmtime_r(&s, &tm);
    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
    printf("\t%s.%03d+00", text, (int)(ms % 1000));
}

static void print_bytes(const uint8_t *bytes, size_t n) {
    char hex[2 * SHA256_SIZE + 1];
    crypto_hex(bytes, n, hex);
    printf("\t\\\\x%s", hex);
}

static void check(enum err e) {
    if (e != OK) {
        fprintf(stderr, "audit_rows: %s\n", err_text());
        exit(1);
    }
}

/* Row n of a call: moves its chain on, and prints it when asked. */
static void make_event(const struct shape *s, struct call *c, int n, struct buf *b, bool print) {
    static const char *const types[] = { "call_invited", "ice_candidates", "call_answered",
        "ice_candidates", "answer_selected", "participant_joined", "media_changed",
        "participant_left", "ice_candidates", "call_ended" };
    char source[48];
    char payload[96];
    uint8_t salt[STORE_SALT_SIZE];
    uint8_t digest[SHA256_SIZE];
    uint64_t random[2] = { dice((uint64_t)c->i, 100 + (uint64_t)n),
        dice((uint64_t)c->i, 200 + (uint64_t)n) };
    memcpy(salt, random, sizeof(salt));
    snprintf(source, sizeof(source), "$%010" PRId64 "-%02d-of-a-matrix-event", c->i, n);
    snprintf(payload, sizeof(payload),
        "{\"reason\":\"user_hangup\",\"party\":\"DEVICE%04d\",\"count\":%d,\"video\":%s}",
        (int)(random[0] % 10000), n, n % 2 == 0 ? "true" : "false");
    int64_t at = c->at + (n - 1) * c->lasts_ms / s->events;
    struct store_event e = { .type = n == s->events ? "call_ended" : types[(n - 1) % 9],
        .room_id = c->room,
        .call_id = c->name,
        .user_id = c->users[n % c->n_users],
        .subject = n % 3 == 0 ? c->users[(n + 1) % c->n_users] : "",
        .source_event_id = source,
        .at = at,
        .recorded_at = at + 150 };
    buf_clear(b);
    store_chain_erasable(b, salt, &e, payload);
    crypto_sha256(b->data, b->len, digest);
    buf_clear(b);
    store_chain_canonical(b, c->id, n, &e, digest);
    check(store_chain_next(s->key, c->mac, b, c->mac));
    if (!print) {
        return;
    }
    printf("%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s", c->id, n, e.type, e.room_id, e.call_id, e.user_id,
        e.subject, source);
    print_time(e.at);
    print_time(e.recorded_at);
    printf("\tf\tf\tf\tf");
    print_bytes(salt, sizeof(salt));
    printf("\t%s", payload);
    print_bytes(digest, sizeof(digest));
    print_bytes(c->mac, sizeof(c->mac));
    printf("\t1\n");
}

static void make_events(const struct shape *s, struct call *c, struct buf *b, bool print) {
    for (int n = 1; n <= s->events; n++) {
        make_event(s, c, n, b, print);
    }
}

static void print_call(const struct shape *s, const struct call *c) {
    int64_t end = c->at + c->lasts_ms;
    printf("%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\tf\tf\tt\t%s\t%s\t1", c->id,
        c->rtc ? "rtc" : "legacy", c->room, c->name, c->name, c->status, c->status,
        c->i % 3 == 0 ? "video" : "audio", c->rtc ? "t" : "f", c->users[0],
        c->rtc ? "\\N" : c->users[1]);
    print_time(c->at);
    if (c->answered_ms > 0) {
        print_time(c->at + c->answered_ms);
    } else {
        printf("\t\\N");
    }
    print_time(end);
    print_time(end + 150);
    if (c->answered_ms > 0) {
        printf("\t%" PRId64, c->lasts_ms > c->answered_ms ? c->lasts_ms - c->answered_ms : 0);
    } else {
        printf("\t\\N");
    }
    printf("\tuser_hangup\t%s\t%d\t%d", strcmp(c->status, "failed") == 0 ? "ice_failed" : "\\N",
        c->n_users, s->events);
    print_bytes(c->mac, sizeof(c->mac));
    printf("\n");
}

static void print_people(const struct call *c) {
    for (int u = c->rtc ? 0 : 1; u < c->n_users; u++) {
        printf("%s\t%d\t%s\tDEVICE\t%s", c->id, u + 1, c->users[u], c->rtc ? "member" : "callee");
        print_time(c->at + u * 1000);
        if (c->answered_ms > 0 && !c->rtc) {
            print_time(c->at + c->answered_ms);
        } else {
            printf("\t\\N");
        }
        print_time(c->at + c->lasts_ms);
        printf("\tf\tf\tf\tf\t0\t2\t1\t0\t%d\t0\n", u % 2);
    }
}

static void print_head(
    const struct shape *s, const struct call *c, struct buf *b, uint8_t mac[SHA256_SIZE]) {
    const struct store_chain_head h = { .seq = c->i + 1,
        .kind = "head",
        .session_id = c->id,
        .rows = s->events,
        .last_mac = c->mac,
        .at = c->at + c->lasts_ms + 150 };
    buf_clear(b);
    store_chain_head_canonical(b, &h);
    check(store_chain_next(s->key, mac, b, mac));
    printf("%" PRId64 "\thead\t%s\t%d", h.seq, c->id, s->events);
    print_bytes(c->mac, SHA256_SIZE);
    print_time(h.at);
    print_bytes(mac, SHA256_SIZE);
    printf("\t1\n");
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fprintf(stderr, "usage: audit_rows events|calls|people|heads KEY CALLS EVENTS END_MS\n");
        return 2;
    }
    struct shape s = { .calls = strtoll(argv[3], NULL, 10),
        .events = atoi(argv[4]),
        .end_ms = strtoll(argv[5], NULL, 10) };
    check(store_audit_key_load(argv[2], &s.key));
    struct buf b;
    buf_init(&b, 0);
    uint8_t mac[SHA256_SIZE] = { 0 };
    char what = argv[1][0];
    for (int64_t i = 0; i < s.calls; i++) {
        struct call c;
        make_call(&s, i, &c);
        if (what != 'p') {
            make_events(&s, &c, &b, what == 'e');
        }
        if (what == 'c') {
            print_call(&s, &c);
        } else if (what == 'p') {
            print_people(&c);
        } else if (what == 'h') {
            print_head(&s, &c, &b, mac);
        }
    }
    buf_finish(&b);
    store_audit_key_destroy(s.key);
    return 0;
}
