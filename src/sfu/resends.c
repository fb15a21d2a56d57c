/* A place for each of the latest numbers. */
#include "sfu/resends.h"

#include "rtc/seq.h"

_Static_assert(sizeof(struct sfu_resends) <= 2048, "the header says so");

static int64_t guard_us(int64_t rtt_us) {
    int64_t share_us = rtt_us * SFU_RESEND_RTT_PERCENT / 100;
    return rtt_us == 0                      ? SFU_RESEND_US
           : share_us > SFU_RESEND_LEAST_US ? share_us
                                            : SFU_RESEND_LEAST_US;
}

bool sfu_resends_allow(struct sfu_resends *r, uint16_t seq, int64_t rtt_us, int64_t now_us) {
    struct sfu_resend *k = &r->kept[seq % SFU_RESENDS_KEPT];
    uint32_t now_ms = (uint32_t)(now_us / 1000);
    if (k->times == 0 || now_ms - k->sent_ms >= SFU_RESENDS_FORGET_MS ||
        rtc_seq_newer(seq, k->seq)) {
        *k = (struct sfu_resend){ .sent_ms = now_ms, .seq = seq, .times = 1 };
        return true;
    }
    if (k->seq != seq || k->times >= SFU_RESENDS_TIMES ||
        now_ms - k->sent_ms < (uint32_t)(guard_us(rtt_us) / 1000)) {
        return false;
    }
    k->times++;
    k->sent_ms = now_ms;
    return true;
}
