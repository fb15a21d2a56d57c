/*
 * Packets of data tracks: frames of a publisher's, cut into packets, over the unreliable channel
 * "_data_track". Each says by a handle which track it is of; a server gives it the receiver's
 * handle instead and leaves the rest as it is, also what is encrypted end to end.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-----+-+-+-+-------------------+-------------------------------+
 *     |  V  |S|F|X|     reserved      |            handle             |
 *     +-----+-+-+-+-------------------+-------------------------------+
 *     |           sequence            |             frame             |
 *     +-------------------------------+-------------------------------+
 *     |                           timestamp                           |
 *     +-------------------------------+-------------------------------+
 *     |  words (X), less one          |  extensions (X) …             |
 *     +-------------------------------+-------------------------------+
 *
 * S and F: the first and the last packet of its frame. With X, `words` counts 32 bits each, itself
 * included, up to the payload; an extension is an id, a length in bytes and so many bytes, and an
 * id of 0 begins the padding.
 *
 * Thread: any; pure.  See: livekit-protocol.md, 3.11.
 */
#ifndef RTC_DATATRACK_H
#define RTC_DATATRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTC_DATATRACK_HEAD 12 /* bytes, without extensions */

struct rtc_datatrack {
    uint8_t version; /* of the format; what others mean by a new one is for receivers to know */
    bool starts, ends;
    uint16_t handle; /* 0 is no track's */
    uint16_t sequence, frame;
    uint32_t timestamp;
    unsigned n_extensions;
    size_t payload_off; /* to the packet's end, of which nothing may be left */
};

/** False: no packet of a data track, or its extensions are not where they should be; `ret` is
 * untouched then. */
bool rtc_datatrack_read(const uint8_t *bytes, size_t len, struct rtc_datatrack *ret);
/** Of a packet that was read. */
void rtc_datatrack_set_handle(uint8_t *bytes, uint16_t handle);

#endif
