/*
 * The attributes that say what is in the packets: codecs, header extensions, SSRCs, layers. Pure.
 */
#include "rtc/sdp_reader.h"

#include <string.h>

/* --- codecs and extensions --- */

/* What is said of payload types that the m= line does not have is passed over (RFC 8866, 8.2.3 asks
 * for that). NULL = such a one. */
static enum err find_codec(
    const struct rtc_sdp_reader *r, const char *word, struct rtc_sdp_codec **ret) {
    uint64_t pt = 0;
    *ret = NULL;
    if (!rtc_sdp_number(word, 127, &pt)) {
        return rtc_sdp_wrong(r, "a payload type is wanted");
    }
    if (r->section != &r->session && r->codec_at[pt] != 0) {
        *ret = &r->section->codecs[r->codec_at[pt] - 1];
    }
    return OK;
}

/* a=rtpmap:<payload type> <name>/<clock rate>[/<channels>] */
enum err rtc_sdp_read_rtpmap(struct rtc_sdp_reader *r, char *value) {
    struct rtc_sdp_codec *c = NULL;
    uint64_t rate = 0;
    uint64_t channels = 0;
    TRY(find_codec(r, rtc_sdp_word(&value), &c));
    if (c == NULL) {
        return OK;
    }
    char *name = rtc_sdp_word(&value);
    char *rate_text = name + strcspn(name, "/");
    if (*rate_text != '\0') {
        *rate_text++ = '\0';
    }
    char *channels_text = rate_text + strcspn(rate_text, "/");
    if (*channels_text != '\0') {
        *channels_text++ = '\0';
    }
    if (*name == '\0' || !rtc_sdp_number(rate_text, UINT32_MAX, &rate) ||
        (*channels_text != '\0' && !rtc_sdp_number(channels_text, UINT8_MAX, &channels))) {
        return rtc_sdp_wrong(r, "rtpmap wants name/rate");
    }
    c->name = name;
    c->clock_rate = (uint32_t)rate;
    c->channels = (uint8_t)channels;
    return OK;
}

enum err rtc_sdp_read_fmtp(struct rtc_sdp_reader *r, char *value) {
    struct rtc_sdp_codec *c = NULL;
    TRY(find_codec(r, rtc_sdp_word(&value), &c));
    if (c != NULL) {
        c->fmtp = value + strspn(value, " ");
    }
    return OK;
}

/* a=rtcp-fb:<payload type or *> <what> [<more>] */
enum err rtc_sdp_read_feedback(struct rtc_sdp_reader *r, char *value) {
    static const struct {
        const char *text;
        uint8_t bit;
    } rows[] = {
        { "nack", RTC_FB_NACK },
        { "nack pli", RTC_FB_PLI },
        { "ccm fir", RTC_FB_FIR },
        { "goog-remb", RTC_FB_REMB },
        { "transport-cc", RTC_FB_TRANSPORT_CC },
    };
    struct rtc_sdp_codec *one = NULL;
    uint8_t bit = 0;
    const char *which = rtc_sdp_word(&value);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        bit |= strcmp(value, rows[i].text) == 0 ? rows[i].bit : 0;
    }
    if (strcmp(which, "*") == 0) {
        for (size_t i = 0; i < r->section->n_codecs; i++) {
            r->section->codecs[i].feedback |= bit;
        }
        return OK;
    }
    TRY(find_codec(r, which, &one));
    if (one != NULL) {
        one->feedback |= bit;
    }
    return OK;
}

/* a=extmap:<id>[/<direction>] <uri> [<attributes>] */
enum err rtc_sdp_read_extmap(struct rtc_sdp_reader *r, char *value) {
    struct rtc_sdp_section *s = r->section;
    uint32_t id = 0;
    enum err e = OK;
    char *id_text = rtc_sdp_word(&value);
    char *direction = id_text + strcspn(id_text, "/");
    if (*direction != '\0') {
        *direction++ = '\0';
    }
    const char *uri = rtc_sdp_word(&value);
    TRY(rtc_sdp_u32(r, id_text, 4096 + 255, &id));
    if (id == 0 || *uri == '\0') {
        return rtc_sdp_wrong(r, "extmap wants an id and a URI");
    }
    if (id > 255) {
        return OK; /* RFC 8285, 5: a number for a later offer, not for packets */
    }
    struct rtc_sdp_ext *exts =
        rtc_sdp_room(r, s->exts, s->n_exts, sizeof(*exts), RTC_SDP_EXTS_MAX, &e);
    if (exts == NULL) {
        return e;
    }
    s->exts = exts;
    exts[s->n_exts++] = (struct rtc_sdp_ext){ .id = (uint8_t)id,
        .uri = uri,
        .direction = strcmp(direction, "sendonly") == 0   ? RTC_SDP_SENDONLY
                     : strcmp(direction, "recvonly") == 0 ? RTC_SDP_RECVONLY
                     : strcmp(direction, "inactive") == 0 ? RTC_SDP_INACTIVE
                                                          : RTC_SDP_SENDRECV };
    return OK;
}

/* --- streams --- */

/* a=ssrc:<ssrc> <attribute>[:<value>] */
enum err rtc_sdp_read_ssrc(struct rtc_sdp_reader *r, char *value) {
    struct rtc_sdp_section *s = r->section;
    uint32_t ssrc = 0;
    enum err e = OK;
    TRY(rtc_sdp_u32(r, rtc_sdp_word(&value), UINT32_MAX, &ssrc));
    size_t at = 0;
    while (at < s->n_sources && s->sources[at].ssrc != ssrc) {
        at++;
    }
    if (at == s->n_sources) {
        struct rtc_sdp_source *list =
            rtc_sdp_room(r, s->sources, s->n_sources, sizeof(*list), RTC_SDP_SOURCES_MAX, &e);
        if (list == NULL) {
            return e;
        }
        s->sources = list;
        list[s->n_sources++] = (struct rtc_sdp_source){ .ssrc = ssrc };
    }
    if (strncmp(value, "cname:", 6) == 0) {
        value += 6;
        s->sources[at].cname = rtc_sdp_word(&value);
    } else if (strncmp(value, "msid:", 5) == 0) {
        value += 5;
        s->sources[at].stream = rtc_sdp_word(&value);
        s->sources[at].track = rtc_sdp_word(&value);
    }
    return OK;
}

/* a=ssrc-group:<semantics> <ssrc> … */
enum err rtc_sdp_read_ssrc_group(struct rtc_sdp_reader *r, char *value) {
    struct rtc_sdp_section *s = r->section;
    enum err e = OK;
    struct rtc_sdp_group g = { .semantics = rtc_sdp_word(&value) };
    for (char *word = rtc_sdp_word(&value); *word != '\0'; word = rtc_sdp_word(&value)) {
        if (g.n == RTC_SDP_GROUP_SIZE) {
            return err_set(
                ERR_TOO_LARGE, "session description, line %zu: a group of many SSRCs", r->line);
        }
        TRY(rtc_sdp_u32(r, word, UINT32_MAX, &g.ssrcs[g.n]));
        g.n++;
    }
    struct rtc_sdp_group *list =
        rtc_sdp_room(r, s->groups, s->n_groups, sizeof(*list), RTC_SDP_GROUPS_MAX, &e);
    if (list == NULL) {
        return e;
    }
    s->groups = list;
    list[s->n_groups++] = g;
    return OK;
}

/* a=rid:<id> send|recv [<restrictions>]; nobody restricts anything today. */
enum err rtc_sdp_read_rid(struct rtc_sdp_reader *r, char *value) {
    struct rtc_sdp_section *s = r->section;
    enum err e = OK;
    const char *id = rtc_sdp_word(&value);
    const char *direction = rtc_sdp_word(&value);
    const bool send = strcmp(direction, "send") == 0;
    if (*id == '\0' || strlen(id) > RTC_RID_MAX || strpbrk(id, "~,;") != NULL ||
        (!send && strcmp(direction, "recv") != 0)) {
        return rtc_sdp_wrong(r, "rid wants a short id and a direction");
    }
    struct rtc_sdp_rid *list =
        rtc_sdp_room(r, s->rids, s->n_rids, sizeof(*list), RTC_SDP_RIDS_MAX, &e);
    if (list == NULL) {
        return e;
    }
    s->rids = list;
    list[s->n_rids++] = (struct rtc_sdp_rid){ .id = id, .send = send };
    return OK;
}

enum err rtc_sdp_read_simulcast(struct rtc_sdp_reader *r, char *value) {
    r->simulcast = r->section == &r->session ? NULL : value;
    return OK;
}

/* --- simulcast (RFC 8853): its line may come before those of its rids --- */

/* Puts a rid behind those that the list has named already. */
static void place_rid(struct rtc_sdp_section *s, const char *id, bool send, bool paused) {
    size_t to = 0;
    while (to < s->n_rids && s->rids[to].simulcast) {
        to++;
    }
    for (size_t i = to; i < s->n_rids; i++) {
        if (s->rids[i].send == send && strcmp(s->rids[i].id, id) == 0) {
            struct rtc_sdp_rid found = s->rids[i];
            memmove(&s->rids[to + 1], &s->rids[to], (i - to) * sizeof(found));
            found.paused = paused;
            found.simulcast = true;
            s->rids[to] = found;
            return;
        }
    }
}

/* "q;h;~f", "1,2;3": of alternatives (,) the first is taken. */
static void place_list(struct rtc_sdp_section *s, char *list, bool send) {
    for (char *next = list; next != NULL;) {
        char *id = next;
        next = strchr(id, ';');
        if (next != NULL) {
            *next++ = '\0';
        }
        id[strcspn(id, ",")] = '\0';
        place_rid(s, *id == '~' ? id + 1 : id, send, *id == '~');
    }
}

enum err rtc_sdp_order_rids(struct rtc_sdp_reader *r) {
    char *value = r->simulcast;
    r->simulcast = NULL;
    for (int i = 0; value != NULL && i < 2; i++) {
        const char *direction = rtc_sdp_word(&value);
        char *list = rtc_sdp_word(&value);
        if (*direction == '\0') {
            break;
        }
        if (strcmp(direction, "send") != 0 && strcmp(direction, "recv") != 0) {
            return rtc_sdp_wrong(r, "above here, simulcast wants send or recv");
        }
        place_list(r->section, list, strcmp(direction, "send") == 0);
    }
    return OK;
}
