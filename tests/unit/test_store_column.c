/* Arrays in PostgreSQL's binary form, and SQL text from columns. */
#include "store/column.h"

#include "core/crypto.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

struct thing {
    const char *id;
    const char *text;
    bool flag;
    int count;
    int64_t at;
    int64_t span;
    uint8_t mac[SHA256_SIZE];
};

static const struct store_column columns[] = {
    STORE_COLUMN(thing, id, STORE_UUID_REF),
    STORE_COLUMN(thing, text, STORE_TEXT),
    STORE_COLUMN(thing, flag, STORE_BOOL),
    STORE_COLUMN(thing, count, STORE_INT),
    STORE_COLUMN(thing, at, STORE_TIME),
    STORE_COLUMN(thing, span, STORE_SPAN),
};

/* The bytes of the i-th parameter in hex. */
static const char *hex_of(const struct store_args *a, int i) {
    static char text[512];
    crypto_hex((const uint8_t *)a->bytes.data + a->values[i].off, (size_t)a->values[i].len, text);
    return text;
}

#define HEAD(oid, n) "0000000100000001" oid n "00000001"

TEST(store_column, writes_one_array_a_column) {
    static const struct thing things[] = {
        { "00112233-4455-6677-8899-aabbccddeeff", "h\xC3\xA9", true, -2, INT64_C(946684800001), 0,
            { 0 } },
        { NULL, NULL, false, 3, 0, -1, { 0 } },
    };
    static const struct {
        const char *name, *want;
    } rows[] = {
        { "uuid", HEAD("00000b86", "00000002") "0000001000112233445566778899aabbccddeeffffffffff" },
        { "text", HEAD("00000019", "00000002") "0000000368c3a9ffffffff" },
        { "boolean", HEAD("00000010", "00000002") "00000001010000000100" },
        { "integer", HEAD("00000017", "00000002") "00000004fffffffe0000000400000003" },
        { "time: 1 ms after 2000",
            HEAD("000004a0", "00000002") "0000000800000000000003e8ffffffff" },
        { "span: 0 is a value", HEAD("00000014", "00000002") "000000080000000000000000ffffffff" },
    };
    const void *list[] = { &things[0], &things[1] };
    struct store_args a;
    store_args_init(&a);
    store_args_columns(&a, columns, COUNT_OF(columns), list, COUNT_OF(list));
    CHECK_ERR(OK, store_args_check(&a));
    CHECK_INT(COUNT_OF(rows), a.n);
    int i = 0;
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK_STR(r->want, hex_of(&a, i++));
    }
    store_args_finish(&a);
}

TEST(store_column, writes_lists_and_single_values) {
    static const char *const texts[] = { "a", "" };
    static const uint8_t mac[SHA256_SIZE] = { 0xff };
    struct store_args a;
    store_args_init(&a);
    store_args_texts(&a, texts, 2);
    store_args_texts(&a, NULL, 0);
    store_args_text(&a, "x");
    store_args_text(&a, NULL);
    store_args_int(&a, -1);
    store_args_mac(&a, mac);
    store_args_text(&a, "\xFF!");
    CHECK_ERR(OK, store_args_check(&a));
    static const struct {
        const char *name, *want;
    } rows[] = {
        { "two texts", HEAD("00000019", "00000002") "000000016100000000" },
        { "an empty list has no dimension", "000000000000000100000019" },
        { "text", "78" },
        { "NULL", NULL },
        { "number", "ffffffffffffffff" },
        { "mac", "ff00000000000000000000000000000000000000000000000000000000000000" },
        { "not UTF-8", "efbfbd21" },
    };
    int i = 0;
    FOR_ROWS (rows, r) {
        ROW(r->name);
        if (r->want == NULL) {
            CHECK_INT(-1, a.values[i].len);
        } else {
            CHECK_STR(r->want, hex_of(&a, i));
        }
        i++;
    }
    store_args_clear(&a);
    CHECK_INT(0, a.n);
    static const char *const no_uuid[] = { "not a uuid" };
    store_args_uuids(&a, no_uuid, 1);
    CHECK_ERR(ERR_INVALID, store_args_check(&a));
    store_args_finish(&a);
}

TEST(store_column, keeps_times_in_range) {
    static const struct {
        const char *name;
        int64_t in, want;
    } rows[] = {
        { "none", 0, 0 },
        { "before 1970", -1, 1 },
        { "now", INT64_C(1700000000000), INT64_C(1700000000000) },
        { "the year 9999", INT64_C(253402300799999), INT64_C(253402300799999) },
        { "beyond", INT64_MAX, INT64_C(253402300799999) },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK_INT(r->want, store_time_clamp(r->in));
    }
}

TEST(store_column, writes_sql) {
    struct buf b;
    buf_init(&b, 0);
    store_columns_names(&b, "p.", columns, 2);
    buf_puts(&b, " / ");
    store_columns_unnest(&b, 3, "u", columns, 2);
    buf_puts(&b, " / ");
    store_columns_update(&b, columns, 3, 1);
    CHECK_STR("p.id, p.text / unnest($3::uuid[], $4::text[]) AS u(id, text) / text = "
              "excluded.text, flag = excluded.flag",
        buf_str(&b));
    buf_finish(&b);
}

TEST_ALLOC(store_column, writes_arrays_without_memory) {
    static const struct thing thing = { .id = "00112233-4455-6677-8899-aabbccddeeff", .text = "x" };
    static const void *list[100];
    for (size_t i = 0; i < COUNT_OF(list); i++) {
        list[i] = &thing;
    }
    struct store_args a;
    store_args_init(&a);
    store_args_columns(&a, columns, COUNT_OF(columns), list, COUNT_OF(list));
    enum err e = store_args_check(&a);
    store_args_finish(&a);
    return e;
}
