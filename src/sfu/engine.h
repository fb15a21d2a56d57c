/*
 * The SFU as main holds it: workers, their mailboxes, and how ids are dealt. sfu/control is the
 * door for everybody else; the simulator (tests/sim) looks in here to run workers without threads.
 *
 * Thread: main.
 */
#ifndef SFU_ENGINE_H
#define SFU_ENGINE_H

#include "core/mailbox.h"
#include "media/loop.h"
#include "sfu/control.h"
#include "sfu/worker.h"

#define SFU_WORKERS_MAX 64
#define SFU_ID_BITS     56 /* of an id; the worker's number, plus one, is in those above */

struct sfu_seat {
    struct sfu_worker *worker;
    struct media_loop *loop; /* NULL in the simulator */
    uint32_t rooms;          /* that were given to it and not closed: for choosing */
};

struct sfu {
    struct sfu_seat seats[SFU_WORKERS_MAX];
    unsigned n_seats;
    uint64_t last_id;
    struct mailbox inbox; /* the workers' news */
    sfu_told_fn *told;
    void *arg;
    struct rtc_dtls_ctx *dtls;
    struct rtc_dtls_params dtls_params;
    struct rtc_addr announced[MEDIA_ADDRESSES_MAX];
    uint8_t bound[MEDIA_ADDRESSES_MAX]; /* of each: which of a loop's addresses it leads to */
    size_t n_announced;
    bool tcp;
    uv_async_t *wake; /* NULL in the simulator */
};

/** An SFU of so many workers that nobody runs yet: each seat's worker has no `media`. Gives *ret.
 */
MUST_CHECK enum err sfu_engine_create(unsigned workers, sfu_told_fn *told, void *arg,
    mailbox_wake_fn *wake, void *wake_arg, struct sfu **ret);
/** Nobody runs the workers any more, and each has closed its rooms or still has its `media`. Takes
 * NULL. */
void sfu_engine_destroy(struct sfu *s);

/** Tells what the workers have said. */
void sfu_engine_collect(struct sfu *s);

/** The next id, of the worker in that seat. */
sfu_id sfu_engine_id(struct sfu *s, unsigned seat);
/** Whose is it? */
unsigned sfu_engine_seat_of(sfu_id id);

#endif
