/*
 * How much a worker has to do: told every second or so by the worker, read by main when somebody
 * asks. Numbers only, each whole in itself: nobody waits for the other.
 *
 * Thread: sfu_load_tell is the worker's, sfu_load_read main's.
 */
#ifndef SFU_LOAD_H
#define SFU_LOAD_H

#include <stdatomic.h>
#include <stdint.h>

struct sfu_load;
struct sfu_worker;

#define SFU_LOAD_OLD_US 5000000 /* who has said nothing for so long has nothing to do */

/** Zero it to begin. */
struct sfu_load_told {
    atomic_int_fast64_t at_us, busy_percent, transports, packets, packets_bytes;
    int64_t from_us;  /* the worker's own: when it told last, … */
    uint64_t busy_us; /* … and how long it had been busy by then */
};

void sfu_load_tell(struct sfu_worker *w, int64_t now_us);
/** All but `rooms`. */
void sfu_load_read(const struct sfu_load_told *told, int64_t now_us, struct sfu_load *ret);

#endif
