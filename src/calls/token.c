/* Audit rows of the token service and of the SFU: a type an input, and the details of each. */
#include "calls/token.h"

#include "calls/session.h"

bool call_token_is(const struct call_input *in) {
    return in->type >= IN_TOKEN_ISSUED && in->type <= IN_GAP;
}

/* What comes to an end, or sums up. */
static bool ends(enum call_input_type t) {
    return t == IN_MEDIA_DISCONNECTED || t == IN_MEDIA_REMOVED || t == IN_MEDIA_ROOM_CLOSED ||
           t == IN_TRACK_UNPUBLISHED || t == IN_MEDIA_QUALITY || t == IN_MEDIA_DELIVERY ||
           t == IN_MEDIA_RECOVERED;
}

/* Clients leave the call and its media in either order: how media ended, and how well it came in a
 * short call, is known a moment after the call is over. */
static bool closes(const struct call_session *s, const struct call_input *in) {
    int64_t began = in->sent_ms - in->token.figures.span_ms;
    return ends(in->type) && began >= s->row.created_at - CALL_TOKEN_AFTER_MS &&
           began <= s->row.ended_at + CALL_TOKEN_AFTER_MS;
}

/* Whoever comes when a call is over begins another one. */
static struct call_session *call_of(const struct call_batch *b, const struct call_input *in) {
    if (in->room_id == NULL || in->token.slot == NULL || in->token.slot[0] == '\0') {
        return NULL;
    }
    struct call_session *s = call_session_find_slot(b, in->room_id, in->token.slot);
    return s == NULL || (call_session_final(s) && !closes(s, in)) ? NULL : s;
}

static const char *said(const char *text) {
    return text == NULL || text[0] == '\0' ? NULL : text;
}

/* A room is nobody's: who is named was only in it. */
static bool of_room(enum call_input_type t) {
    return t == IN_MEDIA_ROOM_OPENED || t == IN_MEDIA_ROOM_CLOSED || t == IN_GAP;
}

static enum err add_details(
    struct call_batch *b, struct store_event *e, const struct call_input *in) {
    const struct call_input_token *t = &in->token;
    TRY(call_event_text(b, e, "dialect", said(t->dialect)));
    TRY(call_event_text(b, e, "slot", said(t->slot)));
    TRY(call_event_text(b, e, "member_id", said(t->member_id)));
    TRY(call_event_text(b, e, "claimed_user", said(t->claimed_user)));
    TRY(call_event_text(b, e, "server", said(t->server)));
    TRY(call_event_text(b, e, "alias", said(t->alias)));
    TRY(call_event_text(b, e, "identity", of_room(in->type) ? NULL : said(t->identity)));
    TRY(call_event_text(b, e, "membership", said(t->membership)));
    TRY(call_event_text(b, e, "connection", said(t->connection)));
    TRY(call_event_text(b, e, "track", said(t->track)));
    TRY(call_event_text(b, e, "media", said(t->media)));
    TRY(call_event_text(b, e, "source", said(t->source)));
    TRY(call_event_text(b, e, "codec", said(t->codec)));
    TRY(call_event_text(b, e, "actor", said(t->actor)));
    TRY(call_event_text(b, e, "reason", said(t->reason)));
    return call_event_text(b, e, "problem", said(t->problem));
}

static enum err add_figures(
    struct call_batch *b, struct store_event *e, const struct call_input_token *t) {
    const struct call_input_figures *f = &t->figures;
    TRY(call_event_text(b, e, "direction", said(t->direction)));
    TRY(call_event_text(b, e, "path", said(t->path)));
    TRY(call_event_int(b, e, "span_ms", f->span_ms));
    TRY(call_event_int(b, e, "expected", f->expected));
    TRY(call_event_int(b, e, "lost", f->lost));
    TRY(call_event_int(b, e, "bps", f->bps));
    TRY(call_event_int(b, e, "jitter_ms", f->jitter_ms));
    TRY(call_event_int(b, e, "rtt_ms", f->rtt_ms));
    TRY(call_event_int(b, e, "mos_hundredths", f->mos));
    TRY(call_event_int(b, e, "worst_mos_hundredths", f->worst_mos));
    return OK;
}

static bool is_sound(const struct call_input_token *t) {
    return t->media != NULL && t->media[0] == 'a';
}

static enum err add_picture(
    struct call_batch *b, struct store_event *e, const struct call_input_figures *f) {
    TRY(call_event_int(b, e, "layer", f->layer));
    TRY(call_event_int(b, e, "freezes", f->freezes));
    return call_event_int(b, e, "freeze_ms", f->freeze_ms);
}

static enum err add_quality(
    struct call_batch *b, struct store_event *e, const struct call_input_token *t) {
    TRY(add_figures(b, e, t));
    if (!is_sound(t)) {
        return add_picture(b, e, &t->figures);
    }
    TRY(call_event_int(b, e, "spoken_ms", t->figures.spoken_ms));
    return call_event_int(b, e, "loudest_dbov", t->figures.loudest_dbov);
}

static enum err add_delivery(
    struct call_batch *b, struct store_event *e, const struct call_input_token *t) {
    const struct call_input_figures *f = &t->figures;
    TRY(add_figures(b, e, t));
    TRY(call_event_int(b, e, "came_ms", f->came_ms));
    if (is_sound(t)) {
        return OK;
    }
    TRY(add_picture(b, e, f));
    TRY(call_event_int(b, e, "layer_hundredths", f->layer_mean));
    TRY(call_event_int(b, e, "least_layer", f->layer_least));
    TRY(call_event_int(b, e, "most_layer", f->layer_most));
    return call_event_int(b, e, "paused_ms", f->paused_ms);
}

enum err call_token_apply(struct call_batch *b, const struct call_input *in) {
    const char *type = call_input_name(in->type);
    struct call_session *s = call_of(b, in);
    struct store_event *e = NULL;
    if (s != NULL) {
        TRY(call_session_record(b, s, type, in, &e));
    } else {
        TRY(call_batch_record_stray(b, type, in, &e));
    }
    if (in->token.count > 0) {
        TRY(call_event_int(b, e, "count", in->token.count));
    }
    e->subject = in->token.device_id == NULL ? "" : in->token.device_id;
    TRY(add_details(b, e, in));
    if (in->type == IN_MEDIA_QUALITY) {
        return add_quality(b, e, &in->token);
    }
    if (in->type == IN_MEDIA_DELIVERY) {
        return add_delivery(b, e, &in->token);
    }
    return in->type == IN_TOKEN_ISSUED ? call_event_bool(b, e, "full_access", in->token.full_access)
                                       : OK;
}
