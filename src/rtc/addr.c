/* Addresses in one form for both families. */
#include "rtc/addr.h"

#include <arpa/inet.h>
#include <string.h>

static const uint8_t mapped[12] = { [10] = 0xFF, [11] = 0xFF };

struct rtc_addr rtc_addr_v4(const uint8_t four[4], uint16_t port, bool tcp) {
    struct rtc_addr a = { .port = port, .tcp = tcp };
    memcpy(a.ip, mapped, sizeof(mapped));
    memcpy(a.ip + sizeof(mapped), four, 4);
    return a;
}

struct rtc_addr rtc_addr_v6(const uint8_t sixteen[16], uint16_t port, bool tcp) {
    struct rtc_addr a = { .port = port, .tcp = tcp };
    memcpy(a.ip, sixteen, sizeof(a.ip));
    return a;
}

bool rtc_addr_is_v4(const struct rtc_addr *a) {
    return memcmp(a->ip, mapped, sizeof(mapped)) == 0;
}

bool rtc_addr_equal(const struct rtc_addr *a, const struct rtc_addr *b) {
    return memcmp(a, b, sizeof(*a)) == 0;
}

bool rtc_addr_read_ip(const char *text, size_t n, struct rtc_addr *ret) {
    char copy[RTC_ADDR_TEXT_SIZE];
    if (n == 0 || n >= sizeof(copy) || memchr(text, '\0', n) != NULL) {
        return false;
    }
    memcpy(copy, text, n);
    copy[n] = '\0';
    uint8_t bytes[16];
    if (inet_pton(AF_INET, copy, bytes) == 1) {
        *ret = rtc_addr_v4(bytes, ret->port, ret->tcp != 0);
        return true;
    }
    if (inet_pton(AF_INET6, copy, bytes) == 1) {
        *ret = rtc_addr_v6(bytes, ret->port, ret->tcp != 0);
        return true;
    }
    return false;
}

void rtc_addr_write_ip(const struct rtc_addr *a, char ret[RTC_ADDR_TEXT_SIZE]) {
    bool v4 = rtc_addr_is_v4(a);
    (void)inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? a->ip + sizeof(mapped) : a->ip, ret,
        RTC_ADDR_TEXT_SIZE); /* cannot fail: family and size are right */
}
