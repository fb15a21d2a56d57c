/* PerformRpc, from the question of a server SDK to what a client says, or does not say in time. */
#include "livekit/rpc.h"

#include "livekit/proto/room_service.pb-c.h"
#include "livekit/twirp.h"
#include "twirp_world.h"

#define NOBODY "{\"code\":\"not_found\",\"msg\":\"participant does not exist\"}"

/* What the client was sent last: the call's id, "method payload timeout to". */
static void read_request(char id[ROOM_SID_SIZE], char *ret, size_t size) {
    ProtobufCMessage *m = NULL;
    struct arena a;
    arena_init(&a);
    CHECK_ERR(OK, lk_convert_read(&lk__data_packet__descriptor, fake_sfu.sent.bytes,
                      fake_sfu.sent.len, &a, &m));
    const Lk__DataPacket *p = (const Lk__DataPacket *)(const void *)m;
    CHECK(fake_sfu.sent.reliable && p->rpc_request->version == 1);
    CHECK_STR(p->participant_identity, p->rpc_request->id);
    CHECK(strncmp(p->rpc_request->id, SFU_SERVER_PREFIX, strlen(SFU_SERVER_PREFIX)) == 0);
    snprintf(id, ROOM_SID_SIZE, "%s", p->rpc_request->id);
    snprintf(ret, size, "%s %s %u %s", p->rpc_request->method, p->rpc_request->payload,
        p->rpc_request->response_timeout_ms, p->destination_identities[0]);
    arena_finish(&a);
}

/* The client says `packet`, JSON of a DataPacket in which a $ is the call's id. */
static void client_says(const char *identity, const char *packet, const char *id) {
    const struct room_member *m =
        room_find_member(room_directory_find(desk->w.rooms, "r"), identity);
    char text[300];
    struct buf bytes;
    struct arena a;
    ProtobufCMessage *message = NULL;
    const int before = (int)strcspn(packet, "$");
    snprintf(text, sizeof(text), "%.*s%s%s", before, packet, id, packet + before + 1);
    json_t *json = json_loads(text, 0, NULL);
    arena_init(&a);
    buf_init(&bytes, 0);
    CHECK_ERR(OK, lk_convert_read_json(&lk__data_packet__descriptor, json, &a, &message));
    CHECK_ERR(OK, lk_convert_write(message, &bytes));
    struct sfu_event e = { .type = SFU_EVENT_ANSWER, .id = m->part.id };
    e.answer.bytes = (const uint8_t *)buf_str(&bytes);
    e.answer.len = (uint32_t)bytes.len;
    room_directory_told(desk->w.rooms, &e);
    json_decref(json);
    buf_finish(&bytes);
    arena_finish(&a);
}

#define RPC(more)       "{\"room\":\"r\",\"destination_identity\":\"alice\",\"method\":\"greet\"" more "}"
#define ACK             "{\"rpc_ack\":{\"request_id\":\"$\"}}"
#define RESPONSE(value) "{\"rpc_response\":{\"request_id\":\"$\"," value "}}"

TEST(livekit_rpc, calls_a_client_and_waits_for_it) {
    static const struct {
        const char *name;
        const char *said[3]; /* by the client */
        int64_t wait_ms;     /* then */
        int status;
        const char *want;
    } rows[] = {
        { "it answers", { ACK, RESPONSE("\"payload\":\"hello\"") }, 0, 200,
            "{\"payload\":\"hello\"}" },
        { "at once", { RESPONSE("\"payload\":\"\"") }, 0, 200, "{\"payload\":\"\"}" },
        { "it refuses",
            { ACK, RESPONSE("\"error\":{\"code\":1500,\"message\":\"no\","
                            "\"data\":\"d\"}") },
            0, 500, "{\"code\":\"internal\",\"msg\":\"RpcError 1500: no: d\"}" },
        { "it knows no such method", { RESPONSE("\"error\":{\"code\":1400,\"message\":\"what\"}") },
            0, 400, "{\"code\":\"invalid_argument\",\"msg\":\"RpcError 1400: what\"}" },
        { "an error that is none", { RESPONSE("\"error\":{\"message\":\"m\"}") }, 0, 500,
            "{\"code\":\"internal\",\"msg\":\"RpcError 1500: m\"}" },
        { "an answer of another version", { "{\"rpc_response\":{\"request_id\":\"$\"}}" }, 0, 501,
            "{\"code\":\"unimplemented\",\"msg\":\"RpcError 1404: Unsupported RPC version\"}" },
        { "silence", { NULL }, LK_RPC_ACK_MS, 408,
            "{\"code\":\"canceled\",\"msg\":\"RpcError 1501: Connection timeout\"}" },
        { "about other calls",
            { "{\"rpc_ack\":{\"request_id\":\"x$\"}}",
                "{\"rpc_response\":{\"request_id\":\"x$\",\"payload\":\"\"}}" },
            LK_RPC_ACK_MS, 408,
            "{\"code\":\"canceled\",\"msg\":\"RpcError 1501: Connection timeout\"}" },
        { "it takes too long", { ACK }, LK_RPC_TIMEOUT_MS, 408,
            "{\"code\":\"canceled\",\"msg\":\"RpcError 1502: Response timeout\"}" },
    };
    FOR_ROWS (rows, r) {
        struct desk d;
        struct client alice;
        char id[ROOM_SID_SIZE], request[200];
        static const char body[] = RPC(",\"payload\":\"p\"");
        ROW(r->name);
        CHECK_ERR(OK, desk_open(&d));
        call_in(&d.w, &alice, "alice", "", "");
        CHECK(ask("PerformRpc", ADMIN, JSON, body, strlen(body)));
        CHECK_INT(0, d.status); /* it waits */
        read_request(id, request, sizeof(request));
        CHECK_STR("greet p 10000 alice", request);
        for (int i = 0; i < 3 && r->said[i] != NULL; i++) {
            CHECK_INT(0, d.status);
            client_says("alice", r->said[i], id);
        }
        signal_wait(&d.w, r->wait_ms > 0 ? r->wait_ms * 1000 - SEC_US : 0);
        CHECK_INT(r->wait_ms > 0 ? 0 : r->status, d.status);
        signal_wait(&d.w, r->wait_ms > 0 ? 2 * SEC_US : 0);
        CHECK_INT(r->status, d.status);
        CHECK_STR(r->want, d.body);
        hang_up(&alice);
        desk_close(&d);
    }
}

TEST(livekit_rpc, calls_nobody_who_is_not_there) {
    struct desk d;
    struct client alice;
    char long_one[LK_RPC_PAYLOAD_MAX + 100];
    static const char body[] = RPC("");
    CHECK_ERR(OK, desk_open(&d));
    check_answer("PerformRpc", LIST, body, 401, DENIED);
    check_answer("PerformRpc", ADMIN, body, 404, NOBODY);
    call_in(&d.w, &alice, "alice", "", "");
    check_answer("PerformRpc", ADMIN, RPC(",\"response_timeout_ms\":60001"), 400,
        "{\"code\":\"invalid_argument\",\"msg\":\"response_timeout_ms is at most 60000\"}");
    check_answer("PerformRpc", ADMIN, "{\"room\":\"r\",\"destination_identity\":\"alice\"}", 400,
        "{\"code\":\"invalid_argument\",\"msg\":\"a method's name has 1 to 64 bytes\"}");
    int n = snprintf(
        long_one, sizeof(long_one), RPC(",\"payload\":\"%0*d\""), LK_RPC_PAYLOAD_MAX + 1, 0);
    CHECK(n > 0 && (size_t)n < sizeof(long_one));
    check_answer("PerformRpc", ADMIN, long_one, 400,
        "{\"code\":\"invalid_argument\",\"msg\":\"RpcError 1402: Request payload too large\"}");
    ROW("it leaves meanwhile");
    CHECK(ask("PerformRpc", ADMIN, JSON, body, strlen(body)));
    CHECK_INT(0, d.status);
    say(&alice, "{\"leave\":{}}");
    CHECK_INT(503, d.status);
    CHECK_STR(
        "{\"code\":\"unavailable\",\"msg\":\"RpcError 1503: Recipient disconnected\"}", d.body);
    hang_up(&alice);
    ROW("we stop meanwhile");
    call_in(&d.w, &alice, "alice", "", "");
    CHECK(ask("PerformRpc", ADMIN, JSON, body, strlen(body)));
    hang_up(&alice);
    room_directory_stop(d.w.rooms);
    CHECK_INT(503, d.status);
    desk_close(&d);
}

/* The client answers, whatever has failed before. */
static void answer_as_a_client(const struct lk_rpc_wish *wish) {
    static const uint8_t nothing[] = { 0x0a };
    const struct sfu_event e = {
        .type = SFU_EVENT_ANSWER, .id = wish->member->part.id, .answer = { nothing, 1 }
    };
    room_directory_told(wish->member->room->directory, &e);
}

static void count(void *arg, const struct lk_rpc_answer *a) {
    int *n = arg;
    CHECK_INT(LK_RPC_DISCONNECTED, a->code);
    (*n)++;
}

static void nothing_heard(void *arg, enum room_reason reason) {
    (void)arg;
    (void)reason;
}

TEST_ALLOC(livekit_rpc, survives_no_memory) {
    static const struct room_observer deaf = { .leave = nothing_heard };
    const struct room_directory_config usual = { 0 };
    const struct room_member_config cfg = { .identity = "alice", .observer = &deaf };
    struct room_directory *rooms = NULL;
    struct room_member *m = NULL;
    int n = 0;
    fake_sfu_reset();
    TRY(room_directory_create(&usual, &rooms));
    enum err e = room_directory_start(rooms, &fake_sfu, NULL);
    e = e == OK ? room_join(rooms, "r", NULL, &cfg, &m) : e;
    if (e == OK) {
        const struct lk_rpc_wish wish = { m, "greet", "", 0 };
        e = lk_rpc_begin(&wish, count, &n);
        const int begun = e == OK;
        answer_as_a_client(&wish);
        room_leave(m, ROOM_LEFT);
        CHECK_INT(begun, n);
    }
    room_directory_destroy(rooms);
    return e;
}
