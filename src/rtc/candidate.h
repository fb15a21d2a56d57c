/*
 * ICE candidates: those we offer, and their text form (RFC 8839, 5.1; TCP: RFC 6544).
 *
 * A lite agent has host candidates only. Where addresses are translated one to one (NAT 1:1) the
 * public address is written into the host candidate, since the peer can reach nothing else.
 * Thread: any; pure.
 */
#ifndef RTC_CANDIDATE_H
#define RTC_CANDIDATE_H

#include "rtc/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTC_FOUNDATION_MAX      32  /* characters; RFC 8839, 5.1 */
#define RTC_CANDIDATES_MAX      32  /* of one transport: UDP and TCP of 16 addresses */
#define RTC_CANDIDATE_TEXT_SIZE 256 /* longest line we write, with its NUL */
#define RTC_CANDIDATE_TEXT_MAX  512 /* longest line we read; extensions make them long */

enum rtc_candidate_type {
    RTC_CANDIDATE_HOST,
    RTC_CANDIDATE_SRFLX,
    RTC_CANDIDATE_PRFLX,
    RTC_CANDIDATE_RELAY,
    RTC_CANDIDATE_TYPE_COUNT
};

/* Who opens the connection (RFC 6544, 4.5). */
enum rtc_tcptype { RTC_TCP_NONE, RTC_TCP_ACTIVE, RTC_TCP_PASSIVE, RTC_TCP_SO, RTC_TCPTYPE_COUNT };

struct rtc_candidate {
    char foundation[RTC_FOUNDATION_MAX + 1];
    enum rtc_candidate_type type;
    enum rtc_tcptype tcptype; /* RTC_TCP_NONE for UDP */
    uint16_t component;       /* 1 = RTP; 2 only where somebody does without rtcp-mux */
    uint32_t priority;
    struct rtc_addr addr;
    struct rtc_addr related; /* port 0 where there is none */
};

/** RFC 8445, 5.1.2.1. `local_preference` orders candidates of one type, the higher the better. */
uint32_t rtc_candidate_priority(
    enum rtc_candidate_type type, bool tcp, uint16_t local_preference, uint16_t component);

/**
 * The candidates for the addresses that peers shall use, best first: every UDP one before every TCP
 * one (passive: the peer connects), otherwise in the order given.
 * @announced  at most RTC_CANDIDATES_MAX are used; already what NAT 1:1 makes of them
 * Gives how many were written: at most `n` and `cap`.
 */
size_t rtc_candidate_offer(
    const struct rtc_addr *announced, size_t n, struct rtc_candidate *ret, size_t cap);

/** Writes "candidate:… typ host …", without "a=". Gives its length. */
size_t rtc_candidate_write(const struct rtc_candidate *c, char ret[RTC_CANDIDATE_TEXT_SIZE]);

/**
 * Reads a line of `n` characters, with or without "a=" in front. What comes behind the fields we
 * know is skipped. False for what is not a candidate, and for one that has a name (mDNS) instead of
 * an address: who needs no checks of its own loses nothing by leaving it out.
 */
bool rtc_candidate_read(const char *text, size_t n, struct rtc_candidate *ret);

#endif
