/* What happens inside a legacy call: candidates, renegotiation, mute, identity, transfer.  Thread:
 * main. */
#include "calls/legacy_effects.h"
#include "calls/legacy_people.h"

/* Candidates of one kind a party: counting stops there. */
#define CANDIDATES_MAX 1000000

void call_legacy_take_metadata(struct call_member *m, const struct call_input *in) {
    if (!in->legacy.has_metadata) {
        return;
    }
    m->row.audio_muted = in->legacy.audio_muted;
    m->row.video_muted = in->legacy.video_muted;
    m->row.screen_shared = in->legacy.screen_shared;
    m->changed = true;
}

/* --- candidates --- */

static void count(int *total, int more) {
    if (more > 0) {
        *total = more > CANDIDATES_MAX - *total ? CANDIDATES_MAX : *total + more;
    }
}

static int total_of(const struct store_participant *p) {
    return p->candidates_host + p->candidates_srflx + p->candidates_prflx + p->candidates_relay;
}

static enum err record_candidates(struct call_batch *b, struct call_session *s,
    const struct call_input *in, const struct store_participant *p) {
    struct store_event *e = NULL;
    TRY(call_session_record(b, s, "ice_candidates", in, &e));
    TRY(call_event_text(b, e, "party", p->party));
    TRY(call_event_int(b, e, "host", p->candidates_host));
    TRY(call_event_int(b, e, "srflx", p->candidates_srflx));
    TRY(call_event_int(b, e, "prflx", p->candidates_prflx));
    TRY(call_event_int(b, e, "relay", p->candidates_relay));
    return call_event_int(b, e, "tcp", p->candidates_tcp);
}

/* One audit row a party and call, with the counts of its first batch; what follows only counts. */
enum err call_legacy_candidates(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    struct call_member *m = NULL;
    TRY(call_legacy_party(b, s, in, &m));
    if (m == NULL) {
        return OK;
    }
    bool first = total_of(&m->row) == 0;
    count(&m->row.candidates_host, in->legacy.candidates_host);
    count(&m->row.candidates_srflx, in->legacy.candidates_srflx);
    count(&m->row.candidates_prflx, in->legacy.candidates_prflx);
    count(&m->row.candidates_relay, in->legacy.candidates_relay);
    count(&m->row.candidates_tcp, in->legacy.candidates_tcp);
    if (first && total_of(&m->row) > 0) {
        return record_candidates(b, s, in, &m->row);
    }
    return OK;
}

/* --- the rest --- */

enum err call_legacy_renegotiate(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    struct store_event *e = NULL;
    TRY(call_session_record(b, s, "call_renegotiated", in, &e));
    TRY(call_event_text(b, e, "description_type", in->legacy.description_type));
    if (in->legacy.has_sdp) {
        s->row.media = in->legacy.video ? "video" : "audio";
        s->changed = true;
        TRY(call_event_text(b, e, "media", s->row.media));
    }
    return call_event_text(b, e, "sdp", b->policy->keep_sdp ? in->legacy.sdp : NULL);
}

enum err call_legacy_media_state(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    struct call_member *m = NULL;
    TRY(call_legacy_party(b, s, in, &m));
    if (m != NULL) {
        call_legacy_take_metadata(m, in);
    }
    struct store_event *e = NULL;
    TRY(call_session_record(b, s, "media_state", in, &e));
    TRY(call_event_text(b, e, "party", in->legacy.party_id));
    TRY(call_event_bool(b, e, "audio_muted", in->legacy.audio_muted));
    TRY(call_event_bool(b, e, "video_muted", in->legacy.video_muted));
    TRY(call_event_bool(b, e, "screen_shared", in->legacy.screen_shared));
    return call_session_push(b, s, PUSH_MEDIA_STATE, in, NULL);
}

enum err call_legacy_identity(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    struct store_event *e = NULL;
    TRY(call_session_record(b, s, "identity_asserted", in, &e));
    TRY(call_event_text(b, e, "id", in->legacy.asserted_id));
    return call_event_text(b, e, "name", in->legacy.asserted_name);
}

enum err call_legacy_transfer(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    const struct call_input_legacy *l = &in->legacy;
    s->row.linked_call_id = l->create_call != NULL ? l->create_call : l->await_call;
    s->changed = true;
    struct store_event *e = NULL;
    TRY(call_session_record(b, s, "transfer_requested", in, &e));
    TRY(call_event_text(b, e, "replacement_id", l->replacement_id));
    TRY(call_event_text(b, e, "target_user", l->target_user));
    TRY(call_event_text(b, e, "create_call", l->create_call));
    TRY(call_event_text(b, e, "await_call", l->await_call));
    return call_event_text(b, e, "target_room", l->target_room);
}
