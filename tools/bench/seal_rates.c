/*
 * SRTP of every kind in turn (tools/bench/seal): nanoseconds a packet to seal one body for many
 * listeners and to open what a publisher sent, and bytes a session.
 */
#include "core/mem.h"
#include "tests/unit/srtp_kinds.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LISTENERS  64
#define PACKETS    512 /* of one measurement */
#define ROUNDS_MAX 101
#define SESSIONS   200 /* whose memory is counted together */

static const uint16_t sizes[] = { 1200, 100 };
static const size_t batches[] = { 1, 8, 64 };
static const enum rtc_srtp_suite suites[] = { RTC_SRTP_GCM_128, RTC_SRTP_GCM_256,
    RTC_SRTP_CM_SHA1_80 };

struct listener {
    struct rtc_srtp_out *out;
    struct rtc_srtp_sender sender;
    uint16_t seq;
};

static struct srtp_kinds kinds;
static uint8_t body[1500], packets[PACKETS][PACKET_ROOM], sealed[PACKETS][PACKET_ROOM];
static struct rtc_srtp_job jobs[PACKETS];
static struct rtc_srtp_got got[PACKETS];

static void must(bool ok, const char *what) {
    if (!ok) {
        fprintf(stderr, "seal_rates: %s: %s\n", what, err_text());
        exit(1);
    }
}

static double now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); /* other programs' turns are not ours */
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct rtc_srtp_job job_of(struct listener *l, uint8_t *packet, uint16_t size) {
    return (struct rtc_srtp_job){ .session = l->out,
        .sender = &l->sender,
        .body = body,
        .packet = packet,
        .head_len = write_head(packet, &head_forms[1], 0xcafe, l->seq++),
        .body_len = size,
        .room = PACKET_ROOM };
}

static double seal_ns(struct rtc_seal *s, struct listener *of, uint16_t size, size_t batch) {
    for (size_t i = 0; i < PACKETS; i++) {
        jobs[i] = job_of(&of[i % LISTENERS], packets[i], size);
    }
    double begin = now_ns();
    size_t ok = 0;
    for (size_t i = 0; i < PACKETS; i += batch) {
        ok += rtc_srtp_seal(s, jobs + i, batch);
    }
    double took = now_ns() - begin;
    must(ok == PACKETS, "sealing");
    return took / PACKETS;
}

/* The same packets again for a session that has seen none; its first goes uncounted. */
static double open_ns(
    struct rtc_seal *s, const struct rtc_srtp_master *m, uint16_t len, size_t batch) {
    struct rtc_srtp_in *in = NULL;
    must(rtc_srtp_in_create(s, m, 4, &in) == OK, "a session");
    for (size_t i = 0; i < PACKETS; i++) {
        memcpy(packets[i], sealed[i], len);
        got[i] = (struct rtc_srtp_got){ .session = in, .packet = packets[i], .len = len };
    }
    size_t ok = 0;
    double begin = now_ns();
    for (size_t i = 0; i < PACKETS; i += batch) {
        ok += rtc_srtp_open(s, got + i, batch);
    }
    double took = now_ns() - begin;
    must(ok == PACKETS, "opening");
    rtc_srtp_in_destroy(in);
    return took / PACKETS;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *of, size_t n) {
    qsort(of, n, sizeof(*of), by_size);
    return of[n / 2];
}

/* A line a kind: median, and the median of its ratios to the first kind, round by round. */
static void print_rounds(const char *what, enum rtc_srtp_suite suite, uint16_t size, size_t batch,
    double ns[SRTP_KINDS_MAX][ROUNDS_MAX], size_t rounds) {
    for (size_t k = 0; k < kinds.n; k++) {
        double ratios[ROUNDS_MAX], sorted[ROUNDS_MAX];
        for (size_t r = 0; r < rounds; r++) {
            ratios[r] = ns[k][r] / ns[0][r];
            sorted[r] = ns[k][r];
        }
        double middle = median(sorted, rounds);
        printf("%-5s %-24s %5u bytes, batch %2zu  %-5s  %7.0f ns  best %6.0f  worst %6.0f  ratio "
               "%6.2f\n",
            what, rtc_srtp_sizes(suite)->name, size, batch, rtc_seal_name(kinds.of[k]), middle,
            sorted[0], sorted[rounds - 1], median(ratios, rounds));
    }
}

static void listeners_open(struct listener *of, struct rtc_seal *s, enum rtc_srtp_suite suite) {
    for (uint32_t i = 0; i < LISTENERS; i++) {
        struct rtc_srtp_master m = master_of(suite, i);
        of[i] = (struct listener){ .seq = 0 };
        must(rtc_srtp_out_create(s, &m, &of[i].out) == OK, "a session");
    }
}

static void rates(enum rtc_srtp_suite suite, uint16_t size, size_t batch, size_t rounds) {
    static struct listener of[SRTP_KINDS_MAX][LISTENERS];
    static double seal[SRTP_KINDS_MAX][ROUNDS_MAX], open[SRTP_KINDS_MAX][ROUNDS_MAX];
    struct rtc_srtp_master m = master_of(suite, 0);
    uint16_t len = 0;
    for (size_t k = 0; k < kinds.n; k++) {
        listeners_open(of[k], kinds.of[k], suite);
        seal_ns(kinds.of[k], of[k], size, batch);
    }
    for (size_t i = 0; i < PACKETS; i++) { /* the first listener's key is that of `m` */
        struct rtc_srtp_job j = job_of(&of[0][0], sealed[i], size);
        must(rtc_srtp_seal(kinds.of[0], &j, 1) == 1, "sealing");
        len = j.len;
    }
    for (size_t r = 0; r < rounds; r++) {
        for (size_t k = 0; k < kinds.n; k++) {
            seal[k][r] = seal_ns(kinds.of[k], of[k], size, batch);
            open[k][r] = open_ns(kinds.of[k], &m, len, batch);
        }
    }
    print_rounds("seal", suite, size, batch, seal, rounds);
    print_rounds("open", suite, size, batch, open, rounds);
    for (size_t k = 0; k < kinds.n; k++) {
        for (size_t i = 0; i < LISTENERS; i++) {
            rtc_srtp_out_destroy(of[k][i].out);
        }
    }
}

static size_t heap(void) {
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

/* What the whole heap grows by, the libraries' blocks too; and what core/mem knows of. */
static void memory(struct rtc_seal *s, enum rtc_srtp_suite suite) {
    static struct rtc_srtp_out *out[SESSIONS];
    static struct rtc_srtp_in *in[SESSIONS];
    struct rtc_srtp_master m = master_of(suite, 1);
    must(rtc_srtp_out_create(s, &m, &out[0]) == OK,
        "a session"); /* what an engine makes once for all */
    rtc_srtp_out_destroy(out[0]);
    size_t begin = heap();
    for (size_t i = 0; i < SESSIONS; i++) {
        must(rtc_srtp_out_create(s, &m, &out[i]) == OK, "a session");
    }
    size_t outs = heap() - begin;
    begin = heap();
    for (size_t i = 0; i < SESSIONS; i++) {
        must(rtc_srtp_in_create(s, &m, 1, &in[i]) == OK, "a session");
    }
    printf("heap  %-24s %-5s  out %6zu bytes (ours %zu), in with room for one SSRC %6zu bytes "
           "(ours %zu)\n",
        rtc_srtp_sizes(suite)->name, rtc_seal_name(s), outs / SESSIONS, rtc_srtp_out_bytes(out[0]),
        (heap() - begin) / SESSIONS, rtc_srtp_in_bytes(in[0]));
    for (size_t i = 0; i < SESSIONS; i++) {
        rtc_srtp_out_destroy(out[i]);
        rtc_srtp_in_destroy(in[i]);
    }
}

int main(int argc, char **argv) {
    size_t rounds = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 21;
    must(rounds > 0 && rounds <= ROUNDS_MAX, "rounds: 1 to 101");
    must(srtp_kinds_open(&kinds) == OK, "a kind");
    for (size_t i = 0; i < COUNT_OF(suites); i++) {
        for (size_t k = 0; k < kinds.n; k++) {
            memory(kinds.of[k], suites[i]);
        }
    }
    for (size_t i = 0; i < COUNT_OF(suites); i++) {
        for (size_t j = 0; j < COUNT_OF(sizes) * COUNT_OF(batches); j++) {
            rates(suites[i], sizes[j / COUNT_OF(batches)], batches[j % COUNT_OF(batches)], rounds);
        }
    }
    srtp_kinds_close(&kinds);
    return 0;
}
