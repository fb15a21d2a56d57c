/*
 * One end of a path: address, port, UDP or TCP. A plain value without padding, so that it can be a
 * key of a table by its bytes.  Thread: any; pure.
 */
#ifndef RTC_ADDR_H
#define RTC_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTC_ADDR_TEXT_SIZE 46 /* INET6_ADDRSTRLEN */

struct rtc_addr {
    uint8_t ip[16]; /* IPv6, or IPv4 as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2) */
    uint16_t port;  /* in the machine's order */
    uint16_t tcp;   /* 0 UDP, 1 TCP */
};
_Static_assert(sizeof(struct rtc_addr) == 20, "no padding: it is compared and hashed as bytes");

struct rtc_addr rtc_addr_v4(const uint8_t four[4], uint16_t port, bool tcp);
struct rtc_addr rtc_addr_v6(const uint8_t sixteen[16], uint16_t port, bool tcp);
bool rtc_addr_is_v4(const struct rtc_addr *a);
bool rtc_addr_equal(const struct rtc_addr *a, const struct rtc_addr *b);

/** Reads "192.0.2.7" or "2001:db8::1" of `n` characters, nothing else: no names, no zones. Port and
 * transport are left alone; all of *ret is on failure. */
bool rtc_addr_read_ip(const char *text, size_t n, struct rtc_addr *ret);
/** The address without port, as candidates and SDP write it. */
void rtc_addr_write_ip(const struct rtc_addr *a, char ret[RTC_ADDR_TEXT_SIZE]);

#endif
