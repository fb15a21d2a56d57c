/*
 * Which of a track's packets one listener gets: the spatial layer (a simulcast stream), changed at
 * key frames only, and the temporal layers of it.
 *
 * The target is the lowest layer that fills what the listener shows (with a tolerance), among the
 * layers that the publisher sends now and that there is room for (sfu/share); the current one goes
 * on until the target's key frame.
 *
 * Thread: the room's worker; pure.  See: livekit-protocol.md, 5.2, 5.7, Appendix B.
 */
#ifndef SFU_SELECTOR_H
#define SFU_SELECTOR_H

#include "rtc/codec/frame.h"
#include "sfu/allocator.h"
#include "sfu/control.h"

#define SFU_SIZE_TOLERANCE 90 /* percent of the wanted size that a layer must have */

/* The most that there is room for. */
struct sfu_allowance {
    int8_t tier;
    uint8_t temporal; /* of that tier; of those below, all */
};
extern const struct sfu_allowance sfu_allow_all;

enum sfu_choice {
    SFU_SKIP, /* another layer's: the listener's numbers know nothing of it */
    SFU_DROP, /* left out of the layer that he gets: his numbers close up */
    SFU_SEND,
    SFU_SWITCH, /* send, and with this packet his layer begins anew */
};

struct sfu_selector {
    int8_t current, target; /* layers; -1 = none */
    uint8_t temporal;       /* highest that is sent */
    uint8_t temporal_want;  /* taken up at the next frame that allows it */
};

void sfu_selector_init(struct sfu_selector *s);

/** The layer that the listener wants, of n, the lowest first, as the publisher described them. */
unsigned sfu_selector_wish(
    const struct sfu_wanted *wanted, const struct sfu_layer *layers, unsigned n);
/** The highest temporal layer that so many pictures a second take. */
uint8_t sfu_selector_fps(const struct sfu_wanted *wanted);

/** The layer to be sent, of n that the publisher described; -1: none. As sfu_selector_aim; gives
 * the highest temporal layer of it too. */
int sfu_selector_choose(const struct sfu_wanted *wanted, struct sfu_allowance allowed,
    const struct sfu_layer *layers, unsigned n, unsigned live, uint8_t *ret_temporal);
/** The target is that from now on; true when it has changed and needs a key frame. */
bool sfu_selector_set(struct sfu_selector *s, int target, uint8_t temporal);

/**
 * Chooses anew: the listener wants something else, other layers are sent, there is other room.
 * @layers  n of them, lowest first, as the publisher described them
 * @live    bit i: layer i is being sent now; 0 when nothing is yet: then the wish decides
 * True when the target has changed and needs a key frame.
 */
bool sfu_selector_aim(struct sfu_selector *s, const struct sfu_wanted *wanted,
    struct sfu_allowance allowed, const struct sfu_layer *layers, unsigned n, unsigned live);

/** The next packet of his layer must be a key frame's: he was away. */
void sfu_selector_restart(struct sfu_selector *s);

/** Does the listener wait for a key frame of the target? */
bool sfu_selector_waits(const struct sfu_selector *s);

/** What becomes of a packet of layer `layer`. After SFU_SWITCH the layer is the current one, unless
 * the caller takes it back (sfu_selector_undo). Of layers within a stream sfu/layers says more.
 * `needs_key`: false for audio. */
enum sfu_choice sfu_selector_take(
    struct sfu_selector *s, unsigned layer, const struct rtc_frame *frame, bool needs_key);
/** The switch of the packet just taken cannot be made; the target stays. */
void sfu_selector_undo(struct sfu_selector *s, int8_t before);

#endif
