/* The table of MatrixRTC calls (matrix-calls 3.5), as far as Matrix events and time move them. The
 * first row that matches wins, so within an input the rows go from the particular to the general.
 * Thread: main. */
#include "calls/machine.h"

#include "calls/admin.h"
#include "calls/rtc_end.h"
#include "calls/rtc_hands.h"
#include "calls/rtc_leaves.h"
#include "calls/rtc_members.h"
#include "calls/rtc_rings.h"

#define NONE    STATE_BIT(CALL_NONE)
#define STUB    STATE_BIT(CALL_STUB)
#define RINGING STATE_BIT(CALL_RINGING)
#define ACTIVE  STATE_BIT(CALL_ACTIVE)
#define LIVE    (RINGING | ACTIVE)
#define FINAL   STATES_FINAL

/* However the last one leaves, the call is over; which final state that is, rtc_end computes from
 * the row. (The formatter takes rows in a macro for blocks.) */
/* clang-format off */
#define LEAVING(input, how)                                                                        \
    { RINGING, input, call_rtc_last_leaves, CALL_SAME, call_rtc_leave_and_close,                   \
        "rtc: ringing, the caller is gone: " how },                                                \
    { ACTIVE, input, call_rtc_last_leaves, CALL_SAME, call_rtc_leave_and_close,                    \
        "rtc: active, the last is gone: " how },                                                   \
    { LIVE, input, call_rtc_some_leave, CALL_SAME, call_rtc_leave, "rtc: not the last: " how }
/* clang-format on */

const struct call_rule call_rules_rtc[] = {
    /* a member is there */
    { NONE, IN_MEMBER, NULL, CALL_ACTIVE, call_rtc_begin, "rtc: none, first member" },
    { STUB, IN_MEMBER, call_rtc_ring_waits, CALL_RINGING, call_rtc_begin_ringing,
        "rtc: stub, the member its ring waited for" },
    { STUB, IN_MEMBER, NULL, CALL_ACTIVE, call_rtc_begin, "rtc: stub, another member" },
    { LIVE | FINAL, IN_MEMBER, call_rtc_join_beaten, CALL_SAME, call_rtc_record_late,
        "rtc: member event older than what is known (sticky)" },
    { LIVE, IN_MEMBER, call_rtc_refreshes, CALL_SAME, call_rtc_refresh, "rtc: member refresh" },
    { RINGING, IN_MEMBER, call_rtc_takes_over, CALL_ACTIVE, call_rtc_take_over_ringing,
        "rtc: ringing, the caller's entry written by another" },
    { ACTIVE, IN_MEMBER, call_rtc_takes_over, CALL_SAME, call_rtc_take_over,
        "rtc: active, an entry written by another" },
    { ACTIVE, IN_MEMBER, call_rtc_stay_goes_on, CALL_SAME, call_rtc_continue_stay,
        "rtc: member refresh from before its assumed end" },
    { RINGING, IN_MEMBER, call_rtc_other_user, CALL_ACTIVE, call_rtc_answer,
        "rtc: ringing, second user joins" },
    { ACTIVE, IN_MEMBER, call_rtc_late_answer, CALL_ACTIVE, call_rtc_answer,
        "rtc: rang in vain, another user joins after all" },
    { LIVE, IN_MEMBER, NULL, CALL_SAME, call_rtc_join, "rtc: member joins, others live" },
    { FINAL, IN_MEMBER, call_rtc_rejoins, CALL_SAME, call_rtc_resume,
        "rtc: over, rejoin re-opens it" },

    /* a member is gone */
    { LIVE, IN_MEMBER_LEFT, call_rtc_leave_beaten, CALL_SAME, call_rtc_record_late,
        "rtc: leave older than the join (sticky)" },
    LEAVING(IN_MEMBER_LEFT, "left"),
    { LIVE | FINAL, IN_MEMBER_LEFT, call_rtc_leave_corrects, CALL_SAME, call_rtc_correct_leave,
        "rtc: leave from before the assumed end" },
    { STUB | LIVE | FINAL, IN_MEMBER_LEFT, NULL, CALL_SAME, NULL,
        "rtc: left, unknown or already left" },
    LEAVING(IN_MEMBER_LIST, "not listed"),
    { STUB | LIVE | FINAL, IN_MEMBER_LIST, NULL, CALL_SAME, NULL, "rtc: all are listed" },
    LEAVING(IN_USER_LEFT, "left the room"),
    { STUB | LIVE, IN_USER_LEFT, NULL, CALL_SAME, NULL, "rtc: left the room, was not in the call" },
    { RINGING, IN_SLOT_CLOSED, NULL, CALL_SAME, call_rtc_leave_and_close,
        "rtc: ringing, slot closed" },
    { ACTIVE, IN_SLOT_CLOSED, NULL, CALL_SAME, call_rtc_leave_and_close,
        "rtc: active, slot closed" },
    { LIVE, IN_REDACTED, call_rtc_hand_redacted, CALL_SAME, call_rtc_lower_hand,
        "rtc: raised hand redacted" },
    LEAVING(IN_REDACTED, "redacted"),
    { STUB | LIVE | FINAL, IN_REDACTED, NULL, CALL_SAME, call_rtc_record_redacted,
        "rtc: another event redacted" },

    /* ringing */
    { NONE | STUB, IN_RING, NULL, CALL_STUB, call_rtc_stub_ring, "rtc: ring, no member seen" },
    { LIVE, IN_RING, call_rtc_alone, CALL_RINGING, call_rtc_start_ring, "rtc: ring, one member" },
    { LIVE | FINAL, IN_RING, NULL, CALL_SAME, call_rtc_record_ring,
        "rtc: ring, others in or over" },
    { STUB | LIVE | FINAL, IN_NOTIFY, NULL, CALL_SAME, call_rtc_record_notified,
        "rtc: notification" },
    { RINGING, IN_DECLINE, call_rtc_callee_declines, CALL_ACTIVE, call_rtc_declined,
        "rtc: ringing, the one callee declines" },
    { STUB | LIVE | FINAL, IN_DECLINE, NULL, CALL_SAME, call_rtc_record_decline,
        "rtc: decline, more callees or not ringing" },
    { LIVE, IN_RELATED_OPAQUE, call_rtc_likely_ring_of_two, CALL_RINGING, call_rtc_start_ring,
        "rtc: hidden ring in a room of two" },
    { LIVE, IN_RELATED_OPAQUE, call_rtc_likely_ring, CALL_SAME, call_rtc_record_ring,
        "rtc: hidden ring" },
    { RINGING, IN_RELATED_OPAQUE, call_rtc_likely_decline_of_two, CALL_ACTIVE, call_rtc_declined,
        "rtc: hidden decline in a room of two" },
    { LIVE, IN_RELATED_OPAQUE, call_rtc_likely_decline, CALL_SAME, call_rtc_record_decline,
        "rtc: hidden decline" },
    { STUB | LIVE | FINAL, IN_RELATED_OPAQUE, NULL, CALL_SAME, NULL,
        "rtc: something hidden that tells nothing" },
    { LIVE, IN_HAND_RAISED, call_rtc_own_hand, CALL_SAME, call_rtc_raise_hand, "rtc: hand raised" },
    { STUB | LIVE | FINAL, IN_HAND_RAISED, NULL, CALL_SAME, NULL,
        "rtc: hand on somebody else's event" },

    /* an admin: what follows comes from Matrix, when the entries are cleared */
    { STUB | LIVE, IN_ENDED_BY_ADMIN, NULL, CALL_SAME, call_admin_record,
        "rtc: live, an admin ends it" },
    { LIVE, IN_KICKED_BY_ADMIN, NULL, CALL_SAME, call_admin_record,
        "rtc: live, an admin kicks a member" },
    { LIVE, IN_MUTED_BY_ADMIN, NULL, CALL_SAME, call_admin_record,
        "rtc: live, an admin mutes a member" },
    { FINAL, IN_ENDED_BY_ADMIN, NULL, CALL_SAME, NULL, "rtc: over, an admin ends it" },
    { STUB | FINAL, IN_KICKED_BY_ADMIN, NULL, CALL_SAME, NULL, "rtc: over, an admin kicks" },
    { STUB | FINAL, IN_MUTED_BY_ADMIN, NULL, CALL_SAME, NULL, "rtc: over, an admin mutes" },

    /* time */
    { STUB, IN_DEADLINE, NULL, CALL_ENDED, call_rtc_close_stub, "rtc: stub, no member came" },
    { RINGING, IN_DEADLINE, call_rtc_ring_over, CALL_ACTIVE, call_rtc_ring_missed,
        "rtc: ringing, the ring ends" },
    LEAVING(IN_DEADLINE, "expired"),
};
const size_t call_rules_rtc_count = COUNT_OF(call_rules_rtc);
