/* Rows of the legacy table that move nothing and only say what was seen.  Thread: main. */
#include "calls/legacy_effects.h"

static enum err note(struct call_batch *b, struct call_session *s, const struct call_input *in,
    const char *type, struct store_event **ret) {
    TRY(call_session_record(b, s, type, in, ret));
    TRY(call_event_text(b, *ret, "input", call_input_name(in->type)));
    return call_event_text(b, *ret, "party", in->legacy.party_id);
}

enum err call_legacy_note_protocol_error(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    struct store_event *e = NULL;
    return note(b, s, in, "protocol_error", &e);
}

enum err call_legacy_note_device_rejected(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    struct store_event *e = NULL;
    return note(b, s, in, "device_rejected", &e);
}

enum err call_legacy_note_reject_ignored(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    struct store_event *e = NULL;
    return note(b, s, in, "reject_ignored", &e);
}

enum err call_legacy_note_late(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    struct store_event *e = NULL;
    TRY(note(b, s, in, "late_event", &e));
    e->late = true;
    return OK;
}

enum err call_legacy_note_redacted(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    struct store_event *e = NULL;
    TRY(call_session_record(b, s, "event_redacted", in, &e));
    return call_event_text(b, e, "target", in->ring.target_event_id);
}
