/* Jobs in an array, chained by peer; a flush goes over the peers in the order of their first job.
 */
#include "media/outbox.h"

#include "core/mem.h"
#include "media/held.h"

#include <assert.h>
#include <string.h>

#define CHUNK                                                                                      \
    64 /* packets sealed and sent at once: their slots are 100 KiB, within an L2 cache             \
        */
#define SLOT_BYTES (PKT_HEADROOM + PKT_DATAGRAM + PKT_TAILROOM)
#define LOOSE_MAX  64

struct media_outbox {
    struct rtc_seal *seal;
    media_send_fn *send;
    void *arg;
    struct media_outbox_stats stats;
    struct media_outlet *first, **last; /* outlets with jobs */
    struct media_pace *holding;         /* with packets that wait */
    uint32_t n_jobs, n_loose, n_chunk;
    struct media_outlet loose[LOOSE_MAX];
    struct media_job jobs[MEDIA_OUTBOX_JOBS];
    /* The chunk: what is sealed for whom, where it lies, and the runs made of it. */
    struct rtc_srtp_job sealing[CHUNK];
    const struct media_outlet *to[CHUNK];
    struct iovec iov[CHUNK];
    struct media_run runs[CHUNK];
    uint8_t slots[CHUNK][SLOT_BYTES];
    uint8_t bodies[CHUNK][PKT_DATAGRAM]; /* of packets with a prefix */
    struct media_held held;
};

enum err media_outbox_create(
    struct rtc_seal *seal, media_send_fn *send, void *arg, struct media_outbox **ret) {
    struct media_outbox *box = mem_zalloc(sizeof(*box)); /* the kernel gives pages when touched */
    if (box == NULL) {
        return err_set(ERR_NOMEM, "no memory for packets to send");
    }
    box->seal = seal;
    box->send = send;
    box->arg = arg;
    box->last = &box->first;
    *ret = box;
    return OK;
}

static void forget_jobs(struct media_outbox *box) {
    for (uint32_t i = 0; i < box->n_jobs; i++) {
        pkt_unref(box->jobs[i].pkt);
    }
    for (struct media_outlet *o = box->first, *next; o != NULL; o = next) {
        next = o->next;
        o->next = NULL;
        o->first = o->last = 0;
    }
    box->first = NULL;
    box->last = &box->first;
    box->n_jobs = box->n_loose = 0;
}

void media_outbox_destroy(struct media_outbox *box) {
    if (box != NULL) {
        while (box->holding != NULL) {
            media_outbox_drop(box, box->holding->outlet, NULL);
        }
        forget_jobs(box);
        mem_free(box);
    }
}

const struct media_outbox_stats *media_outbox_stats(const struct media_outbox *box) {
    return &box->stats;
}

int64_t media_outbox_next_us(const struct media_outbox *box) {
    int64_t next_us = INT64_MAX;
    for (const struct media_pace *p = box->holding; p != NULL; p = p->next) {
        int64_t us = rtc_pacer_next_us(&p->pacer);
        next_us = us < next_us ? us : next_us;
    }
    return next_us;
}

bool media_outbox_waits(const struct media_outbox *box, int64_t now_us) {
    return box->n_jobs > 0 || media_outbox_next_us(box) <= now_us;
}

struct media_job *media_outbox_add(
    struct media_outbox *box, struct media_outlet *outlet, int64_t now_us) {
    if (box->n_jobs == MEDIA_OUTBOX_JOBS) {
        media_outbox_flush(box, now_us);
    }
    struct media_job *job = &box->jobs[box->n_jobs++];
    job->next = 0;
    if (outlet->first == 0) {
        outlet->first = box->n_jobs;
        *box->last = outlet;
        box->last = &outlet->next;
        __builtin_prefetch(outlet->bwe, 1);
    } else {
        box->jobs[outlet->last - 1].next = box->n_jobs;
    }
    outlet->last = box->n_jobs;
    return job;
}

void media_outbox_add_plain(
    struct media_outbox *box, struct media_outlet *outlet, struct pkt *pkt, int64_t now_us) {
    struct media_job *job = media_outbox_add(box, outlet, now_us);
    job->session = NULL;
    job->pkt = pkt;
    job->body_off = pkt->off;
    job->body_len = pkt->len;
    job->head_len = job->prefix_len = 0;
    job->sent_time_at = job->wide_at = 0;
}

void media_outbox_add_loose(
    struct media_outbox *box, const struct rtc_ice_path *to, struct pkt *pkt, int64_t now_us) {
    if (box->n_loose == LOOSE_MAX || box->n_jobs == MEDIA_OUTBOX_JOBS) {
        media_outbox_flush(box, now_us);
    }
    struct media_outlet *outlet = &box->loose[box->n_loose++];
    *outlet = (struct media_outlet){ .open = true, .to = *to };
    media_outbox_add_plain(box, outlet, pkt, now_us);
}

/* --- a flush --- */

/* 24 bits, seconds with 18 bits behind the point. */
static void write_sent_time(uint8_t *at, int64_t now_us) {
    uint64_t t = ((uint64_t)now_us << 18) / 1000000;
    at[0] = (uint8_t)(t >> 16);
    at[1] = (uint8_t)(t >> 8);
    at[2] = (uint8_t)t;
}

/* Where the plain body lies: in the packet, or put together here. */
static const uint8_t *body_of(struct media_outbox *box, const struct media_job *job, uint32_t i) {
    const uint8_t *body = job->pkt->mem + job->body_off;
    if (job->prefix_len == 0) {
        return body;
    }
    memcpy(box->bodies[i], job->prefix, job->prefix_len);
    memcpy(box->bodies[i] + job->prefix_len, body, job->body_len);
    return box->bodies[i];
}

static void emit_chunk(struct media_outbox *box);

static void add_to_chunk(struct media_outbox *box, const struct media_outlet *outlet,
    struct media_job *job, int64_t now_us) {
    uint32_t i = box->n_chunk;
    assert(job->prefix_len + job->body_len <= PKT_DATAGRAM);
    struct rtc_srtp_job *s = &box->sealing[i];
    *s = (struct rtc_srtp_job){ .session = job->session,
        .sender = job->sender,
        .packet = box->slots[i],
        .head_len = job->head_len,
        .body_len = (uint16_t)(job->prefix_len + job->body_len),
        .room = SLOT_BYTES };
    if (job->session == NULL) {
        s->packet = job->pkt->mem + job->body_off;
        s->len = job->body_len;
    } else {
        memcpy(s->packet, job->head, job->head_len);
        if (job->sent_time_at > 0) {
            write_sent_time(s->packet + job->sent_time_at, now_us);
        }
        if (job->wide_at > 0 && outlet->bwe != NULL) {
            be16_put(
                s->packet + job->wide_at, rtc_bwe_sent(outlet->bwe, media_job_size(job), now_us));
        }
        s->body = body_of(box, job, i);
    }
    box->to[i] = outlet;
    if (++box->n_chunk == CHUNK) {
        emit_chunk(box);
    }
}

/* Those that are to be sealed, in rows between those that are not. */
static void seal_chunk(struct media_outbox *box) {
    for (uint32_t i = 0; i < box->n_chunk;) {
        uint32_t n = 0;
        while (i + n < box->n_chunk && box->sealing[i + n].session != NULL) {
            n++;
        }
        if (n > 0) {
            box->stats.unsealed += n - rtc_srtp_seal(box->seal, &box->sealing[i], n);
        }
        i += n > 0 ? n : 1;
    }
}

/* May a packet of this length follow in the run? Only the last may be shorter. */
static bool fits(const struct media_run *run, const struct media_outlet *prev,
    const struct media_outlet *to, uint16_t len) {
    return prev == to && len <= run->size && run->iov[run->n - 1].iov_len == run->size &&
           run->n < MEDIA_RUN_MAX && (run->n + 1) * run->size <= MEDIA_RUN_BYTES;
}

static void emit_chunk(struct media_outbox *box) {
    seal_chunk(box);
    size_t n_iov = 0, n_runs = 0;
    const struct media_outlet *prev = NULL;
    for (uint32_t i = 0; i < box->n_chunk; i++) {
        const struct rtc_srtp_job *s = &box->sealing[i];
        if (s->len == 0) {
            continue;
        }
        box->iov[n_iov] = (struct iovec){ s->packet, s->len };
        if (n_runs > 0 && fits(&box->runs[n_runs - 1], prev, box->to[i], s->len)) {
            box->runs[n_runs - 1].n++;
        } else {
            box->runs[n_runs++] = (struct media_run){ box->to[i]->to, &box->iov[n_iov], 1, s->len };
        }
        prev = box->to[i];
        n_iov++;
        box->stats.packets++;
        box->stats.bytes += s->len;
    }
    if (n_runs > 0) {
        box->send(box->arg, box->runs, n_runs);
    }
    box->n_chunk = 0;
}

/* --- what waits --- */

static void note_holding(struct media_outbox *box, struct media_pace *p) {
    if (!p->holds) {
        p->holds = true;
        p->next = box->holding;
        box->holding = p;
    }
}

/* Who holds nothing any more leaves the list. */
static void leave_holding(struct media_outbox *box) {
    struct media_pace **at = &box->holding;
    while (*at != NULL) {
        struct media_pace *p = *at;
        if (p->first == 0) {
            *at = p->next;
            p->holds = false;
        } else {
            at = &p->next;
        }
    }
}

void media_outbox_drop(
    struct media_outbox *box, struct media_outlet *outlet, const struct rtc_srtp_sender *sender) {
    if (outlet->pace != NULL && outlet->pace->holds) {
        (void)media_held_drop(&box->held, outlet->pace, sender);
        leave_holding(box);
    }
}

/* What may leave now, or all of it. */
static void release(struct media_outbox *box, struct media_pace *p, bool all, int64_t now_us) {
    const struct media_outlet *o = p->outlet;
    struct media_job *job;
    while ((job = media_held_first(&box->held, p)) != NULL &&
           (all || !o->open || rtc_pacer_may(&p->pacer, now_us))) {
        if (o->open) {
            rtc_pacer_sent(&p->pacer, media_job_size(job), now_us);
            add_to_chunk(box, o, job, now_us);
        } else {
            box->stats.no_path++;
        }
        media_held_pop(&box->held, p);
    }
}

/* One that is paced waits behind those that wait already. */
static bool must_wait(
    struct media_outbox *box, struct media_pace *p, const struct media_job *job, int64_t now_us) {
    if (job->session == NULL || job->wide_at == 0) {
        return false;
    }
    bool may = p->first == 0 && rtc_pacer_may(&p->pacer, now_us);
    if (!may && media_held_keep(&box->held, p, job)) {
        note_holding(box, p);
        return true;
    }
    release(box, p, true, now_us); /* no room for more: nobody is overtaken by his own */
    rtc_pacer_sent(&p->pacer, media_job_size(job), now_us);
    return false;
}

static bool is_paced(const struct media_pace *p) {
    return p != NULL && (p->pacer.bps != 0 || p->first != 0);
}

static void expect(const struct media_outbox *box, const struct media_outlet *next) {
    if (next != NULL) {
        __builtin_prefetch(next->next);
        __builtin_prefetch(box->jobs[next->first - 1].session);
        if (next->bwe != NULL) {
            rtc_bwe_expect(next->bwe);
        }
    }
}

void media_outbox_flush(struct media_outbox *box, int64_t now_us) {
    for (struct media_pace *p = box->holding; p != NULL; p = p->next) {
        release(box, p, false, now_us);
    }
    for (struct media_outlet *o = box->first; o != NULL; o = o->next) {
        bool paced = is_paced(o->pace);
        expect(box, o->next);
        for (uint32_t at = o->first; at != 0; at = box->jobs[at - 1].next) {
            struct media_job *job = &box->jobs[at - 1];
            if (!o->open) {
                box->stats.no_path++;
            } else if (!paced || !must_wait(box, o->pace, job, now_us)) {
                add_to_chunk(box, o, job, now_us);
            }
        }
    }
    if (box->n_chunk > 0) {
        emit_chunk(box);
    }
    media_held_sweep(&box->held);
    leave_holding(box);
    forget_jobs(box);
}
