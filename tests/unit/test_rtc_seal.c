/* The vectors of RFC 3711, B.2 and RFC 7714, 16 and 17, which give keys that are derived already;
 * and the choice among kinds. */
#include "core/crypto.h"
#include "test.h"
#include "tests/unit/srtp_kinds.h"

#include <string.h>

#define KEY_128 "000102030405060708090a0b0c0d0e0f"
#define KEY_256 KEY_128 "101112131415161718191a1b1c1d1e1f"
#define QUID    "517569642070726f2071756f"
#define RTP     "8040f17b8041f8d35501a0b2"
#define GALLIA  "47616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573"
#define RTCP                                                                                       \
    "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdead" \
    "beefdeadbeef"

struct vector {
    const char *name;
    enum rtc_srtp_suite suite;
    const char *key, *salt;
    const char *head, *plain, *sealed; /* sealed: behind the head; of CM what goes before the tag */
};

static const struct vector rtp_vectors[] = {
    { "RFC 7714, 16.1.1", RTC_SRTP_GCM_128, KEY_128, QUID, RTP, GALLIA,
        "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833899d7f27beb16a"
        "9152cf765ee439"
        "0cce" },
    { "RFC 7714, 16.2.1", RTC_SRTP_GCM_256, KEY_256, QUID, RTP, GALLIA,
        "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b7aa3db36dfffd6"
        "b0f9bb7878d7a7"
        "6c13" },
    { "RFC 3711, B.2", RTC_SRTP_CM_SHA1_80, "2b7e151628aed2a6abf7158809cf4f3c",
        "f0f1f2f3f4f5f6f7f8f9fafbfcfd", "800000000000000000000000",
        "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "000000",
        "e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab41e95b3bb0a2e8dd477901e4fc"
        "a894c0" },
};

static const struct vector rtcp_vectors[] = {
    { "RFC 7714, 17.1", RTC_SRTP_GCM_128, KEY_128, QUID, "", RTCP,
        "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686"
        "303ded0bb9275b"
        "c84aa45896cf4d2fc5abf87245d9eade800005d4" },
    { "RFC 7714, 17.2", RTC_SRTP_GCM_256, KEY_256, QUID, "", RTCP,
        "81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c6"
        "1de0476f1b6fad"
        "1d1eb30c4446839f57ff6f6cb26ac3be800005d4" },
};
#define RTCP_TRAILER 0x800005d4U

static size_t unhex(const char *text, uint8_t *ret) {
    size_t n = strlen(text) / 2;
    CHECK(crypto_unhex(text, ret, n));
    return n;
}

/* A key of a kind that takes derived keys as they are; NULL for libsrtp2. */
static void *key_of(
    struct rtc_seal *s, const struct vector *v, enum rtc_srtp_way way, void *memory) {
    struct rtc_srtp_master m = { .suite = v->suite };
    struct rtc_srtp_derived d = { .suite = v->suite };
    void *key = rtc_seal_align(memory);
    unhex(v->key, d.rtp.key);
    unhex(v->salt, d.rtp.salt);
    d.rtcp = d.rtp;
    CHECK(s->kind->key_size(v->suite, way) <= PACKET_ROOM);
    memset(key, 0, PACKET_ROOM);
    CHECK_ERR(OK, s->kind->key_init(s->engine, key, &m, &d, way));
    return key;
}

static void check_rtp(struct rtc_seal *s, const struct vector *v) {
    static uint8_t memory[2][PACKET_ROOM + RTC_SEAL_ALIGN];
    uint8_t packet[256], plain[256], want[256];
    void *out = key_of(s, v, RTC_SRTP_OUT, memory[0]), *in = key_of(s, v, RTC_SRTP_IN, memory[1]);
    size_t head = unhex(v->head, packet), body = unhex(v->plain, plain),
           sealed = unhex(v->sealed, want);
    struct rtc_seal_op op = { out, plain, packet, (uint16_t)head, (uint16_t)body, 0, false };
    s->kind->seal(s->engine, &op, 1);
    CHECK(op.ok);
    CHECK(memcmp(packet + head, want, sealed) == 0);
    op = (struct rtc_seal_op){ in, NULL, packet, (uint16_t)head, (uint16_t)body, 0, false };
    s->kind->open(s->engine, &op, 1);
    CHECK(op.ok);
    CHECK(memcmp(packet + head, plain, body) == 0);
    s->kind->key_finish(s->engine, out);
    s->kind->key_finish(s->engine, in);
}

static void check_rtcp(struct rtc_seal *s, const struct vector *v) {
    static uint8_t memory[2][PACKET_ROOM + RTC_SEAL_ALIGN];
    uint8_t packet[256], plain[256], want[256];
    void *out = key_of(s, v, RTC_SRTP_OUT, memory[0]), *in = key_of(s, v, RTC_SRTP_IN, memory[1]);
    size_t n = unhex(v->plain, plain), sealed = unhex(v->sealed, want);
    memcpy(packet, plain, n);
    CHECK(s->kind->seal_rtcp(s->engine, out, packet, n, RTCP_TRAILER));
    CHECK(memcmp(packet, want, sealed) == 0);
    CHECK(s->kind->open_rtcp(s->engine, in, packet, n, RTCP_TRAILER));
    CHECK(memcmp(packet, plain, n) == 0);
    s->kind->key_finish(s->engine, out);
    s->kind->key_finish(s->engine, in);
}

TEST(rtc_seal, gives_the_bytes_of_the_standards) {
    struct srtp_kinds kinds;
    CHECK_ERR(OK, srtp_kinds_open(&kinds));
    for (size_t i = 0; i < kinds.n; i++) {
        if (kinds.of[i]->kind == &rtc_seal_srtp2) {
            continue; /* it derives its keys itself */
        }
        FOR_ROWS (rtp_vectors, v) {
            ROW(v->name);
            check_rtp(kinds.of[i], v);
        }
        FOR_ROWS (rtcp_vectors, v) {
            ROW(v->name);
            check_rtcp(kinds.of[i], v);
        }
    }
    srtp_kinds_close(&kinds);
}

static bool never(void) {
    return false;
}

TEST(rtc_seal, takes_the_best_or_the_named) {
    struct rtc_seal *s = NULL;
    CHECK_ERR(OK, rtc_seal_create(NULL, &s));
    for (size_t i = 0; rtc_seal_kind_at(i) != NULL; i++) {
        if (rtc_seal_kind_at(i)->usable()) {
            CHECK_STR(rtc_seal_kind_at(i)->name, rtc_seal_name(s));
            break;
        }
    }
    rtc_seal_destroy(s);
    CHECK_ERR(OK, rtc_seal_create("evp", &s));
    CHECK_STR("evp", rtc_seal_name(s));
    rtc_seal_destroy(s);
    CHECK_ERR(ERR_NOT_FOUND, rtc_seal_create("rot13", &s));
    struct rtc_seal_kind other = *rtc_seal_kind_at(0);
    other.usable = never;
    CHECK_ERR(ERR_CONFLICT, rtc_seal_create_kind(&other, &s));
    rtc_seal_destroy(NULL);
}

TEST_ALLOC(rtc_seal, survives_no_memory) {
    CLEANUP(srtp_kinds_close) struct srtp_kinds kinds;
    return srtp_kinds_open(&kinds);
}
