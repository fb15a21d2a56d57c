/* When packets left and came, as a client notes and reports it for estimates of its way. */
#include "rtc/rtp.h"
#include "rtc/rtpext.h"
#include "world.h"

#define GREW_US      30000    /* packets that wait so long say that too much is sent */
#define ESTIMATE_BPS 50000000 /* until then */

static void note_age(struct world_estimate *e, size_t len, int64_t age_us) {
    e->bytes += len;
    e->least_us = e->least_us == 0 || age_us < e->least_us ? age_us : e->least_us;
    e->base_us = e->base_us == 0 || age_us < e->base_us ? age_us : e->base_us;
}

void world_estimate(struct world_client *c) {
    struct world_estimate *e = &c->estimate;
    int64_t for_us = c->world->now_us - e->reported_us;
    if (e->growth_percent == 0) {
        return;
    }
    if (e->reported_us != 0 && e->least_us != 0) {
        double bps = (double)e->bytes * 8e6 / (double)for_us, said = (double)c->remb_bps;
        double grown = said * (1 + e->growth_percent / 100.0 * (double)for_us / 1e6);
        double most = 1.5 * bps + 10000;
        grown = grown < most ? grown : said > most ? said : most;
        c->remb_bps = (uint64_t)(e->least_us - e->base_us > GREW_US ? 0.85 * bps : grown);
    } else if (c->remb_bps == 0) {
        c->remb_bps = ESTIMATE_BPS;
    }
    e->bytes = 0;
    e->least_us = 0;
    e->reported_us = c->world->now_us;
}

/* The time of sending, which is a moment ago: 24 bits, 18 of them behind the point. */
static void check_time(struct world_client *c, const uint8_t *packet, size_t len, int64_t now_us) {
    static const uint8_t ids[RTC_EXT_COUNT] = { [RTC_EXT_ABS_SEND_TIME] = WORLD_EXT_TIME };
    const struct net_way *down = &c->world->net.down;
    struct rtc_rtp rtp;
    struct rtc_rtpext x;
    uint32_t said;
    if (!rtc_rtp_parse(cur_make(packet, len), &rtp)) {
        return;
    }
    rtc_rtpext_read(packet, &rtp, ids, &x);
    if (rtc_rtpext_abs_send_time(packet, &x, &said)) {
        int64_t age_us =
            ((int64_t)((uint32_t)((uint64_t)now_us * 262144 / 1000000) - said) & 0xffffff) *
            1000000 / 262144;
        bool right =
            age_us >= down->delay_us - 1000 && age_us <= down->delay_us + down->jitter_us + 1000;
        note_age(&c->estimate, len, age_us);
        *(right ? &c->times_right : &c->times_wrong) += 1;
    }
}

static void note_number(struct world_client *c, const uint8_t *packet, size_t len, int64_t now_us) {
    static const uint8_t ids[RTC_EXT_COUNT] = { [RTC_EXT_TRANSPORT_CC] = WORLD_EXT_WIDE };
    struct rtc_rtp rtp;
    struct rtc_rtpext x;
    uint16_t number;
    if (c->wide && rtc_rtp_parse(cur_make(packet, len), &rtp)) {
        rtc_rtpext_read(packet, &rtp, ids, &x);
        if (rtc_rtpext_twcc(packet, &x, &number)) {
            rtc_twcc_rx_arrived(&c->arrivals, number, now_us);
        }
    }
}

void world_note_arrival(struct world_client *c, const uint8_t *packet, size_t len, int64_t now_us) {
    check_time(c, packet, len, now_us);
    note_number(c, packet, len, now_us);
}

void world_report_arrivals(struct world_client *c) {
    uint8_t bytes[1200];
    struct wr w = wr_make(bytes, sizeof(bytes));
    while (rtc_twcc_rx_due(&c->arrivals, c->world->now_us) &&
           rtc_twcc_rx_write(&c->arrivals, &w, 7, 8, c->world->now_us)) {
        (void)peer_connection_rtcp(c->peer, bytes, wr_len(&w));
        w = wr_make(bytes, sizeof(bytes));
    }
}
