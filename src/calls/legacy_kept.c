/* Kept inputs: the list of a stub, and the text form of an input.  Thread: main. */
#include "calls/legacy_kept.h"

#include "core/buf.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum field_type { FIELD_TEXT, FIELD_INT, FIELD_LONG, FIELD_BOOL };

struct field {
    const char *name;
    enum field_type type;
    size_t at;
};
#define FIELD(t, n)                                                                                \
    { #n, FIELD_##t, offsetof(struct call_input_legacy, n) }

/* All of struct call_input_legacy but call_id (the session's) and what has a column: party_id,
 * version, reason, selected_party_id. */
static const struct field fields[] = {
    FIELD(LONG, lifetime_ms),
    FIELD(TEXT, invitee),
    FIELD(BOOL, video),
    FIELD(BOOL, has_sdp),
    FIELD(TEXT, sdp),
    FIELD(TEXT, description_type),
    FIELD(BOOL, has_metadata),
    FIELD(BOOL, audio_muted),
    FIELD(BOOL, video_muted),
    FIELD(BOOL, screen_shared),
    FIELD(INT, candidates_host),
    FIELD(INT, candidates_srflx),
    FIELD(INT, candidates_prflx),
    FIELD(INT, candidates_relay),
    FIELD(INT, candidates_tcp),
    FIELD(TEXT, asserted_id),
    FIELD(TEXT, asserted_name),
    FIELD(TEXT, replacement_id),
    FIELD(TEXT, target_user),
    FIELD(TEXT, create_call),
    FIELD(TEXT, await_call),
    FIELD(TEXT, target_room),
};

static enum err no_memory(void) {
    return err_set(ERR_NOMEM, "no memory for a kept input");
}

/* --- the list --- */

static bool drop_candidates(struct call_session *s) {
    for (size_t i = 0; i < s->n_kept; i++) {
        if (s->kept[i].input == IN_CANDIDATES) {
            memmove(&s->kept[i], &s->kept[i + 1], (s->n_kept - i - 1) * sizeof(*s->kept));
            s->n_kept--;
            return true;
        }
    }
    return false;
}

enum err call_kept_add(struct call_batch *b, struct call_session *s, const struct call_input *in) {
    if (s->n_kept >= LEGACY_KEPT_MAX && (in->type == IN_CANDIDATES || !drop_candidates(s))) {
        return OK;
    }
    struct store_kept k;
    TRY(call_kept_write(b->arena, in, &k));
    s->kept = call_batch_grow(b, s->kept, s->n_kept, &s->cap_kept, sizeof(*s->kept));
    if (s->kept == NULL) {
        return no_memory();
    }
    k.n = s->n_kept == 0 ? 1 : s->kept[s->n_kept - 1].n + 1;
    s->kept[s->n_kept++] = k;
    s->kept_changed = true;
    return OK;
}

void call_kept_clear(struct call_session *s) {
    s->kept_changed = s->kept_changed || s->n_kept > 0;
    s->kept = NULL;
    s->n_kept = 0;
    s->cap_kept = 0;
}

/* --- writing --- */

static void put_escaped(struct buf *b, const char *s) {
    for (; *s != '\0'; s++) {
        if (*s == '\n') {
            buf_puts(b, "\\n");
        } else if (*s == '\\') {
            buf_puts(b, "\\\\");
        } else {
            buf_putc(b, *s);
        }
    }
}

static void put_number(struct buf *b, const char *name, int64_t v) {
    if (v != 0) {
        buf_printf(b, "%s=%" PRId64 "\n", name, v);
    }
}

static void put_field(struct buf *b, const struct field *f, const char *base) {
    const void *p = base + f->at;
    const char *text = f->type == FIELD_TEXT ? *(const char *const *)p : NULL;
    switch (f->type) {
    case FIELD_TEXT:
        if (text != NULL) {
            buf_printf(b, "%s=", f->name);
            put_escaped(b, text);
            buf_putc(b, '\n');
        }
        break;
    case FIELD_INT:
        put_number(b, f->name, *(const int *)p);
        break;
    case FIELD_LONG:
        put_number(b, f->name, *(const int64_t *)p);
        break;
    case FIELD_BOOL:
        put_number(b, f->name, *(const bool *)p);
        break;
    }
}

enum err call_kept_write(struct arena *a, const struct call_input *in, struct store_kept *ret) {
    CLEANUP(buf_finish) struct buf text;
    buf_init(&text, 0);
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        put_field(&text, &fields[i], (const char *)&in->legacy);
    }
    TRY(buf_check(&text));
    const char *copy = arena_strdup(a, buf_str(&text));
    if (copy == NULL) {
        return no_memory();
    }
    *ret = (struct store_kept){
        .input = (int)in->type,
        .event_id = in->event_id,
        .sender = in->sender,
        .party = in->legacy.party_id,
        .voip_version = in->legacy.version,
        .origin_at = in->origin_ms,
        .sent_at = in->sent_ms,
        .received_at = in->received_ms,
        .reason = in->legacy.reason,
        .selected_party = in->legacy.selected_party_id,
        .text = copy,
    };
    return OK;
}

/* --- reading --- */

static char *unescape(struct arena *a, const char *s, size_t n) {
    char *text = arena_alloc(a, n + 1);
    char *at = text;
    for (size_t i = 0; text != NULL && i < n; i++) {
        if (s[i] == '\\' && i + 1 < n) {
            i++;
            *at++ = s[i] == 'n' ? '\n' : s[i];
        } else {
            *at++ = s[i];
        }
    }
    return text;
}

static enum err read_value(
    struct arena *a, const struct field *f, const char *value, size_t n, char *base) {
    void *p = base + f->at;
    if (f->type == FIELD_TEXT) {
        char *text = unescape(a, value, n);
        *(const char **)p = text;
        return text == NULL ? no_memory() : OK;
    }
    int64_t number = strtoll(value, NULL, 10);
    if (f->type == FIELD_INT) {
        *(int *)p = (int)number;
    } else if (f->type == FIELD_LONG) {
        *(int64_t *)p = number;
    } else {
        *(bool *)p = number != 0;
    }
    return OK;
}

static enum err read_line(
    struct arena *a, const char *line, size_t n, struct call_input_legacy *ret) {
    const char *equals = memchr(line, '=', n);
    size_t name_len = equals == NULL ? 0 : (size_t)(equals - line);
    for (size_t i = 0; i < COUNT_OF(fields) && equals != NULL; i++) {
        if (strlen(fields[i].name) == name_len && memcmp(fields[i].name, line, name_len) == 0) {
            return read_value(a, &fields[i], equals + 1, n - name_len - 1, (char *)ret);
        }
    }
    return OK;
}

enum err call_kept_read(struct arena *a, const char *room_id, const char *call_id,
    const struct store_kept *k, struct call_input *ret) {
    struct call_input in = {
        .type = (enum call_input_type)k->input,
        .room_id = room_id,
        .event_id = k->event_id,
        .sender = k->sender,
        .origin_ms = k->origin_at,
        .sent_ms = k->sent_at,
        .received_ms = k->received_at,
        .legacy = {
            .call_id = call_id,
            .party_id = k->party == NULL ? "" : k->party,
            .version = k->voip_version,
            .reason = k->reason,
            .selected_party_id = k->selected_party,
        },
    };
    const char *at = k->text == NULL ? "" : k->text;
    while (*at != '\0') {
        size_t n = strcspn(at, "\n");
        TRY(read_line(a, at, n, &in.legacy));
        at += n + (at[n] == '\n');
    }
    *ret = in;
    return OK;
}
