/* What a client says of its two peer connections, in SDP. Pure. */
#ifndef TOOLS_LOAD_DESCRIBE_H
#define TOOLS_LOAD_DESCRIBE_H

#include "core/buf.h"
#include "rtc/icelite.h"
#include "rtc/sdp.h"

#define LOAD_TRACKS_MAX 2 /* of one client: a voice and a camera */
#define LOAD_CID_SIZE   40

struct load_local {
    const struct rtc_ice_cred *ice;
    const struct rtc_fingerprint *fingerprint;
    const char *fingerprint_text; /* the same, "AB:CD:…" */
    struct rtc_addr addr;
};

/* A track that is offered. */
struct load_offered {
    bool video;
    char cid[LOAD_CID_SIZE];
    uint32_t ssrc, rtx_ssrc;
};

/** The publisher's offer: with `data` the data channels, then the tracks; mids from 0. */
void load_describe_offer(const struct load_local *local, const struct load_offered *tracks,
    size_t n, bool data, struct buf *out);

/** The answer to what the server would send: all of it. As a lite agent where the server is not,
 * since then it checks the path. ERR_NOMEM. */
MUST_CHECK enum err load_describe_answer(
    const struct load_local *local, const struct rtc_sdp *offer, struct arena *a, struct buf *out);

#endif
