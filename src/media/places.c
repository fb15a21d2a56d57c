/* Which addresses: from the settings, the interfaces and the routes. */
#include "media/places.h"

#include "core/mem.h"
#include "media/path.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define INTERFACES_MAX 64 /* addresses of a machine that are looked at */

/* --- who can reach an address --- */

enum media_reach media_reach_of(const struct rtc_addr *a) {
    /* The first match counts. IPv4 in its mapped form, 96 bits longer. */
    static const struct {
        uint8_t ip[16];
        uint8_t bits;
        enum media_reach reach;
    } rows[] = {
#define V4(a, b, c) { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, 0 }
        { V4(0, 0, 0), 104, MEDIA_REACH_NONE },
        { V4(10, 0, 0), 104, MEDIA_REACH_NETWORK },
        { V4(100, 64, 0), 106, MEDIA_REACH_NETWORK }, /* RFC 6598: a provider's NAT */
        { V4(127, 0, 0), 104, MEDIA_REACH_HOST },
        { V4(169, 254, 0), 112, MEDIA_REACH_LINK },
        { V4(172, 16, 0), 108, MEDIA_REACH_NETWORK },
        { V4(192, 0, 2), 120, MEDIA_REACH_NONE }, /* RFC 5737: documents */
        { V4(192, 168, 0), 112, MEDIA_REACH_NETWORK },
        { V4(198, 51, 100), 120, MEDIA_REACH_NONE },
        { V4(203, 0, 113), 120, MEDIA_REACH_NONE },
        { V4(224, 0, 0), 99, MEDIA_REACH_NONE }, /* multicast, and what is kept for later */
        { V4(0, 0, 0), 96, MEDIA_REACH_ALL },
#undef V4
        { { [15] = 1 }, 128, MEDIA_REACH_HOST },
        { { 0x20, 0x01, 0x0d, 0xb8 }, 32, MEDIA_REACH_NONE }, /* RFC 3849: documents */
        { { 0x20 }, 3, MEDIA_REACH_ALL },
        { { 0xfc }, 7, MEDIA_REACH_NETWORK },
        { { 0xfe, 0x80 }, 10, MEDIA_REACH_LINK },
        { { 0 }, 0, MEDIA_REACH_NONE },
    };
    size_t i = 0;
    for (; i < COUNT_OF(rows); i++) {
        size_t bytes = rows[i].bits / 8;
        unsigned rest = rows[i].bits % 8;
        bool same = memcmp(a->ip, rows[i].ip, bytes) == 0 &&
                    (rest == 0 || (a->ip[bytes] ^ rows[i].ip[bytes]) >> (8 - rest) == 0);
        if (same) {
            break;
        }
    }
    return rows[i].reach; /* the last row takes every address */
}

/* --- choosing --- */

static bool same_family(const struct rtc_addr *a, const struct rtc_addr *b) {
    return rtc_addr_is_v4(a) == rtc_addr_is_v4(b);
}

static bool has(const struct media_machine *m, const struct rtc_addr *a) {
    for (size_t i = 0; i < m->n; i++) {
        if (memcmp(m->addresses[i].ip, a->ip, sizeof(a->ip)) == 0) {
            return true;
        }
    }
    return false;
}

/* May others reach it? Laboratories use addresses that are meant for documents; link-local ones
 * need a zone, which candidates cannot say. */
static bool is_outer(const struct rtc_addr *a) {
    enum media_reach reach = media_reach_of(a);
    return reach != MEDIA_REACH_HOST && reach != MEDIA_REACH_LINK;
}

static void put(
    struct media_places *p, const struct rtc_addr *local, const struct rtc_addr *announced) {
    if (p->n == MEDIA_PLACES_MAX) {
        p->cut = true;
        return;
    }
    rtc_addr_write_ip(local, p->at[p->n].local);
    rtc_addr_write_ip(announced, p->at[p->n++].announced);
}

static void put_all(struct media_places *p, const struct media_machine *m, bool outer) {
    for (int six = 0; six <= 1; six++) {
        for (size_t i = 0; i < m->n; i++) {
            const struct rtc_addr *a = &m->addresses[i];
            bool wanted = outer ? is_outer(a) : media_reach_of(a) == MEDIA_REACH_HOST;
            if (wanted && rtc_addr_is_v4(a) == (six == 0)) {
                put(p, a, a);
            }
        }
    }
}

/* Where on this machine an announced address arrives. Behind NAT that is where packets to it would
 * leave; without a route, the only address of its family. */
static bool find_local(
    const struct media_machine *m, const struct rtc_addr *announced, struct rtc_addr *ret) {
    size_t n = 0;
    if (has(m, announced)) {
        *ret = *announced;
        return true;
    }
    if (m->route(announced, ret) && is_outer(ret)) {
        return true;
    }
    for (size_t i = 0; i < m->n; i++) {
        if (same_family(&m->addresses[i], announced) && is_outer(&m->addresses[i])) {
            *ret = m->addresses[i];
            n++;
        }
    }
    return n == 1;
}

static enum err put_item(struct media_places *p, const struct media_machine *m, const char *item) {
    struct rtc_addr announced = { 0 };
    struct rtc_addr local = { 0 };
    size_t n = strcspn(item, "=");
    if (!rtc_addr_read_ip(item, n, &announced) ||
        (item[n] == '=' && !rtc_addr_read_ip(item + n + 1, strlen(item + n + 1), &local))) {
        return err_set(ERR_INVALID, "rtc.announced_ips: '%s' is no address", item);
    }
    if (item[n] != '=' && !find_local(m, &announced, &local)) {
        return err_set(ERR_INVALID,
            "rtc.announced_ips: this machine does not have %s, and it is not clear which of its "
            "addresses that one leads to; write %s=<the address here>",
            item, item);
    }
    put(p, &local, &announced);
    return OK;
}

enum err media_places_choose_of(
    const struct media_machine *m, const char *const *items, size_t n, struct media_places *ret) {
    struct media_places p = { 0 };
    for (size_t i = 0; i < n; i++) {
        TRY(put_item(&p, m, items[i]));
    }
    if (n == 0) {
        put_all(&p, m, true);
    }
    if (p.n == 0) {
        put_all(&p, m, false);
    }
    if (p.n == 0) {
        return err_set(ERR_IO, "this machine has no address to listen for media on");
    }
    *ret = p;
    return OK;
}

/* --- this machine --- */

/* To connect a UDP socket sends nothing: the kernel only looks for the way. */
static bool route_of(const struct rtc_addr *to, struct rtc_addr *ret) {
    struct rtc_ice_path path = { .peer = *to };
    path.peer.port = 9; /* any: discard, RFC 863 */
    struct sockaddr_storage at;
    socklen_t len = media_path_sockaddr(&path, &at);
    int fd = socket(at.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool found = fd >= 0 && connect(fd, (struct sockaddr *)&at, len) == 0;
    len = sizeof(at);
    found = found && getsockname(fd, (struct sockaddr *)&at, &len) == 0;
    if (found) {
        *ret = media_path_of((struct sockaddr *)&at, false, 0).peer;
    }
    if (fd >= 0) {
        close(fd);
    }
    return found;
}

static bool usable(const struct ifaddrs *i) {
    return i->ifa_addr != NULL && (i->ifa_flags & IFF_UP) != 0 &&
           (i->ifa_addr->sa_family == AF_INET || i->ifa_addr->sa_family == AF_INET6);
}

enum err media_places_choose(const char *const *items, size_t n, struct media_places *ret) {
    struct rtc_addr addresses[INTERFACES_MAX];
    struct media_machine m = { .addresses = addresses, .route = route_of };
    struct ifaddrs *all = NULL;
    if (getifaddrs(&all) != 0) {
        return err_set(ERR_IO, "cannot list this machine's addresses: %s", strerror(errno));
    }
    for (const struct ifaddrs *i = all; i != NULL && m.n < INTERFACES_MAX; i = i->ifa_next) {
        if (usable(i)) {
            addresses[m.n] = media_path_of(i->ifa_addr, false, 0).peer;
            addresses[m.n++].port = 0;
        }
    }
    freeifaddrs(all);
    return media_places_choose_of(&m, items, n, ret);
}
