/* Whatever a client calls a session description: it is refused, or it is read the same again after
 * having been written, within its memory; and it gets an answer that fits it section by section. */
#include "fuzz.h"

#include "core/buf.h"
#include "rtc/sdp.h"
#include "rtc/sdp_answer.h"
#include "rtc/sdp_params.h"

#include <assert.h>
#include <string.h>

static const struct rtc_ice_params ice = {
    .ufrag = "abcdefgh", .lite = true, .pwd = "0123456789abcdef01234567"
};
static const struct rtc_dtls_params dtls = { .n_fingerprints = 1,
    .fingerprints = { { .hash = RTC_HASH_SHA256, .len = 32 } } };
static const char *const candidates[] = { "candidate:1 1 udp 2130706431 192.0.2.1 7882 typ host" };
static const struct rtc_sdp_local local = { .ice = &ice,
    .dtls = &dtls,
    .candidates = candidates,
    .n_candidates = 1,
    .session_id = 1,
    .version = 2 };
static const struct rtc_sdp_sent sent = {
    .stream = "PA_a|TR_b", .track = "TR_b", .ssrc = 7, .rtx_ssrc = 8
};

static const struct rtc_sdp *reread(const struct rtc_sdp *sdp, struct buf *text, struct arena *a) {
    const struct rtc_sdp *again = NULL;
    buf_init(text, 0);
    rtc_sdp_write(sdp, text);
    assert(!text->bad);
    enum err e = rtc_sdp_read(buf_str(text), text->len, a, &again);
    assert(e == OK || (e == ERR_TOO_LARGE && text->len > RTC_SDP_MAX_BYTES));
    return again;
}

static void check_fixpoint(const struct rtc_sdp *sdp, struct arena *a) {
    struct buf first;
    struct buf second;
    const struct rtc_sdp *again = reread(sdp, &first, a);
    if (again != NULL) {
        assert(again->n_sections == sdp->n_sections);
        (void)reread(again, &second, a);
        assert(strcmp(buf_str(&first), buf_str(&second)) == 0);
        buf_finish(&second);
    }
    buf_finish(&first);
}

static void check_section(const struct rtc_sdp_section *offered, const struct rtc_sdp_section *s) {
    struct rtc_rtp_params params;
    assert((offered->mid == NULL) == (s->mid == NULL));
    assert(s->mid == NULL || strcmp(s->mid, offered->mid) == 0);
    assert(s->kind == offered->kind);
    if (!rtc_sdp_open(s) || s->kind == RTC_SDP_DATA) {
        return;
    }
    assert(rtc_sdp_open(offered) && s->rtcp_mux && s->n_codecs > 0);
    assert(s->n_codecs <= offered->n_codecs && s->n_exts <= offered->n_exts);
    assert((s->direction & RTC_SDP_SENDONLY) == 0 || (offered->direction & RTC_SDP_RECVONLY) != 0);
    assert((s->direction & RTC_SDP_RECVONLY) == 0 || (offered->direction & RTC_SDP_SENDONLY) != 0);
    rtc_sdp_rtp_params(s, offered, &params);
    assert(params.n_codecs > 0 && params.n_codecs <= RTC_CODECS_MAX);
    assert(params.n_encodings <= RTC_ENCODINGS_MAX);
}

static void check_answer(const struct rtc_sdp *offer, enum rtc_sdp_mode mode, struct arena *a) {
    struct rtc_sdp_choice *choices = arena_array(a, offer->n_sections + 1, sizeof(*choices));
    const struct rtc_sdp *answer = NULL;
    struct buf text;
    assert(choices != NULL);
    for (size_t i = 0; i < offer->n_sections; i++) {
        choices[i] = (struct rtc_sdp_choice){ .take = true,
            .send = i % 2 == 0 ? &sent : NULL,
            .has_wanted = i % 3 == 0,
            .wanted = i % 2 == 0 ? RTC_RED : RTC_VP9,
            .only_wanted = i % 5 == 0,
            .opus = RTC_OPUS_DTX };
    }
    enum err e = rtc_sdp_answer(offer, mode, &local, choices, a, &answer);
    assert(e == OK || e == ERR_INVALID);
    if (e != OK) {
        return;
    }
    assert(answer->n_sections == offer->n_sections);
    for (size_t i = 0; i < offer->n_sections; i++) {
        check_section(&offer->sections[i], &answer->sections[i]);
    }
    (void)reread(answer, &text, a);
    buf_finish(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct arena a;
    const struct rtc_sdp *sdp = NULL;
    struct rtc_ice_params peer_ice;
    struct rtc_dtls_params peer_dtls;
    arena_init(&a);
    enum err e = rtc_sdp_read((const char *)data, len, &a, &sdp);
    assert(a.used <= RTC_SDP_MEMORY_MAX);
    assert(e == OK || e == ERR_INVALID || e == ERR_TOO_LARGE);
    if (e == OK) {
        check_fixpoint(sdp, &a);
        check_answer(sdp, RTC_SDP_PUBLISHER, &a);
        check_answer(sdp, RTC_SDP_SINGLE, &a);
        e = rtc_sdp_transport_params(sdp, &peer_ice, &peer_dtls);
        assert(e != OK || (strlen(peer_ice.pwd) >= 22 && peer_dtls.n_fingerprints > 0));
    }
    arena_finish(&a);
    return 0;
}
