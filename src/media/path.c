/* Between the kernel's two families of addresses and one form of ours. */
#include "media/path.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define MAPPED_AT 12 /* where the IPv4 address lies in its mapped form */

struct rtc_ice_path media_path_of(const struct sockaddr *from, bool tcp, uint32_t via) {
    struct rtc_ice_path path = { .via = via };
    if (from->sa_family == AF_INET) {
        struct sockaddr_in v4;
        uint8_t ip[4];
        memcpy(&v4, from, sizeof(v4));
        memcpy(ip, &v4.sin_addr, sizeof(ip));
        path.peer = rtc_addr_v4(ip, ntohs(v4.sin_port), tcp);
    } else {
        struct sockaddr_in6 v6;
        memcpy(&v6, from, sizeof(v6));
        path.peer = rtc_addr_v6(v6.sin6_addr.s6_addr, ntohs(v6.sin6_port), tcp);
    }
    return path;
}

socklen_t media_path_sockaddr(const struct rtc_ice_path *path, struct sockaddr_storage *ret) {
    if (rtc_addr_is_v4(&path->peer)) {
        struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(path->peer.port) };
        memcpy(&v4.sin_addr, path->peer.ip + MAPPED_AT, sizeof(v4.sin_addr));
        memcpy(ret, &v4, sizeof(v4));
        return sizeof(v4);
    }
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(path->peer.port) };
    memcpy(&v6.sin6_addr, path->peer.ip, sizeof(v6.sin6_addr));
    memcpy(ret, &v6, sizeof(v6));
    return sizeof(v6);
}

void media_path_write(const struct rtc_ice_path *path, char ret[MEDIA_PATH_TEXT]) {
    char ip[RTC_ADDR_TEXT_SIZE];
    rtc_addr_write_ip(&path->peer, ip);
    (void)snprintf(ret, MEDIA_PATH_TEXT, rtc_addr_is_v4(&path->peer) ? "%s:%u%s" : "[%s]:%u%s", ip,
        path->peer.port, path->peer.tcp ? "/tcp" : "");
}
