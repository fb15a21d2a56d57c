/* The rows of calls as named columns: for copying, and for comparing with what a scenario expects.
 */
#include "scenario.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALL(t, n)                                                                                 \
    { #n, COLUMN_##t, offsetof(struct store_call, n) }
#define PERSON(t, n)                                                                               \
    { #n, COLUMN_##t, offsetof(struct store_participant, n) }
#define KEPT(t, n)                                                                                 \
    { #n, COLUMN_##t, offsetof(struct store_kept, n) }
#define EVENT(t, n)                                                                                \
    { #n, COLUMN_##t, offsetof(struct store_event, n) }

static const struct column calls[] = {
    CALL(ID, id),
    CALL(TEXT, kind),
    CALL(TEXT, room_id),
    CALL(TEXT, call_id),
    CALL(TEXT, natural_key),
    CALL(TEXT, slot),
    CALL(TEXT, state),
    CALL(TEXT, status),
    CALL(TEXT, media),
    CALL(BOOL, is_group),
    CALL(BOOL, historic),
    CALL(BOOL, partial),
    CALL(BOOL, rings),
    CALL(TEXT, caller_user),
    CALL(TEXT, caller_party),
    CALL(TEXT, callee_user),
    CALL(TEXT, selected_user),
    CALL(TEXT, selected_party),
    CALL(TEXT, first_event_id),
    CALL(TEXT, ring_event_id),
    CALL(INT, voip_version),
    CALL(TIME, created_at),
    CALL(TIME, ringing_at),
    CALL(TIME, answered_at),
    CALL(TIME, ended_at),
    CALL(LONG, duration_ms),
    CALL(TIME, deadline_at),
    CALL(TIME, due_at),
    CALL(TIME, last_event_at),
    CALL(TIME, closed_at),
    CALL(TIME, final_origin_at),
    CALL(TEXT, end_reason),
    CALL(TEXT, failed_reason),
    CALL(TEXT, ended_by),
    CALL(TEXT, superseded_by),
    CALL(TEXT, linked_call_id),
    CALL(INT, peak_users),
};
static const struct column people[] = {
    PERSON(INT, n),
    PERSON(TEXT, user_id),
    PERSON(TEXT, party),
    PERSON(TEXT, role),
    PERSON(TEXT, generation),
    PERSON(TEXT, entry_key),
    PERSON(TEXT, membership_id),
    PERSON(TEXT, event_id),
    PERSON(TEXT, last_event_id),
    PERSON(TIME, last_origin_at),
    PERSON(TIME, joined_at),
    PERSON(TIME, answered_at),
    PERSON(TIME, expires_at),
    PERSON(TIME, left_at),
    PERSON(TEXT, leave_reason),
    PERSON(TEXT, actor),
    PERSON(TEXT, focus_url),
    PERSON(TEXT, focus_selection),
    PERSON(BOOL, focus_ours),
    PERSON(TEXT, intent),
    PERSON(BOOL, audio_muted),
    PERSON(BOOL, video_muted),
    PERSON(BOOL, screen_shared),
    PERSON(INT, refreshes),
    PERSON(INT, candidates_host),
    PERSON(INT, candidates_srflx),
    PERSON(INT, candidates_prflx),
    PERSON(INT, candidates_relay),
    PERSON(INT, candidates_tcp),
};
static const struct column kept[] = {
    KEPT(INT, n),
    KEPT(INT, input),
    KEPT(TEXT, event_id),
    KEPT(TEXT, sender),
    KEPT(TEXT, party),
    KEPT(INT, voip_version),
    KEPT(TIME, origin_at),
    KEPT(TIME, sent_at),
    KEPT(TIME, received_at),
    KEPT(TEXT, reason),
    KEPT(TEXT, selected_party),
    KEPT(TEXT, text),
};
static const struct column events[] = {
    EVENT(TEXT, type),
    EVENT(TEXT, room_id),
    EVENT(TEXT, call_id),
    EVENT(TEXT, user_id),
    EVENT(TEXT, subject),
    EVENT(TEXT, source_event_id),
    EVENT(TIME, at),
    EVENT(TIME, recorded_at),
    EVENT(BOOL, late),
    EVENT(BOOL, inferred),
    EVENT(BOOL, ignored),
    EVENT(BOOL, partial),
};

const struct columns call_columns = { calls, COUNT_OF(calls), sizeof(struct store_call) };
const struct columns participant_columns = { people, COUNT_OF(people),
    sizeof(struct store_participant) };
const struct columns kept_columns = { kept, COUNT_OF(kept), sizeof(struct store_kept) };
const struct columns event_columns = { events, COUNT_OF(events), sizeof(struct store_event) };

void *sim_alloc(struct arena *a, size_t n) {
    void *p = arena_alloc(a, n);
    if (p == NULL) {
        fprintf(stderr, "no memory\n");
        abort();
    }
    return p;
}

char *sim_strdup(struct arena *a, const char *s) {
    if (s == NULL) {
        return NULL;
    }
    char *copy = sim_alloc(a, strlen(s) + 1);
    strcpy(copy, s);
    return copy;
}

/* Column by column: what no column holds must not survive a step. */
void columns_copy(const struct columns *c, void *to, const void *from, struct arena *a) {
    memset(to, 0, c->size);
    for (size_t i = 0; i < c->n; i++) {
        char *at = (char *)to + c->list[i].at;
        const char *source = (const char *)from + c->list[i].at;
        switch (c->list[i].type) {
        case COLUMN_TEXT:
            *(const char **)at = sim_strdup(a, *(const char *const *)source);
            break;
        case COLUMN_ID:
            memcpy(at, source, UUID_TEXT_SIZE);
            break;
        case COLUMN_TIME:
        case COLUMN_LONG:
            memcpy(at, source, sizeof(int64_t));
            break;
        case COLUMN_INT:
            memcpy(at, source, sizeof(int));
            break;
        case COLUMN_BOOL:
            memcpy(at, source, sizeof(bool));
            break;
        }
    }
}

static const char *show_number(struct arena *a, int64_t v) {
    char text[32];
    snprintf(text, sizeof(text), "%" PRId64, v);
    return sim_strdup(a, text);
}

const char *show_time(int64_t wall_ms, struct arena *a) {
    if (wall_ms == 0) {
        return "-";
    }
    char text[32];
    snprintf(text, sizeof(text), "%.3f", (double)(wall_ms - SCENARIO_EPOCH_MS) / 1000.0);
    char *end = text + strlen(text);
    while (end[-1] == '0') {
        *--end = '\0';
    }
    if (end[-1] == '.') {
        end[-1] = '\0';
    }
    return sim_strdup(a, text);
}

static const char *show(const struct column *c, const char *at, struct arena *a) {
    switch (c->type) {
    case COLUMN_TEXT:
        return *(const char *const *)at == NULL ? "-" : *(const char *const *)at;
    case COLUMN_ID:
        return at;
    case COLUMN_TIME:
        return show_time(*(const int64_t *)at, a);
    case COLUMN_LONG:
        return show_number(a, *(const int64_t *)at);
    case COLUMN_INT:
        return show_number(a, *(const int *)at);
    case COLUMN_BOOL:
        return *(const bool *)at ? "yes" : "no";
    }
    return NULL;
}

const char *columns_show(
    const struct columns *c, const void *row, const char *name, struct arena *a) {
    for (size_t i = 0; i < c->n; i++) {
        if (strcmp(c->list[i].name, name) == 0) {
            return show(&c->list[i], (const char *)row + c->list[i].at, a);
        }
    }
    return NULL;
}
