/* Our side of a description: transport, candidates, the tracks that we send. Pure. */
#include "rtc/sdp_local.h"

#include "rtc/sdp_params.h"

#include <string.h>

enum err rtc_sdp_no_memory(void) {
    return err_set(ERR_NOMEM, "no memory for a session description");
}

enum err rtc_sdp_begin(
    const struct rtc_sdp_local *local, size_t n, struct arena *a, struct rtc_sdp **ret) {
    struct rtc_sdp *sdp = arena_alloc(a, sizeof(*sdp));
    if (sdp == NULL) {
        return rtc_sdp_no_memory();
    }
    struct rtc_sdp_transport *t = &sdp->transport;
    sdp->session_id = local->session_id;
    sdp->version = local->version;
    sdp->ice_lite = local->ice->lite;
    sdp->extmap_allow_mixed = true;
    sdp->n_sections = n;
    sdp->sections = arena_array(a, n, sizeof(*sdp->sections));
    t->n_fingerprints = local->dtls->n_fingerprints;
    t->fingerprints = arena_array(a, RTC_FINGERPRINTS_MAX, sizeof(*t->fingerprints));
    if (sdp->sections == NULL || t->fingerprints == NULL) {
        return rtc_sdp_no_memory();
    }
    memcpy(
        t->fingerprints, local->dtls->fingerprints, t->n_fingerprints * sizeof(*t->fingerprints));
    *ret = sdp;
    return OK;
}

static enum err give_candidates(
    const struct rtc_sdp_local *local, struct arena *a, struct rtc_sdp_section *s) {
    s->candidates = arena_array(a, local->n_candidates + 1, sizeof(*s->candidates));
    if (s->candidates == NULL) {
        return rtc_sdp_no_memory();
    }
    for (size_t i = 0; i < local->n_candidates; i++) {
        s->candidates[i] = arena_strdup(a, local->candidates[i]);
        if (s->candidates[i] == NULL) {
            return rtc_sdp_no_memory();
        }
    }
    s->n_candidates = local->n_candidates;
    s->end_of_candidates = true;
    return OK;
}

enum err rtc_sdp_give_transport(const struct rtc_sdp_local *local, enum rtc_dtls_role role,
    struct arena *a, struct rtc_sdp *sdp, struct rtc_sdp_section *s) {
    const struct rtc_sdp_section *before = NULL;
    for (size_t i = 0; i < sdp->n_sections && before == NULL; i++) {
        before = sdp->sections[i].transport.ufrag != NULL ? &sdp->sections[i] : NULL;
    }
    if (before != NULL) {
        s->transport = before->transport;
        return OK;
    }
    s->transport = sdp->transport;
    s->transport.has_role = true;
    s->transport.role = role;
    s->transport.ufrag = arena_strdup(a, local->ice->ufrag);
    s->transport.pwd = arena_strdup(a, local->ice->pwd);
    if (s->transport.ufrag == NULL || s->transport.pwd == NULL) {
        return rtc_sdp_no_memory();
    }
    return give_candidates(local, a, s);
}

static bool has_rtx(const struct rtc_sdp_section *s) {
    uint8_t apt = 0;
    for (size_t i = 0; i < s->n_codecs; i++) {
        if (rtc_sdp_codec_rtx(&s->codecs[i], &apt)) {
            return true;
        }
    }
    return false;
}

enum err rtc_sdp_give_track(
    const struct rtc_sdp_sent *sent, struct arena *a, struct rtc_sdp_section *s) {
    const uint32_t ssrcs[2] = { sent->ssrc, sent->rtx_ssrc };
    s->n_sources = sent->rtx_ssrc != 0 && has_rtx(s) ? 2 : 1;
    s->sources = arena_array(a, s->n_sources, sizeof(*s->sources));
    s->groups = arena_array(a, 1, sizeof(*s->groups));
    if (s->sources == NULL || s->groups == NULL) {
        return rtc_sdp_no_memory();
    }
    for (size_t i = 0; i < s->n_sources; i++) {
        s->sources[i] = (struct rtc_sdp_source){
            .ssrc = ssrcs[i], .cname = sent->stream, .stream = sent->stream, .track = sent->track
        };
    }
    if (s->n_sources == 2) {
        s->groups[s->n_groups++] = (struct rtc_sdp_group){
            .semantics = "FID", .n = 2, .ssrcs = { sent->ssrc, sent->rtx_ssrc }
        };
    }
    s->stream = sent->stream;
    s->track = sent->track;
    return OK;
}
