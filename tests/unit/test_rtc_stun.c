/* STUN: the vectors of RFC 5769, requests judged, answers written and read back. */
#include "test.h"

#include "core/crypto.h"
#include "core/cur.h"
#include "rtc/stun.h"

#include <stdio.h>
#include <string.h>
#include <stun/stunagent.h>

/* RFC 5769, 2.1 to 2.3. */
#define VECTOR_ID       "b7e7a701bc34d686fa87dfae"
#define VECTOR_PASSWORD "VOkJxbRl1RmTxUk/WvJxBt"
#define VECTOR_REQUEST                                                                             \
    "000100582112a442" VECTOR_ID "802200105354554e207465737420636c69656e74"                        \
    "002400046e0001ff80290008932ff9b151263b36000600096576746a3a68367659202020"                     \
    "000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf"
#define VECTOR_IPV4                                                                                \
    "0101003c2112a442" VECTOR_ID "8022000b7465737420766563746f7220"                                \
    "002000080001a147e112a643000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7"                     \
    "80280004c07d4c96"
#define VECTOR_IPV6                                                                                \
    "010100482112a442" VECTOR_ID "8022000b7465737420766563746f7220"                                \
    "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"                                             \
    "00080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c"

static size_t unhex(const char *text, uint8_t *ret, size_t cap) {
    size_t n = strlen(text) / 2;
    CHECK(n <= cap && crypto_unhex(text, ret, n));
    return n;
}

TEST(rtc_stun, judges_the_request_of_rfc_5769) {
    static const struct {
        const char *name, *local, *remote, *password;
        enum rtc_stun_verdict want;
    } rows[] = {
        { "its own names", "evtj", "h6vY", VECTOR_PASSWORD, RTC_STUN_OK },
        { "theirs is not known yet", "evtj", NULL, VECTOR_PASSWORD, RTC_STUN_OK },
        { "another local name", "evtk", "h6vY", VECTOR_PASSWORD, RTC_STUN_UNAUTHORIZED },
        { "a shorter local name", "evt", "h6vY", VECTOR_PASSWORD, RTC_STUN_UNAUTHORIZED },
        { "a longer local name", "evtj:", NULL, VECTOR_PASSWORD, RTC_STUN_UNAUTHORIZED },
        { "another remote name", "evtj", "h6vZ", VECTOR_PASSWORD, RTC_STUN_UNAUTHORIZED },
        { "a longer remote name", "evtj", "h6vYY", VECTOR_PASSWORD, RTC_STUN_UNAUTHORIZED },
        { "another password", "evtj", "h6vY", "VOkJxbRl1RmTxUk/WvJxBu", RTC_STUN_UNAUTHORIZED },
    };
    uint8_t data[256];
    size_t len = unhex(VECTOR_REQUEST, data, sizeof(data));
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct rtc_stun_cred cred = { r->local, r->remote, r->password };
        struct rtc_stun_request got;
        CHECK_INT(r->want, rtc_stun_check(data, len, &cred, &got));
        char id[2 * RTC_STUN_ID_SIZE + 1];
        crypto_hex(got.id, sizeof(got.id), id);
        CHECK_STR(VECTOR_ID, id);
        if (r->want == RTC_STUN_OK) {
            CHECK_INT(RTC_STUN_CONTROLLED, got.role);
            CHECK(got.tie_breaker == 0x932ff9b151263b36U);
            CHECK_INT(0x6e0001ff, got.priority);
            CHECK(!got.use_candidate);
        }
    }
}

TEST(rtc_stun, every_flipped_bit_of_a_request_is_seen) {
    uint8_t data[256];
    size_t len = unhex(VECTOR_REQUEST, data, sizeof(data));
    struct rtc_stun_cred cred = { "evtj", "h6vY", VECTOR_PASSWORD };
    for (size_t bit = 0; bit < 8 * len; bit++) {
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        struct rtc_stun_request got;
        if (rtc_stun_check(data, len, &cred, &got) != RTC_STUN_DROP) {
            test_fail(__FILE__, __LINE__, "bit %zu", bit);
        }
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t cut = 0; cut < len; cut++) {
        struct rtc_stun_request got;
        CHECK_INT(RTC_STUN_DROP, rtc_stun_check(data, cut, &cred, &got));
    }
}

TEST(rtc_stun, reads_the_responses_of_rfc_5769) {
    static const struct {
        const char *name, *hex, *password, *ip; /* ip NULL = refused */
    } rows[] = {
        { "IPv4", VECTOR_IPV4, VECTOR_PASSWORD, "192.0.2.1" },
        { "IPv6", VECTOR_IPV6, VECTOR_PASSWORD, "2001:db8:1234:5678:11:2233:4455:6677" },
        { "nothing to prove", VECTOR_IPV4, NULL, "192.0.2.1" },
        { "another password", VECTOR_IPV4, "VOkJxbRl1RmTxUk/WvJxB", NULL },
        { "a request", VECTOR_REQUEST, VECTOR_PASSWORD, NULL },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        uint8_t data[256];
        uint8_t id[RTC_STUN_ID_SIZE];
        size_t len = unhex(r->hex, data, sizeof(data));
        unhex(VECTOR_ID, id, sizeof(id));
        struct rtc_stun_response got;
        CHECK_INT(r->ip != NULL, rtc_stun_read_response(data, len, id, r->password, &got));
        if (r->ip != NULL) {
            char ip[RTC_ADDR_TEXT_SIZE];
            rtc_addr_write_ip(&got.mapped, ip);
            CHECK_STR(r->ip, ip);
            CHECK_INT(32853, got.mapped.port);
        }
        id[3] ^= 1;
        CHECK(!rtc_stun_read_response(data, len, id, r->password, &got));
    }
}

TEST(rtc_stun, peeks_without_cryptography) {
    static const struct {
        const char *name, *hex;
        bool want;
        enum rtc_stun_class class;
        const char *ufrag;
    } rows[] = {
        { "request", VECTOR_REQUEST, true, RTC_STUN_REQUEST, "evtj" },
        { "response", VECTOR_IPV4, true, RTC_STUN_SUCCESS, NULL },
        { "indication", "001100002112a442" VECTOR_ID, true, RTC_STUN_INDICATION, NULL },
        { "error", "011100002112a442" VECTOR_ID, true, RTC_STUN_FAILURE, NULL },
        { "name without a colon", "000100082112a442" VECTOR_ID "0006000461626364", true,
            RTC_STUN_REQUEST, NULL },
        { "empty first half", "000100082112a442" VECTOR_ID "000600043a626364", true,
            RTC_STUN_REQUEST, "" },
        { "another cookie", "000100002112a443" VECTOR_ID, false, 0, NULL },
        { "another method", "000300002112a442" VECTOR_ID, false, 0, NULL },
        { "longer than it is", "000100042112a442" VECTOR_ID, false, 0, NULL },
        { "shorter than it is", "000100002112a442" VECTOR_ID "00060000", false, 0, NULL },
        { "attribute beyond the end", "000100042112a442" VECTOR_ID "00060001", false, 0, NULL },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        uint8_t data[256];
        size_t len = unhex(r->hex, data, sizeof(data));
        struct rtc_stun_head got;
        CHECK_INT(r->want, rtc_stun_peek(data, len, &got));
        if (r->want) {
            CHECK_INT(r->class, got.class);
            char ufrag[16] = "";
            CHECK(got.ufrag_len < sizeof(ufrag));
            CHECK_INT(r->ufrag != NULL, got.ufrag != NULL);
            if (got.ufrag != NULL) {
                memcpy(ufrag, got.ufrag, got.ufrag_len);
                CHECK_STR(r->ufrag, ufrag);
            }
        }
    }
}

/* What a request made by libnice's own agent holds. */
enum {
    NAME = 1,
    MAC = 2,
    PRIO = 4,
    CRC = 8,
    STRANGE = 16,
    BAD_FLAG = 32,
    BAD_ROLE = 64,
    OPTIONAL = 128
};
#define SOUND (NAME | MAC | PRIO | CRC)

static size_t make_request(unsigned parts, uint8_t *ret, size_t cap) {
    static StunAgent agent;
    StunMessage m;
    stun_agent_init(&agent, NULL, STUN_COMPATIBILITY_RFC5389,
        STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS |
            ((parts & CRC) != 0 ? STUN_AGENT_USAGE_USE_FINGERPRINT : 0));
    CHECK(stun_agent_init_request(&agent, &m, ret, cap, STUN_BINDING));
    if ((parts & NAME) != 0) {
        stun_message_append_string(&m, STUN_ATTRIBUTE_USERNAME, "us:them");
    }
    if ((parts & PRIO) != 0) {
        stun_message_append32(&m, STUN_ATTRIBUTE_PRIORITY, 7);
    }
    if ((parts & STRANGE) != 0) {
        stun_message_append_bytes(&m, (StunAttribute)0x7001, "abc", 3);
        stun_message_append32(&m, (StunAttribute)0x0019, 1);
    }
    if ((parts & OPTIONAL) != 0) {
        stun_message_append32(&m, (StunAttribute)0xC057, 1); /* Chromium's network cost */
    }
    if ((parts & BAD_FLAG) != 0) {
        stun_message_append32(&m, STUN_ATTRIBUTE_USE_CANDIDATE, 1);
    }
    if ((parts & BAD_ROLE) != 0) {
        stun_message_append32(&m, STUN_ATTRIBUTE_ICE_CONTROLLING, 1);
    }
    return stun_agent_finish_message(
        &agent, &m, (parts & MAC) != 0 ? (const uint8_t *)"secret" : NULL, 6);
}

TEST(rtc_stun, says_what_is_wrong_with_a_request) {
    static const struct {
        const char *name;
        unsigned parts;
        enum rtc_stun_verdict want;
    } rows[] = {
        { "nothing", SOUND, RTC_STUN_OK },
        { "nothing, with something optional", SOUND | OPTIONAL, RTC_STUN_OK },
        { "no fingerprint", SOUND & ~CRC, RTC_STUN_DROP },
        { "no name", SOUND & ~NAME, RTC_STUN_BAD_REQUEST },
        { "no MAC", SOUND & ~MAC, RTC_STUN_BAD_REQUEST },
        { "no priority", SOUND & ~PRIO, RTC_STUN_BAD_REQUEST },
        { "USE-CANDIDATE with a value", SOUND | BAD_FLAG, RTC_STUN_BAD_REQUEST },
        { "tie-breaker of four bytes", SOUND | BAD_ROLE, RTC_STUN_BAD_REQUEST },
        { "attributes that must be understood", SOUND | STRANGE, RTC_STUN_UNKNOWN },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        uint8_t data[256];
        size_t len = make_request(r->parts, data, sizeof(data));
        struct rtc_stun_cred cred = { "us", "them", "secret" };
        struct rtc_stun_request got;
        CHECK_INT(r->want, rtc_stun_check(data, len, &cred, &got));
        if (r->want == RTC_STUN_UNKNOWN) {
            CHECK_INT(2, got.n_unknown);
            CHECK_INT(0x7001, got.unknown[0]);
            CHECK_INT(0x0019, got.unknown[1]);
        }
    }
}

/* libnice would read 20 bytes of this MAC of none, behind the message. */
TEST(rtc_stun, a_mac_of_no_length_is_no_mac) {
    uint8_t data[64];
    size_t len = unhex("000100142112a442" VECTOR_ID "0006000575733a7468000000"
                       "0008000080280004",
        data, sizeof(data));
    uint8_t *exact = mem_alloc(len + 4); /* the sanitizer sees what is read behind it */
    CHECK(exact != NULL);
    memcpy(exact, data, len);
    be16_put(exact + 2, (uint16_t)(len + 4 - 20));
    for (unsigned tries = 0; exact != NULL && tries < 4; tries++) {
        struct rtc_stun_cred cred = { "us", NULL, "secret" };
        struct rtc_stun_request got;
        be32_put(exact + len, tries);
        CHECK_INT(RTC_STUN_DROP, rtc_stun_check(exact, len + 4, &cred, &got));
    }
    mem_free(exact);
}

static const uint8_t home[4] = { 198, 51, 100, 4 };

TEST(rtc_stun, a_client_and_a_server_understand_each_other) {
    struct rtc_addr v6 = { .port = 1 };
    CHECK(rtc_addr_read_ip("2001:db8::7", 11, &v6));
    const struct {
        const char *name;
        struct rtc_stun_ask ask;
        struct rtc_addr mapped;
    } rows[] = {
        { "nominating",
            { .remote = "us",
                .local = "them",
                .password = "secret",
                .role = RTC_STUN_CONTROLLING,
                .tie_breaker = 99,
                .priority = 5,
                .use_candidate = true },
            rtc_addr_v4(home, 40000, false) },
        { "controlled, IPv6",
            { .remote = "us",
                .local = "them",
                .password = "secret",
                .role = RTC_STUN_CONTROLLED,
                .tie_breaker = 1,
                .priority = UINT32_MAX },
            v6 },
        { "no role", { .remote = "us", .local = "them", .password = "secret", .priority = 1 },
            rtc_addr_v4(home, 1, false) },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct rtc_stun_ask ask = r->ask;
        crypto_random(ask.id, sizeof(ask.id));
        uint8_t wire[RTC_STUN_MOST];
        size_t len = rtc_stun_write_request(&ask, wire, sizeof(wire));
        struct rtc_stun_cred cred = { "us", "them", "secret" };
        struct rtc_stun_request got;
        CHECK_INT(RTC_STUN_OK, rtc_stun_check(wire, len, &cred, &got));
        CHECK_INT(ask.role, got.role);
        CHECK_INT(ask.role == RTC_STUN_NO_ROLE ? 0 : ask.tie_breaker, got.tie_breaker);
        CHECK_INT(ask.priority, got.priority);
        CHECK_INT(ask.use_candidate, got.use_candidate);

        struct rtc_stun_response said;
        len = rtc_stun_write_success(&got, &r->mapped, "secret", wire, sizeof(wire));
        CHECK(len > 0 && len <= RTC_STUN_ANSWER_MOST);
        CHECK(rtc_stun_read_response(wire, len, ask.id, "secret", &said));
        CHECK(said.success && rtc_addr_equal(&r->mapped, &said.mapped));
        CHECK(!rtc_stun_read_response(wire, len, ask.id, "Secret", &said));
    }
}

TEST(rtc_stun, writes_errors_that_clients_believe) {
    static const struct {
        const char *name;
        unsigned code;
        const char *password;
        bool believed; /* by a client that knows the password */
    } rows[] = {
        { "bad request", 400, NULL, true },
        { "unauthorized", 401, NULL, true },
        { "unknown attribute", 420, "secret", true },
        { "role conflict", 487, "secret", true },
        { "role conflict that anybody could have sent", 487, NULL, false },
        { "role conflict of another", 487, "secrets", false },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct rtc_stun_request request = { .id = { 1, 2, 3 }, .n_unknown = RTC_STUN_UNKNOWN_MOST };
        for (size_t i = 0; i < RTC_STUN_UNKNOWN_MOST; i++) {
            request.unknown[i] = (uint16_t)(0x7000 + i);
        }
        uint8_t wire[RTC_STUN_ANSWER_MOST];
        size_t len = rtc_stun_write_error(&request, r->code, r->password, wire, sizeof(wire));
        CHECK(len > 0);
        struct rtc_stun_response said = { .success = true };
        CHECK_INT(r->believed, rtc_stun_read_response(wire, len, request.id, "secret", &said));
        if (r->believed) {
            CHECK(!said.success);
            CHECK_INT(r->code, said.code);
        }
        if (r->code == 420) {
            StunMessage m = { .buffer = wire, .buffer_len = len };
            uint16_t size = 0;
            const uint8_t *list = stun_message_find(&m, STUN_ATTRIBUTE_UNKNOWN_ATTRIBUTES, &size);
            CHECK_INT(2 * RTC_STUN_UNKNOWN_MOST, size);
            CHECK(list != NULL && be16_get(list + 2) == 0x7001);
        }
    }
}

TEST(rtc_stun, asks_a_plain_server_without_credentials) {
    struct rtc_stun_ask ask = { .id = { 9 } };
    uint8_t wire[RTC_STUN_MOST];
    CHECK_INT(28, rtc_stun_write_request(&ask, wire, sizeof(wire)));
    /* It answers without FINGERPRINT. */
    uint8_t answer[64];
    size_t len = unhex("0101000c2112a442090000000000000000000000"
                       "002000080001a147e112a643",
        answer, sizeof(answer));
    struct rtc_stun_response said;
    CHECK(rtc_stun_read_response(answer, len, ask.id, NULL, &said));
    CHECK_INT(32853, said.mapped.port);
    CHECK(!rtc_stun_read_response(answer, len, ask.id, "secret", &said));
}

TEST(rtc_stun, writes_nothing_where_it_does_not_fit) {
    struct rtc_stun_request request = { .id = { 1 } };
    struct rtc_addr a = rtc_addr_v4(home, 1, false);
    uint8_t wire[RTC_STUN_ANSWER_MOST];
    size_t cap = RTC_STUN_ANSWER_MOST - 1;
    CHECK_INT(0, rtc_stun_write_success(&request, &a, "secret", wire, cap));
    CHECK_INT(0, rtc_stun_write_error(&request, 487, "secret", wire, cap));
    struct rtc_stun_ask ask = { .remote = "us", .local = "them", .password = "secret" };
    size_t need = rtc_stun_write_request(&ask, wire, sizeof(wire));
    CHECK(need > 0);
    for (size_t n = 0; n < need; n++) {
        uint8_t *exact = mem_alloc(n + 1);
        CHECK(exact != NULL && rtc_stun_write_request(&ask, exact, n) == 0);
        mem_free(exact);
    }
    char many[RTC_STUN_NAME_MOST + 1];
    memset(many, 'a', sizeof(many) - 1);
    many[sizeof(many) - 1] = '\0';
    ask.remote = many;
    uint8_t large[RTC_STUN_MOST];
    CHECK_INT(0, rtc_stun_write_request(&ask, large, sizeof(large)));
}

TEST(rtc_stun, refuses_a_message_beyond_its_limit) {
    static uint8_t data[RTC_STUN_MOST + 4];
    struct rtc_stun_head head;
    be32_put(data, 0x00010000 | (RTC_STUN_MOST - 20));
    be32_put(data + 4, STUN_MAGIC_COOKIE);
    be32_put(data + 20, 0x80220000 | (RTC_STUN_MOST - 24));
    CHECK(rtc_stun_peek(data, RTC_STUN_MOST, &head));
    be32_put(data, 0x00010000 | (RTC_STUN_MOST - 16));
    be32_put(data + 20, 0x80220000 | (RTC_STUN_MOST - 20));
    CHECK(!rtc_stun_peek(data, RTC_STUN_MOST + 4, &head));
}
