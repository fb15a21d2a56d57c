/* SQL text and binary values from tables of columns. */
#include "store/column.h"

#include "core/crypto.h"
#include "core/mem.h"
#include "core/utf8.h"
#include "store/query.h"

#include <limits.h>
#include <string.h>

#define TIME_MAX_MS INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */
/* PostgreSQL counts microseconds from 2000-01-01. */
#define PG_EPOCH_MS INT64_C(946684800000)

/* How a type is named in SQL, and its number (catalogue pg_type), which an array carries. */
static const struct {
    const char *sql;
    uint32_t oid;
} types[] = {
    [STORE_UUID] = { "uuid", 2950 },
    [STORE_UUID_REF] = { "uuid", 2950 },
    [STORE_TEXT] = { "text", 25 },
    [STORE_JSON] = { "json", 114 },
    [STORE_BOOL] = { "boolean", 16 },
    [STORE_INT] = { "integer", 23 },
    [STORE_TIME] = { "timestamptz", 1184 },
    [STORE_SPAN] = { "bigint", 20 },
    [STORE_MAC] = { "bytea", 17 },
    [STORE_SALT] = { "bytea", 17 },
};

/* --- SQL text --- */

void store_columns_names(
    struct buf *b, const char *prefix, const struct store_column *cols, size_t n) {
    for (size_t i = 0; i < n; i++) {
        buf_printf(b, "%s%s%s", i == 0 ? "" : ", ", prefix, cols[i].name);
    }
}

void store_columns_unnest(
    struct buf *b, int first, const char *alias, const struct store_column *cols, size_t n) {
    buf_puts(b, "unnest(");
    for (size_t i = 0; i < n; i++) {
        buf_printf(b, "%s$%d::%s[]", i == 0 ? "" : ", ", first + (int)i, types[cols[i].type].sql);
    }
    buf_printf(b, ") AS %s(", alias);
    store_columns_names(b, "", cols, n);
    buf_putc(b, ')');
}

void store_columns_update(struct buf *b, const struct store_column *cols, size_t n, size_t skip) {
    for (size_t i = skip; i < n; i++) {
        buf_printf(b, "%s%s = excluded.%s", i == skip ? "" : ", ", cols[i].name, cols[i].name);
    }
}

/* --- single values --- */

int64_t store_time_clamp(int64_t ms) {
    if (ms == 0) {
        return 0;
    }
    return ms < 1 ? 1 : ms > TIME_MAX_MS ? TIME_MAX_MS : ms;
}

void store_text_put(struct buf *b, const char *s) {
    size_t n = strlen(s);
    if (utf8_valid(s, n)) {
        buf_put(b, s, n);
        return;
    }
    for (size_t i = 0; i < n;) {
        size_t width = utf8_width(s + i, n - i);
        if (width == 0) {
            buf_puts(b, "\xEF\xBF\xBD");
            i++;
        } else {
            buf_put(b, s + i, width);
            i += width;
        }
    }
}

static void put_u32(struct buf *b, uint32_t v) {
    uint8_t bytes[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };
    buf_put(b, bytes, sizeof(bytes));
}

static void put_u64(struct buf *b, uint64_t v) {
    put_u32(b, (uint32_t)(v >> 32));
    put_u32(b, (uint32_t)v);
}

static void put_pg_time(struct buf *b, int64_t ms) {
    put_u64(b, (uint64_t)((store_time_clamp(ms) - PG_EPOCH_MS) * 1000));
}

static bool put_uuid(struct buf *b, const char *text) {
    uint8_t bytes[UUID_SIZE];
    if (!crypto_uuid_read(text, bytes)) {
        return false;
    }
    buf_put(b, bytes, sizeof(bytes));
    return true;
}

static const char *text_at(const void *field) {
    const char *s;
    memcpy(&s, field, sizeof(s));
    return s;
}

static int64_t int64_at(const void *field) {
    int64_t v;
    memcpy(&v, field, sizeof(v));
    return v;
}

static bool is_null(enum store_type type, const void *field) {
    switch (type) {
    case STORE_UUID_REF:
    case STORE_TEXT:
    case STORE_JSON:
        return text_at(field) == NULL;
    case STORE_TIME:
        return int64_at(field) == 0;
    case STORE_SPAN:
        return int64_at(field) < 0;
    default:
        return false;
    }
}

/* The bytes of a value that is not NULL; false when a UUID is none. */
static bool put_value(struct buf *b, enum store_type type, const void *field) {
    int number;
    switch (type) {
    case STORE_UUID:
        return put_uuid(b, field);
    case STORE_UUID_REF:
        return put_uuid(b, text_at(field));
    case STORE_TEXT:
    case STORE_JSON:
        store_text_put(b, text_at(field));
        return true;
    case STORE_BOOL:
        buf_putc(b, *(const bool *)field ? 1 : 0);
        return true;
    case STORE_INT:
        memcpy(&number, field, sizeof(number));
        put_u32(b, (uint32_t)number);
        return true;
    case STORE_TIME:
        put_pg_time(b, int64_at(field));
        return true;
    case STORE_SPAN:
        put_u64(b, (uint64_t)int64_at(field));
        return true;
    case STORE_MAC:
        buf_put(b, field, SHA256_SIZE);
        return true;
    case STORE_SALT:
        buf_put(b, field, STORE_SALT_SIZE);
        return true;
    }
    return false;
}

/* --- parameters --- */

void store_args_init(struct store_args *a) {
    buf_init(&a->bytes, INT_MAX / 2); /* libpq counts lengths in int */
    a->n = 0;
    a->bad = OK;
}

void store_args_finish(struct store_args *a) {
    buf_finish(&a->bytes);
}

void store_args_clear(struct store_args *a) {
    buf_clear(&a->bytes);
    a->n = 0;
    a->bad = OK;
}

enum err store_args_check(const struct store_args *a) {
    if (a->bad != OK) {
        return err_set(a->bad, "a statement's parameter is no UUID");
    }
    return buf_check(&a->bytes);
}

/* Opens the next value; what is put until close_value belongs to it. */
static void open_value(struct store_args *a) {
    a->values[a->n].off = a->bytes.len;
}

static void close_value(struct store_args *a) {
    a->values[a->n].len = (int)(a->bytes.len - a->values[a->n].off);
    a->n++;
}

static void null_value(struct store_args *a) {
    a->values[a->n].off = a->bytes.len;
    a->values[a->n].len = -1;
    a->n++;
}

void store_args_text(struct store_args *a, const char *s) {
    if (s == NULL) {
        null_value(a);
        return;
    }
    open_value(a);
    store_text_put(&a->bytes, s);
    close_value(a);
}

void store_args_int(struct store_args *a, int64_t v) {
    open_value(a);
    put_u64(&a->bytes, (uint64_t)v);
    close_value(a);
}

void store_args_time(struct store_args *a, int64_t ms) {
    open_value(a);
    put_pg_time(&a->bytes, ms);
    close_value(a);
}

void store_args_mac(struct store_args *a, const uint8_t *mac) {
    open_value(a);
    buf_put(&a->bytes, mac, SHA256_SIZE);
    close_value(a);
}

/*
 * An array in binary (array_recv): dimensions, are there NULLs, element type; then for its one
 * dimension length and first index; then each element with its length before it, -1 for NULL. An
 * empty array has no dimension.
 */
static void put_array_head(struct buf *b, enum store_type type, size_t n) {
    put_u32(b, n == 0 ? 0 : 1);
    put_u32(b, 1);
    put_u32(b, types[type].oid);
    if (n > 0) {
        put_u32(b, (uint32_t)n);
        put_u32(b, 1);
    }
}

static void put_element(struct store_args *a, enum store_type type, const void *field) {
    struct buf *b = &a->bytes;
    if (is_null(type, field)) {
        put_u32(b, UINT32_MAX);
        return;
    }
    size_t at = b->len;
    put_u32(b, 0);
    if (!put_value(b, type, field)) {
        a->bad = ERR_INVALID;
    }
    if (!b->bad) {
        uint32_t len = (uint32_t)(b->len - at - 4);
        uint8_t bytes[4] = { (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
            (uint8_t)len };
        memcpy(b->data + at, bytes, sizeof(bytes));
    }
}

void store_args_array(
    struct store_args *a, const struct store_column *col, const void *const *rows, size_t n) {
    open_value(a);
    put_array_head(&a->bytes, col->type, n);
    for (size_t i = 0; i < n; i++) {
        put_element(a, col->type, (const char *)rows[i] + col->offset);
    }
    close_value(a);
}

void store_args_columns(struct store_args *a, const struct store_column *cols, size_t n_cols,
    const void *const *rows, size_t n) {
    for (size_t i = 0; i < n_cols; i++) {
        store_args_array(a, &cols[i], rows, n);
    }
}

static void put_list(
    struct store_args *a, enum store_type type, const char *const *list, size_t n) {
    open_value(a);
    put_array_head(&a->bytes, type, n);
    for (size_t i = 0; i < n; i++) {
        put_element(a, type, &list[i]);
    }
    close_value(a);
}

void store_args_texts(struct store_args *a, const char *const *list, size_t n) {
    put_list(a, STORE_TEXT, list, n);
}

void store_args_uuids(struct store_args *a, const char *const *list, size_t n) {
    put_list(a, STORE_UUID_REF, list, n);
}

/* --- reading --- */

static uint64_t get_number(const char *bytes, size_t n) {
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++) {
        v = v << 8 | (uint8_t)bytes[i];
    }
    return v;
}

/* NULL when the value is SQL NULL or not as long as its type says. */
static const char *fixed(
    const struct store_answer *answer, size_t result, size_t row, size_t col, size_t size) {
    size_t n;
    const char *bytes = store_answer_value(answer, result, row, col, &n);
    return bytes != NULL && n == size ? bytes : NULL;
}

const char *store_read_text(
    const struct store_answer *answer, size_t result, size_t row, size_t col, struct arena *arena) {
    size_t n;
    const char *bytes = store_answer_value(answer, result, row, col, &n);
    return bytes == NULL ? NULL : arena_strndup(arena, bytes, n);
}

int64_t store_read_int(const struct store_answer *answer, size_t result, size_t row, size_t col) {
    const char *bytes = fixed(answer, result, row, col, 8);
    return bytes == NULL ? 0 : (int64_t)get_number(bytes, 8);
}

int64_t store_read_time(const struct store_answer *answer, size_t result, size_t row, size_t col) {
    const char *bytes = fixed(answer, result, row, col, 8);
    return bytes == NULL ? 0 : (int64_t)get_number(bytes, 8) / 1000 + PG_EPOCH_MS;
}

static void read_uuid(const char *bytes, char ret[UUID_TEXT_SIZE]) {
    crypto_uuid_write((const uint8_t *)bytes, ret);
}

static const char *read_uuid_ref(const char *bytes, struct arena *arena) {
    char *text = bytes == NULL ? NULL : arena_alloc(arena, UUID_TEXT_SIZE);
    if (text != NULL) {
        read_uuid(bytes, text);
    }
    return text;
}

static void read_field(const struct store_answer *answer, size_t result, size_t row, size_t col,
    enum store_type type, void *field, struct arena *arena) {
    const char *bytes;
    switch (type) {
    case STORE_UUID:
        bytes = fixed(answer, result, row, col, UUID_SIZE);
        if (bytes != NULL) {
            read_uuid(bytes, field);
        }
        break;
    case STORE_UUID_REF:
        *(const char **)field = read_uuid_ref(fixed(answer, result, row, col, UUID_SIZE), arena);
        break;
    case STORE_TEXT:
    case STORE_JSON:
        *(const char **)field = store_read_text(answer, result, row, col, arena);
        break;
    case STORE_BOOL:
        bytes = fixed(answer, result, row, col, 1);
        *(bool *)field = bytes != NULL && bytes[0] != 0;
        break;
    case STORE_INT:
        bytes = fixed(answer, result, row, col, 4);
        *(int *)field = bytes == NULL ? 0 : (int)(int32_t)get_number(bytes, 4);
        break;
    case STORE_TIME:
        *(int64_t *)field = store_read_time(answer, result, row, col);
        break;
    case STORE_SPAN:
        bytes = fixed(answer, result, row, col, 8);
        *(int64_t *)field = bytes == NULL ? -1 : (int64_t)get_number(bytes, 8);
        break;
    case STORE_MAC:
        bytes = fixed(answer, result, row, col, SHA256_SIZE);
        if (bytes != NULL) {
            memcpy(field, bytes, SHA256_SIZE);
        }
        break;
    case STORE_SALT:
        bytes = fixed(answer, result, row, col, STORE_SALT_SIZE);
        if (bytes != NULL) {
            memcpy(field, bytes, STORE_SALT_SIZE);
        }
        break;
    }
}

void store_columns_read(const struct store_answer *answer, size_t result, size_t row, size_t first,
    const struct store_column *cols, size_t n, void *ret, struct arena *arena) {
    for (size_t i = 0; i < n; i++) {
        read_field(
            answer, result, row, first + i, cols[i].type, (char *)ret + cols[i].offset, arena);
    }
}
