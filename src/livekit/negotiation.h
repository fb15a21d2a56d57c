/*
 * Descriptions of a session's peer connections. Two of them: the client offers the one it
 * publishes over, we offer the one it receives by. One: the client always offers, and is asked for
 * more sections, or for an offer, by media_sections_requirement.
 *
 * Thread: main.  See: livekit-protocol 4.1 to 4.5.
 */
#ifndef LIVEKIT_NEGOTIATION_H
#define LIVEKIT_NEGOTIATION_H

#include "core/clock.h"
#include "core/wheel.h"
#include "livekit/proto/signal.pb-c.h"
#include "rooms/model.h"
#include "rtc/icelite.h"
#include "rtc/sdp_places.h"

struct lk_session;

#define LK_OFFER_WAIT_US     (15 * SEC_US) /* for the answer to ours; livekit-protocol 4.2 */
#define LK_OFFER_PATIENCE_US (60 * SEC_US) /* … while the client says nothing at all */
#define LK_OFFER_DELAY_US    2000          /* changes of one turn share an offer; later ones wait */
#define LK_OFFER_HOLD_US     (1 * SEC_US)  /* without a candidate, a held offer is answered then */

/* One peer connection. */
struct lk_peer {
    struct rtc_ice_cred cred;
    uint64_t session_id; /* 0 = not begun */
    uint64_t version;
    char remote_ufrag[RTC_ICE_UFRAG_MAX + 1];
    bool told; /* our candidates, with these credentials */
};

struct lk_negotiation {
    struct lk_peer peers[ROOM_WAYS];
    struct rtc_sdp_places *places;
    bool asked;    /* a requirement is on its way: the client's offer will come */
    size_t lacked; /* sections, when it was asked last */
    char *held;    /* SDP of an offer that is answered later; NULL = none */
    uint32_t held_id;
    /* of ours: */
    uint32_t offer_id;
    int64_t offered_us;
    const struct rtc_sdp *offer; /* waits for its answer; NULL = none */
    struct arena offer_arena;
    uint32_t *offered;        /* numbers of the subscriptions in its sections, 0 = none */
    struct wheel_timer timer; /* our offer is due, or not answered; or a held one is due */
};

MUST_CHECK enum err lk_negotiation_init(struct lk_session *s);
void lk_negotiation_finish(struct lk_session *s);
/** Nobody is there to negotiate with: nothing is waited for any more. */
void lk_negotiation_rest(struct lk_session *s);

/** The session whose timer it is. */
struct lk_session *lk_negotiation_of(struct wheel_timer *t);

/** Of a client that came back: all that was agreed upon with it before, without what is under way.
 */
void lk_negotiation_inherit(struct lk_session *s, struct lk_session *from);

/** After joining, with two connections: our first offer. */
void lk_negotiation_begin(struct lk_session *s);
/** The client's offer; it gets its answer, or the session is told to begin anew. */
void lk_negotiation_take_offer(struct lk_session *s, const Lk__SessionDescription *d);
/**
 * The offer of a client whose description it is not yet. LiveKit's Go SDK (2.17) sends one with its
 * join_request, and sets it as its own only once it has read the join response, while another
 * goroutine reads on: an answer that is faster is refused, and the connection never stands. It
 * gathers candidates after that, so its first one says that an answer may come.
 */
void lk_negotiation_hold_offer(struct lk_session *s, const Lk__SessionDescription *d);
/** The client has a candidate: a held offer gets its answer. */
void lk_negotiation_candidate(struct lk_session *s);
/** The client's answer to ours. */
void lk_negotiation_take_answer(struct lk_session *s, const Lk__SessionDescription *d);

/** The member shall receive this track, or not any more. */
void lk_negotiation_add(struct lk_session *s, struct room_subscription *sub);
void lk_negotiation_remove(struct lk_session *s, struct room_subscription *sub);

#endif
