/* Whatever is believed was signed: a request that the check accepts has a name of ours; a response
 * without the password is never taken for one with it. */
#include "fuzz.h"

#include "rtc/stun.h"

#include <assert.h>
#include <string.h>

static void check_answers(const struct rtc_stun_request *r) {
    uint8_t wire[RTC_STUN_ANSWER_MOST];
    struct rtc_stun_response said;
    size_t n = rtc_stun_write_error(r, 420, "VOkJxbRl1RmTxUk/WvJxBt", wire, sizeof(wire));
    assert(rtc_stun_read_response(wire, n, r->id, "VOkJxbRl1RmTxUk/WvJxBt", &said));
    assert(!said.success && said.code == 420);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static const struct rtc_stun_cred cred = { "evtj", "h6vY", "VOkJxbRl1RmTxUk/WvJxBt" };
    struct rtc_stun_head head;
    struct rtc_stun_request r;
    struct rtc_stun_response said;
    bool seen = rtc_stun_peek(data, len, &head);
    enum rtc_stun_verdict verdict = rtc_stun_check(data, len, &cred, &r);
    assert(verdict == RTC_STUN_DROP || (seen && head.class == RTC_STUN_REQUEST));
    if (verdict == RTC_STUN_OK || verdict == RTC_STUN_UNKNOWN) {
        assert(head.ufrag_len == 4 && memcmp(head.ufrag, "evtj", 4) == 0);
        assert((verdict == RTC_STUN_UNKNOWN) == (r.n_unknown > 0));
        check_answers(&r);
    }
    if (seen && rtc_stun_read_response(data, len, head.id, cred.password, &said)) {
        struct rtc_stun_response again;
        assert(rtc_stun_read_response(data, len, head.id, NULL, &again));
        assert(said.success == again.success && said.code == again.code);
    }
    return 0;
}
