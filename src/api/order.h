/*
 * What an admin orders about a call, read from a request: the path's {session_id}, and a JSON
 * object {"user_id", "device_id"?, "reason"?}, to mute also {"track"?}; to end a call only the
 * reason, or no body at all.  Thread: main.
 */
#ifndef API_ORDER_H
#define API_ORDER_H

#include "core/err.h"

#define API_ORDER_REASON_MAX 500 /* bytes; it stays in the audit */
#define API_ORDER_ID_MAX     255 /* bytes */

struct http_request;

enum api_order_act { API_ORDER_END, API_ORDER_KICK, API_ORDER_MUTE };

/* Texts in the request's arena; NULL = not said. */
struct api_order {
    enum api_order_act act;
    const char *session_id;
    const char *who; /* "admin token" or a user id */
    const char *user_id;
    const char *device_id;
    const char *track; /* of the SFU's; NULL = all sound */
    const char *reason;
};

/** ERR_INVALID names the field; ERR_NOT_FOUND: no call can have that id; ERR_NOMEM. */
MUST_CHECK enum err api_order_read(
    struct http_request *r, enum api_order_act act, const char *who, struct api_order *ret);

#endif
