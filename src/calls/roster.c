/* The people of a call: stays of devices (MatrixRTC), parties that called or answered (legacy).
 * Thread: main. */
#include "calls/session.h"

#include <string.h>

static struct call_member **end_of(struct call_session *s) {
    struct call_member **end = &s->members;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    return end;
}

struct call_member *call_session_add_member(struct call_batch *b, struct call_session *s,
    const char *user_id, const char *party, const char *role) {
    struct call_member *m = arena_alloc(b->arena, sizeof(*m));
    if (m == NULL) {
        return NULL;
    }
    m->row = (struct store_participant){
        .n = ++s->last_n,
        .user_id = user_id,
        .party = party,
        .role = role,
    };
    m->changed = true;
    *end_of(s) = m;
    int users = (int)call_session_live_users(s);
    if (users > s->row.peak_users) {
        s->row.peak_users = users;
    }
    s->changed = true;
    return m;
}

struct call_member *call_session_find_party(
    const struct call_session *s, const char *user_id, const char *party) {
    struct call_member *found = NULL;
    for (struct call_member *m = s->members; m != NULL; m = m->next) {
        if (strcmp(m->row.user_id, user_id) == 0 && strcmp(m->row.party, party) == 0) {
            found = m;
        }
    }
    return found;
}

struct call_member *call_session_find_entry(const struct call_session *s, const char *entry_key) {
    struct call_member *found = NULL;
    for (struct call_member *m = s->members; m != NULL; m = m->next) {
        if (m->row.entry_key == NULL || strcmp(m->row.entry_key, entry_key) != 0) {
            continue;
        }
        if (m->row.left_at == 0) {
            return m;
        }
        found = m;
    }
    return found;
}

size_t call_session_live(const struct call_session *s) {
    size_t n = 0;
    for (const struct call_member *m = s->members; m != NULL; m = m->next) {
        n += m->row.left_at == 0;
    }
    return n;
}

/* Below this many members looking at each pair is quicker than a table. */
#define FEW_MEMBERS 32

static size_t hash_name(const char *s) {
    uint64_t h = 14695981039346656037u; /* FNV-1a, 64 bits */
    for (; *s != '\0'; s++) {
        h = (h ^ (unsigned char)*s) * 1099511628211u;
    }
    return (size_t)(h ^ h >> 32);
}

/* Puts a name into a table of a power of two places, of which at least half stay free. */
static bool add_name(const char **table, size_t places, const char *name) {
    size_t at = hash_name(name) & (places - 1);
    while (table[at] != NULL) {
        if (strcmp(table[at], name) == 0) {
            return false;
        }
        at = (at + 1) & (places - 1);
    }
    table[at] = name;
    return true;
}

static size_t count_by_table(const struct call_session *s, const char **table, size_t places) {
    size_t n = 0;
    for (const struct call_member *m = s->members; m != NULL; m = m->next) {
        n += m->row.left_at == 0 && add_name(table, places, m->row.user_id);
    }
    return n;
}

static bool counted_before(const struct call_session *s, const struct call_member *m) {
    for (const struct call_member *o = s->members; o != m; o = o->next) {
        if (o->row.left_at == 0 && strcmp(o->row.user_id, m->row.user_id) == 0) {
            return true;
        }
    }
    return false;
}

static size_t count_by_pairs(const struct call_session *s) {
    size_t n = 0;
    for (const struct call_member *m = s->members; m != NULL; m = m->next) {
        n += m->row.left_at == 0 && !counted_before(s, m);
    }
    return n;
}

size_t call_session_live_users(const struct call_session *s) {
    size_t live = call_session_live(s);
    size_t places = 2 * FEW_MEMBERS;
    while (places < 2 * live) {
        places *= 2;
    }
    const char **table = live > FEW_MEMBERS ? mem_zalloc(places * sizeof(*table)) : NULL;
    if (table == NULL) {
        return count_by_pairs(s); /* few, or no memory: slow, and right */
    }
    size_t n = count_by_table(s, table, places);
    mem_free((void *)table);
    return n;
}

void call_session_leave(struct call_batch *b, struct call_session *s, struct call_member *m,
    int64_t at_ms, const char *reason, const char *actor) {
    (void)b;
    m->row.left_at = at_ms;
    m->row.leave_reason = reason;
    m->row.actor = actor;
    m->changed = true;
    s->changed = true;
}
