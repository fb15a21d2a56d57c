/*
 * Why a token is not given: one table says what the client reads and what the audit row says.
 * Clients act on status, errcode and some of the texts, so they are those of the service that we
 * replace (matrix-calls 4.1, 4.8).  Thread: any; pure.
 */
#ifndef LIVEKIT_REFUSAL_H
#define LIVEKIT_REFUSAL_H

enum lk_refusal {
    LK_FINE, /* no refusal */

    /* the request */
    LK_NOT_JSON, /* also: a member of another type */
    LK_MISSING_ROOM,
    LK_MISSING_OPENID,
    LK_MISSING_ROOM_OR_SLOT,
    LK_MISSING_MEMBER,
    LK_MISSING_TOKEN,
    LK_DELEGATE_MISSING_MEMBER,
    LK_DELEGATE_MISSING_TOKEN,
    LK_MISSING_DELAY,
    LK_MISSING_URL,
    LK_MISSING_PROXY_MEMBER,
    LK_TOO_LONG,
    LK_BAD_ROOM_ID,
    LK_OTHER_URL,
    LK_BAD_USER_ID,

    /* who asks */
    LK_OPENID_REFUSED,
    LK_OPENID_FOREIGN,
    LK_OPENID_BAD_NAME,
    LK_OPENID_INNER_ADDRESS,
    LK_OPENID_UNREACHABLE,
    LK_OPENID_NONSENSE,
    LK_OPENID_TIMEOUT,
    LK_OPENID_BUSY,
    LK_OTHER_USER,
    LK_NO_USER,
    LK_NO_ORIGIN,
    LK_OTHER_ORIGIN,

    /* what they may */
    LK_DELEGATION_RESTRICTED,
    LK_DELEGATION_OFF,
    LK_DELEGATION_FORBIDDEN, /* as RESTRICTED, of a request for nothing else */
    LK_DELEGATION_NO_SERVER,
    LK_DELEGATION_NOT_KEPT,
    LK_DELEGATION_UNKNOWN,     /* no such delayed event */
    LK_DELEGATION_UNCHECKABLE, /* the homeserver does not say */
    LK_NOT_JOINED,
    LK_SERVER_NOT_JOINED,
    LK_NO_CALL,
    LK_MEMBERSHIP_UNKNOWN,

    /* the other server's focus */
    LK_RELAY_NOT_JOINED,
    LK_RELAY_OTHER_URL,
    LK_RELAY_FAILED,

    /* us */
    LK_TOO_MANY,
    LK_NO_SFU_ROOM,
    LK_STOPPING,
    LK_FAULT,
    LK_REFUSALS
};

struct lk_refusal_row {
    int status;
    const char *errcode;
    const char *text;   /* for the client: nothing of the inside */
    const char *reason; /* one word for audit rows, logs and metrics */
};

/** The row of a refusal; not for LK_FINE. */
const struct lk_refusal_row *lk_refusal_row(enum lk_refusal r);

#endif
