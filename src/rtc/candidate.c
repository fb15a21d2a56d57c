/* Candidates, and the lines that carry them. */
#include "rtc/candidate.h"

#include "core/mem.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const type_names[RTC_CANDIDATE_TYPE_COUNT] = { "host", "srflx", "prflx",
    "relay" };
static const char *const tcptype_names[RTC_TCPTYPE_COUNT] = { "", "active", "passive", "so" };

/* --- priorities and foundations --- */

/* RFC 8445, 5.1.2.2. TCP is a last resort for media: 30 to 40 below UDP of its type, as browsers
 * have it. */
static const uint8_t type_preference[RTC_CANDIDATE_TYPE_COUNT][2] = {
    [RTC_CANDIDATE_HOST] = { 126, 90 },
    [RTC_CANDIDATE_SRFLX] = { 100, 70 },
    [RTC_CANDIDATE_PRFLX] = { 110, 80 },
    [RTC_CANDIDATE_RELAY] = { 2, 0 },
};

uint32_t rtc_candidate_priority(
    enum rtc_candidate_type type, bool tcp, uint16_t local_preference, uint16_t component) {
    assert(component >= 1 && component <= 256);
    return (uint32_t)type_preference[type][tcp] << 24 | (uint32_t)local_preference << 8 |
           (256U - component);
}

/* RFC 6544, 4.2: passive host candidates have direction preference 4 in the upper three bits. */
#define TCP_PASSIVE_PREFERENCE (4U << 13)
#define TCP_OTHER_MAX          0x1FFFU

static uint16_t local_preference(bool tcp, size_t rank) {
    return (uint16_t)(tcp ? TCP_PASSIVE_PREFERENCE + TCP_OTHER_MAX - rank : UINT16_MAX - rank);
}

/* RFC 8445, 5.1.1.3: equal for equal type, address and transport, whatever the port; FNV-1a does
 * for that. */
static void write_foundation(const struct rtc_addr *a, char ret[RTC_FOUNDATION_MAX + 1]) {
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < sizeof(a->ip); i++) {
        hash = (hash ^ a->ip[i]) * 16777619U;
    }
    hash = (hash ^ a->tcp) * 16777619U;
    snprintf(ret, RTC_FOUNDATION_MAX + 1, "%" PRIu32, hash);
}

size_t rtc_candidate_offer(
    const struct rtc_addr *announced, size_t n, struct rtc_candidate *ret, size_t cap) {
    size_t used = 0;
    for (int tcp = 0; tcp <= 1; tcp++) {
        for (size_t i = 0; i < n && used < cap && used < RTC_CANDIDATES_MAX; i++) {
            if (announced[i].tcp != tcp) {
                continue;
            }
            struct rtc_candidate *c = &ret[used];
            *c = (struct rtc_candidate){ .type = RTC_CANDIDATE_HOST,
                .tcptype = tcp ? RTC_TCP_PASSIVE : RTC_TCP_NONE,
                .component = 1,
                .addr = announced[i] };
            c->priority =
                rtc_candidate_priority(c->type, tcp, local_preference(tcp, used), c->component);
            write_foundation(&c->addr, c->foundation);
            used++;
        }
    }
    return used;
}

/* --- the text form --- */

size_t rtc_candidate_write(const struct rtc_candidate *c, char ret[RTC_CANDIDATE_TEXT_SIZE]) {
    char ip[RTC_ADDR_TEXT_SIZE];
    rtc_addr_write_ip(&c->addr, ip);
    int n = snprintf(ret, RTC_CANDIDATE_TEXT_SIZE, "candidate:%s %u %s %" PRIu32 " %s %u typ %s",
        c->foundation, c->component, c->addr.tcp ? "tcp" : "udp", c->priority, ip, c->addr.port,
        type_names[c->type]);
    if (c->related.port != 0) {
        rtc_addr_write_ip(&c->related, ip);
        n += snprintf(ret + n, RTC_CANDIDATE_TEXT_SIZE - (size_t)n, " raddr %s rport %u", ip,
            c->related.port);
    }
    if (c->addr.tcp) {
        n += snprintf(
            ret + n, RTC_CANDIDATE_TEXT_SIZE - (size_t)n, " tcptype %s", tcptype_names[c->tcptype]);
    }
    assert((size_t)n < RTC_CANDIDATE_TEXT_SIZE);
    return (size_t)n;
}

struct word {
    const char *p;
    size_t n;
};

/* The next word of the line; empty at its end. */
static struct word next_word(struct word *line) {
    while (line->n > 0 && *line->p == ' ') {
        line->p++;
        line->n--;
    }
    struct word w = { line->p, 0 };
    while (line->n > 0 && *line->p != ' ') {
        line->p++;
        line->n--;
        w.n++;
    }
    return w;
}

static bool is_word(struct word w, const char *text) {
    return w.n == strlen(text) && strncasecmp(w.p, text, w.n) == 0;
}

static bool read_number(struct word w, uint64_t most, uint64_t *ret) {
    uint64_t v = 0;
    for (size_t i = 0; i < w.n; i++) {
        if (w.p[i] < '0' || w.p[i] > '9' || (v = v * 10 + (uint64_t)(w.p[i] - '0')) > most) {
            return false;
        }
    }
    *ret = v;
    return w.n > 0;
}

static bool read_name(struct word w, const char *const *names, size_t n, size_t *ret) {
    for (size_t i = 0; i < n; i++) {
        if (is_word(w, names[i])) {
            *ret = i;
            return true;
        }
    }
    return false;
}

static bool read_foundation(struct word w, char ret[RTC_FOUNDATION_MAX + 1]) {
    static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (w.n == 0 || w.n > RTC_FOUNDATION_MAX) {
        return false;
    }
    for (size_t i = 0; i < w.n; i++) {
        if (w.p[i] == '\0' || strchr(chars, w.p[i]) == NULL) {
            return false;
        }
        ret[i] = w.p[i];
    }
    ret[w.n] = '\0';
    return true;
}

/* The six fields that every candidate has, up to "typ …". */
static bool read_fixed(struct word *line, struct rtc_candidate *c) {
    uint64_t component = 0;
    uint64_t priority = 0;
    uint64_t port = 0;
    size_t type = 0;
    if (!read_foundation(next_word(line), c->foundation) ||
        !read_number(next_word(line), 256, &component) || component == 0) {
        return false;
    }
    struct word transport = next_word(line);
    c->addr.tcp = is_word(transport, "tcp");
    if ((c->addr.tcp == 0 && !is_word(transport, "udp")) ||
        !read_number(next_word(line), UINT32_MAX, &priority)) {
        return false;
    }
    struct word ip = next_word(line);
    if (!rtc_addr_read_ip(ip.p, ip.n, &c->addr) ||
        !read_number(next_word(line), UINT16_MAX, &port) || !is_word(next_word(line), "typ") ||
        !read_name(next_word(line), type_names, COUNT_OF(type_names), &type)) {
        return false;
    }
    c->component = (uint16_t)component;
    c->priority = (uint32_t)priority;
    c->addr.port = (uint16_t)port;
    c->type = (enum rtc_candidate_type)type;
    return true;
}

/* Pairs of name and value, in any order. */
static bool read_pairs(struct word *line, struct rtc_candidate *c) {
    uint64_t rport = 0;
    bool raddr = false;
    for (struct word name = next_word(line); name.n > 0; name = next_word(line)) {
        struct word value = next_word(line);
        size_t tcptype = 0;
        if (is_word(name, "raddr")) {
            raddr = rtc_addr_read_ip(value.p, value.n, &c->related); /* "0.0.0.0", or a name */
        } else if (is_word(name, "rport")) {
            if (!read_number(value, UINT16_MAX, &rport)) {
                return false;
            }
        } else if (is_word(name, "tcptype")) {
            if (!read_name(value, tcptype_names, COUNT_OF(tcptype_names), &tcptype)) {
                return false;
            }
            c->tcptype = (enum rtc_tcptype)tcptype;
        }
    }
    c->related.port = raddr ? (uint16_t)rport : 0;
    if (c->related.port == 0) {
        memset(&c->related, 0, sizeof(c->related));
    }
    c->related.tcp = c->related.port == 0 ? 0 : c->addr.tcp;
    return (c->addr.tcp != 0) == (c->tcptype != RTC_TCP_NONE); /* RFC 6544, 4.5 */
}

bool rtc_candidate_read(const char *text, size_t n, struct rtc_candidate *ret) {
    static const char prefix[] = "candidate:";
    struct word line = { text, n };
    if (n > RTC_CANDIDATE_TEXT_MAX) {
        return false;
    }
    if (line.n >= 2 && memcmp(line.p, "a=", 2) == 0) {
        line.p += 2;
        line.n -= 2;
    }
    if (line.n < sizeof(prefix) - 1 || strncasecmp(line.p, prefix, sizeof(prefix) - 1) != 0) {
        return false;
    }
    line.p += sizeof(prefix) - 1;
    line.n -= sizeof(prefix) - 1;
    struct rtc_candidate c = { .type = RTC_CANDIDATE_HOST };
    if (!read_fixed(&line, &c) || !read_pairs(&line, &c)) {
        return false;
    }
    *ret = c;
    return true;
}
