/*
 * Which layers within one stream a listener gets (sfu/svc says what that means for a packet), and
 * when that changes: between pictures. Spatially upwards at a key frame only, downwards at any
 * picture unless the lower layers were not sent; temporal layers at the places that the stream
 * names.
 *
 * What was sent before the last change stays known, so that a resend is what its original was.
 * Thread: the room's worker; pure.  See: livekit-protocol.md, 5.2.
 */
#ifndef SFU_LAYERS_H
#define SFU_LAYERS_H

#include "sfu/svc.h"

/** 32 bytes. */
struct sfu_layers {
    struct sfu_cut now, want, before;
    int64_t since;        /* `now` holds from this packet on … */
    int64_t before_since; /* … and `before` from this one */
    uint32_t ts;          /* of the newest picture */
    bool any;             /* there was one */
};

void sfu_layers_init(struct sfu_layers *l);
/** The next picture begins a new source, or follows a pause: nothing of before holds. */
void sfu_layers_begin(struct sfu_layers *l, const struct sfu_packet *p);
/** A packet of the stream: does the listener get it? */
bool sfu_layers_take(struct sfu_layers *l, const struct sfu_svc *s, const struct sfu_packet *p);
/** Can what is wanted begin with a key frame only? */
bool sfu_layers_wait(const struct sfu_layers *l, const struct sfu_svc *s);

/** What held for this packet; false where that is not known any more. */
bool sfu_layers_at(const struct sfu_layers *l, int64_t seq, struct sfu_cut *ret);

#endif
