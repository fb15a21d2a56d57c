/* One usrsctp socket an association, read and written by its own thread, never waiting. */
#include "rtc/sctp.h"

#include "rtc/sctp_door.h"

#include <usrsctp.h>

#include <assert.h>
#include <errno.h>
#include <string.h>

#define HEAD 12 /* bytes before the chunks of a packet (RFC 9260, 3.1) */

/* Of usrsctp's own netinet/sctp.h, which is not installed: what waits to be acknowledged. The
 * unit tests know when it is no longer true. */
#define SNDBUF_USE 0x00001101
struct sndbuf_use {
    sctp_assoc_t assoc;
    uint32_t send, receive; /* bytes */
};

/* --- what came --- */

static void tell_state(struct rtc_sctp *s, enum rtc_sctp_state state) {
    if (s->state < state) {
        s->state = (uint8_t)state;
        s->hooks->state(s->arg, state);
    }
}

static void take_assoc_change(struct rtc_sctp *s, const struct sctp_assoc_change *c) {
    if (c->sac_state == SCTP_COMM_UP) {
        s->streams = c->sac_outbound_streams;
        tell_state(s, RTC_SCTP_OPEN);
    } else {
        tell_state(s, RTC_SCTP_CLOSED);
    }
}

static void take_reset(struct rtc_sctp *s, uint16_t flags, const uint8_t *data, size_t len) {
    if ((flags & SCTP_STREAM_RESET_INCOMING_SSN) == 0 ||
        (flags & (SCTP_STREAM_RESET_DENIED | SCTP_STREAM_RESET_FAILED)) != 0) {
        return;
    }
    for (size_t at = sizeof(struct sctp_stream_reset_event); at + sizeof(uint16_t) <= len;
         at += sizeof(uint16_t)) {
        uint16_t stream;
        memcpy(&stream, data + at, sizeof(stream));
        if (s->state == RTC_SCTP_OPEN) {
            s->hooks->reset(s->arg, stream);
        }
    }
}

static void take_change(struct rtc_sctp *s, const struct sctp_stream_change_event *e) {
    s->grown = false;
    if ((e->strchange_flags & (SCTP_STREAM_CHANGE_DENIED | SCTP_STREAM_CHANGE_FAILED)) == 0) {
        s->streams = e->strchange_outstrms;
    } else {
        s->capped = true;
    }
}

static void take_notice(struct rtc_sctp *s, const uint8_t *data, size_t len) {
    union sctp_notification n;
    memset(&n, 0, sizeof(n));
    memcpy(&n, data, len < sizeof(n) ? len : sizeof(n));
    if (n.sn_header.sn_type == SCTP_ASSOC_CHANGE) {
        take_assoc_change(s, &n.sn_assoc_change);
    } else if (n.sn_header.sn_type == SCTP_STREAM_CHANGE_EVENT) {
        take_change(s, &n.sn_strchange_event);
    } else if (n.sn_header.sn_type == SCTP_STREAM_RESET_EVENT) {
        take_reset(s, n.sn_header.sn_flags, data, len);
    } else if (n.sn_header.sn_type == SCTP_PARTIAL_DELIVERY_EVENT) {
        s->partial_len = 0; /* the rest was given up: a message of limited resends */
    }
}

/* usrsctp hands over a message in pieces when it fills half of our window. */
static bool keep_piece(struct rtc_sctp *s, const uint8_t *data, size_t len) {
    if (len > RTC_SCTP_MESSAGE_MOST - s->partial_len) {
        return false;
    }
    if (s->partial == NULL) {
        s->partial = mem_alloc(RTC_SCTP_MESSAGE_MOST);
    }
    if (s->partial == NULL) {
        return false;
    }
    memcpy(s->partial + s->partial_len, data, len);
    s->partial_len += (uint32_t)len;
    return true;
}

static void tell_message(
    struct rtc_sctp *s, const struct sctp_rcvinfo *info, const uint8_t *data, size_t len) {
    struct rtc_sctp_message m = { .data = data,
        .len = len,
        .ppid = __builtin_bswap32(info->rcv_ppid),
        .stream = info->rcv_sid,
        .unordered = (info->rcv_flags & SCTP_UNORDERED) != 0 };
    s->hooks->message(s->arg, &m);
}

/* False: the peer does not keep to the limits, or memory is gone. */
static bool take_data(struct rtc_sctp *s, const struct sctp_rcvinfo *info, const uint8_t *data,
    size_t len, int flags) {
    bool whole = (flags & MSG_EOR) != 0;
    if (whole && s->partial_len == 0) {
        if (len > RTC_SCTP_MESSAGE_MOST) {
            return false;
        }
        tell_message(s, info, data, len);
        return true;
    }
    if (!keep_piece(s, data, len)) {
        return false;
    }
    if (whole) {
        uint32_t n = s->partial_len;
        s->partial_len = 0;
        tell_message(s, info, s->partial, n);
        mem_free(s->partial);
        s->partial = NULL;
    }
    return true;
}

/* One read; false when there is nothing more. */
static bool read_next(struct rtc_sctp *s) {
    struct sctp_rcvinfo info = { 0 };
    socklen_t info_len = sizeof(info), from_len = 0;
    unsigned type = 0;
    int flags = 0;
    uint8_t *data = s->door->message;
    ssize_t n = usrsctp_recvv(s->socket, data, sizeof(s->door->message), NULL, &from_len, &info,
        &info_len, &type, &flags);
    if (n < 0 && (errno == EWOULDBLOCK || errno == EAGAIN || errno == EINTR || errno == ENOTCONN)) {
        return false;
    }
    if (n <= 0) {
        tell_state(s, RTC_SCTP_CLOSED);
    } else if ((flags & MSG_NOTIFICATION) != 0) {
        take_notice(s, data, (size_t)n);
    } else if (!take_data(s, &info, data, (size_t)n, flags)) {
        tell_state(s, RTC_SCTP_CLOSED);
    }
    return s->state != RTC_SCTP_CLOSED;
}

static void serve(struct rtc_sctp_door *door) {
    struct rtc_sctp *s;
    while ((s = rtc_sctp_door_ready(door)) != NULL) {
        while (s->state != RTC_SCTP_CLOSED && !s->paused && read_next(s)) {
        }
        if (s->refused && s->state == RTC_SCTP_OPEN && !s->grown &&
            rtc_sctp_buffered(s) <= RTC_SCTP_SEND_MOST / 2) {
            s->refused = false;
            s->hooks->writable(s->arg);
        }
    }
}

void rtc_sctp_feed(struct rtc_sctp *s, const uint8_t *data, size_t len, int64_t now_us) {
    struct rtc_sctp_door *door = s->door;
    rtc_sctp_door_enter(door, now_us);
    rtc_sctp_door_touch(door);
    if (s->state != RTC_SCTP_CLOSED && len >= HEAD) {
        usrsctp_conninput((void *)(uintptr_t)s->id, data, len, 0);
    }
    serve(door);
}

void rtc_sctp_tick(struct rtc_sctp_door *door, int64_t now_us) {
    rtc_sctp_door_enter(door, now_us);
    serve(door);
}

/* --- what goes --- */

/* Asks for twice as many, or as many as this one needs. False: the peer takes no more. */
static bool grow(struct rtc_sctp *s, uint16_t stream) {
    unsigned want = s->streams * 2U > stream ? s->streams * 2U : stream + 1U;
    want = want > RTC_SCTP_STREAMS_MOST ? RTC_SCTP_STREAMS_MOST : want;
    struct sctp_add_streams add = { .sas_outstrms = (uint16_t)(want - s->streams) };
    if (s->grown || s->capped) {
        return s->grown;
    }
    s->grown =
        usrsctp_setsockopt(s->socket, IPPROTO_SCTP, SCTP_ADD_STREAMS, &add, sizeof(add)) == 0;
    return s->grown || errno == EALREADY; /* one such question at a time: after the reset */
}

enum rtc_sctp_sent rtc_sctp_send(
    struct rtc_sctp *s, const struct rtc_sctp_message *m, int64_t now_us) {
    if (s->state != RTC_SCTP_OPEN || m->len == 0 || m->len > RTC_SCTP_MESSAGE_MOST ||
        m->stream >= RTC_SCTP_STREAMS_MOST) {
        return RTC_SCTP_REFUSED;
    }
    rtc_sctp_door_enter(s->door, now_us);
    rtc_sctp_door_touch(s->door);
    if (m->stream >= s->streams) {
        bool more = grow(s, m->stream);
        s->refused = s->refused || more;
        return more ? RTC_SCTP_FULL : RTC_SCTP_REFUSED;
    }
    struct sctp_sendv_spa spa = { .sendv_flags = SCTP_SEND_SNDINFO_VALID,
        .sendv_sndinfo = { .snd_sid = m->stream,
            .snd_flags = m->unordered ? SCTP_UNORDERED : 0,
            .snd_ppid = __builtin_bswap32(m->ppid) } };
    if (m->limited) {
        spa.sendv_flags |= SCTP_SEND_PRINFO_VALID;
        spa.sendv_prinfo = (struct sctp_prinfo){ SCTP_PR_SCTP_RTX, m->resends };
    }
    if (usrsctp_sendv(s->socket, m->data, m->len, NULL, 0, &spa, sizeof(spa), SCTP_SENDV_SPA, 0) >=
        0) {
        return RTC_SCTP_SENT;
    }
    if (errno != EWOULDBLOCK && errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM) {
        return RTC_SCTP_REFUSED;
    }
    s->refused = true;
    return RTC_SCTP_FULL;
}

void rtc_sctp_reset(struct rtc_sctp *s, uint16_t stream, int64_t now_us) {
    _Alignas(struct sctp_reset_streams)
        uint8_t bytes[sizeof(struct sctp_reset_streams) + sizeof(uint16_t)] = { 0 };
    struct sctp_reset_streams *r = (struct sctp_reset_streams *)(void *)bytes;
    if (s->state != RTC_SCTP_OPEN) {
        return;
    }
    rtc_sctp_door_enter(s->door, now_us);
    rtc_sctp_door_touch(s->door);
    r->srs_flags = SCTP_STREAM_RESET_OUTGOING;
    r->srs_number_streams = 1;
    r->srs_stream_list[0] = stream;
    (void)usrsctp_setsockopt(s->socket, IPPROTO_SCTP, SCTP_RESET_STREAMS, r, sizeof(bytes));
}

enum rtc_sctp_state rtc_sctp_state(const struct rtc_sctp *s) {
    return (enum rtc_sctp_state)s->state;
}

size_t rtc_sctp_buffered(const struct rtc_sctp *s) {
    struct sndbuf_use use = { 0 };
    socklen_t len = sizeof(use);
    return usrsctp_getsockopt(s->socket, IPPROTO_SCTP, SNDBUF_USE, &use, &len) == 0 ? use.send : 0;
}

void rtc_sctp_pause(struct rtc_sctp *s, bool paused) {
    if (s->paused && !paused) {
        rtc_sctp_door_touch(s->door);
        rtc_sctp_door_changed(s->socket, (void *)(uintptr_t)s->id, 0);
    }
    s->paused = paused;
}

int64_t rtc_sctp_now_us(const struct rtc_sctp *s) {
    return s->door->now_us;
}

uint16_t rtc_sctp_streams(const struct rtc_sctp *s) {
    return s->state == RTC_SCTP_OPEN ? s->streams : 0;
}

/* --- life --- */

/* Options that are a struct, or a number; all are to be set before the association begins. */
static bool set_options(struct socket *socket, uint16_t streams) {
    static const uint16_t events[] = { SCTP_ASSOC_CHANGE, SCTP_STREAM_RESET_EVENT,
        SCTP_STREAM_CHANGE_EVENT, SCTP_PARTIAL_DELIVERY_EVENT };
    const struct linger abort_at_close = { 1, 0 };
    const int on = 1, send_most = RTC_SCTP_SEND_MOST, recv_most = RTC_SCTP_RECV_MOST;
    const struct sctp_assoc_value reset = { SCTP_ALL_ASSOC,
        SCTP_ENABLE_RESET_STREAM_REQ | SCTP_ENABLE_CHANGE_ASSOC_REQ };
    const struct sctp_initmsg init = { streams, streams, RTC_SCTP_TRIES, RTC_SCTP_RTO_MOST };
    const struct sctp_rtoinfo rto = { 0, RTC_SCTP_RTO_FIRST, RTC_SCTP_RTO_MOST,
        RTC_SCTP_RTO_LEAST };
    const struct sctp_assocparams assoc = { .sasoc_asocmaxrxt = RTC_SCTP_TRIES };
    const struct sctp_paddrparams path = { .spp_flags = SPP_HB_DISABLE | SPP_PMTUD_DISABLE,
        .spp_pathmtu = RTC_SCTP_PACKET_MOST - HEAD,
        .spp_pathmaxrxt = RTC_SCTP_TRIES };
    const struct {
        int level, name;
        const void *value;
        socklen_t len;
    } rows[] = {
        { SOL_SOCKET, SO_LINGER, &abort_at_close, sizeof(abort_at_close) },
        { SOL_SOCKET, SO_SNDBUF, &send_most, sizeof(send_most) },
        { SOL_SOCKET, SO_RCVBUF, &recv_most, sizeof(recv_most) },
        { IPPROTO_SCTP, SCTP_NODELAY, &on, sizeof(on) },
        { IPPROTO_SCTP, SCTP_RECVRCVINFO, &on, sizeof(on) },
        { IPPROTO_SCTP, SCTP_ENABLE_STREAM_RESET, &reset, sizeof(reset) },
        { IPPROTO_SCTP, SCTP_INITMSG, &init, sizeof(init) },
        { IPPROTO_SCTP, SCTP_RTOINFO, &rto, sizeof(rto) },
        { IPPROTO_SCTP, SCTP_ASSOCINFO, &assoc, sizeof(assoc) },
        { IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &path, sizeof(path) },
    };
    bool good = usrsctp_set_non_blocking(socket, 1) == 0;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        good = good && usrsctp_setsockopt(
                           socket, rows[i].level, rows[i].name, rows[i].value, rows[i].len) == 0;
    }
    for (size_t i = 0; i < COUNT_OF(events); i++) {
        const struct sctp_event e = { SCTP_FUTURE_ASSOC, events[i], 1 };
        good = good && usrsctp_setsockopt(socket, IPPROTO_SCTP, SCTP_EVENT, &e, sizeof(e)) == 0;
    }
    return good;
}

/* Both ends of usrsctp's path are the association's number: it never looks behind it. */
static bool begin(struct rtc_sctp *s, uint16_t streams) {
    struct sockaddr_conn ends = { .sconn_family = AF_CONN,
        .sconn_port = __builtin_bswap16(RTC_SCTP_PORT),
        .sconn_addr = (void *)(uintptr_t)s->id };
    usrsctp_register_address(ends.sconn_addr);
    s->socket = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);
    return s->socket != NULL && set_options(s->socket, streams) &&
           usrsctp_set_upcall(s->socket, rtc_sctp_door_changed, ends.sconn_addr) == 0 &&
           usrsctp_bind(s->socket, (struct sockaddr *)(void *)&ends, sizeof(ends)) == 0 &&
           (usrsctp_connect(s->socket, (struct sockaddr *)(void *)&ends, sizeof(ends)) == 0 ||
               errno == EINPROGRESS);
}

enum err rtc_sctp_create(struct rtc_sctp_door *door, const struct rtc_sctp_config *cfg,
    int64_t now_us, struct rtc_sctp **ret) {
    struct rtc_sctp *s = mem_zalloc(sizeof(*s));
    if (s == NULL) {
        return err_set(ERR_NOMEM, "no memory for an SCTP association");
    }
    assert(cfg->streams <= RTC_SCTP_STREAMS_MOST);
    s->door = door;
    s->hooks = cfg->hooks;
    s->arg = cfg->arg;
    s->id = rtc_sctp_door_id(door);
    rtc_sctp_door_enter(door, now_us);
    HASH_ADD(hh, door->associations, id, sizeof(s->id), s);
    if (s->hh.tbl == NULL) {
        mem_free(s);
        return err_set(ERR_NOMEM, "no memory for an SCTP association");
    }
    rtc_sctp_door_touch(door);
    if (!begin(s, cfg->streams == 0 ? RTC_SCTP_STREAMS : cfg->streams)) {
        rtc_sctp_destroy(s);
        return err_set(ERR_NOMEM, "usrsctp makes no association: %s", strerror(errno));
    }
    *ret = s;
    return OK;
}

void rtc_sctp_destroy(struct rtc_sctp *s) {
    if (s == NULL) {
        return;
    }
    rtc_sctp_door_touch(s->door);
    if (s->socket != NULL) {
        usrsctp_close(s->socket); /* upcalls may still come: they find nobody of that number */
    }
    usrsctp_deregister_address((void *)(uintptr_t)s->id);
    rtc_sctp_door_forget(s);
    mem_free(s->partial);
    mem_free(s);
}
