/* The vectors of RFC 3711, B.3, and what a DTLS handshake exports. */
#include "core/crypto.h"
#include "rtc/srtp_keys.h"
#include "test.h"

#include <string.h>

static void check_hex(const char *want, const uint8_t *got, size_t n) {
    char text[2 * RTC_SRTP_KEY_MAX + 1];
    crypto_hex(got, n, text);
    CHECK_STR(want, text);
}

TEST(rtc_srtp_keys, derives_as_rfc_3711_b_3) {
    struct rtc_srtp_master m = { .suite = RTC_SRTP_CM_SHA1_80 };
    struct rtc_srtp_derived d;
    CHECK(crypto_unhex("e1f97a0d3e018be0d64fa32c06de4139", m.key, 16));
    CHECK(crypto_unhex("0ec675ad498afeebb6960b3aabe6", m.salt, 14));
    CHECK_ERR(OK, rtc_srtp_derive(&m, &d));
    check_hex("c61e7a93744f39ee10734afe3ff7a087", d.rtp.key, 16);
    check_hex("30cbbc08863d8c85d49db34a9ae1", d.rtp.salt, 14);
    check_hex("cebe321f6ff7716b6fd4ab49af256a156d38baa4", d.rtp.auth, 20);
    CHECK(memcmp(d.rtp.key, d.rtcp.key, 16) != 0);
    CHECK(memcmp(d.rtp.salt, d.rtcp.salt, 14) != 0);
    CHECK(memcmp(d.rtp.auth, d.rtcp.auth, 20) != 0);
}

TEST(rtc_srtp_keys, cuts_exported_material_in_the_order_of_rfc_5764) {
    static const struct {
        const char *name;
        enum rtc_srtp_suite suite;
        uint16_t profile;
        size_t size, server_key, client_salt, server_salt;
    } rows[] = {
        { "AEAD_AES_128_GCM", RTC_SRTP_GCM_128, 7, 56, 16, 32, 44 },
        { "AEAD_AES_256_GCM", RTC_SRTP_GCM_256, 8, 88, 32, 64, 76 },
        { "AES_CM_128_HMAC_SHA1_80", RTC_SRTP_CM_SHA1_80, 1, 60, 16, 32, 46 },
        { "AES_CM_128_HMAC_SHA1_32", RTC_SRTP_CM_SHA1_32, 2, 60, 16, 32, 46 },
    };
    uint8_t material[RTC_SRTP_MATERIAL_MAX];
    for (size_t i = 0; i < sizeof(material); i++) {
        material[i] = (uint8_t)i;
    }
    FOR_ROWS (rows, r) {
        struct rtc_srtp_master client, server;
        enum rtc_srtp_suite suite = RTC_SRTP_SUITES;
        ROW(r->name);
        CHECK(rtc_srtp_suite_of(r->profile, &suite));
        CHECK_INT(r->suite, suite);
        CHECK_STR(r->name, rtc_srtp_sizes(suite)->name);
        rtc_srtp_material_cut(suite, material, &client, &server);
        CHECK_INT(0, client.key[0]);
        CHECK_INT(r->server_key, server.key[0]);
        CHECK_INT(r->client_salt, client.salt[0]);
        CHECK_INT(r->server_salt, server.salt[0]);
        CHECK_INT(r->size - 1, server.salt[rtc_srtp_sizes(suite)->salt - 1]);
    }
}

TEST(rtc_srtp_keys, knows_no_profile_without_encryption) {
    enum rtc_srtp_suite suite;
    CHECK(!rtc_srtp_suite_of(0, &suite));
    CHECK(!rtc_srtp_suite_of(5, &suite)); /* NULL_HMAC_SHA1_80 */
    CHECK(!rtc_srtp_suite_of(6, &suite));
}
