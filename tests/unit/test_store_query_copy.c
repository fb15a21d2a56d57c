/* Rows of COPY in binary: fields and single values. */
#include "store/query_copy.h"

#include "test.h"

#include <string.h>

#define SIGNATURE "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"

TEST(store_query_copy, finds_fields) {
    static const struct {
        const char *name;
        const char *bytes;
        size_t len;
        bool good;
        size_t n;
        const char *first;
    } rows[] = {
        { "two fields", "\0\2\0\0\0\1a\0\0\0\2bc", 13, true, 2, "a" },
        { "NULL and empty", "\0\2\377\377\377\377\0\0\0\0", 10, true, 2, NULL },
        { "behind the header", SIGNATURE "\0\1\0\0\0\1a", 26, true, 1, "a" },
        { "the end", "\377\377", 2, true, 0, NULL },
        { "the end of nothing", SIGNATURE "\377\377", 21, true, 0, NULL },
        { "bytes behind the end", "\377\377x", 3, false, 0, NULL },
        { "bytes behind a row", "\0\1\0\0\0\1ab", 8, false, 0, NULL },
        { "a cut field", "\0\1\0\0\0\2a", 7, false, 0, NULL },
        { "a cut length", "\0\1\0\0", 4, false, 0, NULL },
        { "a negative length", "\0\1\377\377\377\376", 6, false, 0, NULL },
        { "no field", "\0\0", 2, false, 0, NULL },
        { "too many", "\0\41", 2, false, 0, NULL },
        { "nothing", "", 0, false, 0, NULL },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        char bytes[64];
        struct store_copy_field fields[STORE_COPY_FIELDS_MAX] = { 0 };
        size_t n = 99;
        memcpy(bytes, r->bytes, r->len);
        bytes[r->len] = '\0';
        bool good = store_copy_parse(bytes, r->len, fields, &n);
        CHECK(good == r->good);
        if (good) {
            CHECK_INT(r->n, n);
            CHECK_STR(r->first, n == 0 ? NULL : fields[0].bytes);
        }
    }
}

TEST(store_query_copy, reads_times_that_we_write) {
    static const struct {
        const char *name;
        const char *bytes;
        size_t len;
        bool good;
        int64_t want;
    } rows[] = {
        { "NULL", NULL, 0, true, 0 },
        { "2000", "\0\0\0\0\0\0\0\0", 8, true, 946684800000 },
        { "a millisecond later", "\0\0\0\0\0\0\3\350", 8, true, 946684800001 },
        { "a microsecond later", "\0\0\0\0\0\0\0\1", 8, false, 0 },
        { "1970 itself, which is written as NULL", "\xff\xfc\xa2\xfe\xc4\xc8\x20\x00", 8, false,
            0 },
        { "infinity", "\x7f\xff\xff\xff\xff\xff\xff\xff", 8, false, 0 },
        { "minus infinity", "\x80\0\0\0\0\0\0\0", 8, false, 0 },
        { "another size", "\0\0\0\0", 4, false, 0 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        char bytes[9] = { 0 };
        int64_t got = 0;
        if (r->bytes != NULL) {
            memcpy(bytes, r->bytes, r->len);
        }
        struct store_copy_field f = { r->bytes == NULL ? NULL : bytes, r->len };
        CHECK(store_copy_time(&f, &got) == r->good);
        CHECK_INT(r->want, r->good ? got : 0);
    }
}

TEST(store_query_copy, reads_numbers_of_each_size) {
    static const struct {
        const char *name, *bytes;
        size_t len;
        bool good;
        int64_t want;
    } rows[] = {
        { "smallint", "\377\376", 2, true, -2 },
        { "integer", "\200\0\0\0", 4, true, INT32_MIN },
        { "bigint", "\0\0\0\1\0\0\0\0", 8, true, INT64_C(1) << 32 },
        { "no number", "abc", 3, false, 0 },
        { "a long text", "abcdefghijkl", 12, false, 0 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        char bytes[16] = { 0 };
        int64_t got = 0;
        memcpy(bytes, r->bytes, r->len);
        CHECK(store_copy_int(&(struct store_copy_field){ bytes, r->len }, &got) == r->good);
        CHECK_INT(r->want, got);
    }
    int64_t got = 0;
    bool truth = false;
    CHECK(!store_copy_int(&(struct store_copy_field){ NULL, 0 }, &got));
    CHECK(!store_copy_bool(&(struct store_copy_field){ NULL, 0 }, &truth));
}
