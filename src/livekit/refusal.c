/* The table of refusals. */
#include "livekit/refusal.h"

#include <assert.h>

#define UNAUTHORISED "The request could not be authorised."

/* clang-format off */
static const struct lk_refusal_row rows[LK_REFUSALS] = {
    [LK_NOT_JSON] = { 400, "M_NOT_JSON", "Error reading request", "not_json" },
    [LK_MISSING_ROOM] = { 400, "M_BAD_JSON", "Missing room parameter", "missing_room" },
    [LK_MISSING_OPENID] = { 400, "M_BAD_JSON", "Missing OpenID token parameters", "missing_openid_token" },
    [LK_MISSING_ROOM_OR_SLOT] = { 400, "M_BAD_JSON",
        "The request body is missing `room_id` or `slot_id`", "missing_room_or_slot" },
    [LK_MISSING_MEMBER] = { 400, "M_BAD_JSON",
        "The request body `member` is missing a `id`, `claimed_user_id` or `claimed_device_id`", "missing_member" },
    [LK_MISSING_TOKEN] = { 400, "M_BAD_JSON",
        "The request body `openid_token` is missing a `access_token` or `matrix_server_name`", "missing_openid_token" },
    [LK_DELEGATE_MISSING_MEMBER] = { 400, "M_BAD_JSON",
        "The request body `member` is missing `id`, `claimed_user_id` or `claimed_device_id`", "missing_member" },
    [LK_DELEGATE_MISSING_TOKEN] = { 400, "M_BAD_JSON",
        "The request body `openid_token` is missing `access_token` or `matrix_server_name`", "missing_openid_token" },
    [LK_MISSING_DELAY] = { 400, "M_BAD_JSON",
        "The request body is missing `delay_id` or `delay_timeout`", "missing_delay" },
    [LK_MISSING_URL] = { 400, "M_BAD_JSON", "The request body is missing `url`", "missing_url" },
    [LK_MISSING_PROXY_MEMBER] = { 400, "M_BAD_JSON", "The request body is missing `member_id`", "missing_member" },
    [LK_TOO_LONG] = { 400, "M_INVALID_PARAM", "A member of the request body is too long", "too_long" },
    [LK_BAD_ROOM_ID] = { 400, "M_INVALID_PARAM", "The request body names no valid room id", "bad_room_id" },
    [LK_OTHER_URL] = { 400, "M_INVALID_PARAM",
        "The request `url` does not match this service's LiveKit URL", "other_url" },
    [LK_BAD_USER_ID] = { 400, "M_INVALID_PARAM", "Malformed user identifier", "bad_user_id" },

    [LK_OPENID_REFUSED] = { 401, "M_UNAUTHORIZED", UNAUTHORISED, "openid_refused" },
    [LK_OPENID_FOREIGN] = { 401, "M_UNAUTHORIZED", UNAUTHORISED, "openid_foreign" },
    [LK_OPENID_BAD_NAME] = { 401, "M_UNAUTHORIZED", UNAUTHORISED, "openid_bad_name" },
    [LK_OPENID_INNER_ADDRESS] = { 401, "M_UNAUTHORIZED", UNAUTHORISED, "openid_inner_address" },
    [LK_OPENID_UNREACHABLE] = { 401, "M_UNAUTHORIZED", UNAUTHORISED, "openid_unreachable" },
    [LK_OPENID_NONSENSE] = { 401, "M_UNAUTHORIZED", UNAUTHORISED, "openid_nonsense" },
    [LK_OPENID_TIMEOUT] = { 401, "M_UNAUTHORIZED", UNAUTHORISED, "openid_timeout" },
    [LK_OPENID_BUSY] = { 429, "M_LIMIT_EXCEEDED", "Too many requests", "openid_busy" },
    [LK_OTHER_USER] = { 401, "M_UNAUTHORIZED", UNAUTHORISED, "other_user" },
    [LK_NO_USER] = { 401, "M_UNAUTHORIZED", "Missing request authorization", "no_user" },
    [LK_NO_ORIGIN] = { 401, "M_UNAUTHORIZED", "Missing request origin", "no_origin" },
    [LK_OTHER_ORIGIN] = { 403, "M_FORBIDDEN", "The user_id does not belong to the origin server", "other_origin" },

    [LK_DELEGATION_RESTRICTED] = { 400, "M_BAD_JSON",
        "Delegation of delayed events is only supported for full access users", "delegation_restricted" },
    [LK_DELEGATION_OFF] = { 400, "M_BAD_JSON", "Delegation of delayed events is not supported", "delegation_off" },
    [LK_DELEGATION_FORBIDDEN] = { 403, "M_FORBIDDEN",
        "Delegation of delayed events is only supported for full access users", "delegation_restricted" },
    [LK_DELEGATION_NO_SERVER] = { 400, "M_BAD_JSON", "Unable to resolve client-server API", "delegation_no_server" },
    [LK_DELEGATION_NOT_KEPT] = { 503, "M_UNKNOWN", "The delayed event could not be taken", "delegation_not_kept" },
    [LK_DELEGATION_UNKNOWN] = { 400, "M_INVALID_PARAM", "Unknown `delay_id`", "delegation_unknown" },
    [LK_DELEGATION_UNCHECKABLE] = { 503, "M_UNKNOWN", "The delayed event could not be looked up",
        "delegation_uncheckable" },
    [LK_NOT_JOINED] = { 403, "M_FORBIDDEN", "The requesting user is not a member of the room", "not_joined" },
    [LK_SERVER_NOT_JOINED] = { 403, "M_FORBIDDEN", "The target server is not joined to the room", "server_not_joined" },
    [LK_NO_CALL] = { 403, "M_FORBIDDEN", "There is no call in the room that could be joined", "no_call" },
    [LK_MEMBERSHIP_UNKNOWN] = { 502, "M_UNKNOWN", "The membership of the room could not be checked", "membership_unknown" },

    [LK_RELAY_NOT_JOINED] = { 403, "M_FORBIDDEN",
        "The requesting user is not a member of the room on the destination homeserver", "relay_not_joined" },
    [LK_RELAY_OTHER_URL] = { 400, "M_INVALID_PARAM",
        "The destination homeserver rejected the specified `url`", "relay_other_url" },
    [LK_RELAY_FAILED] = { 502, "M_UNKNOWN", "Unable to reach the specified homeserver", "relay_failed" },

    [LK_TOO_MANY] = { 429, "M_LIMIT_EXCEEDED", "Too many requests", "too_many" },
    [LK_NO_SFU_ROOM] = { 500, "M_UNKNOWN", "Unable to create room on SFU", "no_sfu_room" },
    [LK_STOPPING] = { 503, "M_UNKNOWN", "Service is shutting down", "stopping" },
    [LK_FAULT] = { 500, "M_UNKNOWN", "Internal Server Error", "fault" },
};
/* clang-format on */

const struct lk_refusal_row *lk_refusal_row(enum lk_refusal r) {
    assert(r > LK_FINE && r < LK_REFUSALS);
    return &rows[r];
}
