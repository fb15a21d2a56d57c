/* The database of a scenario: rows in memory, under the rules of schema/0001_calls.sql. */
#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RTC_RECENT_MS                                                                              \
    (10 * 60 * INT64_C(1000)) /* store_snapshot: rtc sessions closed less than 10 min ago */

static void *grow(struct arena *a, void *list, size_t n, size_t *cap) {
    if (n < *cap) {
        return list;
    }
    *cap = *cap == 0 ? 8 : *cap * 2;
    void *wider = sim_alloc(a, *cap * sizeof(void *));
    if (n > 0) {
        memcpy(wider, list, n * sizeof(void *));
    }
    return wider;
}

static bool over(const struct sim_call *c) {
    return c->row.closed_at != 0;
}

/* --- reading --- */

static bool in_rooms(const struct store_scope *scope, const char *room_id) {
    for (size_t i = 0; i < scope->n_rooms; i++) {
        if (strcmp(scope->rooms[i], room_id) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_asked(const struct store_scope *scope, const struct sim_call *c) {
    for (size_t i = 0; i < scope->n_legacy; i++) {
        if (c->rtc_n == 0 && strcmp(scope->legacy[i].room_id, c->row.room_id) == 0 &&
            strcmp(scope->legacy[i].call_id, c->row.call_id) == 0) {
            return true;
        }
    }
    return false;
}

static bool wanted(const struct store_scope *scope, const struct sim_call *c) {
    if (is_asked(scope, c)) {
        return true;
    }
    bool recent = c->rtc_n != 0 && c->row.closed_at > scope->now_ms - RTC_RECENT_MS;
    return in_rooms(scope, c->row.room_id) && (!over(c) || recent);
}

/* Live ones, and of each entry that left its last stay. */
static bool loaded(const struct sim_call *c, size_t i) {
    const struct store_participant *p = c->people[i];
    for (size_t j = i + 1; p->left_at != 0 && p->entry_key != NULL && j < c->n_people; j++) {
        const char *key = c->people[j]->entry_key;
        if (key != NULL && strcmp(key, p->entry_key) == 0) {
            return false;
        }
    }
    return true;
}

static void load(const struct sim_call *c, struct arena *a, struct store_loaded_call *ret) {
    columns_copy(&call_columns, &ret->row, &c->row, a);
    ret->participants = sim_alloc(a, (c->n_people + 1) * sizeof(*ret->participants));
    for (size_t i = 0; i < c->n_people; i++) {
        if (loaded(c, i)) {
            columns_copy(
                &participant_columns, &ret->participants[ret->n_participants++], c->people[i], a);
        }
    }
    ret->last_n = c->n_people == 0 ? 0 : c->people[c->n_people - 1]->n;
    ret->kept = sim_alloc(a, (c->n_kept + 1) * sizeof(*ret->kept));
    ret->n_kept = c->n_kept;
    for (size_t i = 0; i < c->n_kept; i++) {
        columns_copy(&kept_columns, &ret->kept[i], &c->kept[i], a);
    }
}

void sim_store_open(const struct sim_store *s, const struct store_scope *scope, struct arena *a,
    struct store_snapshot *ret) {
    *ret = (struct store_snapshot){ .calls = sim_alloc(a, (s->n_calls + 1) * sizeof(*ret->calls)) };
    for (size_t i = 0; i < s->n_calls; i++) {
        if (wanted(scope, s->calls[i])) {
            load(s->calls[i], a, &ret->calls[ret->n_calls++]);
        }
    }
}

bool sim_store_open_due(
    const struct sim_store *s, int64_t now_ms, struct arena *a, struct store_snapshot *ret) {
    const char **rooms = sim_alloc(a, (s->n_calls + 1) * sizeof(*rooms));
    size_t n = 0;
    for (size_t i = 0; i < s->n_calls; i++) {
        if (s->calls[i]->row.due_at != 0 && s->calls[i]->row.due_at <= now_ms) {
            rooms[n++] = s->calls[i]->row.room_id;
        }
    }
    sim_store_open(
        s, &(struct store_scope){ .rooms = rooms, .n_rooms = n, .now_ms = now_ms }, a, ret);
    return n > 0;
}

/* --- writing --- */

static const char *check_row(const struct store_call *r, bool final) {
    bool open = strcmp(r->state, "stub") == 0 || strcmp(r->state, "ringing") == 0 ||
                strcmp(r->state, "answered") == 0 || strcmp(r->state, "active") == 0;
    if (open == final || (!open && call_state_read(r->state) < CALL_ENDED)) {
        return "the state is not what `final` says";
    }
    if (final && (r->closed_at == 0 || r->ended_at == 0 || r->due_at != 0)) {
        return "a final call has no closed_at or ended_at, or has a due_at";
    }
    if (!final && (r->closed_at != 0 || r->ended_at != 0 || r->due_at == 0)) {
        return "a live call has a closed_at or an ended_at, or no due_at";
    }
    /* A stub, an rtc call without a member, and a call out of history that is not over may be. */
    bool hidden = strcmp(r->state, "stub") == 0 ||
                  (strcmp(r->kind, "rtc") == 0 && (r->peak_users == 0 || (r->historic && !final)));
    if (r->status == NULL && !hidden) {
        return "no status";
    }
    return r->duration_ms < -1 ? "a negative duration" : NULL;
}

static const char *put_person(
    struct sim_store *s, struct sim_call *c, const struct store_participant *p) {
    for (size_t i = 0; i < c->n_people; i++) {
        if (c->people[i]->n == p->n) {
            columns_copy(&participant_columns, c->people[i], p, s->arena);
            return NULL;
        }
    }
    if (c->n_people > 0 && p->n <= c->people[c->n_people - 1]->n) {
        return "a participant's number is not higher than those before";
    }
    c->people = grow(s->arena, c->people, c->n_people, &c->cap_people);
    c->people[c->n_people] = sim_alloc(s->arena, sizeof(*p));
    columns_copy(&participant_columns, c->people[c->n_people++], p, s->arena);
    return p->user_id == NULL ? "a participant without a user" : NULL;
}

static bool same(const char *a, const char *b) {
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static struct store_event *copy_event(struct arena *a, const struct store_event *e) {
    struct store_event *copy = sim_alloc(a, sizeof(*copy));
    columns_copy(&event_columns, copy, e, a);
    struct store_detail **end = &copy->details;
    for (const struct store_detail *d = e->details; d != NULL; d = d->next) {
        *end = sim_alloc(a, sizeof(**end));
        **end = (struct store_detail){ .key = sim_strdup(a, d->key),
            .type = d->type,
            .text = sim_strdup(a, d->text),
            .number = d->number };
        end = &(*end)->next;
    }
    return copy;
}

static const char *put_event(struct sim_store *s, struct sim_call *c, const struct store_event *e) {
    for (size_t i = 0; i < c->n_events; i++) {
        if (same(c->events[i]->source_event_id, e->source_event_id) &&
            same(c->events[i]->type, e->type) && same(c->events[i]->subject, e->subject)) {
            return e->type;
        }
    }
    c->events = grow(s->arena, c->events, c->n_events, &c->cap_events);
    c->events[c->n_events++] = copy_event(s->arena, e);
    return e->subject == NULL || e->recorded_at == 0 ? "an audit row lacks subject or recorded_at"
                                                     : NULL;
}

static struct sim_call *find_id(const struct sim_store *s, const char *id) {
    for (size_t i = 0; i < s->n_calls; i++) {
        if (strcmp(s->calls[i]->row.id, id) == 0) {
            return s->calls[i];
        }
    }
    return NULL;
}

static const char *create(
    struct sim_store *s, const struct store_call *row, struct sim_call **ret) {
    int rtc_n = strcmp(row->kind, "rtc") == 0;
    for (size_t i = 0; i < s->n_calls; i++) {
        const struct store_call *o = &s->calls[i]->row;
        rtc_n += rtc_n != 0 && s->calls[i]->rtc_n != 0;
        if (same(o->room_id, row->room_id) && same(o->kind, row->kind) &&
            same(o->natural_key, row->natural_key)) {
            return "two calls with one natural key";
        }
    }
    s->calls = (struct sim_call **)grow(s->arena, s->calls, s->n_calls, &s->cap_calls);
    struct sim_call *c = sim_alloc(s->arena, sizeof(*c));
    c->rtc_n = rtc_n;
    s->calls[s->n_calls++] = c;
    *ret = c;
    return NULL;
}

static void put_kept(
    struct sim_store *s, struct sim_call *c, const struct store_changed_call *from) {
    c->kept = sim_alloc(s->arena, (from->n_kept + 1) * sizeof(*c->kept));
    c->n_kept = from->n_kept;
    for (size_t i = 0; i < from->n_kept; i++) {
        columns_copy(&kept_columns, &c->kept[i], &from->kept[i], s->arena);
    }
}

static const char *commit_call(struct sim_store *s, const struct store_changed_call *from) {
    struct sim_call *c = find_id(s, from->row->id);
    if ((c == NULL) != from->created) {
        return "`created` is wrong";
    }
    const char *wrong = c == NULL ? create(s, from->row, &c) : NULL;
    if (wrong == NULL) {
        wrong = check_row(from->row, from->final);
    }
    if (wrong != NULL) {
        return wrong;
    }
    columns_copy(&call_columns, &c->row, from->row, s->arena);
    for (size_t i = 0; i < from->n_participants && wrong == NULL; i++) {
        wrong = put_person(s, c, from->participants[i]);
    }
    if (from->kept_changed) {
        put_kept(s, c, from);
    }
    for (size_t i = 0; i < from->n_events && wrong == NULL; i++) {
        wrong = put_event(s, c, from->events[i]);
    }
    return wrong;
}

/* The room is told of a call once (call_news_notice). */
static void put_news(struct sim_store *s, const struct store_news *n) {
    struct sim_call *c = find_id(s, n->call->id);
    const char *before = c->news == NULL ? "" : c->news;
    char *text = sim_alloc(s->arena, strlen(before) + strlen(n->type) + sizeof(" +room"));
    sprintf(text, "%s %s%s", before, n->type, n->room && !c->noticed ? "+room" : "");
    c->news = text;
    c->noticed = c->noticed || n->room;
}

const char *sim_store_commit(struct sim_store *s, const struct store_changes *changes) {
    for (size_t i = 0; i < changes->n_calls; i++) {
        const char *wrong = commit_call(s, &changes->calls[i]);
        if (wrong != NULL) {
            char *text = sim_alloc(s->arena, strlen(wrong) + 128);
            sprintf(
                text, "the store refuses call %.60s: %s", changes->calls[i].row->call_id, wrong);
            return text;
        }
    }
    for (size_t i = 0; i < changes->n_strays; i++) {
        s->strays = grow(s->arena, s->strays, s->n_strays, &s->cap_strays);
        s->strays[s->n_strays++] = copy_event(s->arena, changes->strays[i]);
    }
    for (size_t i = 0; i < changes->n_news; i++) {
        put_news(s, &changes->news[i]);
    }
    return NULL;
}

/* --- names --- */

struct sim_call *sim_store_find(const struct sim_store *s, const char *name) {
    int rtc_n = strncmp(name, "rtc:", 4) == 0 ? atoi(name + 4) : 0;
    for (size_t i = 0; i < s->n_calls; i++) {
        struct sim_call *c = s->calls[i];
        if (rtc_n != 0 ? c->rtc_n == rtc_n : c->rtc_n == 0 && strcmp(c->row.call_id, name) == 0) {
            return c;
        }
    }
    return NULL;
}

const char *sim_store_name(const struct sim_store *s, const char *session_id, struct arena *a) {
    const struct sim_call *c = find_id(s, session_id);
    if (c == NULL || c->rtc_n == 0) {
        return c == NULL ? NULL : c->row.call_id;
    }
    char *name = sim_alloc(a, 24);
    sprintf(name, "rtc:%d", c->rtc_n);
    return name;
}
