#include "test.h"

#include "sfu/datapacket.h"

#include <string.h>

#define BYTES(s) (const uint8_t *)(s), sizeof(s) - 1

/* Fields as they are on the wire; lengths are counted by hand. */
#define HI      "\x12\x02hi"   /* user.payload */
#define USER_HI "\x12\x04" HI  /* user { payload } */
#define SEQ_7   "\x80\x01\x07" /* sequence */
#define TO_BOB                                                                                     \
    "\x2a\x03"                                                                                     \
    "bob" /* destination_identities */
#define FROM_A                                                                                     \
    "\x22\x01"                                                                                     \
    "A" /* participant_identity */
#define FROM_M                                                                                     \
    "\x22\x01"                                                                                     \
    "M"
#define SID_S "\x8a\x01\x01S" /* participant_sid */
#define SID_M "\x8a\x01\x01M"
#define USER_A                                                                                     \
    "\x0a\x01S\x2a\x01"                                                                            \
    "A" /* user { participant_sid, participant_identity } */
#define USER_M                                                                                     \
    "\x0a\x01M\x2a\x01"                                                                            \
    "M"
#define U_TO_BOB                                                                                   \
    "\x32\x03"                                                                                     \
    "bob" /* user { destination_identities } */
#define LOSSY     "\x08\x01"
#define ENCRYPTED "\x92\x01\x03\x00\xff\x01"
#define UNKNOWN                                                                                    \
    "\xa2\x38\x01x\xad\x38"                                                                        \
    "abcd\xb1\x38"                                                                                 \
    "abcdefgh"

static const struct sfu_datapacket_sender A = { "A", "S", false };

TEST(sfu_datapacket, says_who_it_is_from_and_leaves_the_rest) {
    static const struct {
        const char *name;
        struct sfu_datapacket_sender sender;
        const uint8_t *in;
        size_t in_len;
        const uint8_t *out;
        size_t out_len;
    } rows[] = {
        { "plain", { "A", "S", false }, BYTES(USER_HI), BYTES("\x12\x0a" HI USER_A FROM_A SID_S) },
        { "forged", { "A", "S", false }, BYTES(LOSSY FROM_M SID_M "\x12\x0a" USER_M HI SEQ_7 SID_M),
            BYTES("\x12\x0a" HI USER_A SEQ_7 FROM_A SID_S) },
        { "lossy", { "A", "S", true }, BYTES(USER_HI),
            BYTES(LOSSY "\x12\x0a" HI USER_A FROM_A SID_S) },
        { "hidden", { "", "S", false }, BYTES(FROM_M USER_HI),
            BYTES("\x12\x07" HI "\x0a\x01S" SID_S) },
        { "a destination of the packet", { "A", "S", false }, BYTES(TO_BOB USER_HI),
            BYTES(TO_BOB "\x12\x0f" HI USER_A U_TO_BOB FROM_A SID_S) },
        { "a destination of the user packet", { "A", "S", false }, BYTES("\x12\x09" HI U_TO_BOB),
            BYTES("\x12\x0f" HI U_TO_BOB USER_A TO_BOB FROM_A SID_S) },
        { "encrypted", { "A", "S", false }, BYTES(ENCRYPTED SEQ_7),
            BYTES(ENCRYPTED SEQ_7 FROM_A SID_S) },
        { "what nobody knows", { "A", "S", false }, BYTES(UNKNOWN), BYTES(UNKNOWN FROM_A SID_S) },
        { "a name with another wire type", { "A", "S", false }, BYTES("\x20\x07" SEQ_7),
            BYTES(SEQ_7 FROM_A SID_S) },
        { "nothing", { "A", "S", false }, BYTES(""), BYTES(FROM_A SID_S) },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        uint8_t out[256];
        struct sfu_datapacket p;
        CHECK(sfu_datapacket_read(r->in, r->in_len, &p));
        size_t n = sfu_datapacket_write(&p, &r->sender, out, sizeof(out));
        CHECK_INT(r->out_len, n);
        CHECK(n == r->out_len && memcmp(r->out, out, n) == 0);
        CHECK_INT(n, sfu_datapacket_write(&p, &r->sender, out, n));
        CHECK_INT(0, sfu_datapacket_write(&p, &r->sender, out, n - 1));
    }
}

TEST(sfu_datapacket, knows_whom_it_is_for) {
    static const struct {
        const char *name;
        const uint8_t *in;
        size_t len;
        bool bob, al;
    } rows[] = {
        { "everybody", BYTES(USER_HI), true, true },
        { "one", BYTES(TO_BOB USER_HI), true, false },
        { "two",
            BYTES("\x2a\x02"
                  "al" TO_BOB),
            true, true },
        { "one, by the user packet", BYTES("\x12\x05" U_TO_BOB), true, false },
        { "one, by the sid", BYTES("\x12\x07\x1a\x05PA_AL"), false, true },
        { "the packet's count where both name some",
            BYTES("\x2a\x02"
                  "al\x12\x05" U_TO_BOB),
            false, true },
        { "somebody else",
            BYTES("\x2a\x04"
                  "bobo"),
            false, false },
        { "nobody at all", BYTES("\x2a\x00"), false, false },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct sfu_datapacket p;
        CHECK(sfu_datapacket_read(r->in, r->len, &p));
        CHECK_INT(r->bob, sfu_datapacket_is_for(&p, "bob", "PA_BOB"));
        CHECK_INT(r->al, sfu_datapacket_is_for(&p, "al", "PA_AL"));
        CHECK(!sfu_datapacket_is_for(&p, "", "") || (r->bob && r->al));
    }
}

TEST(sfu_datapacket, knows_what_is_for_the_server) {
    static const struct {
        const char *name;
        const uint8_t *in;
        size_t len;
        bool want;
    } rows[] = {
        { "a call's", BYTES("\x2a\x05RPC_1"), true },
        { "beside somebody", BYTES(TO_BOB "\x2a\x05RPC_1"), true },
        { "everybody", BYTES(USER_HI), false },
        { "somebody", BYTES(TO_BOB), false },
        { "nearly", BYTES("\x2a\x03RPC"), false },
        { "in another field", BYTES(TO_BOB "\x22\x05RPC_1"), false },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct sfu_datapacket p;
        CHECK(sfu_datapacket_read(r->in, r->len, &p));
        CHECK_INT(r->want, sfu_datapacket_is_for_server(&p));
    }
}

TEST(sfu_datapacket, reads_what_matters) {
    static const struct {
        const char *name;
        const uint8_t *in;
        size_t len;
        bool good, for_nobody, transcription;
        uint32_t sequence;
    } rows[] = {
        { "a number", BYTES(SEQ_7), true, false, false, 7 },
        { "a number said twice", BYTES(SEQ_7 "\x80\x01\x09"), true, false, false, 9 },
        { "metrics", BYTES("\x42\x00"), true, true, false, 0 },
        { "speakers", BYTES("\x1a\x00"), true, true, false, 0 },
        { "a transcription", BYTES("\x3a\x00"), true, false, true, 0 },
        { "two user packets", BYTES(USER_HI USER_HI), false, false, false, 0 },
        { "cut short", BYTES("\x12\x05hi"), false, false, false, 0 },
        { "a broken user packet", BYTES("\x12\x02\x12\x05"), false, false, false, 0 },
        { "a length without end", BYTES("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), false,
            false, false, 0 },
        { "an enormous length", BYTES("\x12\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), false, false,
            false, 0 },
        { "field 0", BYTES("\x02\x00"), false, false, false, 0 },
        { "a group", BYTES("\x13\x14"), false, false, false, 0 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct sfu_datapacket p = { 0 };
        CHECK_INT(r->good, sfu_datapacket_read(r->in, r->len, &p));
        CHECK_INT(r->for_nobody, p.for_nobody);
        CHECK_INT(r->transcription, p.transcription);
        CHECK_INT(r->sequence, p.sequence);
    }
}

TEST(sfu_datapacket, has_a_limit_of_fields) {
    static uint8_t many[2 * (SFU_DATAPACKET_FIELDS_MOST + 1)];
    struct sfu_datapacket p;
    for (size_t i = 0; i < sizeof(many); i += 2) {
        memcpy(many + i, "\x2a\x00", 2);
    }
    CHECK(sfu_datapacket_read(many, sizeof(many) - 2, &p));
    CHECK_INT(SFU_DATAPACKET_FIELDS_MOST, p.n_to);
    CHECK(!sfu_datapacket_read(many, sizeof(many), &p));
}

TEST(sfu_datapacket, grows_a_user_packet_over_a_longer_length) {
    static uint8_t in[3 + 125] = { 0x12, 125, 0x12, 123 }, out[512];
    struct sfu_datapacket p;
    for (size_t len = 100; len <= 125; len++) { /* of the body: 1 byte of length, then 2 */
        in[1] = (uint8_t)len;
        in[3] = (uint8_t)(len - 2);
        memset(in + 4, 'x', len - 2);
        CHECK(sfu_datapacket_read(in, len + 2, &p));
        size_t n = sfu_datapacket_write(&p, &A, out, sizeof(out));
        size_t head = len + 6 < 128 ? 2 : 3;
        CHECK_INT(head + len + 6 + 7, n);
        CHECK(memcmp(out + head, in + 2, len) == 0);
    }
}
