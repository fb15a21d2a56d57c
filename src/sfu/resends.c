/* A ring of numbers. */
#include "sfu/resends.h"

bool sfu_resends_allow(struct sfu_resends *r, uint16_t seq, int64_t rtt_us, int64_t now_us) {
    int64_t guard = rtt_us > SFU_RESEND_US ? rtt_us : SFU_RESEND_US;
    for (unsigned i = 0; i < SFU_RESENDS_KEPT; i++) {
        struct sfu_resend *k = &r->kept[i];
        if (k->times > 0 && k->seq == seq) {
            if (k->times >= SFU_RESENDS_TIMES || now_us - k->sent_us < guard) {
                return false;
            }
            k->times++;
            k->sent_us = now_us;
            return true;
        }
    }
    r->kept[r->next] = (struct sfu_resend){ .sent_us = now_us, .seq = seq, .times = 1 };
    r->next = (r->next + 1) % SFU_RESENDS_KEPT;
    return true;
}
