/* The names of the inputs, as metrics, audit rows and scenarios show them. Pure. */
#include "calls/input.h"

static const char *const names[IN_COUNT] = {
    [IN_INVITE] = "invite",
    [IN_CANDIDATES] = "candidates",
    [IN_ANSWER] = "answer",
    [IN_SELECT_ANSWER] = "select_answer",
    [IN_REJECT] = "reject",
    [IN_HANGUP] = "hangup",
    [IN_NEGOTIATE] = "negotiate",
    [IN_METADATA] = "metadata",
    [IN_IDENTITY] = "identity",
    [IN_REPLACES] = "replaces",
    [IN_MEMBER] = "member",
    [IN_MEMBER_LEFT] = "member_left",
    [IN_MEMBER_LIST] = "member_list",
    [IN_MEMBER_OPAQUE] = "member_opaque",
    [IN_RING] = "ring",
    [IN_NOTIFY] = "notify",
    [IN_DECLINE] = "decline",
    [IN_SLOT_CLOSED] = "slot_closed",
    [IN_HAND_RAISED] = "hand",
    [IN_RELATED_OPAQUE] = "related_opaque",
    [IN_USER_LEFT] = "user_left",
    [IN_REDACTED] = "redacted",
    [IN_DEADLINE] = "deadline",
    [IN_MALFORMED] = "malformed",
    [IN_TOKEN_ISSUED] = "token_issued",
    [IN_TOKEN_REFUSED] = "token_refused",
    [IN_TOKENS_UNRECORDED] = "tokens_unrecorded",
    [IN_MEDIA_CONNECTED] = "media_connected",
    [IN_MEDIA_DISCONNECTED] = "media_disconnected",
    [IN_MEDIA_REMOVED] = "media_removed",
    [IN_MEDIA_WITHOUT_MEMBERSHIP] = "media_without_membership",
    [IN_ENDED_BY_ADMIN] = "ended_by_admin",
    [IN_KICKED_BY_ADMIN] = "kicked_by_admin",
    [IN_MEMBERSHIP_STALE] = "membership_stale",
    [IN_MEMBERSHIP_ENDED] = "membership_ended",
    [IN_MEMBERSHIP_NOT_ENDED] = "membership_not_ended",
};

const char *call_input_name(enum call_input_type t) {
    return (unsigned)t < IN_COUNT ? names[t] : "unknown";
}
