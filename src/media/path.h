/*
 * Paths (rtc/icelite) as the kernel knows them.
 *
 * A path's `via` is, for UDP, the index of our socket in its worker; for TCP, the connection.
 * Thread: any; pure.
 */
#ifndef MEDIA_PATH_H
#define MEDIA_PATH_H

#include "rtc/icelite.h"

#include <sys/socket.h>

/** Of a peer's address as the kernel gives it (IPv4 or IPv6). */
struct rtc_ice_path media_path_of(const struct sockaddr *from, bool tcp, uint32_t via);
/** The peer's address, for the kernel; gives its length. */
socklen_t media_path_sockaddr(const struct rtc_ice_path *path, struct sockaddr_storage *ret);

#define MEDIA_PATH_TEXT 60 /* "[ipv6]:port/tcp" with its NUL */
/** "192.0.2.7:4000", "[2001:db8::1]:4000/tcp". */
void media_path_write(const struct rtc_ice_path *path, char ret[MEDIA_PATH_TEXT]);

#endif
