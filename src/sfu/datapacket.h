/*
 * LiveKit's DataPacket, as far as a forwarder must know it: who says it comes from whom is
 * overwritten, and everything else passes bit by bit, so that members which we have never heard of,
 * and encrypted ones, arrive as they were sent. Nothing is decoded, only fields are stepped over.
 *
 *     DataPacket    1 kind, 4 participant_identity, 5 destination_identities, 16 sequence,
 *                   17 participant_sid; the value: 2 user, or 3, 6 to 15, 18 and what may come
 *     UserPacket    1 participant_sid, 3 destination_sids, 5 participant_identity,
 *                   6 destination_identities
 *
 * Thread: any; pure; nothing allocates.  See: livekit-protocol.md, 3.9 and appendix A.3.
 */
#ifndef SFU_DATAPACKET_H
#define SFU_DATAPACKET_H

#include "core/cur.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SFU_DATAPACKET_FIELDS_MOST 4096 /* of a packet, and of a user packet; 10 are usual */

/* Members of the value that are not for everybody (3.9, rule 6). */
#define SFU_DATAPACKET_USER          2
#define SFU_DATAPACKET_SPEAKER       3 /* only a server says who speaks */
#define SFU_DATAPACKET_TRANSCRIPTION 7 /* only agents write down what is said */
#define SFU_DATAPACKET_METRICS       8 /* for the server, never forwarded */

struct sfu_datapacket {
    const uint8_t *data; /* borrowed as long as this is used */
    size_t len;
    uint32_t sequence;  /* 0: none */
    uint16_t n_to;      /* destination_identities of the packet */
    uint16_t n_user_to; /* of its user packets */
    uint16_t n_sids;    /* destination_sids of its user packets */
    bool for_nobody;    /* has SPEAKER or METRICS */
    bool transcription;
};

/** False for what is no protobuf message, or has more fields than the limit. */
bool sfu_datapacket_read(const uint8_t *data, size_t len, struct sfu_datapacket *ret);

/** Is it for whom is called so? True for all when it names nobody. */
bool sfu_datapacket_is_for(const struct sfu_datapacket *p, const char *identity, const char *sid);

/** Does it name the server (SFU_SERVER_PREFIX) as one whom it is for? */
bool sfu_datapacket_is_for_server(const struct sfu_datapacket *p);

struct sfu_datapacket_sender {
    const char *identity; /* "" when hidden */
    const char *sid;
    bool lossy; /* it came on a channel that may lose */
};

/** The packet as it is forwarded. Destinations that only the packet or only its user packet names
 * are named by both. Gives its length, 0 where it does not fit. */
size_t sfu_datapacket_write(const struct sfu_datapacket *p,
    const struct sfu_datapacket_sender *sender, uint8_t *out, size_t cap);

#endif
