/* Which stream is which channel, and what is said to open and close it. */
#include "rtc/datachannel.h"

#include "rtc/dcep.h"

#include <assert.h>
#include <string.h>

struct rtc_channels {
    struct rtc_sctp *sctp;
    const struct rtc_channels_hooks *hooks;
    void *arg;
    struct rtc_channel *list; /* oldest first */
    struct rtc_channels_stats stats;
    uint16_t n;
    bool client;
    bool waits; /* a message of the user's was FULL */
};

static struct rtc_channel *of_stream(const struct rtc_channels *cs, uint16_t stream) {
    struct rtc_channel *c = cs->list;
    while (c != NULL && c->stream != stream) {
        c = c->next;
    }
    return c;
}

static struct rtc_channel *add(struct rtc_channels *cs, uint16_t stream) {
    struct rtc_channel *c = mem_zalloc(sizeof(*c));
    struct rtc_channel **end = &cs->list;
    if (c == NULL) {
        return NULL;
    }
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = c;
    cs->n++;
    c->channels = cs;
    c->stream = stream;
    return c;
}

static void drop(struct rtc_channels *cs, struct rtc_channel *c) {
    struct rtc_channel **at = &cs->list;
    while (*at != c) {
        at = &(*at)->next;
    }
    *at = c->next;
    cs->n--;
    mem_free(c);
}

/* --- DCEP --- */

/* Sends what a channel owes: its OPEN, or the ACK of the peer's. */
static enum rtc_sctp_sent say(const struct rtc_channel *c, int64_t now_us) {
    uint8_t out[RTC_DCEP_OPEN_HEAD + RTC_CHANNEL_LABEL_MOST];
    struct rtc_dcep_open open = { .limit = c->limited ? RTC_DCEP_RESENDS : RTC_DCEP_RELIABLE,
        .limit_value = c->limited ? c->resends : 0,
        .unordered = c->unordered,
        .label = c->label,
        .label_len = (uint16_t)strlen(c->label) };
    struct rtc_sctp_message m = { .data = out, .ppid = RTC_PPID_DCEP, .stream = c->stream };
    m.len = c->ours ? rtc_dcep_write_open(&open, out, sizeof(out))
                    : rtc_dcep_write_ack(out, sizeof(out));
    return rtc_sctp_send(c->channels->sctp, &m, now_us);
}

static void settle(struct rtc_channel *c, int64_t now_us) {
    struct rtc_channels *cs = c->channels;
    enum rtc_sctp_sent sent = say(c, now_us);
    c->due = sent == RTC_SCTP_FULL;
    if (sent == RTC_SCTP_REFUSED) { /* the peer has no such stream, and takes no more */
        c->open = false;
        cs->hooks->closed(cs->arg, c);
        drop(cs, c);
    } else if (sent == RTC_SCTP_SENT && c->ours && !c->open) {
        c->open = true;
        cs->hooks->opened(cs->arg, c);
    }
}

/* Hooks may open channels, which come last, and close them, which takes until the peer agrees. */
static void settle_all(struct rtc_channels *cs) {
    struct rtc_channel *next;
    for (struct rtc_channel *c = cs->list; c != NULL; c = next) {
        bool due = c->due && !c->closing;
        next = c->next;
        if (due) {
            settle(c, rtc_sctp_now_us(cs->sctp));
        }
    }
}

static bool may_open(
    const struct rtc_channels *cs, uint16_t stream, const struct rtc_dcep_open *open) {
    bool theirs = (stream % 2 == 0) != cs->client;
    return theirs && of_stream(cs, stream) == NULL && cs->n < RTC_CHANNELS_MOST &&
           open->label_len <= RTC_CHANNEL_LABEL_MOST &&
           memchr(open->label == NULL ? "" : open->label, 0, open->label_len) == NULL;
}

/* How often a message is tried in that time. */
static uint16_t resends_of(const struct rtc_dcep_open *open) {
    uint32_t n = open->limit == RTC_DCEP_LIFETIME ? open->limit_value / RTC_SCTP_RTO_LEAST
                                                  : open->limit_value;
    return n > UINT16_MAX ? UINT16_MAX : (uint16_t)n;
}

static void take_open(struct rtc_channels *cs, uint16_t stream, const struct rtc_dcep_open *open) {
    struct rtc_channel *c = may_open(cs, stream, open) ? add(cs, stream) : NULL;
    if (c == NULL) {
        cs->stats.refused++;
        rtc_sctp_reset(cs->sctp, stream, rtc_sctp_now_us(cs->sctp));
        return;
    }
    if (open->label_len > 0) {
        memcpy(c->label, open->label, open->label_len);
    }
    c->unordered = open->unordered;
    c->limited = open->limit != RTC_DCEP_RELIABLE;
    c->resends = resends_of(open);
    c->open = c->acked = true;
    c->due = say(c, rtc_sctp_now_us(cs->sctp)) == RTC_SCTP_FULL;
    cs->hooks->opened(cs->arg, c);
}

static void take_dcep(struct rtc_channels *cs, const struct rtc_sctp_message *m) {
    struct rtc_dcep_open open;
    struct rtc_channel *c = of_stream(cs, m->stream);
    switch (rtc_dcep_read(m->data, m->len, &open)) {
    case RTC_DCEP_OPEN:
        take_open(cs, m->stream, &open);
        break;
    case RTC_DCEP_ACK:
        if (c != NULL) {
            c->acked = true;
        } else {
            cs->stats.strays++;
        }
        break;
    default:
        cs->stats.refused++;
        if (c == NULL) {
            rtc_sctp_reset(cs->sctp, m->stream, rtc_sctp_now_us(cs->sctp));
        }
        break;
    }
}

/* --- what rtc/sctp tells --- */

static void got_packet(void *arg, const uint8_t *data, size_t len) {
    struct rtc_channels *cs = arg;
    cs->hooks->packet(cs->arg, data, len);
}

static void got_message(void *arg, const struct rtc_sctp_message *m) {
    struct rtc_channels *cs = arg;
    if (m->ppid == RTC_PPID_DCEP) {
        take_dcep(cs, m);
        return;
    }
    struct rtc_channel *c = of_stream(cs, m->stream);
    bool empty = m->ppid == RTC_PPID_TEXT_EMPTY || m->ppid == RTC_PPID_BYTES_EMPTY;
    bool text = m->ppid == RTC_PPID_TEXT || m->ppid == RTC_PPID_TEXT_EMPTY;
    if (c == NULL || c->closing || (!empty && !text && m->ppid != RTC_PPID_BYTES)) {
        cs->stats.strays++;
        return;
    }
    c->acked = true; /* who sends on it knows it */
    cs->hooks->message(cs->arg, c, text, m->data, empty ? 0 : m->len);
}

static void got_state(void *arg, enum rtc_sctp_state state) {
    struct rtc_channels *cs = arg;
    if (state == RTC_SCTP_OPEN) {
        cs->hooks->state(cs->arg, state);
        settle_all(cs);
        return;
    }
    while (cs->list != NULL) {
        cs->list->open = false;
        cs->hooks->closed(cs->arg, cs->list);
        drop(cs, cs->list);
    }
    cs->hooks->state(cs->arg, state);
}

static void got_writable(void *arg) {
    struct rtc_channels *cs = arg;
    settle_all(cs);
    if (cs->waits) {
        cs->waits = false;
        cs->hooks->writable(cs->arg);
    }
}

static void got_reset(void *arg, uint16_t stream) {
    struct rtc_channels *cs = arg;
    struct rtc_channel *c = of_stream(cs, stream);
    if (c == NULL) {
        return;
    }
    if (!c->closing) {
        rtc_sctp_reset(cs->sctp, stream, rtc_sctp_now_us(cs->sctp));
    }
    c->open = false;
    cs->hooks->closed(cs->arg, c);
    drop(cs, c);
}

static const struct rtc_sctp_hooks from_sctp = { got_packet, got_message, got_state, got_writable,
    got_reset };

void rtc_channels_feed(struct rtc_channels *cs, const uint8_t *data, size_t len, int64_t now_us) {
    rtc_sctp_feed(cs->sctp, data, len, now_us);
}

/* --- channels of ours --- */

static bool free_stream(const struct rtc_channels *cs, uint16_t *ret) {
    for (uint16_t stream = cs->client ? 0 : 1; stream < RTC_SCTP_STREAMS_MOST; stream += 2) {
        if (of_stream(cs, stream) == NULL) {
            *ret = stream;
            return true;
        }
    }
    return false;
}

enum err rtc_channel_open(struct rtc_channels *cs, const struct rtc_channel_kind *kind,
    int64_t now_us, struct rtc_channel **ret) {
    uint16_t stream = 0;
    assert(strlen(kind->label) <= RTC_CHANNEL_LABEL_MOST);
    if (rtc_sctp_state(cs->sctp) == RTC_SCTP_CLOSED) {
        return err_set(ERR_GONE, "the association has ended");
    }
    if (cs->n >= RTC_CHANNELS_MOST || !free_stream(cs, &stream)) {
        return err_set(ERR_LIMIT, "more than %d data channels", RTC_CHANNELS_MOST);
    }
    struct rtc_channel *c = add(cs, stream);
    if (c == NULL) {
        return err_set(ERR_NOMEM, "no memory for a data channel");
    }
    memcpy(c->label, kind->label, strlen(kind->label));
    c->unordered = kind->unordered;
    c->limited = kind->limited;
    c->resends = kind->resends;
    c->ours = c->due = true;
    *ret = c;
    if (rtc_sctp_state(cs->sctp) == RTC_SCTP_OPEN) {
        c->due = say(c, now_us) != RTC_SCTP_SENT; /* tried again when there is room */
        c->open = !c->due;
    }
    return OK;
}

void rtc_channel_close(struct rtc_channel *c, int64_t now_us) {
    if (!c->closing) {
        c->open = false;
        c->closing = true;
        rtc_sctp_reset(c->channels->sctp, c->stream, now_us);
    }
}

enum rtc_sctp_sent rtc_channel_send(
    struct rtc_channel *c, bool text, const uint8_t *data, size_t len, int64_t now_us) {
    static const uint8_t nothing = 0;
    struct rtc_channels *cs = c->channels;
    if (!c->open) {
        return RTC_SCTP_REFUSED;
    }
    struct rtc_sctp_message m = { .data = len == 0 ? &nothing : data,
        .len = len == 0 ? 1 : len,
        .ppid = len > 0 ? (text ? RTC_PPID_TEXT : RTC_PPID_BYTES)
                        : (text ? RTC_PPID_TEXT_EMPTY : RTC_PPID_BYTES_EMPTY),
        .stream = c->stream,
        .unordered = c->unordered && c->acked,
        .limited = c->limited,
        .resends = c->resends };
    enum rtc_sctp_sent sent = rtc_sctp_send(cs->sctp, &m, now_us);
    cs->waits = cs->waits || sent == RTC_SCTP_FULL;
    return sent;
}

struct rtc_channel *rtc_channels_find(const struct rtc_channels *cs, const char *label) {
    struct rtc_channel *c = cs->list;
    while (c != NULL && (!c->open || strcmp(c->label, label) != 0)) {
        c = c->next;
    }
    return c;
}

size_t rtc_channels_buffered(const struct rtc_channels *cs) {
    return rtc_sctp_buffered(cs->sctp);
}

void rtc_channels_pause(struct rtc_channels *cs, bool paused) {
    rtc_sctp_pause(cs->sctp, paused);
}

enum rtc_sctp_state rtc_channels_state(const struct rtc_channels *cs) {
    return rtc_sctp_state(cs->sctp);
}

struct rtc_channels_stats rtc_channels_stats(const struct rtc_channels *cs) {
    return cs->stats;
}

/* --- life --- */

enum err rtc_channels_create(struct rtc_sctp_door *door, const struct rtc_channels_config *cfg,
    int64_t now_us, struct rtc_channels **ret) {
    struct rtc_channels *cs = mem_zalloc(sizeof(*cs));
    if (cs == NULL) {
        return err_set(ERR_NOMEM, "no memory for data channels");
    }
    cs->hooks = cfg->hooks;
    cs->arg = cfg->arg;
    cs->client = cfg->role == RTC_DTLS_CLIENT;
    struct rtc_sctp_config sctp = { cfg->streams, &from_sctp, cs };
    enum err e = rtc_sctp_create(door, &sctp, now_us, &cs->sctp);
    if (e != OK) {
        mem_free(cs);
        return e;
    }
    *ret = cs;
    return OK;
}

void rtc_channels_destroy(struct rtc_channels *cs) {
    if (cs == NULL) {
        return;
    }
    rtc_sctp_destroy(cs->sctp);
    while (cs->list != NULL) {
        drop(cs, cs->list);
    }
    mem_free(cs);
}
