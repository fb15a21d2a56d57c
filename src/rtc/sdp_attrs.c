/*
 * The attributes (a= lines) that we use, a row each. Those before the first m= line go to a section
 * of their own, from which the others take their defaults. Pure.
 */
#include "rtc/sdp_reader.h"

#include <string.h>
#include <strings.h>

/* --- words and numbers --- */

enum err rtc_sdp_u32(
    const struct rtc_sdp_reader *r, const char *text, uint64_t max, uint32_t *ret) {
    uint64_t n = 0;
    if (!rtc_sdp_number(text, max, &n)) {
        return rtc_sdp_wrong(r, "a number is wanted");
    }
    *ret = (uint32_t)n;
    return OK;
}

static enum err read_text(
    const struct rtc_sdp_reader *r, char *value, size_t least, size_t most, const char **ret) {
    const char *word = rtc_sdp_word(&value);
    const size_t n = strlen(word);
    if (n < least || n > most) {
        return rtc_sdp_wrong(r, "too short or too long");
    }
    *ret = word;
    return OK;
}

/* --- what a section is --- */

static enum err read_mid(struct rtc_sdp_reader *r, char *value) {
    return read_text(r, value, 1, RTC_MID_MAX, &r->section->mid);
}

static enum err read_direction(struct rtc_sdp_reader *r, char *value) {
    static const struct {
        const char *name;
        enum rtc_sdp_direction direction;
    } rows[] = {
        { "inactive", RTC_SDP_INACTIVE },
        { "sendonly", RTC_SDP_SENDONLY },
        { "recvonly", RTC_SDP_RECVONLY },
        { "sendrecv", RTC_SDP_SENDRECV },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (strcmp(value, rows[i].name) == 0) {
            r->section->direction = (uint8_t)rows[i].direction;
        }
    }
    return OK;
}

/* One word alone is the track (livekit-protocol 4.4). */
static enum err read_msid(struct rtc_sdp_reader *r, char *value) {
    const char *stream = rtc_sdp_word(&value);
    const char *track = rtc_sdp_word(&value);
    if (*stream != '\0' && r->section->track == NULL) {
        r->section->stream = *track == '\0' ? "-" : stream;
        r->section->track = *track == '\0' ? stream : track;
    }
    return OK;
}

static enum err read_group(struct rtc_sdp_reader *r, char *value) {
    if (strcmp(rtc_sdp_word(&value), "BUNDLE") == 0 && r->bundle == NULL) {
        r->bundle = value;
    }
    return OK;
}

static enum err read_ice_lite(struct rtc_sdp_reader *r, char *value) {
    (void)value;
    r->sdp->ice_lite = true;
    return OK;
}

static enum err read_allow_mixed(struct rtc_sdp_reader *r, char *value) {
    (void)value;
    r->sdp->extmap_allow_mixed = true;
    return OK;
}

/* The attributes that are there or not. */
static enum err read_mux(struct rtc_sdp_reader *r, char *value) {
    (void)value;
    r->section->rtcp_mux = true;
    return OK;
}

static enum err read_rsize(struct rtc_sdp_reader *r, char *value) {
    (void)value;
    r->section->rtcp_rsize = true;
    return OK;
}

static enum err read_bundle_only(struct rtc_sdp_reader *r, char *value) {
    (void)value;
    r->section->bundle_only = true;
    return OK;
}

/* --- the transport --- */

static enum err read_ufrag(struct rtc_sdp_reader *r, char *value) {
    return read_text(r, value, 4, RTC_ICE_UFRAG_MAX, &r->section->transport.ufrag);
}

static enum err read_pwd(struct rtc_sdp_reader *r, char *value) {
    return read_text(r, value, 22, RTC_ICE_PWD_MAX, &r->section->transport.pwd);
}

static enum err read_setup(struct rtc_sdp_reader *r, char *value) {
    struct rtc_sdp_transport *t = &r->section->transport;
    t->has_role = true;
    if (strcmp(value, "actpass") == 0) {
        t->role = RTC_DTLS_AUTO;
    } else if (strcmp(value, "active") == 0) {
        t->role = RTC_DTLS_CLIENT;
    } else if (strcmp(value, "passive") == 0) {
        t->role = RTC_DTLS_SERVER;
    } else {
        return rtc_sdp_wrong(r, "setup is actpass, active or passive");
    }
    return OK;
}

static int hex_digit(char c) {
    const char *digits = "0123456789abcdef";
    const char *at = c == '\0' ? NULL : strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
    return at == NULL ? -1 : (int)(at - digits);
}

/* "A2:90:…" */
static bool read_hash(const char *text, struct rtc_fingerprint *f) {
    for (size_t i = 0; i < f->len; i++, text += 3) {
        const int high = hex_digit(text[0]);
        const int low = high < 0 ? -1 : hex_digit(text[1]);
        if (low < 0 || text[2] != (i + 1 == f->len ? '\0' : ':')) {
            return false;
        }
        f->bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static enum err read_fingerprint(struct rtc_sdp_reader *r, char *value) {
    struct rtc_sdp_transport *t = &r->section->transport;
    struct rtc_fingerprint f = { .hash = RTC_HASH_SHA256 };
    if (!rtc_hash_find(rtc_sdp_word(&value), &f.hash)) {
        return OK;
    }
    f.len = (uint8_t)rtc_hash_size(f.hash);
    if (!read_hash(rtc_sdp_word(&value), &f)) {
        return rtc_sdp_wrong(r, "a fingerprint of another length, or no hexadecimal digits");
    }
    if (r->section != &r->session && t->fingerprints == r->session.transport.fingerprints) {
        t->fingerprints = NULL;
        t->n_fingerprints = 0;
    }
    if (t->fingerprints == NULL) {
        t->fingerprints = arena_array(r->arena, RTC_FINGERPRINTS_MAX, sizeof(f));
        if (t->fingerprints == NULL) {
            return err_set(ERR_NOMEM, "no memory for a session description");
        }
    }
    if (t->n_fingerprints == RTC_FINGERPRINTS_MAX) {
        return err_set(
            ERR_TOO_LARGE, "session description, line %zu: too many fingerprints", r->line);
    }
    t->fingerprints[t->n_fingerprints++] = f;
    return OK;
}

static enum err read_candidate(struct rtc_sdp_reader *r, char *value) {
    struct rtc_sdp_section *s = r->section;
    enum err e = OK;
    const char **list =
        rtc_sdp_room(r, s->candidates, s->n_candidates, sizeof(*list), RTC_SDP_CANDIDATES_MAX, &e);
    if (list == NULL) {
        return e;
    }
    s->candidates = list;
    list[s->n_candidates] = arena_printf(r->arena, "candidate:%s", value);
    if (list[s->n_candidates] == NULL) {
        return err_set(ERR_NOMEM, "no memory for a session description");
    }
    s->n_candidates++;
    return OK;
}

static enum err read_end_of_candidates(struct rtc_sdp_reader *r, char *value) {
    (void)value;
    r->section->end_of_candidates = true;
    return OK;
}

/* --- data channels --- */

static enum err read_sctp_port(struct rtc_sdp_reader *r, char *value) {
    uint32_t n = 0;
    TRY(rtc_sdp_u32(r, value, UINT16_MAX, &n));
    r->section->sctp_port = r->section->sctpmap ? r->section->sctp_port : (uint16_t)n;
    return OK;
}

/* Of any size: some write what fits 64 bits. */
static enum err read_max_message_size(struct rtc_sdp_reader *r, char *value) {
    uint64_t n = 0;
    if (!rtc_sdp_number(value, UINT64_MAX - 9, &n)) {
        return rtc_sdp_wrong(r, "a number is wanted");
    }
    r->section->max_message_size = n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
    return OK;
}

/* --- the table --- */

enum err rtc_sdp_attribute(struct rtc_sdp_reader *r, char *text) {
    static const struct {
        const char *name;
        enum err (*read)(struct rtc_sdp_reader *r, char *value);
    } rows[] = {
        { "rtpmap", rtc_sdp_read_rtpmap },
        { "rtcp-fb", rtc_sdp_read_feedback },
        { "fmtp", rtc_sdp_read_fmtp },
        { "extmap", rtc_sdp_read_extmap },
        { "candidate", read_candidate },
        { "ssrc", rtc_sdp_read_ssrc },
        { "ssrc-group", rtc_sdp_read_ssrc_group },
        { "mid", read_mid },
        { "msid", read_msid },
        { "rid", rtc_sdp_read_rid },
        { "simulcast", rtc_sdp_read_simulcast },
        { "sendrecv", read_direction },
        { "sendonly", read_direction },
        { "recvonly", read_direction },
        { "inactive", read_direction },
        { "ice-ufrag", read_ufrag },
        { "ice-pwd", read_pwd },
        { "ice-lite", read_ice_lite },
        { "setup", read_setup },
        { "fingerprint", read_fingerprint },
        { "end-of-candidates", read_end_of_candidates },
        { "rtcp-mux", read_mux },
        { "rtcp-rsize", read_rsize },
        { "bundle-only", read_bundle_only },
        { "group", read_group },
        { "extmap-allow-mixed", read_allow_mixed },
        { "sctp-port", read_sctp_port },
        { "max-message-size", read_max_message_size },
    };
    const size_t n = strcspn(text, ":");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (strncmp(text, rows[i].name, n) == 0 && rows[i].name[n] == '\0') {
            return rows[i].read(r, text[n] == ':' ? text + n + 1 : text);
        }
    }
    return OK;
}
