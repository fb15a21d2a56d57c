/*
 * The lines of a description: one copy of the text is cut up in place, and all texts point into it.
 * Pure.
 */
#include "rtc/sdp.h"
#include "rtc/sdp_reader.h"

#include <inttypes.h>
#include <string.h>

enum err rtc_sdp_wrong(const struct rtc_sdp_reader *r, const char *what) {
    return err_set(ERR_INVALID, "session description, line %zu: %s", r->line, what);
}

void *rtc_sdp_room(
    struct rtc_sdp_reader *r, void *items, size_t n, size_t size, size_t max, enum err *e) {
    if (n >= max) {
        *e = err_set(
            ERR_TOO_LARGE, "session description, line %zu: more than %zu of a kind", r->line, max);
        return NULL;
    }
    if (n != 0 && (n < 4 || (n & (n - 1)) != 0)) {
        return items;
    }
    void *more = arena_array(r->arena, n == 0 ? 4 : n * 2, size);
    if (more == NULL) {
        *e = err_set(ERR_NOMEM, "no memory for a session description");
    } else if (n > 0) {
        memcpy(more, items, n * size);
    }
    return more;
}

char *rtc_sdp_word(char **text) {
    char *word = *text + strspn(*text, " \t");
    char *end = word + strcspn(word, " \t");
    *text = end;
    if (*end != '\0') {
        *end = '\0';
        *text = end + 1;
    }
    return word;
}

bool rtc_sdp_number(const char *text, uint64_t max, uint64_t *ret) {
    uint64_t n = 0;
    if (*text == '\0') {
        return false;
    }
    for (; *text != '\0'; text++) {
        const uint64_t digit = (uint64_t)(*text - '0');
        if (*text < '0' || *text > '9' || n > (max - digit) / 10) {
            return false;
        }
        n = n * 10 + digit;
    }
    *ret = n;
    return true;
}

/* --- the lines --- */

/* o=<user> <session id> <version> <network> <type> <address>; the numbers are 64 bits wide, and
 * some clients use them all. */
static enum err read_origin(struct rtc_sdp_reader *r, char *value) {
    rtc_sdp_word(&value);
    const char *id = rtc_sdp_word(&value);
    const char *version = rtc_sdp_word(&value);
    if (!rtc_sdp_number(id, UINT64_MAX - 9, &r->sdp->session_id) ||
        !rtc_sdp_number(version, UINT64_MAX - 9, &r->sdp->version)) {
        return rtc_sdp_wrong(r, "o= wants two numbers");
    }
    return OK;
}

static enum err read_bandwidth(struct rtc_sdp_reader *r, const char *value) {
    uint64_t n = 0;
    if (strncmp(value, "AS:", 3) == 0 && rtc_sdp_number(value + 3, UINT32_MAX, &n)) {
        r->section->bandwidth_bps = n * 1000;
    } else if (strncmp(value, "TIAS:", 5) == 0 && rtc_sdp_number(value + 5, UINT32_MAX, &n)) {
        r->section->bandwidth_bps = n;
    }
    return OK;
}

/* The payload types of an m= line; RFC 3551 gives two of them a meaning without an rtpmap line. */
static enum err read_formats(struct rtc_sdp_reader *r, char *list) {
    struct rtc_sdp_section *s = r->section;
    uint64_t pt = 0;
    for (char *word = rtc_sdp_word(&list); *word != '\0'; word = rtc_sdp_word(&list)) {
        enum err e = OK;
        if (!rtc_sdp_number(word, 127, &pt) || r->codec_at[pt] != 0) {
            return rtc_sdp_wrong(r, "a payload type is wrong, or twice there");
        }
        struct rtc_sdp_codec *codecs =
            rtc_sdp_room(r, s->codecs, s->n_codecs, sizeof(*codecs), RTC_SDP_CODECS_MAX, &e);
        if (codecs == NULL) {
            return e;
        }
        s->codecs = codecs;
        codecs[s->n_codecs] = (struct rtc_sdp_codec){ .pt = (uint8_t)pt,
            .clock_rate = pt == 0 || pt == 8 ? 8000 : 0,
            .name = pt == 0   ? "PCMU"
                    : pt == 8 ? "PCMA"
                              : "" };
        r->codec_at[pt] = (uint8_t)++s->n_codecs;
    }
    return OK;
}

static enum rtc_sdp_kind kind_of(const struct rtc_sdp_section *s) {
    const bool rtp = strstr(s->protocol, "RTP/SAVPF") != NULL;
    if (strcmp(s->media, "audio") == 0 && rtp) {
        return RTC_SDP_AUDIO;
    }
    if (strcmp(s->media, "video") == 0 && rtp) {
        return RTC_SDP_VIDEO;
    }
    const bool data = strcmp(s->media, "application") == 0 && strstr(s->protocol, "SCTP") != NULL;
    return data ? RTC_SDP_DATA : RTC_SDP_OTHER;
}

/* What was said for the session holds for each section that says nothing else. The lists that grow
 * must not be shared. */
static enum err take_defaults(struct rtc_sdp_reader *r, struct rtc_sdp_section *s) {
    const struct rtc_sdp_section *from = &r->session;
    *s = (struct rtc_sdp_section){ .direction = from->direction, .transport = from->transport };
    if (from->n_exts > 0) {
        s->exts = arena_array(r->arena, RTC_SDP_EXTS_MAX, sizeof(*s->exts));
        if (s->exts == NULL) {
            return err_set(ERR_NOMEM, "no memory for a session description");
        }
        memcpy(s->exts, from->exts, from->n_exts * sizeof(*s->exts));
        s->n_exts = from->n_exts;
    }
    return OK;
}

/* m=<media> <port> <protocol> <formats> */
static enum err begin_section(struct rtc_sdp_reader *r, char *value) {
    struct rtc_sdp *sdp = r->sdp;
    uint64_t port = 0;
    enum err e = OK;
    TRY(rtc_sdp_order_rids(r));
    struct rtc_sdp_section *sections = rtc_sdp_room(
        r, sdp->sections, sdp->n_sections, sizeof(*sections), RTC_SDP_SECTIONS_MAX, &e);
    if (sections == NULL) {
        return e;
    }
    sdp->sections = sections;
    struct rtc_sdp_section *s = &sections[sdp->n_sections];
    TRY(take_defaults(r, s));
    sdp->n_sections++;
    r->section = s;
    r->simulcast = NULL;
    memset(r->codec_at, 0, sizeof(r->codec_at));
    s->media = rtc_sdp_word(&value);
    char *port_text = rtc_sdp_word(&value);
    port_text[strcspn(port_text, "/")] = '\0';
    s->protocol = rtc_sdp_word(&value);
    s->formats = arena_strdup(r->arena, value + strspn(value, " "));
    if (s->formats == NULL) {
        return err_set(ERR_NOMEM, "no memory for a session description");
    }
    if (*s->media == '\0' || !rtc_sdp_number(port_text, UINT16_MAX, &port) ||
        *s->protocol == '\0' || *s->formats == '\0') {
        return rtc_sdp_wrong(r, "m= wants a medium, a port, a protocol and formats");
    }
    s->port = (uint16_t)port;
    s->kind = kind_of(s);
    if (s->kind == RTC_SDP_DATA && rtc_sdp_number(s->formats, UINT16_MAX, &port)) {
        s->sctpmap = true;
        s->sctp_port = (uint16_t)port;
    }
    return s->kind == RTC_SDP_AUDIO || s->kind == RTC_SDP_VIDEO ? read_formats(r, value) : OK;
}

static enum err read_line(struct rtc_sdp_reader *r, char *line) {
    if (r->line == 1 && strcmp(line, "v=0") != 0) {
        return rtc_sdp_wrong(r, "v=0 comes first");
    }
    if (line[0] == '\0') {
        return OK;
    }
    if (line[1] != '=') {
        return rtc_sdp_wrong(r, "not of the form x=");
    }
    switch (line[0]) {
    case 'o':
        return read_origin(r, line + 2);
    case 'b':
        return read_bandwidth(r, line + 2);
    case 'm':
        return begin_section(r, line + 2);
    case 'a':
        return rtc_sdp_attribute(r, line + 2);
    default:
        return OK;
    }
}

/* --- the whole --- */

/* A section that says that it is in the bundle, but has no transport of its own, has the bundle's:
 * whoever asks for it looks at the whole. */
static enum err mark_bundle(struct rtc_sdp_reader *r) {
    struct rtc_sdp *sdp = r->sdp;
    for (size_t i = 0; i < sdp->n_sections; i++) {
        const char *mid = sdp->sections[i].mid;
        if (mid != NULL && rtc_sdp_find(sdp, mid) != &sdp->sections[i]) {
            return err_set(ERR_INVALID, "session description: two sections have one mid");
        }
    }
    for (size_t n = 0; r->bundle != NULL; n++) {
        const char *mid = rtc_sdp_word(&r->bundle);
        if (*mid == '\0') {
            break;
        }
        struct rtc_sdp_section *s = (struct rtc_sdp_section *)rtc_sdp_find(sdp, mid);
        if (s == NULL || n == RTC_SDP_SECTIONS_MAX) {
            return err_set(ERR_INVALID, "session description: the bundle names no section");
        }
        s->bundled = true;
    }
    return OK;
}

static enum err read_lines(struct rtc_sdp_reader *r, char *text) {
    while (*text != '\0') {
        char *end = text + strcspn(text, "\n");
        char *next = *end == '\0' ? end : end + 1;
        *end = '\0';
        if (end > text && end[-1] == '\r') {
            end[-1] = '\0';
        }
        r->line++;
        for (const char *c = text; *c != '\0'; c++) {
            if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7f) {
                return rtc_sdp_wrong(r, "a control character");
            }
        }
        TRY(read_line(r, text));
        text = next;
    }
    TRY(rtc_sdp_order_rids(r));
    r->sdp->transport = r->session.transport;
    return r->line == 0 ? rtc_sdp_wrong(r, "empty") : mark_bundle(r);
}

enum err rtc_sdp_read(const char *text, size_t len, struct arena *a, const struct rtc_sdp **ret) {
    struct rtc_sdp_reader r = { .arena = a };
    if (len > RTC_SDP_MAX_BYTES) {
        return err_set(ERR_TOO_LARGE, "a session description of %zu bytes", len);
    }
    if (memchr(text, '\0', len) != NULL) {
        return err_set(ERR_INVALID, "a NUL in a session description");
    }
    char *copy = arena_strndup(a, text, len);
    r.sdp = arena_alloc(a, sizeof(*r.sdp));
    if (copy == NULL || r.sdp == NULL) {
        return err_set(ERR_NOMEM, "no memory for a session description");
    }
    r.session.direction = RTC_SDP_SENDRECV;
    r.section = &r.session;
    TRY(read_lines(&r, copy));
    *ret = r.sdp;
    return OK;
}

const struct rtc_sdp_section *rtc_sdp_find(const struct rtc_sdp *sdp, const char *mid) {
    for (size_t i = 0; i < sdp->n_sections; i++) {
        if (sdp->sections[i].mid != NULL && strcmp(sdp->sections[i].mid, mid) == 0) {
            return &sdp->sections[i];
        }
    }
    return NULL;
}

bool rtc_sdp_open(const struct rtc_sdp_section *s) {
    return s->port != 0 || s->bundle_only;
}
