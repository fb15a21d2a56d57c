/* Records: sealed, opened, altered, received twice, late. */
#include "test.h"

#include "core/cur.h"
#include "rtc/dtls_record.h"

#include <string.h>

#define TEXT     "sixteen kilobits"
#define TEXT_LEN (sizeof(TEXT) - 1)

/* Both ends in one: it hears itself. */
static struct rtc_dtls_record loop(uint16_t key_len) {
    struct rtc_dtls_record r = { .next = 1, .key_len = key_len };
    memset(r.send.key, 7, sizeof(r.send.key));
    memset(r.send.salt, 8, sizeof(r.send.salt));
    r.receive = r.send;
    return r;
}

static size_t seal(struct rtc_dtls_record *r, uint8_t *out) {
    return rtc_dtls_record_seal(r, RTC_DTLS_TYPE_APP, (const uint8_t *)TEXT, TEXT_LEN, out);
}

TEST(rtc_dtls_record, opens_what_it_sealed_and_nothing_altered) {
    static const struct {
        const char *name;
        uint16_t key_len;
    } rows[] = { { "AES-128", 16 }, { "AES-256", 32 } };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct rtc_dtls_record loops = loop(r->key_len);
        uint8_t record[TEXT_LEN + RTC_DTLS_RECORD_GROWTH];
        uint8_t plain[sizeof(record)];
        size_t len = seal(&loops, record);
        size_t n = 0;
        CHECK_INT(sizeof(record), len);
        for (size_t bit = 0; bit < 8 * len; bit++) {
            record[bit / 8] ^= (uint8_t)(1 << bit % 8);
            CHECK(!rtc_dtls_record_open(&loops, record, len, plain, &n));
            record[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        for (size_t cut = 0; cut < len; cut++) {
            CHECK(!rtc_dtls_record_open(&loops, record, cut, plain, &n));
        }
        CHECK(rtc_dtls_record_open(&loops, record, len, plain, &n));
        CHECK(n == TEXT_LEN && memcmp(plain, TEXT, n) == 0);
        loops.receive.key[0] ^= 1;
        loops.highest = 0;
        CHECK(!rtc_dtls_record_open(&loops, record, len, plain, &n));
    }
}

TEST(rtc_dtls_record, numbers_and_nonces_never_come_twice) {
    struct rtc_dtls_record r = loop(16);
    for (uint64_t i = 1; i < 5; i++) {
        uint8_t record[TEXT_LEN + RTC_DTLS_RECORD_GROWTH];
        seal(&r, record);
        CHECK(be64_get(record + 3) == ((uint64_t)1 << 48 | i));
        CHECK(memcmp(record + 3, record + RTC_DTLS_RECORD_HEAD, 8) == 0);
    }
}

TEST(rtc_dtls_record, each_number_is_received_once) {
    static const struct {
        const char *name;
        uint64_t numbers[4]; /* 0 = no more; the last one is judged */
        bool want;
    } rows[] = {
        { "the first", { 1 }, true },
        { "any first", { 900 }, true },
        { "the next", { 1, 2 }, true },
        { "again", { 1, 1 }, false },
        { "again behind others", { 1, 2, 3, 1 }, false },
        { "late", { 1, 3, 2 }, true },
        { "as late as may be", { 100, 37 }, true },
        { "too late", { 100, 36 }, false },
        { "late behind a leap", { 1, 1000, 937 }, true },
        { "again behind a leap of the window", { 1, 65, 2, 2 }, false },
        { "the largest", { 1, 0xFFFFFFFFFFFF }, true },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct rtc_dtls_record from = loop(16);
        struct rtc_dtls_record to = loop(16);
        bool got = false;
        for (size_t i = 0; i < 4 && r->numbers[i] != 0; i++) {
            uint8_t record[TEXT_LEN + RTC_DTLS_RECORD_GROWTH];
            uint8_t plain[sizeof(record)];
            size_t n = 0;
            from.next = r->numbers[i];
            got = rtc_dtls_record_open(&to, record, seal(&from, record), plain, &n);
        }
        CHECK_INT(r->want, got);
    }
}
