/*
 * A worker's thread: its sockets, its clock, and a libuv loop that turns media/worker.
 *
 * Packets are read by the batch and each batch is a turn. What a turn wants to send leaves at its
 * end; a busy worker (more than MEDIA_BUSY_PERCENT of the time in turns) may hold it back for up to
 * `gather_us`, so that more packets to one peer leave as one run.
 *
 * Thread: create, start, stop and destroy on main; everything else happens on the loop's own.
 */
#ifndef MEDIA_LOOP_H
#define MEDIA_LOOP_H

#include "core/err.h"
#include "media/worker.h"

#define MEDIA_ADDRESSES_MAX 8  /* addresses a worker listens on */
#define MEDIA_BUSY_PERCENT  50 /* of the time, over the last MEDIA_BUSY_US */
#define MEDIA_BUSY_US       20000
#define MEDIA_GATHER_MAX_US 5000

struct media_loop_config {
    const char *const *addresses; /* numeric; borrowed for the call */
    size_t n_addresses;           /* 1 to MEDIA_ADDRESSES_MAX */
    uint16_t udp_port, tcp_port;  /* 0 = the system's choice, for each address */
    bool no_tcp;
    int64_t gather_us;                 /* 0 = never hold back */
    struct media_worker_config worker; /* `send`, `send_arg` and `now_us` are the loop's */
};

struct media_loop;

/** Binds every socket and makes the worker. Errors: ERR_IO, ERR_INVALID (the sentence names address
 * and port), ERR_NOMEM; then the worker's `seal` is still the caller's. */
MUST_CHECK enum err media_loop_create(const struct media_loop_config *cfg, struct media_loop **ret);
/** Starts the thread. ERR_IO. */
MUST_CHECK enum err media_loop_start(struct media_loop *l);
/** Asks the thread to end after a last turn and waits for it; takes one that never started. After
 * that the worker and what lives on it are the caller's thread's. */
void media_loop_stop(struct media_loop *l);
/** The worker has no transports any more. Takes NULL. */
void media_loop_destroy(struct media_loop *l);

/** Makes it turn: there are messages. Thread: any. */
void media_loop_wake(struct media_loop *l);

/** The ports that address i got. */
uint16_t media_loop_udp_port(const struct media_loop *l, size_t i);
uint16_t media_loop_tcp_port(const struct media_loop *l, size_t i);

/** Before the start, after the stop, and in the thread's own hooks. */
struct media_worker *media_loop_worker(struct media_loop *l);

#endif
