/* A list: it is looked at when somebody subscribes, never per packet. */
#include "sfu/spent.h"

#include "core/mem.h"

#include <assert.h>
#include <string.h>

enum err sfu_spents_reserve(struct sfu_spents *s, size_t more) {
    const size_t wanted = s->n + more;
    if (wanted > SFU_SPENT_MAX) {
        return err_set(ERR_LIMIT, "more than %d SSRCs of a transport", SFU_SPENT_MAX);
    }
    if (wanted > s->cap) {
        const size_t cap = wanted < SFU_SPENT_MAX / 2 ? wanted * 2 : SFU_SPENT_MAX;
        struct sfu_spent *all = mem_alloc(cap * sizeof(*all));
        if (all == NULL) {
            return err_set(ERR_NOMEM, "no memory for a subscription");
        }
        if (s->n > 0) {
            memcpy(all, s->all, s->n * sizeof(*all));
        }
        mem_free(s->all);
        s->all = all;
        s->cap = (uint32_t)cap;
    }
    return OK;
}

void sfu_spents_keep(
    struct sfu_spents *s, uint32_t ssrc, sfu_id track, const struct rtc_srtp_sender *sender) {
    if (sender->next != 0) {
        assert(s->n < s->cap);
        s->all[s->n++] = (struct sfu_spent){ .ssrc = ssrc, .track = track, .sender = *sender };
    }
}

struct rtc_srtp_sender sfu_spents_take(struct sfu_spents *s, uint32_t ssrc) {
    struct rtc_srtp_sender sender = { 0 };
    for (uint32_t i = 0; i < s->n; i++) {
        if (s->all[i].ssrc == ssrc) {
            sender = s->all[i].sender;
            s->all[i] = s->all[--s->n];
            break;
        }
    }
    return sender;
}

void sfu_spents_forget(struct sfu_spents *s, sfu_id track) {
    for (uint32_t i = 0; i < s->n;) {
        if (s->all[i].track == track) {
            s->all[i] = s->all[--s->n];
        } else {
            i++;
        }
    }
}

void sfu_spents_finish(struct sfu_spents *s) {
    mem_free(s->all);
    *s = (struct sfu_spents){ 0 };
}
