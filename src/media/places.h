/*
 * Where media is: the addresses of this machine that workers listen on, and what clients are told
 * instead of them.
 *
 * Nothing announced: every address of the machine's interfaces, IPv4 first; loopback alone only
 * where there is nothing else. Something announced: that alone, whatever else the machine has. Each
 * is listened on where the settings say so (public=private), else where an interface has it, else
 * (NAT 1:1) at the address that packets to it would leave from.
 *
 * Thread: main.  See: decision 5.
 */
#ifndef MEDIA_PLACES_H
#define MEDIA_PLACES_H

#include "core/err.h"
#include "rtc/addr.h"

#include <stdbool.h>
#include <stddef.h>

#define MEDIA_PLACES_MAX 8 /* media/loop.h: addresses a worker listens on */

struct media_place {
    char local[RTC_ADDR_TEXT_SIZE];
    char announced[RTC_ADDR_TEXT_SIZE];
};

struct media_places {
    struct media_place at[MEDIA_PLACES_MAX];
    size_t n;
    bool cut; /* the machine has more addresses than fit */
};

/* What a machine has: its addresses, and which of them packets to `to` would leave from (false:
 * there is no way). */
struct media_machine {
    const struct rtc_addr *addresses;
    size_t n;
    bool (*route)(const struct rtc_addr *to, struct rtc_addr *ret);
};

/** Of this machine. `items` as rtc.announced_ips has them. Errors: ERR_INVALID (an item that is no
 * address, or whose place on this machine is not clear: the sentence says what to write), ERR_IO.
 */
MUST_CHECK enum err media_places_choose(
    const char *const *items, size_t n, struct media_places *ret);
/** The same of a machine that the caller describes. Pure. */
MUST_CHECK enum err media_places_choose_of(
    const struct media_machine *m, const char *const *items, size_t n, struct media_places *ret);

/* Who can reach an address. */
enum media_reach {
    MEDIA_REACH_ALL,     /* the internet */
    MEDIA_REACH_NETWORK, /* networks of its own: RFC 1918, RFC 4193, RFC 6598 */
    MEDIA_REACH_LINK,    /* the same wire */
    MEDIA_REACH_HOST,    /* this machine */
    MEDIA_REACH_NONE,    /* nobody: multicast, unspecified, examples of documents */
};
enum media_reach media_reach_of(const struct rtc_addr *a);

#endif
