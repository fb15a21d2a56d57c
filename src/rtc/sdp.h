/*
 * SDP as WebRTC writes it (RFC 8866, 8829): text in, plain structs out, and back.
 *
 * Everything lies in the caller's arena, texts too: nothing here is freed on its own. What we have
 * no use for (attributes of other worlds, H.323's leftovers, Chromium's experiments) is passed
 * over; what breaks the grammar of something that we do use is refused, with the line named. The
 * limits keep what one text can make us allocate below RTC_SDP_MEMORY_MAX.
 *
 * What to answer and to offer is decided in rtc/sdp_answer and rtc/sdp_offer; what all that means
 * for the packets is read off by rtc/sdp_params.  Thread: any; pure.
 *
 * See: RFC 8829; 8839 (ICE), 8842 (DTLS), 8841 (SCTP), 8843 (BUNDLE), 8830 (msid), 8851 and 8853
 * (rid, simulcast), 5576 (ssrc), 8285 (extmap), 4585 (rtcp-fb).
 */
#ifndef RTC_SDP_H
#define RTC_SDP_H

#include "core/err.h"
#include "core/mem.h"
#include "rtc/params.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

#define RTC_SDP_MAX_BYTES      (1 * MIB) /* a call with 100 others has 0.6 MiB */
#define RTC_SDP_MEMORY_MAX     (16 * MIB)
#define RTC_SDP_SECTIONS_MAX   1024
#define RTC_SDP_CODECS_MAX     128 /* of a section: payload types have 7 bits */
#define RTC_SDP_EXTS_MAX       64  /* of a section */
#define RTC_SDP_SOURCES_MAX    64  /* of a section: SSRCs */
#define RTC_SDP_GROUPS_MAX     32  /* of a section: groups of SSRCs */
#define RTC_SDP_GROUP_SIZE     4   /* SSRCs of a group */
#define RTC_SDP_RIDS_MAX       16  /* of a section */
#define RTC_SDP_CANDIDATES_MAX 256 /* of a section; rtc-node says dozens */

#define RTC_SDP_SCTP_PORT   5000
#define RTC_SDP_MESSAGE_MAX 65535 /* bytes of a data channel's message; livekit-protocol 4.9 */

enum rtc_sdp_kind { RTC_SDP_AUDIO, RTC_SDP_VIDEO, RTC_SDP_DATA, RTC_SDP_OTHER };

/* Bits, as seen by whoever wrote the description. */
enum rtc_sdp_direction {
    RTC_SDP_INACTIVE = 0,
    RTC_SDP_SENDONLY = 1,
    RTC_SDP_RECVONLY = 2,
    RTC_SDP_SENDRECV = 3,
};

struct rtc_sdp_codec {
    uint8_t pt;
    uint8_t channels; /* 0 = not said */
    uint8_t feedback; /* RTC_FB_* */
    uint32_t clock_rate;
    const char *name; /* "" = no rtpmap line */
    const char *fmtp; /* NULL = none */
};

struct rtc_sdp_ext {
    uint8_t id; /* 1..14, or up to 255 in the two-byte form */
    uint8_t direction;
    const char *uri;
};

struct rtc_sdp_source {
    uint32_t ssrc;
    const char *cname;  /* these three NULL = not said */
    const char *stream; /* of its msid */
    const char *track;
};

struct rtc_sdp_group {
    const char *semantics; /* "FID", "SIM" */
    uint8_t n;
    uint32_t ssrcs[RTC_SDP_GROUP_SIZE];
};

struct rtc_sdp_rid {
    const char *id;
    bool send;
    bool paused;    /* ~ in the list of simulcast streams */
    bool simulcast; /* it is in that list; such come first, in its order */
};

struct rtc_sdp_transport {
    const char *ufrag; /* NULL = not said */
    const char *pwd;
    bool has_role;
    enum rtc_dtls_role role;
    uint8_t n_fingerprints;
    struct rtc_fingerprint *fingerprints;
};

/* Lists are in the order of the text. */
struct rtc_sdp_section {
    enum rtc_sdp_kind kind;
    const char *media;    /* "audio", "video", "application", or what else stood there */
    const char *protocol; /* "UDP/TLS/RTP/SAVPF" */
    const char *formats;  /* the rest of the m= line; written only where there are no codecs */
    const char *mid;      /* NULL = none */
    uint16_t port;        /* 0 = refused, unless bundle_only */
    uint8_t direction;
    bool bundle_only;
    bool bundled; /* in the (first) group of those that share one transport */
    bool rtcp_mux;
    bool rtcp_rsize;
    bool end_of_candidates;
    bool sctpmap;              /* the old form of a data section: its format is the port */
    uint16_t sctp_port;        /* 0 = not said */
    uint32_t max_message_size; /* 0 = not said */
    uint64_t bandwidth_bps;    /* 0 = not said */
    const char *stream;        /* of a=msid; NULL = none */
    const char *track;
    struct rtc_sdp_transport transport; /* the session's where the section says nothing */
    struct rtc_sdp_codec *codecs;       /* in the order of the m= line: the most wanted first */
    struct rtc_sdp_ext *exts;
    struct rtc_sdp_source *sources;
    struct rtc_sdp_group *groups;
    struct rtc_sdp_rid *rids;
    const char **candidates; /* "candidate:…", as in trickled ones */
    size_t n_codecs, n_exts, n_sources, n_groups, n_rids, n_candidates;
};

struct rtc_sdp {
    uint64_t session_id;
    uint64_t version;
    bool ice_lite;
    bool extmap_allow_mixed;
    struct rtc_sdp_transport transport; /* what was said for the whole session */
    size_t n_sections;
    struct rtc_sdp_section *sections;
};

/**
 * Reads one description; `text` need not live on. Gives *ret, which lies in `a`.
 * Errors: ERR_TOO_LARGE over a limit above; ERR_INVALID with the line; ERR_NOMEM.
 */
MUST_CHECK enum err rtc_sdp_read(
    const char *text, size_t len, struct arena *a, const struct rtc_sdp **ret);
/** Appends the text. Whether it fitted, buf_check says. */
void rtc_sdp_write(const struct rtc_sdp *sdp, struct buf *out);

/** The section of this mid, NULL = none. */
const struct rtc_sdp_section *rtc_sdp_find(const struct rtc_sdp *sdp, const char *mid);
/** Is the section in use at all (neither refused nor, without a bundle, closed)? */
bool rtc_sdp_open(const struct rtc_sdp_section *s);

#endif
