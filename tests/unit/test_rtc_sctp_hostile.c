/* A peer that has every right to send, and sends nonsense under good checksums: in the handshake,
 * among messages, while streams are closed. What it may break is its own association. */
#include "test.h"

#include "sctp_path.h"
#include "sctp_sign.h"

#define ROUNDS 100
#define STEPS  120
#define EDITS  4

/* Some bytes behind the tag, or a length, become others. */
static void spoil(struct sctp_path *p, struct sctp_packet *k) {
    for (unsigned n = 1 + sctp_path_random(p) % EDITS; n > 0; n--) {
        size_t at = 12 + sctp_path_random(p) % (k->len - 12);
        static const uint8_t likely[] = { 0, 1, 3, 4, 16, 127, 128, 192, 254, 255 };
        bool any = sctp_path_random(p) % 2 == 0;
        k->bytes[at] =
            any ? (uint8_t)sctp_path_random(p) : likely[sctp_path_random(p) % COUNT_OF(likely)];
    }
    if (sctp_path_random(p) % 8 == 0) {
        k->len = 12 + sctp_path_random(p) % (k->len - 12);
    }
    sctp_sign(k->bytes, k->len);
}

static void count(struct sctp_end *e, const struct rtc_sctp_message *m) {
    size_t *got = e->arg;
    CHECK(m->len > 0 && m->len <= RTC_SCTP_MESSAGE_MOST && m->stream < RTC_SCTP_STREAMS);
    *got += 1;
}

static void say(struct sctp_path *p) {
    static uint8_t data[9000];
    unsigned what = sctp_path_random(p);
    struct rtc_sctp_message m = { .data = data,
        .len = 1 + what % sizeof(data),
        .ppid = 53,
        .stream = (uint16_t)(what >> 8 & 7),
        .unordered = (what >> 16 & 1) != 0,
        .limited = (what >> 17 & 1) != 0 };
    if (what % 16 == 0) {
        rtc_sctp_reset(p->ends[0].sctp, m.stream, p->now_us);
    } else {
        (void)rtc_sctp_send(p->ends[0].sctp, &m, p->now_us);
    }
}

TEST(rtc_sctp_hostile, breaks_nothing_but_its_own) {
    size_t got = 0, spoilt = 0, closed = 0;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct sctp_path p = { .delay_us = 10000, .seed = round };
        CHECK_ERR(OK, sctp_path_open(&p, 0, 0));
        p.ends[1].got = count;
        p.ends[1].arg = &got;
        if (round % 4 != 0) {
            sctp_path_run(&p, SEC_US); /* else the handshake is spoilt, too */
        }
        for (int step = 0; step < STEPS; step++) {
            size_t before = p.n;
            say(&p);
            for (size_t i = before; i < p.n; i++) {
                if (p.wire[i].to == 1 && p.wire[i].len > 16 && sctp_path_random(&p) % 3 == 0) {
                    spoil(&p, &p.wire[i]);
                    spoilt++;
                }
            }
            sctp_path_run(&p, 5000);
        }
        sctp_path_run(&p, 5 * SEC_US);
        CHECK(rtc_sctp_buffered(p.ends[1].sctp) < RTC_SCTP_SEND_MOST);
        closed += rtc_sctp_state(p.ends[1].sctp) == RTC_SCTP_CLOSED;
        sctp_path_close(&p);
    }
    CHECK(spoilt > ROUNDS && got > ROUNDS); /* so it was tried, and some came through */
    CHECK(closed > 0);
}
