/* The canonical form of audit rows, their payload and their MAC. */
#include "store/chain.h"

#include "store/audit_key.h"
#include "store/tombstone.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char session[] = "0195a1b2-0000-7000-8000-000000000001";

TEST(store_chain, writes_details_as_json_in_their_order) {
    struct store_detail nothing = { "left out", STORE_DETAIL_TEXT, NULL, 0, NULL };
    struct store_detail yes = { "video", STORE_DETAIL_BOOL, NULL, 1, NULL };
    struct store_detail number = { "lifetime_ms", STORE_DETAIL_INT, NULL, -5, &yes };
    struct store_detail text = { "reason", STORE_DETAIL_TEXT, "a\"\xFF\n", 0, &number };
    const struct {
        const char *name;
        const struct store_detail *details;
        const char *want;
    } rows[] = {
        { "none", NULL, "{}" },
        { "a text without a value", &nothing, "{}" },
        { "one", &yes, "{\"video\":true}" },
        { "three, one not UTF-8", &text,
            "{\"reason\":\"a\\\"\xEF\xBF\xBD\\n\",\"lifetime_ms\":-5,\"video\":true}" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct buf b;
        buf_init(&b, 0);
        store_chain_payload(&b, r->details);
        CHECK_STR(r->want, buf_str(&b));
        buf_finish(&b);
    }
}

/* The canonical bytes as text: lengths in brackets, digests shortened to their first byte. */
static void print_fields(const struct buf *b, char *ret, size_t size) {
    size_t at = 0;
    size_t out = 0;
    ret[0] = '\0';
    while (at + 4 <= b->len) {
        const uint8_t *p = (const uint8_t *)b->data + at;
        uint32_t n = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
        at += 4;
        if (n == UINT32_MAX) {
            out += (size_t)snprintf(ret + out, size - out, "|NULL");
        } else if (n == SHA256_SIZE) {
            out += (size_t)snprintf(ret + out, size - out, "|#%02x", p[4]);
            at += n;
        } else {
            out += (size_t)snprintf(ret + out, size - out, "|%.*s", (int)n, (const char *)p + 4);
            at += n;
        }
    }
    CHECK_INT(b->len, at);
}

TEST(store_chain, writes_each_column_that_is_evidence) {
    static const uint8_t digest[SHA256_SIZE] = { 0xab };
    const struct {
        const char *name;
        struct store_event event;
        const char *want;
    } rows[] = {
        { "full",
            { .type = "call_invited",
                .room_id = "!r:x",
                .call_id = "c",
                .user_id = "@a:x",
                .subject = "@b:x",
                .source_event_id = "$e",
                .at = 1000,
                .recorded_at = 2000,
                .late = true,
                .ignored = true },
            "|parley/event/"
            "1|0195a1b2-0000-7000-8000-000000000001|7|call_invited|!r:x|c|$e|1000|2000|"
            "1010|#ab" },
        { "empty is not NULL",
            { .type = "", .subject = "", .recorded_at = 1, .inferred = true, .partial = true },
            "|parley/event/"
            "1|0195a1b2-0000-7000-8000-000000000001|7||NULL|NULL|NULL|NULL|1|0101|#ab" },
        { "as it is stored: UTF-8, times in range",
            { .type = "\xFF", .subject = "", .at = INT64_MIN, .recorded_at = INT64_MAX },
            "|parley/event/1|0195a1b2-0000-7000-8000-000000000001|7|\xEF\xBF\xBD|NULL|NULL|NULL|1|"
            "253402300799999|0000|#ab" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct buf b;
        char got[1024];
        buf_init(&b, 0);
        store_chain_canonical(&b, session, 7, &r->event, digest);
        CHECK_ERR(OK, buf_check(&b));
        print_fields(&b, got, sizeof(got));
        CHECK_STR(r->want, got);
        buf_finish(&b);
    }
}

TEST(store_chain, keeps_what_names_a_person_apart) {
    static const uint8_t salt[STORE_SALT_SIZE + 1] = "0123456789abcdef";
    const struct {
        const char *name;
        struct store_event event;
        const char *want;
    } rows[] = {
        { "full", { .type = "t", .room_id = "!r", .user_id = "@a:x", .subject = "@b:x" },
            "|0123456789abcdef|@a:x|@b:x|{}" },
        { "nobody", { .type = "t", .subject = "" }, "|0123456789abcdef|NULL||{}" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct buf b;
        char got[1024];
        buf_init(&b, 0);
        store_chain_erasable(&b, salt, &r->event, "{}");
        CHECK_ERR(OK, buf_check(&b));
        print_fields(&b, got, sizeof(got));
        CHECK_STR(r->want, got);
        buf_finish(&b);
    }
}

TEST(store_chain, writes_heads_and_tombstones) {
    static const uint8_t mac[SHA256_SIZE] = { 0x01 };
    const struct {
        const char *name;
        struct store_chain_head head;
        const char *want;
    } rows[] = {
        { "head",
            { .seq = 3,
                .kind = "head",
                .session_id = session,
                .rows = 9,
                .last_mac = mac,
                .at = 5 },
            "|parley/head/1|3|head|0195a1b2-0000-7000-8000-000000000001|9|#01|5|NULL|NULL|NULL" },
        { "tombstone",
            { .seq = 4,
                .kind = "tombstone",
                .rows = 100,
                .at = 6,
                .what = "events",
                .reason = "age",
                .actor = "@a:x" },
            "|parley/head/1|4|tombstone|NULL|100|NULL|6|events|age|@a:x" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct buf b;
        char got[1024];
        buf_init(&b, 0);
        store_chain_head_canonical(&b, &r->head);
        print_fields(&b, got, sizeof(got));
        CHECK_STR(r->want, got);
        buf_finish(&b);
    }
}

/* --- the key file --- */

/* A folder of its own for each test that asks; forget_folder fails when anything but the key is in
 * it. */
static char folder[32];
static char path[64];

static const char *key_path(void) {
    if (folder[0] == '\0') {
        snprintf(folder, sizeof(folder), "/tmp/parley-key-XXXXXX");
        CHECK(mkdtemp(folder) != NULL);
        snprintf(path, sizeof(path), "%s/audit.key", folder);
    }
    return path;
}

static void forget_folder(void) {
    (void)unlink(path);
    CHECK_INT(0, rmdir(folder));
    folder[0] = '\0';
}

static void write_key(const char *text, mode_t mode) {
    FILE *f = fopen(key_path(), "w");
    CHECK(f != NULL);
    if (f != NULL) {
        fputs(text, f);
        fclose(f);
        CHECK_INT(0, chmod(key_path(), mode));
    }
}

#define DIGITS "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

TEST(store_chain, reads_a_key_file_only_as_it_must_be) {
    static const struct {
        const char *name, *text;
        mode_t mode;
        enum err want;
    } rows[] = {
        { "with a newline", DIGITS "\n", 0600, OK },
        { "without", DIGITS, 0400, OK },
        { "group may read", DIGITS "\n", 0640, ERR_INVALID },
        { "others may read", DIGITS "\n", 0604, ERR_INVALID },
        { "too short", "0001", 0600, ERR_INVALID },
        { "too long", DIGITS "00\n", 0600, ERR_INVALID },
        { "more behind it", DIGITS "\n\n", 0600, ERR_INVALID },
        { "no digits", "xx0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", 0600,
            ERR_INVALID },
        { "empty", "", 0600, ERR_INVALID },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct store_audit_key *k = NULL;
        write_key(r->text, r->mode);
        CHECK_ERR(r->want, store_audit_key_load(key_path(), &k));
        CHECK((k != NULL) == (r->want == OK));
        if (k != NULL) {
            CHECK_STR(
                "630dcd2966c43366", store_audit_key_fingerprint(k)); /* sha256 of 00 01 … 1f */
        }
        store_audit_key_destroy(k);
    }
    (void)unlink(key_path());
    struct store_audit_key *k = NULL;
    CHECK_ERR(ERR_NOT_FOUND, store_audit_key_load(key_path(), &k));
    CHECK_ERR(ERR_INVALID, store_audit_key_load(folder, &k));
    forget_folder();
}

TEST(store_chain, makes_a_key_once) {
    struct store_audit_key *made = NULL;
    struct store_audit_key *again = NULL;
    struct store_audit_key *read = NULL;
    struct stat st;
    CHECK_ERR(OK, store_audit_key_generate(key_path(), &made));
    CHECK_INT(0, stat(key_path(), &st));
    CHECK_INT(0600, st.st_mode & 0777);
    CHECK_INT(1, st.st_nlink);
    CHECK_ERR(ERR_CONFLICT, store_audit_key_generate(key_path(), &again));
    CHECK_ERR(OK, store_audit_key_load(key_path(), &read));
    if (made != NULL && read != NULL) {
        CHECK_STR(store_audit_key_fingerprint(made), store_audit_key_fingerprint(read));
    }
    CHECK_ERR(ERR_IO, store_audit_key_generate("/nonexistent-folder/audit.key", &again));
    store_audit_key_destroy(made);
    store_audit_key_destroy(read);
    forget_folder();
}

TEST(store_chain, signs_with_all_of_its_inputs) {
    write_key(DIGITS "\n", 0600);
    struct store_audit_key *k = NULL;
    CHECK_ERR(OK, store_audit_key_load(key_path(), &k));
    static const struct {
        const char *name;
        uint8_t previous;
        const char *row, *want;
    } rows[] = {
        /* HMAC-SHA256 by another implementation (Python's hmac). */
        { "first row", 0, "row",
            "20f032aac252ddf11c531c8b2f55475adfb605428a6824c25673b2db542e550d" },
        { "another row", 0, "rov",
            "c614eb0cb1edee0fccac27e96dc7699823d4446c04eb2eb2a5dec3b7d17bf5ab" },
        { "another row before", 1, "row",
            "f53280c43aff876aecf3d87f9677b4103ba1d3b9e48904cd3b6994d7ae024321" },
    };
    char seen[3][2 * SHA256_SIZE + 1];
    size_t n = 0;
    FOR_ROWS (rows, r) {
        ROW(r->name);
        uint8_t previous[SHA256_SIZE] = { r->previous };
        uint8_t mac[SHA256_SIZE] = { 0 };
        struct buf b;
        buf_init(&b, 0);
        buf_puts(&b, r->row);
        CHECK_ERR(OK, store_chain_next(k, previous, &b, mac));
        crypto_hex(mac, sizeof(mac), seen[n]);
        CHECK_STR(r->want, seen[n]);
        n++;
        buf_finish(&b);
    }
    store_audit_key_destroy(k);
    forget_folder();
}

static void destroyp(struct store_audit_key **k) {
    store_audit_key_destroy(*k);
}

TEST_ALLOC(store_chain, loads_and_signs_without_memory) {
    CLEANUP(destroyp) struct store_audit_key *k = NULL;
    CLEANUP(buf_finish) struct buf b;
    uint8_t mac[SHA256_SIZE] = { 0 };
    struct store_detail d = { "a", STORE_DETAIL_TEXT, "b", 0, NULL };
    struct store_event e = { .type = "t", .subject = "" };
    buf_init(&b, 0);
    write_key(DIGITS "\n", 0600);
    enum err loaded = store_audit_key_load(key_path(), &k);
    forget_folder();
    TRY(loaded);
    store_chain_payload(&b, &d);
    TRY(buf_check(&b));
    store_chain_canonical(&b, session, 1, &e, mac);
    return store_chain_next(k, mac, &b, mac);
}

TEST_ALLOC(store_chain, makes_a_key_without_memory) {
    CLEANUP(destroyp) struct store_audit_key *k = NULL;
    enum err e = store_audit_key_generate(key_path(), &k);
    forget_folder();
    return e;
}

TEST(store_chain, writes_what_was_removed) {
    const struct store_removed item = {
        .session_id = "0195a1b2-0000-7000-8000-000000000001", .n = 0, .rows = 12
    };
    char text[256];
    struct buf b;
    buf_init(&b, 0);
    store_removed_begin(&b);
    store_removed_canonical(&b, &item);
    print_fields(&b, text, sizeof(text));
    CHECK_STR("|parley/removed/1|0195a1b2-0000-7000-8000-000000000001|0|12", text);
    buf_finish(&b);
}
