/* An offer that comes before its client has set it as its own description: LiveKit's Go SDK. */
#include "livekit/negotiation.h"
#include "signal_offers.h"
#include "signal_world.h"

#define CANDIDATE "{\"trickle\":{\"candidateInit\":\"{}\"}}"

static void join_early(const struct signal_world *w, struct client *c) {
    Lk__JoinRequest j = LK__JOIN_REQUEST__INIT;
    Lk__ClientInfo info = LK__CLIENT_INFO__INIT;
    Lk__SessionDescription offer = LK__SESSION_DESCRIPTION__INIT;
    info.sdk = LK__CLIENT_INFO__SDK__GO;
    offer.sdp = (char *)RECEIVING;
    offer.id = 1;
    j.client_info = &info;
    j.publisher_offer = &offer;
    call_in_by(w, c, "gopher", &j);
    CHECK_STR("join refreshToken update", heard(c));
}

static int answers(const struct client *c) {
    int n = 0;
    for (size_t i = 0; i < c->socket.n; i++) {
        n += strncmp(c->socket.heard[i], "{\"answer\"", 9) == 0;
    }
    return n;
}

TEST(livekit_negotiation, holds_an_offer_until_its_answer_can_be_taken) {
    static const struct {
        const char *name;
        const char *says; /* NULL = nothing */
        bool offers;
        const char *answered;
    } rows[] = {
        { "a candidate", CANDIDATE, false, "1" },
        { "nothing for a second", NULL, false, "1" },
        { "another offer", NULL, true, "2" },
    };
    FOR_ROWS (rows, r) {
        struct signal_world w;
        struct client gopher;
        ROW(r->name);
        CHECK_ERR(OK, signal_open(&w, NULL));
        join_early(&w, &gopher);
        signal_wait(&w, LK_OFFER_HOLD_US / 2);
        CHECK_INT(0, answers(&gopher));
        if (r->says != NULL) {
            say(&gopher, r->says);
        } else if (r->offers) {
            say_sdp(&gopher, "offer", RECEIVING, 2);
        } else {
            signal_wait(&w, LK_OFFER_HOLD_US);
        }
        CHECK_INT(1, answers(&gopher));
        check_latest(&gopher, "answer", "id", r->answered);
        say(&gopher, CANDIDATE);
        signal_wait(&w, 2 * LK_OFFER_HOLD_US);
        CHECK_INT(1, answers(&gopher));
        hang_up(&gopher);
        signal_close(&w);
    }
}

TEST(livekit_negotiation, forgets_a_held_offer_with_its_client) {
    struct signal_world w;
    struct client gopher;
    const uint64_t before = mem_live();
    CHECK_ERR(OK, signal_open(&w, NULL));
    join_early(&w, &gopher);
    hang_up(&gopher);
    signal_wait(&w, 2 * LK_OFFER_HOLD_US);
    signal_close(&w);
    CHECK_INT(before, mem_live());
}
