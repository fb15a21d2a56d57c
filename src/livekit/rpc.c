/* A call: an asker of the member's, and a clock. Main. */
#include "livekit/rpc.h"

#include "core/buf.h"
#include "core/clock.h"
#include "livekit/convert.h"
#include "livekit/proto/room_service.pb-c.h"
#include "rooms/asker.h"
#include "rooms/directory.h"

#include <string.h>

#define VERSION 1 /* the answers are data packets, too */
#define ANSWERS 2 /* of a call: rpc_ack, rpc_response */

struct call {
    struct room_asker asker;
    struct wheel_timer timer;
    struct room_directory *rooms;
    char id[ROOM_SID_SIZE];
    int64_t until_us; /* the answer */
    bool acknowledged;
    lk_rpc_done *done;
    void *arg;
};

static unsigned under_way;

static void finish(struct call *c, const struct lk_rpc_answer *a) {
    room_timer_disarm(c->rooms, &c->timer);
    room_ask_end(&c->asker);
    under_way--;
    c->done(c->arg, a);
    mem_free(c);
}

static void fail(struct call *c, enum lk_rpc_code code, const char *message) {
    const struct lk_rpc_answer a = { code, "", message, "" };
    finish(c, &a);
}

/* --- what comes back --- */

static void take_response(struct call *c, const Lk__RpcResponse *r) {
    const Lk__RpcError *e = r->value_case == LK__RPC_RESPONSE__VALUE_ERROR ? r->error : NULL;
    if (e != NULL) {
        const struct lk_rpc_answer a = { e->code == LK_RPC_OK ? LK_RPC_APPLICATION : e->code, "",
            e->message, e->data };
        finish(c, &a);
    } else if (r->value_case != LK__RPC_RESPONSE__VALUE_PAYLOAD) {
        fail(c, LK_RPC_UNSUPPORTED_VERSION, "Unsupported RPC version");
    } else if (strlen(r->payload) > LK_RPC_PAYLOAD_MAX) {
        fail(c, LK_RPC_RESPONSE_TOO_LARGE, "Response payload too large");
    } else {
        const struct lk_rpc_answer a = { LK_RPC_OK, r->payload, "", "" };
        finish(c, &a);
    }
}

static void on_timer(struct wheel_timer *t, int64_t now_us) {
    struct call *c = (struct call *)((char *)t - offsetof(struct call, timer));
    (void)now_us;
    if (c->acknowledged) {
        fail(c, LK_RPC_NO_RESPONSE, "Response timeout");
    } else {
        fail(c, LK_RPC_NO_ACK, "Connection timeout");
    }
}

static void set_timer(struct call *c, int64_t most_us) {
    const int64_t left_us = c->until_us - room_directory_now(c->rooms);
    const int64_t wait_us = left_us < most_us ? left_us : most_us;
    room_timer_arm(c->rooms, &c->timer, wait_us < 0 ? 0 : wait_us, on_timer);
}

/* What is no packet, or about another call, is passed over. */
static void heard(void *arg, const uint8_t *bytes, size_t len) {
    struct call *c = arg;
    ProtobufCMessage *m = NULL;
    struct arena a;
    if (bytes == NULL) {
        fail(c, LK_RPC_DISCONNECTED, "Recipient disconnected");
        return;
    }
    arena_init(&a);
    const Lk__DataPacket *p =
        lk_convert_read(&lk__data_packet__descriptor, bytes, len, &a, &m) == OK
            ? (const Lk__DataPacket *)(const void *)m
            : NULL;
    if (p != NULL && p->rpc_response != NULL && strcmp(p->rpc_response->request_id, c->id) == 0) {
        take_response(c, p->rpc_response);
    } else if (p != NULL && p->rpc_ack != NULL && strcmp(p->rpc_ack->request_id, c->id) == 0) {
        c->acknowledged = true;
        set_timer(c, INT64_MAX);
    }
    arena_finish(&a);
}

/* --- what is asked --- */

static enum err check(const struct lk_rpc_wish *wish) {
    const size_t method = strlen(wish->method);
    if (method == 0 || method > LK_RPC_METHOD_MAX) {
        return err_set(ERR_INVALID, "a method's name has 1 to %d bytes", LK_RPC_METHOD_MAX);
    }
    if (strlen(wish->payload) > LK_RPC_PAYLOAD_MAX) {
        return err_set(
            ERR_INVALID, "RpcError %d: Request payload too large", (int)LK_RPC_REQUEST_TOO_LARGE);
    }
    if (wish->timeout_ms > LK_RPC_TIMEOUT_MAX_MS) {
        return err_set(ERR_INVALID, "response_timeout_ms is at most %d", LK_RPC_TIMEOUT_MAX_MS);
    }
    return under_way < LK_RPC_MAX ? OK : err_set(ERR_LIMIT, "%d calls wait", LK_RPC_MAX);
}

static enum err put_request(
    const struct lk_rpc_wish *wish, const struct call *c, uint32_t timeout_ms) {
    CLEANUP(buf_finish) struct buf b;
    Lk__DataPacket packet = LK__DATA_PACKET__INIT;
    Lk__RpcRequest request = LK__RPC_REQUEST__INIT;
    char *to[] = { wish->member->identity };
    request.id = (char *)c->id;
    request.method = (char *)wish->method;
    request.payload = (char *)wish->payload;
    request.response_timeout_ms = timeout_ms;
    request.version = VERSION;
    packet.participant_identity = (char *)c->id;
    packet.destination_identities = to;
    packet.n_destination_identities = 1;
    packet.rpc_request = &request;
    buf_init(&b, 0);
    TRY(lk_convert_write(&packet.base, &b));
    return room_send(wish->member->room, true, (const uint8_t *)buf_str(&b), b.len);
}

enum err lk_rpc_begin(const struct lk_rpc_wish *wish, lk_rpc_done *done, void *arg) {
    const uint32_t timeout_ms = wish->timeout_ms == 0 ? LK_RPC_TIMEOUT_MS : wish->timeout_ms;
    TRY(check(wish));
    struct call *c = mem_zalloc(sizeof(*c));
    if (c == NULL) {
        return err_set(ERR_NOMEM, "no memory for a call");
    }
    c->rooms = wish->member->room->directory;
    c->until_us = room_directory_now(c->rooms) + timeout_ms * INT64_C(1000);
    c->done = done;
    c->arg = arg;
    c->asker.heard = heard;
    c->asker.arg = c;
    room_id_make(SFU_SERVER_PREFIX, c->id);
    room_ask_begin(wish->member, &c->asker, ANSWERS);
    enum err e = put_request(wish, c, timeout_ms);
    if (e != OK) {
        room_ask_end(&c->asker);
        mem_free(c);
        return e;
    }
    under_way++;
    set_timer(c, LK_RPC_ACK_MS * INT64_C(1000));
    return OK;
}
