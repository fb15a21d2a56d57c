/*
 * Packets that wait for their peer's pacer: copies of the outbox's jobs, chained by peer, in a
 * store that all peers of a worker share. When it is full nothing waits any more: packets are never
 * lost for pacing's sake.
 *
 * Thread: the worker's; for media/outbox. Nothing allocates.
 */
#ifndef MEDIA_HELD_H
#define MEDIA_HELD_H

#include "media/outbox.h"

#define MEDIA_HELD_MAX 1024 /* packets: of all who are limited just now */

/** 270 KiB, of which the kernel gives what is touched. Zero it to begin. */
struct media_held {
    uint32_t used;        /* jobs that were ever taken */
    uint32_t spare, gone; /* chains: free, and sent but for their packet */
    struct media_job jobs[MEDIA_HELD_MAX];
};

/** Copies the job behind the others of this peer, with a reference of its own to the packet.
 * False when there is no room. */
bool media_held_keep(struct media_held *h, struct media_pace *pace, const struct media_job *job);
/** The peer's oldest; NULL = it has none. */
struct media_job *media_held_first(struct media_held *h, const struct media_pace *pace);
/** The oldest leaves the chain; its packet stays until media_held_sweep. */
void media_held_pop(struct media_held *h, struct media_pace *pace);
/** What was popped is gone. */
void media_held_sweep(struct media_held *h);
/** Drops those of a sender, NULL = all of the peer; gives how many. */
unsigned media_held_drop(
    struct media_held *h, struct media_pace *pace, const struct rtc_srtp_sender *sender);

#endif
