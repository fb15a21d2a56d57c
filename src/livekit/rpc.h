/*
 * PerformRpc: the server calls a method of a participant's client, as another participant would,
 * and waits for what it gives back.
 *
 *     rpc_request → rpc_ack (the client is there, within LK_RPC_ACK_MS) → rpc_response
 *
 * These are data packets. The caller's name in them is the call's id (SFU_SERVER_PREFIX …): nobody
 * is called so, and the answers come back to us. A client that encrypts its data end to end
 * encrypts its answers, too; nobody here can read them, and the call runs out of time.
 *
 * Thread: main.  See: livekit-protocol 3.10 (version 1), 7.1.
 */
#ifndef LIVEKIT_RPC_H
#define LIVEKIT_RPC_H

#include "core/err.h"

#include <stddef.h>
#include <stdint.h>

struct room_member;

#define LK_RPC_PAYLOAD_MAX    15360 /* bytes, each way: 3.10 */
#define LK_RPC_METHOD_MAX     64    /* bytes, as clients have it */
#define LK_RPC_ACK_MS         7000  /* clients wait as long for one another */
#define LK_RPC_TIMEOUT_MS     10000 /* for the answer, unless the caller says otherwise */
#define LK_RPC_TIMEOUT_MAX_MS 60000
#define LK_RPC_MAX            1000 /* under way */

/* LiveKit's numbers, as far as they are said here; a client may say others. */
enum lk_rpc_code {
    LK_RPC_OK = 0,
    LK_RPC_UNSUPPORTED_METHOD = 1400,
    LK_RPC_NO_RECIPIENT = 1401,
    LK_RPC_REQUEST_TOO_LARGE = 1402,
    LK_RPC_UNSUPPORTED_SERVER = 1403,
    LK_RPC_UNSUPPORTED_VERSION = 1404,
    LK_RPC_APPLICATION = 1500,
    LK_RPC_NO_ACK = 1501,
    LK_RPC_NO_RESPONSE = 1502,
    LK_RPC_DISCONNECTED = 1503,
    LK_RPC_RESPONSE_TOO_LARGE = 1504,
};

/* Borrowed for the call. */
struct lk_rpc_wish {
    struct room_member *member; /* NULL = none is wished for */
    const char *method, *payload;
    uint32_t timeout_ms; /* 0 = LK_RPC_TIMEOUT_MS */
};
/* All borrowed for the call; texts are never NULL. */
struct lk_rpc_answer {
    uint32_t code; /* LK_RPC_OK: the payload; else the next two */
    const char *payload;
    const char *message;
    const char *data;
};
/** Called once, never from inside lk_rpc_begin; it must not end the member. */
typedef void lk_rpc_done(void *arg, const struct lk_rpc_answer *a);
/** ERR_INVALID: the wish; ERR_LIMIT: too many are under way; ERR_NOMEM. Then `done` is not called.
 */
MUST_CHECK enum err lk_rpc_begin(const struct lk_rpc_wish *wish, lk_rpc_done *done, void *arg);

#endif
