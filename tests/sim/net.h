/*
 * A network of one server and its clients, in virtual time: delay, jitter, loss, reordering,
 * bottlenecks, and clients whose address changes, all from one seed, so that a failure replays
 * exactly.
 */
#ifndef TESTS_SIM_NET_H
#define TESTS_SIM_NET_H

#include "core/pkt.h"
#include "rtc/icelite.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NET_DATAGRAM 1600
#define NET_NARROWS  4  /* clients with a bottleneck */
#define NET_HEADS    28 /* bytes of IPv4 and UDP, which a bottleneck counts too */

struct net_way {
    int64_t delay_us;
    int64_t jitter_us;    /* up to so much more, for each datagram by itself: they overtake */
    unsigned loss_permil; /* of 1,000 datagrams */
};

/* A bottleneck on one client's way down, with a queue before it: what does not fit is lost. */
struct net_narrow {
    struct rtc_ice_path path;
    uint64_t bps;     /* 0 = none */
    int64_t queue_us; /* what the queue holds */
    int64_t busy_us;  /* until when it is occupied */
    uint64_t lost;
    int64_t longest_us; /* that a datagram has waited */
};

struct net_datagram {
    struct net_datagram *next;
    int64_t at_us; /* when it arrives */
    uint64_t number;
    struct rtc_ice_path path; /* the client's end */
    bool to_server;
    uint16_t len;
    uint8_t bytes[NET_DATAGRAM];
};

struct net {
    struct net_datagram *flying; /* in the order of arrival */
    struct net_datagram *spare;
    uint64_t random, sent, lost;
    struct net_way up, down; /* to and from the server */
    struct net_narrow narrows[NET_NARROWS];
};

void net_init(struct net *n, uint64_t seed);
void net_finish(struct net *n);
/** A number below `n`, from the seed. */
uint64_t net_random(struct net *n, uint64_t below);
void net_send(struct net *n, const struct rtc_ice_path *path, bool to_server, const uint8_t *data,
    size_t len, int64_t now_us);
/** From now on the way to `path` takes so much; 0 = anything. Gives the bottleneck. */
struct net_narrow *net_narrow(
    struct net *n, const struct rtc_ice_path *path, uint64_t bps, int64_t queue_us);
/** The next datagram that has arrived by now; the caller gives it back. NULL when there is none. */
struct net_datagram *net_arrived(struct net *n, int64_t now_us);
void net_give_back(struct net *n, struct net_datagram *d);
/** When the next one arrives; INT64_MAX when nothing flies. */
int64_t net_next_us(const struct net *n);

#endif
