/* Chains by index plus one; 0 ends them. */
#include "media/held.h"

static struct media_job *job_at(struct media_held *h, uint32_t at) {
    return &h->jobs[at - 1];
}

static uint32_t take_slot(struct media_held *h) {
    uint32_t at = h->spare;
    if (at != 0) {
        h->spare = job_at(h, at)->next;
    } else if (h->used < MEDIA_HELD_MAX) {
        at = ++h->used;
    }
    return at;
}

static void append(struct media_held *h, struct media_pace *pace, uint32_t at) {
    job_at(h, at)->next = 0;
    if (pace->first == 0) {
        pace->first = at;
    } else {
        job_at(h, pace->last)->next = at;
    }
    pace->last = at;
}

bool media_held_keep(struct media_held *h, struct media_pace *pace, const struct media_job *job) {
    uint32_t at = take_slot(h);
    if (at == 0) {
        return false;
    }
    *job_at(h, at) = *job;
    (void)pkt_ref(job->pkt);
    rtc_pacer_waits(&pace->pacer, media_job_size(job));
    append(h, pace, at);
    return true;
}

struct media_job *media_held_first(struct media_held *h, const struct media_pace *pace) {
    return pace->first == 0 ? NULL : job_at(h, pace->first);
}

void media_held_pop(struct media_held *h, struct media_pace *pace) {
    uint32_t at = pace->first;
    rtc_pacer_waited(&pace->pacer, media_job_size(job_at(h, at)));
    pace->first = job_at(h, at)->next;
    job_at(h, at)->next = h->gone;
    h->gone = at;
}

void media_held_sweep(struct media_held *h) {
    while (h->gone != 0) {
        uint32_t at = h->gone;
        h->gone = job_at(h, at)->next;
        pkt_unref(job_at(h, at)->pkt);
        job_at(h, at)->next = h->spare;
        h->spare = at;
    }
}

unsigned media_held_drop(
    struct media_held *h, struct media_pace *pace, const struct rtc_srtp_sender *sender) {
    unsigned n = 0;
    uint32_t at = pace->first;
    pace->first = pace->last = 0;
    while (at != 0) {
        uint32_t next = job_at(h, at)->next;
        if (sender != NULL && job_at(h, at)->sender != sender) {
            append(h, pace, at);
        } else {
            rtc_pacer_waited(&pace->pacer, media_job_size(job_at(h, at)));
            job_at(h, at)->next = h->gone;
            h->gone = at;
            n++;
        }
        at = next;
    }
    media_held_sweep(h);
    return n;
}
