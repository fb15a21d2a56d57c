/* Raised hands.  Thread: main. */
#include "calls/rtc_hands.h"

#include "calls/rtc_entry.h"
#include "calls/rtc_kept.h"

bool call_rtc_own_hand(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in) {
    (void)b;
    return call_rtc_owns_event(s, in->sender, in->ring.target_event_id);
}

bool call_rtc_hand_redacted(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in) {
    (void)b;
    return call_rtc_kept_hand(s, in->ring.target_event_id) != NULL;
}

enum err call_rtc_raise_hand(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    TRY(call_rtc_keep_hand(b, s, in));
    return call_rtc_record(b, s, "hand_raised", in, "", NULL);
}

/* The subject is whose hand it was: a moderator may redact the reaction. */
enum err call_rtc_lower_hand(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    const char *whose = call_rtc_kept_hand(s, in->ring.target_event_id);
    TRY(call_rtc_record(
        b, s, "hand_lowered", in, call_rtc_same(whose, in->sender) ? "" : whose, NULL));
    call_rtc_forget_hand(s, in->ring.target_event_id);
    return OK;
}

enum err call_rtc_record_redacted(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    struct store_event *e = NULL;
    TRY(call_rtc_record(b, s, "event_redacted", in, "", &e));
    return call_event_text(b, e, "redacts", in->ring.target_event_id);
}
