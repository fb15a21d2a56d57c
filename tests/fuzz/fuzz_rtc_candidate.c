/* What is read as a candidate is written as a line that reads as the same candidate. */
#include "fuzz.h"

#include "rtc/candidate.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct rtc_candidate c;
    if (!rtc_candidate_read((const char *)data, len, &c)) {
        return 0;
    }
    char text[RTC_CANDIDATE_TEXT_SIZE];
    struct rtc_candidate back;
    size_t n = rtc_candidate_write(&c, text);
    assert(n == strlen(text));
    assert(rtc_candidate_read(text, n, &back));
    assert(strcmp(c.foundation, back.foundation) == 0 && c.type == back.type);
    assert(c.tcptype == back.tcptype && c.component == back.component);
    assert(c.priority == back.priority && rtc_addr_equal(&c.addr, &back.addr));
    assert(rtc_addr_equal(&c.related, &back.related));
    return 0;
}
