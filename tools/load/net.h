/*
 * The sockets of all clients, which are one: on this machine every address of 127.64.0.0/10 is
 * ours, so one UDP socket carries them all, each client's connections by addresses of their own.
 * One system call reads what came for a hundred clients, and the server sees a hundred peers.
 *
 * What comes in has the kernel's time of arrival: how late it is read does not count as the
 * server's. The server must be on this machine.  Thread: one owner.
 */
#ifndef TOOLS_LOAD_NET_H
#define TOOLS_LOAD_NET_H

#include "core/err.h"
#include "rtc/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOAD_NET_ENDS_MAX 65536 /* connections */
#define LOAD_NET_BATCH    128   /* datagrams given at once, at most */

struct load_datagram {
    uint8_t *data; /* may be changed; borrowed for the call */
    uint16_t len;
    uint32_t end; /* which connection's */
    int64_t arrived_us;
};
typedef void load_net_fn(void *arg, struct load_datagram *d, size_t n);

struct load_net_stats {
    uint64_t received, receives; /* datagrams, and system calls for them */
    uint64_t sent, sends;
    uint64_t refused; /* datagrams that the kernel did not take */
    uint64_t dropped; /* datagrams that found the socket's buffer full: ours, not the server's */
};

struct load_net;

/** `lose`: one of so many datagrams gets lost, each way; 0 = none. `gro`: take runs that the server
 * sent as one uncut. That saves the cutting, which the kernel does in the sender's time; a network
 * card would not. ERR_IO, ERR_NOMEM. Gives *ret. */
MUST_CHECK enum err load_net_create(
    bool gro, unsigned lose, load_net_fn *take, void *arg, struct load_net **ret);
void load_net_destroy(struct load_net *n);

/** Where connection `end` is reached. */
struct rtc_addr load_net_addr(const struct load_net *n, uint32_t end);
/** Waits for load_net_flush, or for more. */
void load_net_send(
    struct load_net *n, uint32_t end, const struct rtc_addr *to, const uint8_t *data, size_t len);
void load_net_flush(struct load_net *n);
/** Gives everything that has come. */
void load_net_receive(struct load_net *n, int64_t now_us);
struct load_net_stats load_net_stats(const struct load_net *n);

#endif
