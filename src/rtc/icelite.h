/*
 * ICE of one transport, as a lite agent (RFC 8445, 2.5): it answers checks and never sends any, so
 * the client is always the controlling side and says by USE-CANDIDATE which path is used.
 *
 * Decision 17: every valid check with USE-CANDIDATE may move the selected path; silence marks the
 * transport lost and then ends it. Only checks with our password, and packets that the caller has
 * authenticated (rtc_icelite_heard), break the silence.
 *
 * Thread: the owner's. After creation only rtc_icelite_set_remote allocates.
 * See: RFC 8445, 7.3 and 9; RFC 8839, 5.4.
 */
#ifndef RTC_ICELITE_H
#define RTC_ICELITE_H

#include "core/clock.h"
#include "core/err.h"
#include "rtc/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTC_ICE_PATHS_MAX 8 /* addresses one client is known by; phones have two or three */
#define RTC_ICE_FIRST_US  (30 * SEC_US) /* for the first check; else the transport ends */
/* Silence until a transport is lost, and until it is ended: livekit-server's, for which clients are
 * made. Ten seconds without network pass as if nothing was, and whoever looks for another way when
 * they are over has time to find it. */
#define RTC_ICE_LOST_US  (15 * SEC_US)
#define RTC_ICE_ENDED_US (20 * SEC_US)
#define RTC_ICE_HOLD_US  (SEC_US / 2) /* see rtc_icelite_take */

#define RTC_ICE_OUR_UFRAG 12 /* characters of ours: 72 bits, so that nobody finds one by trying */
#define RTC_ICE_OUR_PWD   24 /* characters: 144 bits; RFC 8445, 5.3 wants 128 */

struct rtc_ice_cred {
    char ufrag[RTC_ICE_OUR_UFRAG + 1];
    char pwd[RTC_ICE_OUR_PWD + 1];
};
/** New ones, by core/crypto. */
void rtc_ice_cred_make(struct rtc_ice_cred *ret);

/* A way to the client. */
struct rtc_ice_path {
    struct rtc_addr peer;
    uint32_t via; /* the caller's number of the socket or connection it came by */
};

enum rtc_ice_state {
    RTC_ICE_WAITING,   /* no valid check yet */
    RTC_ICE_CONNECTED, /* there is a path */
    RTC_ICE_LOST,      /* nothing heard for RTC_ICE_LOST_US; comes back by a check */
    RTC_ICE_ENDED,     /* for good: nothing is answered any more */
};

/* What became of a STUN message, as a reason to count. */
enum rtc_ice_result {
    RTC_ICE_ANSWERED,
    RTC_ICE_DROPPED,      /* no check, not for us, broken, or the transport has ended */
    RTC_ICE_BAD_REQUEST,  /* 400 */
    RTC_ICE_UNAUTHORIZED, /* 401 */
    RTC_ICE_UNKNOWN,      /* 420 */
    RTC_ICE_CONFLICT,     /* 487: the client wants to be controlled too, which a lite agent is */
    RTC_ICE_RESULT_COUNT
};

struct rtc_ice_outcome {
    enum rtc_ice_result result;
    size_t answer_len; /* bytes to send back by the way the message came; 0 = none */
    bool moved;        /* rtc_icelite_selected changed */
    bool renewed;      /* after a restart: the old fragment is not answered any more */
    bool added;        /* the way it came is new: may be entered in a table of addresses */
    bool forgot;       /* … and `forgotten` made room for it */
    struct rtc_ice_path forgotten;
};

struct rtc_icelite; /* RTC_ICELITE_BYTES and the client's fragment */
#define RTC_ICELITE_BYTES 512

/** Copies `ours`. ERR_NOMEM. Gives *ret. */
MUST_CHECK enum err rtc_icelite_create(
    const struct rtc_ice_cred *ours, int64_t now_us, struct rtc_icelite **ret);
void rtc_icelite_destroy(struct rtc_icelite *a);

/** The client's fragment, once its description is there (its password is of use only to who sends
 * checks). Until then checks of any are good. ERR_INVALID: not 4 to 256 of ICE's characters. */
MUST_CHECK enum err rtc_icelite_set_remote(
    struct rtc_icelite *a, const char *ufrag, int64_t now_us);

/** An ICE restart (RFC 8445, 9): `ours` hold from now on; the old ones are answered too until the
 * first good check with the new. The path stays until a check moves it. Silence counts anew:
 * whoever restarts is there, and has to find a path first. */
void rtc_icelite_restart(struct rtc_icelite *a, const struct rtc_ice_cred *ours, int64_t now_us);

const struct rtc_ice_cred *rtc_icelite_ours(const struct rtc_icelite *a);
/** Those before a restart while they are answered; NULL otherwise. Borrowed until the next call. */
const struct rtc_ice_cred *rtc_icelite_old(const struct rtc_icelite *a);

/**
 * Takes a STUN message and writes the answer.
 *
 * A nomination moves the path at once, except within RTC_ICE_HOLD_US of the selected path's own
 * latest nomination, where TCP does not displace UDP and a lower PRIORITY not a higher one: clients
 * that nominate every path they check (RFC 5245's aggressive way) would make it jump. Before the
 * first nomination the first path that worked is used.
 * @answer  `cap` bytes, at least RTC_STUN_ANSWER_MOST
 */
void rtc_icelite_take(struct rtc_icelite *a, const uint8_t *data, size_t len,
    const struct rtc_ice_path *from, int64_t now_us, uint8_t *answer, size_t cap,
    struct rtc_ice_outcome *ret);

/** Has this path carried a valid check? Only from there DTLS and media may be taken. */
bool rtc_icelite_knows(const struct rtc_icelite *a, const struct rtc_ice_path *from);
/** A packet came by it that proved to be the client's (its SRTP tag, its DTLS record). */
void rtc_icelite_heard(struct rtc_icelite *a, const struct rtc_ice_path *from, int64_t now_us);
/** A TCP connection has closed: its path is forgotten. Gives true when that was the selected one;
 * then the best known other one is, if there is any. */
bool rtc_icelite_close_path(struct rtc_icelite *a, const struct rtc_ice_path *path);

/** Where to send; NULL before the first valid check. Borrowed until the next call. */
const struct rtc_ice_path *rtc_icelite_selected(const struct rtc_icelite *a);
enum rtc_ice_state rtc_icelite_tick(struct rtc_icelite *a, int64_t now_us);
/** How long nothing was heard. */
int64_t rtc_icelite_silent_us(const struct rtc_icelite *a, int64_t now_us);
/** When to tick next; INT64_MAX = never. */
int64_t rtc_icelite_next_us(const struct rtc_icelite *a);

#endif
