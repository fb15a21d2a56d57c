/*
 * What the SFU must know of a packet's frame, whatever the codec: does one begin or end here, can a
 * decoder begin with it, which layer is it. One row a codec; the codecs' own rooms say more.
 *
 * Only payload descriptors and the bytes that end-to-end encryption leaves in clear are read.
 * Thread: any; pure.
 */
#ifndef RTC_CODEC_FRAME_H
#define RTC_CODEC_FRAME_H

#include "core/cur.h"
#include "rtc/params.h"

#include <stdbool.h>
#include <stdint.h>

struct rtc_frame {
    uint8_t spatial, temporal;
    bool start;      /* a frame begins here, as far as the codec says so */
    bool key_frame;  /* and it is the start of a key frame */
    bool end;        /* a frame of this layer ends here, as far as the codec says so */
    bool layer_sync; /* from here on this temporal layer can be taken up */
    bool rises;      /* behind here all temporal layers above this one can */
    bool layered;    /* for its reader to say: the stream has its layers within (sfu/svc) */
};

/** Reads the head of a payload. False when it breaks its codec's format; codecs without a format of
 * their own (RED, PCMU) never do. `key_frame` is true for every packet of audio. */
bool rtc_frame_read(enum rtc_codec_type codec, struct cur payload, struct rtc_frame *ret);

#endif
