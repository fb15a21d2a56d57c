/* Sealing: indexes are given out here, the ciphers' work goes to the engine in batches. */
#include "core/cur.h"
#include "core/mem.h"
#include "rtc/srtp.h"

#include <assert.h>
#include <string.h>

#define RTCP_HEAD 8 /* bytes that stay in the clear: the common head and the sender's SSRC */
#define E_BIT     UINT32_C(0x80000000)

struct rtc_srtp_out {
    struct rtc_seal *seal;
    void *key;
    uint32_t rtcp_next; /* index of the next RTCP packet */
    uint32_t bytes;
    uint8_t tag, rtcp_growth;
};

enum err rtc_srtp_out_create(
    struct rtc_seal *seal, const struct rtc_srtp_master *master, struct rtc_srtp_out **ret) {
    const struct rtc_srtp_sizes *sizes = rtc_srtp_sizes(master->suite);
    size_t bytes = sizeof(struct rtc_srtp_out) + RTC_SEAL_ALIGN - 1 +
                   seal->kind->key_size(master->suite, RTC_SRTP_OUT);
    struct rtc_srtp_out *s = mem_zalloc(bytes);
    if (s == NULL) {
        return err_set(ERR_NOMEM, "no memory for an SRTP session");
    }
    s->seal = seal;
    s->key = rtc_seal_align(s + 1);
    s->bytes = (uint32_t)bytes;
    s->tag = sizes->tag;
    s->rtcp_growth = (uint8_t)(sizes->rtcp_tag + RTC_SRTCP_INDEX);
    enum err e = rtc_seal_key_init(seal, s->key, master, RTC_SRTP_OUT);
    if (e != OK) {
        mem_free(s);
        return e;
    }
    *ret = s;
    return OK;
}

void rtc_srtp_out_destroy(struct rtc_srtp_out *s) {
    if (s != NULL) {
        s->seal->kind->key_finish(s->seal->engine, s->key);
        mem_free(s);
    }
}

size_t rtc_srtp_out_bytes(const struct rtc_srtp_out *s) {
    return s->bytes;
}

/* May this be sealed, and as which packet of its SSRC? */
static enum rtc_srtp_verdict admit(const struct rtc_srtp_job *j, uint64_t *ret_index) {
    if (j->head_len == 0 || rtc_srtp_head_len(j->packet, j->head_len) != j->head_len) {
        return RTC_SRTP_MALFORMED;
    }
    if ((size_t)j->head_len + j->body_len + j->session->tag > j->room) {
        return RTC_SRTP_NO_ROOM;
    }
    uint16_t seq = be16_get(j->packet + 2);
    *ret_index = rtc_srtp_index_guess(j->sender->next, seq);
    return *ret_index < RTC_SRTP_INDEX_END ? RTC_SRTP_OK : RTC_SRTP_SPENT;
}

static size_t finish(struct rtc_srtp_job *const *jobs, const struct rtc_seal_op *ops, size_t n) {
    size_t ok = 0;
    for (size_t i = 0; i < n; i++) {
        struct rtc_srtp_job *j = jobs[i];
        if (ops[i].ok) {
            j->len = (uint16_t)(j->head_len + j->body_len + j->session->tag);
            j->verdict = RTC_SRTP_OK;
            ok++;
        } else {
            j->verdict = RTC_SRTP_FAILED;
        }
    }
    return ok;
}

size_t rtc_srtp_seal(struct rtc_seal *seal, struct rtc_srtp_job *jobs, size_t n) {
    struct rtc_seal_op ops[RTC_SEAL_BATCH];
    struct rtc_srtp_job *queued[RTC_SEAL_BATCH];
    size_t waiting = 0, ok = 0;
    for (size_t i = 0; i < n; i++) {
        struct rtc_srtp_job *j = &jobs[i];
        uint64_t index = 0;
        assert(j->session->seal == seal);
        j->len = 0;
        j->verdict = (uint8_t)admit(j, &index);
        if (j->verdict != RTC_SRTP_OK) {
            continue;
        }
        if (index >= j->sender->next) {
            j->sender->next = index + 1;
        }
        ops[waiting] = (struct rtc_seal_op){ j->session->key, j->body, j->packet, j->head_len,
            j->body_len, (uint32_t)(index >> 16), false };
        queued[waiting++] = j;
        if (waiting == RTC_SEAL_BATCH) {
            seal->kind->seal(seal->engine, ops, waiting);
            ok += finish(queued, ops, waiting);
            waiting = 0;
        }
    }
    if (waiting > 0) {
        seal->kind->seal(seal->engine, ops, waiting);
        ok += finish(queued, ops, waiting);
    }
    return ok;
}

enum rtc_srtp_verdict rtc_srtp_seal_rtcp(
    struct rtc_srtp_out *s, uint8_t *packet, size_t *len, size_t room) {
    if (*len < RTCP_HEAD || packet[0] >> 6 != 2) {
        return RTC_SRTP_MALFORMED;
    }
    if (room < *len || room - *len < s->rtcp_growth) {
        return RTC_SRTP_NO_ROOM;
    }
    if (s->rtcp_next >= RTC_SRTCP_INDEX_END) {
        return RTC_SRTP_SPENT;
    }
    if (!s->seal->kind->seal_rtcp(s->seal->engine, s->key, packet, *len, E_BIT | s->rtcp_next)) {
        return RTC_SRTP_FAILED;
    }
    s->rtcp_next++;
    *len += s->rtcp_growth;
    return RTC_SRTP_OK;
}
