/* Threads that know nothing of each other, each with associations of its own over bad networks, in
 * real time: whoever ticks first drives the timers of all. */
#include "test.h"

#include "sctp_path.h"

#include <pthread.h>

#define THREADS  4
#define MESSAGES 60
#define BYTES    3000
#define LIMIT_US (60 * SEC_US) /* a second or two is usual */

struct lane {
    struct sctp_path path;
    pthread_t thread;
    unsigned got, wrong;
    int64_t began_us;
};

static int64_t clock_us(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SEC_US + now.tv_nsec / 1000;
}

static void count(struct sctp_end *e, const struct rtc_sctp_message *m) {
    struct lane *l = e->arg;
    l->wrong += m->len != BYTES || m->data[0] != (uint8_t)l->got || m->data[BYTES - 1] != 7;
    l->got++;
}

/* What has arrived by now, then whatever is due; nothing waits for another thread. */
static void turn(struct lane *l) {
    struct sctp_path *p = &l->path;
    p->now_us = clock_us();
    for (size_t i = 0; i < p->n;) {
        struct sctp_packet k = p->wire[i];
        if (k.at_us > p->now_us) {
            i++;
            continue;
        }
        p->n--;
        memmove(&p->wire[i], &p->wire[i + 1], (p->n - i) * sizeof(k));
        rtc_sctp_feed(p->ends[k.to].sctp, k.bytes, k.len, p->now_us);
    }
    rtc_sctp_tick(p->ends[0].door, p->now_us);
    rtc_sctp_tick(p->ends[1].door, p->now_us);
}

static void *run(void *arg) {
    struct lane *l = arg;
    struct sctp_path *p = &l->path;
    uint8_t data[BYTES] = { 0 };
    data[BYTES - 1] = 7;
    unsigned said = 0;
    while (l->got < MESSAGES && clock_us() - l->began_us < LIMIT_US) {
        turn(l);
        data[0] = (uint8_t)said;
        struct rtc_sctp_message m = { .data = data, .len = BYTES, .ppid = 53, .stream = 1 };
        said += said < MESSAGES && rtc_sctp_send(p->ends[0].sctp, &m, p->now_us) == RTC_SCTP_SENT;
        struct timespec ms = { 0, 1000000 };
        (void)nanosleep(&ms, NULL);
    }
    for (int i = 0; i < 2; i++) { /* each lets go while others still tick */
        rtc_sctp_destroy(p->ends[i].sctp);
        p->ends[i].sctp = NULL;
    }
    return NULL;
}

static void begin(struct lane *l, unsigned number) {
    struct sctp_path *p = &l->path;
    *p = (struct sctp_path){ .delay_us = 2000, .loss_percent = 10, .seed = number };
    l->began_us = p->now_us = clock_us();
    CHECK_ERR(OK, sctp_path_open(p, 0, 0));
    for (int i = 0; i < 2; i++) {
        p->ends[i].got = count;
        p->ends[i].arg = l;
    }
}

TEST(rtc_sctp_threads, drive_each_others_timers_and_nothing_else) {
    static struct lane lanes[THREADS];
    unsigned woken = 0;
    sctp_path_clock_us = -1;
    for (unsigned i = 0; i < THREADS; i++) {
        begin(&lanes[i], i);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        CHECK_INT(0, pthread_create(&lanes[i].thread, NULL, run, &lanes[i]));
    }
    for (unsigned i = 0; i < THREADS; i++) {
        (void)pthread_join(lanes[i].thread, NULL);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        CHECK_INT(MESSAGES, lanes[i].got);
        CHECK_INT(0, lanes[i].wrong);
        woken += lanes[i].path.ends[0].woken + lanes[i].path.ends[1].woken;
        sctp_path_close(&lanes[i].path);
    }
    CHECK(woken > 0); /* so other threads have sent, or told, something for them */
}
