/* What a run is to be like, from the command line. */
#ifndef TOOLS_LOAD_OPTIONS_H
#define TOOLS_LOAD_OPTIONS_H

#include "core/err.h"

#include <stdbool.h>
#include <stdint.h>

struct load_options {
    const char *door, *url, *key, *secret_file, *room;
    unsigned publishers, subscribers, members; /* who only sends, only listens, does both */
    bool audio, video;
    unsigned seconds, settle_ms, drain_ms, wait_s;
    unsigned join_every_ms;
    unsigned audio_payload, video_payload, video_packets, frame_us;
    unsigned sample;
    unsigned profile; /* of SRTP, as IANA numbers them */
    unsigned pid;     /* the server's; 0 = not measured */
    unsigned lose;
    bool gro, burst;
};

#define LOAD_SECRET_VARIABLE "LOAD_SECRET"

/** Texts are borrowed from argv. ERR_INVALID with a sentence; *ret_help when only the help is
 * wanted, which has been printed. */
MUST_CHECK enum err load_options_read(
    int argc, char **argv, struct load_options *ret, bool *ret_help);

#endif
