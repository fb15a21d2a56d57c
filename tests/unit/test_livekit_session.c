/* Whatever fails for lack of memory, the others go on, and all is given back. */
#include "signal_offers.h"
#include "signal_world.h"

/* The bytes of a message, made before memory runs out. */
static void encode(const char *verb, const char *sdp, const char *json, struct buf *ret) {
    struct arena a;
    struct buf text;
    ProtobufCMessage *m = NULL;
    arena_init(&a);
    buf_init(&text, 0);
    if (verb != NULL) {
        buf_printf(&text, "{\"%s\":{\"type\":\"%s\",\"id\":7,\"sdp\":", verb, verb);
        buf_json_str(&text, sdp);
        buf_puts(&text, "}}");
    }
    json_t *request = json_loads(verb == NULL ? json : buf_str(&text), 0, NULL);
    CHECK_ERR(OK, lk_convert_read_json(&lk__signal_request__descriptor, request, &a, &m));
    CHECK_ERR(OK, lk_convert_write(m, ret));
    json_decref(request);
    buf_finish(&text);
    arena_finish(&a);
}

/* One message, with the n-th allocation failing that it causes. Gives whether one did. */
static bool one_failure(const char *verb, const char *sdp, const char *json, uint64_t n) {
    struct signal_world w;
    struct client alice, bob;
    struct buf bytes;
    const uint64_t before = mem_live();
    CHECK_ERR(OK, signal_open(&w, NULL));
    call_in_v1(&w, &bob, "bob", RECEIVING);
    connect_media(&w, "bob");
    call_in_v1(&w, &alice, "alice", RECEIVING);
    connect_media(&w, "alice");
    say(&alice, MICROPHONE);
    buf_init(&bytes, 0);
    encode(verb, sdp, json, &bytes);
    mem_fail_at(n);
    alice.path->message(&alice.socket, alice.state, bytes.data, bytes.len, true);
    const bool failed = mem_failed();
    mem_fail_at(0);
    say_sdp(&bob, "offer", RECEIVING, 2); /* the others go on */
    say(&bob, "{\"ping\":\"1\"}");
    hang_up(&alice);
    hang_up(&bob);
    signal_close(&w);
    CHECK_INT(0, fake_count("room") + fake_count("participant") + fake_count("transport") +
                     fake_count("track") + fake_count("subscription"));
    buf_finish(&bytes);
    CHECK_INT(before, mem_live());
    return failed;
}

TEST(livekit_session, gives_all_back_whatever_fails_in_the_middle) {
    static const struct {
        const char *name, *verb, *sdp, *json;
    } rows[] = {
        { "an offer that publishes", "offer", SENDING("sendonly"), NULL },
        { "an announcement", NULL, NULL,
            "{\"addTrack\":{\"cid\":\"z\",\"type\":\"VIDEO\",\"source\":\"CAMERA\","
            "\"simulcastCodecs\":"
            "[{\"codec\":\"vp8\",\"cid\":\"z\"}]}}" },
        { "a permission", NULL, NULL,
            "{\"subscriptionPermission\":{\"trackPermissions\":[{\"participantIdentity\":\"bob\","
            "\"trackSids\":[\"TR_a\"]}]}}" },
        { "a subscription", NULL, NULL,
            "{\"subscription\":{\"trackSids\":[\"TR_a\",\"TR_b\"],\"subscribe\":true}}" },
        { "metadata", NULL, NULL,
            "{\"updateMetadata\":{\"name\":\"n\",\"attributes\":{\"a\":\"b\"}}}" },
        { "leaving", NULL, NULL, "{\"leave\":{}}" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        for (uint64_t n = 1; one_failure(r->verb, r->sdp, r->json, n); n++) {
        }
    }
}
