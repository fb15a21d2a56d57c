/* One line of a scenario as an input of the state machine. */
#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum field_type {
    FIELD_TEXT,
    FIELD_INT,
    FIELD_LONG,
    FIELD_BOOL,
    FIELD_TIME,
    FIELD_LIST /* the size_t behind it is the number */
};
enum family { LEGACY = 1, MEMBER = 2, RING = 4, ROOM = 8, ADMIN = 16, STALE = 32, ANY = 63 };
struct field {
    enum family family;
    const char *name;
    enum field_type type;
    size_t at, n_at;
};
#define F(family, type, struct_name, n)                                                            \
    { family, #n, FIELD_##type, offsetof(struct call_input, struct_name.n), 0 }
#define L(t, n) F(LEGACY, t, legacy, n)
#define M(t, n) F(MEMBER, t, member, n)
#define R(t, n) F(RING, t, ring, n)
#define V(t, n) F(ROOM, t, room, n)
#define A(t, n) F(ADMIN, t, admin, n)
#define S(t, n) F(STALE, t, stale, n)
#define TOP(t, key, n)                                                                             \
    { ANY, key, FIELD_##t, offsetof(struct call_input, n), 0 }

static const struct field fields[] = {
    TOP(TEXT, "id", event_id),
    TOP(TEXT, "room", room_id),
    TOP(TIME, "origin", origin_ms),
    TOP(BOOL, "ignored", ignored),
    TOP(BOOL, "reconciled", reconciled),
    { LEGACY, "call", FIELD_TEXT, offsetof(struct call_input, legacy.call_id), 0 },
    L(TEXT, call_id),
    L(TEXT, party_id),
    L(INT, version),
    L(LONG, lifetime_ms),
    L(TEXT, invitee),
    L(BOOL, video),
    L(BOOL, has_sdp),
    L(TEXT, sdp),
    L(TEXT, description_type),
    L(TEXT, selected_party_id),
    L(TEXT, reason),
    L(BOOL, has_metadata),
    L(BOOL, audio_muted),
    L(BOOL, video_muted),
    L(BOOL, screen_shared),
    L(INT, candidates_host),
    L(INT, candidates_srflx),
    L(INT, candidates_prflx),
    L(INT, candidates_relay),
    L(INT, candidates_tcp),
    L(TEXT, asserted_id),
    L(TEXT, asserted_name),
    L(TEXT, replacement_id),
    L(TEXT, target_user),
    L(TEXT, create_call),
    L(TEXT, await_call),
    L(TEXT, target_room),
    M(TEXT, application),
    M(TEXT, slot),
    M(TEXT, entry_key),
    M(TEXT, state_key),
    M(TEXT, generation),
    M(TEXT, user_id),
    M(TEXT, key_user),
    M(TEXT, device_id),
    M(TEXT, membership_id),
    M(TEXT, intent),
    M(TEXT, focus_url),
    M(TEXT, focus_selection),
    M(BOOL, focus_ours),
    M(TIME, start_ms),
    M(BOOL, start_given),
    M(TIME, expires_at),
    M(TEXT, leave_reason),
    M(TIME, sticky_until),
    { MEMBER, "remaining", FIELD_LIST, offsetof(struct call_input, member.remaining),
        offsetof(struct call_input, member.n_remaining) },
    M(TIME, snapshot_ms),
    R(TEXT, target_event_id),
    R(TEXT, slot),
    { RING, "mentions", FIELD_LIST, offsetof(struct call_input, ring.mentions),
        offsetof(struct call_input, ring.n_mentions) },
    R(BOOL, mentions_room),
    R(TIME, start_ms),
    R(TIME, end_ms),
    R(TEXT, intent),
    R(BOOL, older_name),
    V(TEXT, user_id),
    V(TEXT, membership),
    V(BOOL, kicked),
    V(TEXT, event_type),
    V(TEXT, problem),
    A(TEXT, session_id),
    A(TEXT, actor),
    A(TEXT, user_id),
    A(TEXT, device_id),
    A(TEXT, track),
    A(TEXT, reason),
    S(TEXT, session_id),
    S(INT, n),
    S(TEXT, last_event_id),
    S(TEXT, user_id),
    S(TEXT, device_id),
    S(TEXT, reason),
    S(TEXT, cleanup),
    S(TEXT, by),
    S(TEXT, problem),
    S(LONG, silent_ms),
    S(BOOL, again),
};

static enum family family_of(enum call_input_type t) {
    switch (t) {
    case IN_MEMBER:
    case IN_MEMBER_LEFT:
    case IN_MEMBER_LIST:
    case IN_MEMBER_OPAQUE:
    case IN_SLOT_CLOSED:
        return MEMBER;
    case IN_RING:
    case IN_NOTIFY:
    case IN_DECLINE:
    case IN_HAND_RAISED:
    case IN_RELATED_OPAQUE:
    case IN_REDACTED:
        return RING;
    case IN_USER_LEFT:
    case IN_MALFORMED:
        return ROOM;
    case IN_ENDED_BY_ADMIN:
    case IN_KICKED_BY_ADMIN:
    case IN_MUTED_BY_ADMIN:
        return ADMIN;
    case IN_MEMBERSHIP_STALE:
    case IN_MEMBERSHIP_ENDED:
    case IN_MEMBERSHIP_NOT_ENDED:
        return STALE;
    default:
        return LEGACY;
    }
}

/* --- values --- */

static int64_t read_time(const char *text, int64_t line_ms) {
    int64_t ms = (int64_t)(strtod(text, NULL) * 1000.0 + (text[0] == '-' ? -0.5 : 0.5));
    return text[0] == '+' ? line_ms + ms : SCENARIO_EPOCH_MS + ms;
}

static int by_strcmp(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *const *read_list(char *text, struct arena *a, size_t *n) {
    const char **list = sim_alloc(a, (strlen(text) + 1) * sizeof(*list));
    *n = 0;
    for (char *at = strtok(text, ","); at != NULL; at = strtok(NULL, ",")) {
        list[(*n)++] = at;
    }
    qsort(list, *n, sizeof(*list), by_strcmp);
    return list;
}

static void set_field(
    const struct field *f, char *value, int64_t line_ms, struct arena *a, struct call_input *in) {
    char *p = (char *)in + f->at;
    switch (f->type) {
    case FIELD_TEXT:
        *(const char **)p = strcmp(value, "-") == 0 ? NULL : value;
        break;
    case FIELD_INT:
        *(int *)p = atoi(value);
        break;
    case FIELD_LONG:
        *(int64_t *)p = strtoll(value, NULL, 10);
        break;
    case FIELD_BOOL:
        *(bool *)p = strcmp(value, "yes") == 0;
        break;
    case FIELD_TIME:
        *(int64_t *)p = strcmp(value, "-") == 0 ? 0 : read_time(value, line_ms);
        break;
    case FIELD_LIST:
        *(const char *const **)p = read_list(value, a, (size_t *)((char *)in + f->n_at));
        break;
    }
}

static const struct field *find_field(enum family family, const char *name, size_t n) {
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        if ((fields[i].family & family) != 0 && strlen(fields[i].name) == n &&
            memcmp(fields[i].name, name, n) == 0) {
            return &fields[i];
        }
    }
    return NULL;
}

/* --- defaults --- */

struct who {
    const char *user;
    const char *party;
};

static struct who read_who(const char *word, struct arena *a) {
    if (strcmp(word, "-") == 0) {
        return (struct who){ NULL, "" };
    }
    const char *slash = strchr(word, '/');
    size_t n = slash == NULL ? strlen(word) : (size_t)(slash - word);
    char *user = sim_alloc(a, n + 8);
    sprintf(user, word[0] == '@' ? "%.*s" : "@%.*s:hs", (int)n, word);
    return (struct who){ user, slash == NULL ? "" : sim_strdup(a, slash + 1) };
}

static const char *join(struct arena *a, const char *before, const char *user, const char *between,
    const struct who *w, const char *after) {
    char text[600];
    snprintf(text, sizeof(text), "%s%s%s%s%s", before, user, between, w->party, after);
    return sim_strdup(a, text);
}

/* Before the keys: what they may replace. */
static void set_defaults(
    struct call_input *in, enum family f, const struct who *w, struct arena *a) {
    const char *user = w->user == NULL ? "" : w->user;
    if (f == LEGACY) {
        in->legacy.party_id = w->party;
        in->legacy.version = 1;
        in->legacy.lifetime_ms = 60000;
    } else if (f == MEMBER) {
        in->member.application = "m.call";
        in->member.slot = "m.call#ROOM";
        in->member.generation = "state";
        in->member.user_id = w->user;
        in->member.key_user = w->user;
        in->member.device_id = w->party;
        in->member.entry_key = join(a, "_", user, "_", w, "_m.call");
        in->member.state_key = in->member.entry_key;
        in->member.membership_id = join(a, "", user, ":", w, "");
        in->member.expires_at = in->received_ms + 14400000;
    } else if (f == ROOM) {
        in->room.user_id = w->user;
        in->room.membership = "leave";
    } else if (f == ADMIN) {
        in->event_id = NULL;
        in->admin.actor = w->user == NULL ? "admin token" : w->user;
    } else if (f == STALE) {
        in->event_id = NULL;
        in->sender = NULL;
        in->stale.n = 1;
        in->stale.user_id = w->user;
        in->stale.device_id = w->party;
        in->stale.stands = sim_alloc(a, sizeof(*in->stale.stands));
    }
}

/* After the keys: what follows from them where they said nothing. */
static void complete(struct call_input *in, enum family f) {
    if (in->origin_ms == 0) {
        in->origin_ms = in->sent_ms;
    }
    if (f == MEMBER && in->member.start_ms == 0) {
        in->member.start_ms = in->origin_ms;
    }
    if (f == RING && in->ring.start_ms == 0) {
        in->ring.start_ms = in->origin_ms;
    }
    if (f == RING && in->ring.end_ms == 0) {
        in->ring.end_ms = in->ring.start_ms + 30000;
    }
    if (in->type == IN_USER_LEFT && in->sender != NULL && in->room.user_id != NULL) {
        in->room.kicked = in->room.kicked || strcmp(in->sender, in->room.user_id) != 0;
    }
}

static const char *complain(struct arena *a, const char *what, const char *word) {
    char text[300];
    snprintf(text, sizeof(text), "%s \"%.200s\"", what, word);
    return sim_strdup(a, text);
}

static bool read_verb(const char *word, enum call_input_type *ret) {
    for (int t = 0; t < IN_COUNT; t++) {
        if (t != IN_DEADLINE && strcmp(call_input_name((enum call_input_type)t), word) == 0) {
            *ret = (enum call_input_type)t;
            return true;
        }
    }
    return false;
}

const char *scenario_read_input(
    char **words, size_t n, int line, int64_t at_ms, struct arena *a, struct call_input *ret) {
    struct call_input in = { .room_id = "!r:hs", .sent_ms = at_ms, .received_ms = at_ms };
    if (n < 2 || !read_verb(words[1], &in.type)) {
        return complain(a, "want WHO and a verb, got", n < 2 ? "too little" : words[1]);
    }
    enum family f = family_of(in.type);
    struct who w = read_who(words[0], a);
    char id[24];
    snprintf(id, sizeof(id), "$line%d", line);
    in.event_id = sim_strdup(a, id);
    in.sender = w.user;
    set_defaults(&in, f, &w, a);
    for (size_t i = 2; i < n; i++) {
        char *equals = strchr(words[i], '=');
        if (equals == NULL) {
            return complain(a, "want key=value, got", words[i]);
        }
        size_t key = (size_t)(equals - words[i]);
        const struct field *field = find_field(f, words[i], key);
        if (key == 3 && memcmp(words[i], "age", 3) == 0) {
            in.sent_ms = at_ms - (int64_t)(strtod(equals + 1, NULL) * 1000.0 + 0.5);
        } else if (field == NULL) {
            return complain(a, "this verb has no key", words[i]);
        } else {
            set_field(field, equals + 1, at_ms, a, &in);
        }
    }
    complete(&in, f);
    if (f == LEGACY && in.legacy.call_id == NULL) {
        return "a call event needs call=";
    }
    *ret = in;
    return NULL;
}
