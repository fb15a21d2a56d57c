/*
 * The half of rtc/sctp that knows threads: usrsctp's timers, and what one thread's tick makes for
 * another's association. Only rtc/sctp calls it.
 */
#ifndef RTC_SCTP_DOOR_H
#define RTC_SCTP_DOOR_H

#include "core/map.h"
#include "rtc/sctp.h"

struct socket;

struct rtc_sctp {
    UT_hash_handle hh;
    uint64_t id; /* what usrsctp has for its address */
    struct rtc_sctp_door *door;
    struct socket *socket;
    const struct rtc_sctp_hooks *hooks;
    void *arg;
    struct rtc_sctp *next_ready;
    uint8_t *partial; /* a message that is not whole yet; NULL: none */
    uint32_t partial_len;
    uint16_t streams;
    uint8_t state; /* enum rtc_sctp_state */
    bool ready;    /* in the door's list */
    bool refused;  /* a send was FULL, and `writable` was not told since */
    bool grown;    /* more streams were asked for */
    bool paused;   /* is not read */
    bool capped;   /* and refused */
};

struct rtc_sctp_door {
    struct mailbox inbox;
    struct rtc_sctp *associations;       /* a map */
    struct rtc_sctp *ready, *ready_last; /* who has something to be read, or room to write */
    uint64_t made;                       /* associations, ever */
    int64_t now_us, busy_until_us;
    uint8_t slot;
    _Alignas(8) uint8_t message[RTC_SCTP_MESSAGE_MOST + 1]; /* what is being read */
};

/** From now on this thread acts for `door`, and it is `now_us`: timers that are due run. */
void rtc_sctp_door_enter(struct rtc_sctp_door *door, int64_t now_us);
/** The same for a call that knows no time. */
void rtc_sctp_door_touch(struct rtc_sctp_door *door);
/** A number for a new association. */
uint64_t rtc_sctp_door_id(struct rtc_sctp_door *door);

/** usrsctp's upcall: something has changed about the association of that number. Thread: any. */
void rtc_sctp_door_changed(struct socket *socket, void *id, int flags);
/** The next of those, NULL when there is none. */
struct rtc_sctp *rtc_sctp_door_ready(struct rtc_sctp_door *door);
/** It goes: it is in no list any more. */
void rtc_sctp_door_forget(struct rtc_sctp *s);

#endif
