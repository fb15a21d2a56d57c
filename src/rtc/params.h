/*
 * What two ends of a transport agree on, as plain values that know no SDP and no signalling: how to
 * reach each other (ICE), whom to trust (DTLS), and what each stream is (codecs, SSRCs or RIDs,
 * header extensions). `rtc/sdp` makes these from the text that browsers exchange; clients that
 * speak the ORTC form (mediasoup-client) give them as they are. The SFU sees nothing else.
 *
 * No pointers: a struct can be copied into a message between threads.  Thread: any; pure.
 *
 * See: RFC 8829 (JSEP), RFC 8843 (BUNDLE); decisions.md 16 and 17; livekit-protocol 4.6 and 4.7.
 */
#ifndef RTC_PARAMS_H
#define RTC_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTC_ICE_UFRAG_MAX    256 /* characters; RFC 8839, 5.4: 4 to 256 */
#define RTC_ICE_PWD_MAX      256 /* characters; the same clause: 22 to 256 */
#define RTC_MID_MAX          32 /* characters; browsers use up to 3, the header extension takes 16 */
#define RTC_RID_MAX          16 /* characters, what a one-byte header extension takes (RFC 8285, 4.2) */
#define RTC_CNAME_MAX        96 /* characters; ours are two ids of 15 and a bar */
#define RTC_CODECS_MAX       24 /* of one stream, RTX not counted; Chromium's videos have 16 */
#define RTC_ENCODINGS_MAX    3  /* layers of one track: q, h, f */
#define RTC_FINGERPRINTS_MAX 4

/* --- the transport --- */

struct rtc_ice_params {
    char ufrag[RTC_ICE_UFRAG_MAX + 1];
    char pwd[RTC_ICE_PWD_MAX + 1];
    bool lite;
};

enum rtc_hash { RTC_HASH_SHA256, RTC_HASH_SHA384, RTC_HASH_SHA512, RTC_HASH_COUNT };
#define RTC_HASH_MAX_BYTES 64
struct rtc_fingerprint {
    enum rtc_hash hash;
    uint8_t len; /* 32, 48 or 64: what the hash gives */
    uint8_t bytes[RTC_HASH_MAX_BYTES];
};

/* Who begins the handshake (RFC 8842, 5.3), as said by whom the parameters are about. */
enum rtc_dtls_role {
    RTC_DTLS_AUTO,   /* actpass: the other side decides */
    RTC_DTLS_CLIENT, /* active */
    RTC_DTLS_SERVER, /* passive: what we are where we answer (decision 16) */
};
struct rtc_dtls_params {
    enum rtc_dtls_role role;
    uint8_t n_fingerprints; /* one of them must be that of the certificate */
    struct rtc_fingerprint fingerprints[RTC_FINGERPRINTS_MAX];
};

/** "sha-256" …, as SDP and mediasoup-client name it. */
const char *rtc_hash_name(enum rtc_hash hash);
/** Of any case; false for others (MD5 and SHA-1 prove nothing any more). */
bool rtc_hash_find(const char *name, enum rtc_hash *ret);
/** Bytes that the hash gives. */
size_t rtc_hash_size(enum rtc_hash hash);

/* --- a stream --- */

enum rtc_media { RTC_AUDIO, RTC_VIDEO };

enum rtc_codec_type {
    RTC_OPUS,
    RTC_RED, /* RFC 2198 around Opus */
    RTC_PCMU,
    RTC_PCMA,
    RTC_VP8,
    RTC_H264,
    RTC_VP9,
    RTC_AV1,
    RTC_CODEC_COUNT
};

/* What may be sent back about a stream (RFC 4585, 5104; transport-cc and goog-remb are drafts). */
enum {
    RTC_FB_NACK = 1 << 0,
    RTC_FB_PLI = 1 << 1,
    RTC_FB_FIR = 1 << 2,
    RTC_FB_REMB = 1 << 3,
    RTC_FB_TRANSPORT_CC = 1 << 4,
};

/* What the receiver of Opus asks for (RFC 7587, 6.1). */
enum {
    RTC_OPUS_FEC = 1 << 0,    /* useinbandfec */
    RTC_OPUS_DTX = 1 << 1,    /* usedtx */
    RTC_OPUS_STEREO = 1 << 2, /* stereo */
};

#define RTC_NO_PT 0xff

struct rtc_codec {
    uint8_t type;     /* enum rtc_codec_type */
    uint8_t pt;       /* 0..127 */
    uint8_t rtx_pt;   /* of its retransmissions (RFC 4588), RTC_NO_PT = none */
    uint8_t feedback; /* RTC_FB_* */
    uint8_t channels; /* audio: 1 or 2 */
    uint8_t profile;  /* VP9: profile-id, AV1: profile, H264: packetization-mode, RED: the payload
                         type that its Opus has inside */
    uint8_t opus;     /* RTC_OPUS_* */
    uint32_t clock_rate;
    uint32_t h264_level; /* profile-level-id, 0x42e01f; 0 for other codecs */
};

/* The header extensions that we know (RFC 8285; livekit-protocol 4.7 says which are for whom). */
enum rtc_ext {
    RTC_EXT_MID,
    RTC_EXT_RID,
    RTC_EXT_REPAIRED_RID,
    RTC_EXT_AUDIO_LEVEL,   /* RFC 6464 */
    RTC_EXT_ABS_SEND_TIME, /* for REMB */
    RTC_EXT_TRANSPORT_CC,
    RTC_EXT_DEPENDENCY, /* AV1's dependency descriptor; Chromium sends it with VP8 and VP9 too */
    RTC_EXT_CAPTURE_TIME,
    RTC_EXT_PLAYOUT_DELAY,
    RTC_EXT_COUNT
};
#define RTC_EXT_BIT(ext) (1u << (ext))

/* One layer of a track: found by its SSRCs, or by its RID where these are 0. */
struct rtc_encoding {
    uint32_t ssrc;
    uint32_t rtx_ssrc; /* 0 = none, or not known yet */
    char rid[RTC_RID_MAX + 1];
};

struct rtc_rtp_params {
    enum rtc_media media;
    char mid[RTC_MID_MAX + 1];
    char cname[RTC_CNAME_MAX + 1];
    uint8_t n_codecs;
    uint8_t n_encodings;        /* lowest layer first; 0 = nothing is sent, or nobody said what */
    bool reduced_rtcp;          /* RFC 5506 */
    uint8_t ext[RTC_EXT_COUNT]; /* the id of each, 0 = not agreed upon; above 14: two-byte form */
    struct rtc_codec codecs[RTC_CODECS_MAX]; /* the wanted one first */
    struct rtc_encoding encodings[RTC_ENCODINGS_MAX];
};

/** "VP8", "opus" …: as in an rtpmap line. */
const char *rtc_codec_name(enum rtc_codec_type type);
/** "video/VP8", "audio/opus" …: as signalling and mediasoup-client name it. */
const char *rtc_codec_mime(enum rtc_codec_type type);
/** Finds it by either name ("vp8", "video/VP8"), of any case. */
bool rtc_codec_find(const char *name, enum rtc_codec_type *ret);
enum rtc_media rtc_codec_media(enum rtc_codec_type type);

/** Do both mean the same bitstream and packets? Payload types and feedback may differ. */
bool rtc_codec_same(const struct rtc_codec *a, const struct rtc_codec *b);
/**
 * Which of a receiver's codecs can take a stream of `sent`: the same one, else for H264 one of the
 * same packetization with at least its profile. NULL = none: that receiver cannot have it.
 */
const struct rtc_codec *rtc_codec_pick(
    const struct rtc_rtp_params *receiver, const struct rtc_codec *sent);
/** The codec of this payload type, or of this RTX payload type; NULL = none. */
const struct rtc_codec *rtc_codec_of_pt(const struct rtc_rtp_params *p, uint8_t pt);

/** The URI by which an extension is negotiated. */
const char *rtc_ext_uri(enum rtc_ext ext);
/** False for what we do not know. */
bool rtc_ext_find(const char *uri, enum rtc_ext *ret);

#endif
