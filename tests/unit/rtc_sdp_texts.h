/* Descriptions for the tests of rtc/sdp_*: what Chromium and Firefox write, with fewer codecs. */
#ifndef TESTS_UNIT_RTC_SDP_TEXTS_H
#define TESTS_UNIT_RTC_SDP_TEXTS_H

#include "core/buf.h"
#include "rtc/sdp.h"
#include "rtc/sdp_answer.h"

#include "tests/unit/test.h"

#include <string.h>

#define FP256                                                                                      \
    "A2:90:56:70:84:ED:E3:AB:91:49:AF:95:3C:27:D2:A1:F5:EE:7F:E7:4E:71:E4:4A:23:E0:43:71:B2:89:84" \
    ":F5"
#define TRANSPORT                                                                                  \
    "a=setup:actpass\r\na=ice-ufrag:Qgtc\r\na=ice-pwd:yCg6CYp65jRnwwsq+alYSpzg\r\n"                \
    "a=fingerprint:sha-256 " FP256 "\r\na=ice-options:trickle\r\na=rtcp-mux\r\na=rtcp-rsize\r\n"
#define BEGIN(mids)                                                                                \
    "v=0\r\no=- 3576239677582458989 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"                        \
    "a=extmap-allow-mixed\r\na=msid-semantic:  WMS\r\na=group:BUNDLE " mids "\r\n"
#define AUDIO(mid, direction)                                                                      \
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110\r\nc=IN IP4 0.0.0.0\r\n"                      \
    "a=rtpmap:111 opus/48000/2\r\na=rtpmap:63 red/48000/2\r\na=rtpmap:9 G722/8000\r\n"             \
    "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:13 CN/8000\r\n"                      \
    "a=rtpmap:110 telephone-event/48000\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n"              \
    "a=fmtp:63 111/111\r\na=rtcp-fb:111 transport-cc\r\na=rtcp-fb:111 nack\r\n"                    \
    "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"                                   \
    "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n"                    \
    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n" TRANSPORT "a=mid:" mid "\r\na=" direction \
    "\r\n"
#define VIDEO(mid, direction)                                                                      \
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99 100 102 103 116 45 118\r\nc=IN IP4 0.0.0.0\r\n"       \
    "a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=rtpmap:98 VP9/90000\r\n"                  \
    "a=rtpmap:99 rtx/90000\r\na=rtpmap:100 VP9/90000\r\na=rtpmap:102 H264/90000\r\n"               \
    "a=rtpmap:103 rtx/90000\r\na=rtpmap:116 H264/90000\r\na=rtpmap:45 AV1/90000\r\n"               \
    "a=rtpmap:118 red/90000\r\na=fmtp:97 apt=96\r\na=fmtp:98 profile-id=0\r\n"                     \
    "a=fmtp:99 apt=98\r\na=fmtp:100 profile-id=2\r\n"                                              \
    "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n"        \
    "a=fmtp:103 apt=102\r\n"                                                                       \
    "a=fmtp:116 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d001f\r\n"        \
    "a=fmtp:45 level-idx=5;profile=0;tier=0\r\na=rtcp-fb:96 goog-remb\r\n"                         \
    "a=rtcp-fb:96 transport-cc\r\na=rtcp-fb:96 ccm fir\r\na=rtcp-fb:96 nack\r\n"                   \
    "a=rtcp-fb:96 nack pli\r\na=extmap:14 urn:ietf:params:rtp-hdrext:toffset\r\n"                  \
    "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n"                    \
    "a=extmap:13 urn:3gpp:video-orientation\r\n"                                                   \
    "a=extmap:3 "                                                                                  \
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"                \
    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"                                           \
    "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n"                                \
    "a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n" TRANSPORT             \
    "a=mid:" mid "\r\na=" direction "\r\n"
#define SIMULCAST                                                                                  \
    "a=msid:stream track\r\na=rid:q send\r\na=rid:h send\r\na=rid:f send\r\n"                      \
    "a=simulcast:send q;~h;f\r\n"
#define DATA(mid)                                                                                  \
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n" TRANSPORT           \
    "a=mid:" mid "\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n"

/* What is ours in the tests. */
static const struct rtc_ice_params our_ice = {
    .ufrag = "ourfrag0", .pwd = "ourpassword0123456789ab", .lite = true
};
static const struct rtc_dtls_params our_dtls = { .role = RTC_DTLS_SERVER,
    .n_fingerprints = 1,
    .fingerprints = { { .hash = RTC_HASH_SHA256, .len = 32, .bytes = { 0xab, 0x01 } } } };
static const char *const our_candidates[] = {
    "candidate:1 1 udp 2130706431 192.0.2.1 7882 typ host",
    "candidate:2 1 tcp 1671430143 192.0.2.1 7881 typ host tcptype passive",
};
static const struct rtc_sdp_local ours = { .ice = &our_ice,
    .dtls = &our_dtls,
    .candidates = our_candidates,
    .n_candidates = 2,
    .session_id = 77,
    .version = 3 };

static inline enum err read_text(const char *text, struct arena *a, const struct rtc_sdp **ret) {
    return rtc_sdp_read(text, strlen(text), a, ret);
}

/* The description as text, in the arena. */
static inline const char *text_of(const struct rtc_sdp *sdp, struct arena *a) {
    struct buf out;
    buf_init(&out, 0);
    rtc_sdp_write(sdp, &out);
    const char *text = arena_strdup(a, buf_str(&out));
    buf_finish(&out);
    return text;
}

#endif
