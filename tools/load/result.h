/* What a run has found, as one line of JSON. */
#ifndef TOOLS_LOAD_RESULT_H
#define TOOLS_LOAD_RESULT_H

#include "core/buf.h"
#include "figures.h"
#include "net.h"
#include "options.h"

/* Clocks and counters at one moment. */
struct load_mark {
    int64_t at_us;
    int64_t server_ns, own_ns; /* -1 = not known */
    uint64_t expected;         /* packets sent, times who listens */
    uint64_t received;
    uint64_t missing, faults; /* of streams that are heard */
    struct load_net_stats net;
};

struct load_result {
    struct load_mark from, to;                   /* of the measured time */
    struct load_mark last;                       /* when nothing is on its way any more */
    uint64_t streams;                            /* tracks, times who listens */
    uint64_t recovered, duplicates, reports;     /* of the whole run, as all that follows */
    uint64_t wrong, back, picture_back, not_key; /* the faults, but for strangers */
    uint64_t resent, keys_asked;                 /* by the clients, for the server */
    uint64_t opened, forged, strangers, rtcp;
    struct load_samples join; /* from the first packet to the server to the first with media */
    struct load_samples late; /* borrowed */
    int64_t
        stall_us; /* the longest turn while measuring: how long the load itself was kept waiting */
    int64_t kib_before, kib_joined, kib_end;
};

/** `clean` says whether the run counts: since measuring began nothing is missing, nothing wrong,
 * nothing lost by ourselves. What a busy machine lost while everybody joined is told as
 * `missing_before`. */
void load_result_write(struct load_result *r, const struct load_options *o, struct buf *out);

#endif
