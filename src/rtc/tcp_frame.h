/*
 * Packets on a TCP connection: 16 bits of length before each (RFC 4571, as RFC 6544 uses it).
 *
 * The splitter copies each byte once, from what was read into the packet that will be handed on,
 * and keeps eight bytes of its own.  Thread: any; one owner; nothing allocates.
 */
#ifndef RTC_TCP_FRAME_H
#define RTC_TCP_FRAME_H

#include <stddef.h>
#include <stdint.h>

struct cur;

#define RTC_TCP_HEAD       2    /* bytes before each packet */
#define RTC_TCP_FRAME_MOST 1500 /* bytes of a packet; what WebRTC sends must fit a datagram too */

/** All zero at the connection's start. */
struct rtc_tcp_split {
    uint16_t want, have; /* bytes of the packet */
    uint8_t head[RTC_TCP_HEAD];
    uint8_t n_head;
};

enum rtc_tcp_step {
    RTC_TCP_MORE,   /* all of `in` is used, the packet is not whole yet */
    RTC_TCP_FRAME,  /* a packet; call again, with other memory, for what is left of `in` */
    RTC_TCP_BROKEN, /* a packet beyond the limit: the stream is lost, close the connection */
};

/**
 * Takes bytes from `in` until a packet is whole. Empty packets, which RFC 4571 allows, are skipped.
 * @packet   RTC_TCP_FRAME_MOST bytes; the same memory until RTC_TCP_FRAME
 * @ret_len  set with RTC_TCP_FRAME: 1 to RTC_TCP_FRAME_MOST
 */
enum rtc_tcp_step rtc_tcp_split(
    struct rtc_tcp_split *s, struct cur *in, uint8_t *packet, size_t *ret_len);

/** What goes before a packet of `len` bytes (at most 65,535). */
void rtc_tcp_head(size_t len, uint8_t ret[RTC_TCP_HEAD]);

#endif
