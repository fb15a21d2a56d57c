/* The rules of 3.9, for one message at a time. */
#include "sfu/data.h"

#include "sfu/channels.h"
#include "sfu/datapacket.h"
#include "sfu/room.h"
#include "sfu/transport.h"
#include "sfu/worker.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>
#include <utlist.h>

static struct sfu_worker *worker_of(const struct sfu_data *d) {
    return d->participant->room->worker;
}

static int64_t now_of(const struct sfu_data *d) {
    return worker_of(d)->media->now_us;
}

/* --- who is read from --- */

bool sfu_data_is_read(const struct sfu_data *d) {
    return d == NULL || (!d->held && d->credit >= 0);
}

static void follow(struct sfu_data *d) {
    struct sfu_transport *t;
    DL_FOREACH(d->participant->transports, t) {
        if (t->channels != NULL) {
            sfu_channels_follow(t->channels);
        }
    }
}

static void due(struct wheel_timer *timer, int64_t now_us);

static void set_timer(struct sfu_data *d) {
    int64_t next = INT64_MAX;
    if (d->first != NULL) {
        next = d->stalled_us + SFU_DATA_STALL_US;
    }
    if (d->credit < 0) {
        int64_t again = d->credit_us + (-d->credit) * SEC_US / (int64_t)SFU_DATA_RATE + 1000;
        next = again < next ? again : next;
    }
    if (next == INT64_MAX) {
        wheel_disarm(&worker_of(d)->media->wheel, &d->timer);
    } else {
        wheel_arm(&worker_of(d)->media->wheel, &d->timer, next, due);
    }
}

static void count_credit(struct sfu_data *d, int64_t now_us) {
    int64_t for_us = now_us - d->credit_us;
    for_us = for_us > SEC_US ? SEC_US : for_us;
    d->credit += for_us * (int64_t)SFU_DATA_RATE / SEC_US;
    d->credit = d->credit > (int64_t)SFU_DATA_BURST ? (int64_t)SFU_DATA_BURST : d->credit;
    d->credit_us = now_us;
}

void sfu_data_pay(struct sfu_data *d, size_t bytes) {
    count_credit(d, now_of(d));
    d->credit -= (int64_t)bytes;
    if (d->credit < 0) {
        follow(d);
        set_timer(d);
    }
}

/* --- to one receiver --- */

static void let_go(struct sfu_room *r) {
    struct sfu_participant *p;
    DL_FOREACH(r->participants, p) {
        if (p->data != NULL && p->data->held) {
            p->data->held = false;
            follow(p->data);
        }
    }
}

/* One of those who are behind is not any more. */
static void catch_up(struct sfu_room *r) {
    r->behind--;
    if (r->behind == 0) {
        let_go(r);
    }
}

static void drop_waiting(struct sfu_data *d) {
    bool any = d->first != NULL;
    while (d->first != NULL) {
        struct sfu_data_waiting *m = d->first;
        d->first = m->next;
        mem_free(m);
    }
    d->last = NULL;
    d->waiting = 0;
    if (any && !d->away) {
        catch_up(d->participant->room);
    }
    d->away = false;
}

/* It takes nothing: either it does not want to, or it has no network. */
static void end_stalled(struct sfu_data *d, int64_t now_us) {
    struct sfu_transport *t = d->down->transport;
    if (media_transport_silent_us(t->media) < SFU_DATA_AWAY_US) {
        sfu_data_disconnected(d);
        sfu_transport_end(t, SFU_END_STALLED);
        return;
    }
    if (!d->away) {
        d->away = true;
        catch_up(d->participant->room);
    }
    d->stalled_us = now_us;
}

static void due(struct wheel_timer *timer, int64_t now_us) {
    struct sfu_data *d = (struct sfu_data *)((char *)timer - offsetof(struct sfu_data, timer));
    if (d->first != NULL && now_us - d->stalled_us >= SFU_DATA_STALL_US) {
        end_stalled(d, now_us);
    }
    count_credit(d, now_us);
    follow(d);
    set_timer(d);
}

/* False: it cannot be kept, the receiver is lost. */
static bool wait(struct sfu_data *d, const uint8_t *bytes, size_t len) {
    struct sfu_data_waiting *m =
        d->waiting + len > SFU_DATA_WAITING_MOST ? NULL : mem_alloc(sizeof(*m) + len);
    if (m == NULL) {
        return false;
    }
    m->next = NULL;
    m->len = len;
    memcpy(m->bytes, bytes, len);
    if (d->first == NULL) {
        d->first = m;
        d->stalled_us = now_of(d);
        d->participant->room->behind++;
        set_timer(d);
    } else {
        d->last->next = m;
    }
    d->last = m;
    d->waiting += len;
    return true;
}

/* `most`: what may wait for it already. */
static void send_or_drop(
    struct sfu_data *d, struct rtc_channel *c, size_t most, const uint8_t *bytes, size_t len) {
    struct sfu_worker *w = worker_of(d);
    if (c == NULL || d->first != NULL || rtc_channels_buffered(d->down->channels) > most ||
        rtc_channel_send(c, false, bytes, len, now_of(d)) != RTC_SCTP_SENT) {
        w->stats.data_lost++;
    } else {
        w->stats.data_sent++;
    }
}

static void send_lossy(struct sfu_data *d, const uint8_t *bytes, size_t len) {
    sfu_channels_begin(d->down);
    send_or_drop(d, d->down->lossy, SFU_DATA_LOSSY_MOST, bytes, len);
}

void sfu_data_send_packet(struct sfu_data *d, const uint8_t *bytes, size_t len) {
    sfu_channels_begin(d->down);
    send_or_drop(d, d->down->packets, SFU_DATA_PACKETS_MOST, bytes, len);
}

static void send_reliable(struct sfu_data *d, const uint8_t *bytes, size_t len) {
    struct sfu_worker *w = worker_of(d);
    sfu_channels_begin(d->down);
    struct rtc_channel *c = d->down->reliable;
    enum rtc_sctp_sent sent = RTC_SCTP_FULL;
    if (c == NULL) {
        return; /* it is not there yet: the cache has it */
    }
    if (d->first == NULL) {
        sent = rtc_channel_send(c, false, bytes, len, now_of(d));
    }
    w->stats.data_sent += sent != RTC_SCTP_REFUSED;
    if (sent == RTC_SCTP_FULL && !wait(d, bytes, len)) {
        struct sfu_transport *t = d->down->transport;
        sfu_data_disconnected(d);
        sfu_transport_end(t, SFU_END_STALLED);
    }
}

void sfu_data_writable(struct sfu_data *d) {
    while (d->first != NULL && d->down->reliable != NULL) {
        struct sfu_data_waiting *m = d->first;
        if (rtc_channel_send(d->down->reliable, false, m->bytes, m->len, now_of(d)) ==
            RTC_SCTP_FULL) {
            return;
        }
        d->waiting -= m->len;
        if (m->next == NULL) {
            drop_waiting(d);
            set_timer(d);
            return;
        }
        d->first = m->next;
        mem_free(m);
    }
}

/* --- from one sender --- */

/* `from` NULL: nobody's. Gives what it costs. */
static size_t send_to_all(struct sfu_room *r, const struct sfu_data *from,
    const struct sfu_datapacket *p, bool reliable, const uint8_t *bytes, size_t len) {
    struct sfu_participant *to;
    size_t cost = 0;
    DL_FOREACH(r->participants, to) {
        struct sfu_data *d = to->data;
        if (d == NULL || d == from || d->down == NULL || !d->config.may_subscribe ||
            !sfu_datapacket_is_for(p, d->config.identity, d->config.sid)) {
            continue;
        }
        cost += len + SFU_DATA_MESSAGE_BYTES;
        if (reliable) {
            send_reliable(d, bytes, len);
        } else {
            send_lossy(d, bytes, len);
        }
    }
    return cost;
}

static bool may_pass(struct sfu_data *d, const struct sfu_datapacket *p, bool reliable) {
    struct sfu_worker_stats *stats = &worker_of(d)->stats;
    if (!d->config.may_publish || p->for_nobody || (p->transcription && !d->config.agent)) {
        stats->drops[SFU_DROP_DATA_FORBIDDEN]++;
        return false;
    }
    if (!reliable || p->sequence == 0) {
        return true;
    }
    if (p->sequence <= d->sequence) {
        stats->drops[SFU_DROP_DATA_REPEATED]++;
        return false;
    }
    d->sequence = p->sequence;
    return true;
}

/* Somebody in the server waits for it. */
static void tell_answer(const struct sfu_data *d, const uint8_t *bytes, size_t len) {
    struct sfu_worker *w = worker_of(d);
    struct sfu_event *e = mem_zalloc(sizeof(*e) + len);
    if (e == NULL) {
        w->stats.messages_failed++;
        return;
    }
    e->type = SFU_EVENT_ANSWER;
    e->id = d->participant->object.id;
    memcpy(e + 1, bytes, len);
    e->answer.bytes = (const uint8_t *)(e + 1);
    e->answer.len = (uint32_t)len;
    sfu_worker_tell(w, e);
}

void sfu_data_take(struct sfu_data *d, bool reliable, const uint8_t *bytes, size_t len) {
    struct sfu_worker *w = worker_of(d);
    struct sfu_room *r = d->participant->room;
    struct sfu_datapacket p;
    size_t cost = len + SFU_DATA_MESSAGE_BYTES, n = 0;
    if (!sfu_datapacket_read(bytes, len, &p)) {
        w->stats.drops[SFU_DROP_DATA_MALFORMED]++;
    } else if (may_pass(d, &p, reliable)) {
        struct sfu_datapacket_sender sender = { .identity =
                                                    d->config.hidden ? "" : d->config.identity,
            .sid = d->config.sid,
            .lossy = !reliable };
        n = sfu_datapacket_write(&p, &sender, w->data_room, sizeof(w->data_room));
        w->stats.drops[SFU_DROP_DATA_MALFORMED] += n == 0;
    }
    if (n > 0 && d->awaited > 0 && sfu_datapacket_is_for_server(&p)) {
        d->awaited--;
        tell_answer(d, bytes, len);
    } else if (n > 0) {
        cost += send_to_all(r, d, &p, reliable, w->data_room, n);
        if (reliable && p.sequence > 0) {
            sfu_data_cache_put(
                &r->cache, d->participant->object.id, p.sequence, w->data_room, n, now_of(d));
        }
    }
    if (r->behind > 0 && reliable && !d->held) {
        d->held = true;
        follow(d);
    }
    sfu_data_pay(d, cost);
}

void sfu_data_say(struct sfu_room *r, bool reliable, const uint8_t *bytes, size_t len) {
    struct sfu_datapacket p;
    if (sfu_datapacket_read(bytes, len, &p)) {
        (void)send_to_all(r, NULL, &p, reliable, bytes, len);
    } else {
        r->worker->stats.drops[SFU_DROP_DATA_MALFORMED]++;
    }
}

/* --- what was missed --- */

static void replay(struct sfu_data *d) {
    const struct sfu_data_kept *k = sfu_data_cache_look(&d->participant->room->cache, now_of(d));
    for (; k != NULL && d->down != NULL && d->config.may_subscribe; k = k->next) {
        struct sfu_datapacket p;
        if (k->at_us >= d->since_us && k->sender != d->participant->object.id &&
            sfu_datapacket_read(k->data, k->len, &p) &&
            sfu_datapacket_is_for(&p, d->config.identity, d->config.sid)) {
            send_reliable(d, k->data, k->len);
        }
    }
}

void sfu_data_connected(struct sfu_data *d) {
    struct sfu_transport *t;
    DL_FOREACH(d->participant->transports, t) {
        if (t->channels != NULL && t->channels->down && t->channels != d->down) {
            drop_waiting(d);
            d->down = t->channels;
        }
    }
    if (d->down != NULL && d->down->reliable != NULL) {
        replay(d);
    }
}

void sfu_data_disconnected(struct sfu_data *d) {
    drop_waiting(d);
    d->down = NULL;
    set_timer(d);
}

/* --- life --- */

enum err sfu_data_set(struct sfu_participant *p, const struct sfu_data_config *cfg) {
    bool first = p->data == NULL;
    if (first) {
        p->data = mem_zalloc(sizeof(*p->data));
        if (p->data == NULL) {
            return err_set(ERR_NOMEM, "no memory for a participant's data");
        }
        p->data->participant = p;
        p->data->since_us = p->data->credit_us = now_of(p->data);
        p->data->credit = SFU_DATA_BURST;
    }
    p->data->config = *cfg;
    if (first) {
        sfu_data_connected(p->data);
    }
    return OK;
}

void sfu_data_destroy(struct sfu_data *d) {
    if (d == NULL) {
        return;
    }
    drop_waiting(d);
    wheel_disarm(&worker_of(d)->media->wheel, &d->timer);
    mem_free(d);
}
