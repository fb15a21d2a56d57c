/* Rows with hostile values in each format. */
#include "cli/output.h"

#include "core/buf.h"
#include "test.h"

#include <string.h>

#define COLUMNS 4

static const struct store_audit_column columns[COLUMNS] = {
    { "who", STORE_AUDIT_TEXT },
    { "n", STORE_AUDIT_INT },
    { "answered", STORE_AUDIT_BOOL },
    { "payload", STORE_AUDIT_JSON },
};

static enum err collect(void *arg, const char *bytes, size_t n) {
    buf_put(arg, bytes, n);
    return buf_check(arg);
}

typedef const char *row_values[COLUMNS];

static enum err print(
    enum cli_format format, bool terminal, const row_values *rows, size_t n, struct buf *ret) {
    CLEANUP(cli_output_destroyp) struct cli_output *o = NULL;
    struct cli_output_config cfg = { .format = format,
        .terminal = terminal,
        .columns = columns,
        .n_columns = COLUMNS,
        .write = collect,
        .arg = ret };
    TRY(cli_output_create(&cfg, &o));
    for (size_t i = 0; i < n; i++) {
        TRY(cli_output_row(o, rows[i]));
    }
    CHECK_INT(n, cli_output_rows(o));
    return cli_output_end(o);
}

TEST(cli_output, writes_one_row) {
    static const struct {
        const char *name;
        enum cli_format format;
        bool terminal;
        row_values values;
        const char *want; /* behind the header */
    } rows[] = {
        { "jsonl: types", CLI_JSONL, false, { "@a:b", "42", "t", "{\"x\": 1}" },
            "{\"who\":\"@a:b\",\"n\":42,\"answered\":true,\"payload\":{\"x\": 1}}\n" },
        { "jsonl: nulls", CLI_JSONL, false, { NULL, NULL, NULL, NULL },
            "{\"who\":null,\"n\":null,\"answered\":null,\"payload\":null}\n" },
        { "jsonl: false, fraction, nested", CLI_JSONL, false, { "", "-1.50", "f", "[{\"a\":[]}]" },
            "{\"who\":\"\",\"n\":-1.50,\"answered\":false,\"payload\":[{\"a\":[]}]}\n" },
        { "jsonl: no numbers", CLI_JSONL, false, { "NaN", "NaN", "t", "\n1\r\n" },
            "{\"who\":\"NaN\",\"n\":\"NaN\",\"answered\":true,\"payload\": 1  }\n" },
        { "jsonl: octal is no number", CLI_JSONL, false, { "1.", "007", "t", "1" },
            "{\"who\":\"1.\",\"n\":\"007\",\"answered\":true,\"payload\":1}\n" },
        { "jsonl: quotes, escapes, bad bytes", CLI_JSONL, false,
            { "\"\\\n\x1B\xFF", "0", "t", "1" },
            "{\"who\":\"\\\"\\\\\\n\\u001b\xEF\xBF\xBD\",\"n\":0,\"answered\":true,\"payload\":1}"
            "\n" },
        { "jsonl: on a terminal", CLI_JSONL, true, { "\xC2\x9B\x7F", "0", "t", "\"\xE2\x80\xAE\"" },
            "{\"who\":\"\\u009b\\u007f\",\"n\":0,\"answered\":true,\"payload\":\"\\u202e\"}\n" },
        { "jsonl: to a file", CLI_JSONL, false, { "\xC2\x9B", "0", "t", "1" },
            "{\"who\":\"\xC2\x9B\",\"n\":0,\"answered\":true,\"payload\":1}\n" },
        { "csv: plain", CLI_CSV, false, { "@a:b", "42", "t", "1" }, "@a:b,42,t,1\r\n" },
        { "csv: null and empty", CLI_CSV, false, { NULL, NULL, NULL, "" }, ",,,\"\"\r\n" },
        { "csv: what must be quoted", CLI_CSV, false, { "a,b", "\"", "x\ny", "\r" },
            "\"a,b\",\"\"\"\",\"x\ny\",\"\r\"\r\n" },
        { "csv: a formula is left alone", CLI_CSV, false, { "=1+1", "0", "t", "@x" },
            "=1+1,0,t,@x\r\n" },
        { "csv: bytes to a file", CLI_CSV, false, { "\x1B[31m", "0", "t", "1" },
            "\x1B[31m,0,t,1\r\n" },
        { "csv: escaped on a terminal", CLI_CSV, true, { "\x1B,\n", "0", "t", "1" },
            "\"\\x1b,\\x0a\",0,t,1\r\n" },
        { "table: plain", CLI_TABLE, false, { "@a:b", "42", "t", "1" }, "@a:b  42  t         1\n" },
        { "table: nulls", CLI_TABLE, false, { NULL, NULL, NULL, NULL }, "-    -  -         -\n" },
        { "table: escapes, file or not", CLI_TABLE, false, { "\x1B[31m\n", "1", "t", "1" },
            "\\x1b[31m\\x0a  1  t         1\n" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CLEANUP(buf_finish) struct buf b;
        buf_init(&b, 0);
        CHECK_ERR(OK, print(r->format, r->terminal, &r->values, 1, &b));
        const char *got = buf_str(&b);
        if (r->format != CLI_JSONL) {
            const char *end = strchr(got, '\n');
            got = end == NULL ? got : end + 1;
        }
        CHECK_STR(r->want, got);
    }
}

TEST(cli_output, begins_with_a_header) {
    static const row_values row = { "@longer:b", "1234", "t", "{}" };
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    CHECK_ERR(OK, print(CLI_TABLE, false, &row, 1, &b));
    CHECK_STR("who           n  answered  payload\n"
              "@longer:b  1234  t         {}\n",
        buf_str(&b));
    buf_clear(&b);
    CHECK_ERR(OK, print(CLI_CSV, false, &row, 1, &b));
    CHECK_STR("who,n,answered,payload\r\n@longer:b,1234,t,{}\r\n", buf_str(&b));
}

TEST(cli_output, without_rows) {
    static const struct {
        const char *name;
        enum cli_format format;
        const char *want;
    } rows[] = { { "table", CLI_TABLE, "" }, { "jsonl", CLI_JSONL, "" },
        { "csv", CLI_CSV, "who,n,answered,payload\r\n" } };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CLEANUP(buf_finish) struct buf b;
        buf_init(&b, 0);
        CHECK_ERR(OK, print(r->format, false, NULL, 0, &b));
        CHECK_STR(r->want, buf_str(&b));
    }
}

static size_t lines(const char *s) {
    size_t n = 0;
    for (; (s = strchr(s, '\n')) != NULL; s++) {
        n++;
    }
    return n;
}

/* Widths come from the first rows alone, and no row waits longer than for those. */
TEST(cli_output, a_table_holds_back_its_sample_only) {
    static const row_values narrow = { "a", "1", "t", "1" };
    static const row_values wide = { "a-name-that-is-wider", "1", "t", "1" };
    CLEANUP(buf_finish) struct buf b;
    CLEANUP(cli_output_destroyp) struct cli_output *o = NULL;
    buf_init(&b, 0);
    struct cli_output_config cfg = {
        .format = CLI_TABLE, .columns = columns, .n_columns = COLUMNS, .write = collect, .arg = &b
    };
    CHECK_ERR(OK, cli_output_create(&cfg, &o));
    for (int i = 1; i < CLI_SAMPLE_ROWS; i++) {
        CHECK_ERR(OK, cli_output_row(o, narrow));
    }
    CHECK_INT(0, lines(buf_str(&b)));
    CHECK_ERR(OK, cli_output_row(o, narrow));
    CHECK_INT(CLI_SAMPLE_ROWS + 1, lines(buf_str(&b)));
    buf_clear(&b);
    uint64_t live = mem_live();
    CHECK_ERR(OK, cli_output_row(o, wide));
    CHECK_ERR(OK, cli_output_row(o, narrow));
    CHECK_STR("a-name-that-is-wider  1  t         1\na    1  t         1\n", buf_str(&b));
    for (int i = 0; i < 10000; i++) {
        buf_clear(&b);
        CHECK_ERR(OK, cli_output_row(o, narrow));
    }
    CHECK_INT(live, mem_live());
    CHECK_ERR(OK, cli_output_end(o));
}

/* Few rows of many bytes must not be held back until a hundred have come. */
TEST(cli_output, a_sample_is_bounded_in_bytes) {
    enum { CELL = 16 * 1024, ROWS_MOST = 20 };
    static char cell[CELL];
    memset(cell, 'x', sizeof(cell) - 1);
    const row_values row = { cell, "1", "t", "1" };
    CLEANUP(buf_finish) struct buf b;
    CLEANUP(cli_output_destroyp) struct cli_output *o = NULL;
    buf_init(&b, 0);
    struct cli_output_config cfg = {
        .format = CLI_TABLE, .columns = columns, .n_columns = COLUMNS, .write = collect, .arg = &b
    };
    CHECK_ERR(OK, cli_output_create(&cfg, &o));
    for (int i = 0; i < ROWS_MOST; i++) {
        CHECK_ERR(OK, cli_output_row(o, row));
    }
    CHECK_INT(ROWS_MOST + 1, lines(buf_str(&b)));
    CHECK_ERR(OK, cli_output_end(o));
}

/* One endless value does not push all others off the screen. */
TEST(cli_output, a_column_has_a_widest) {
    static char cell[200];
    memset(cell, 'x', sizeof(cell) - 1);
    const row_values rows[] = { { cell, "1", "t", "1" }, { "a", "1", "t", "1" } };
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    CHECK_ERR(OK, print(CLI_TABLE, false, rows, 2, &b));
    const char *last = strstr(buf_str(&b), "\na");
    CHECK_INT(strlen("\n") + CLI_COLUMN_WIDTH_MAX + strlen("  1  t         1\n"),
        last == NULL ? 0 : strlen(last));
}

static enum err full(void *arg, const char *bytes, size_t n) {
    (void)arg;
    (void)bytes;
    (void)n;
    return err_set(ERR_GONE, "nobody reads");
}

TEST(cli_output, passes_on_the_errors_of_its_writer) {
    static const row_values row = { "a", "1", "t", "1" };
    static const enum cli_format formats[] = { CLI_JSONL, CLI_CSV };
    FOR_ROWS (formats, f) {
        CLEANUP(cli_output_destroyp) struct cli_output *o = NULL;
        struct cli_output_config cfg = {
            .format = *f, .columns = columns, .n_columns = COLUMNS, .write = full
        };
        CHECK_ERR(OK, cli_output_create(&cfg, &o));
        CHECK_ERR(ERR_GONE, cli_output_row(o, row));
    }
}

TEST_ALLOC(cli_output, survives_no_memory) {
    static const row_values rows[] = { { "\x1B,", "1", "t", "1" }, { "b", NULL, "t", "1" } };
    for (int format = CLI_TABLE; format <= CLI_CSV; format++) {
        CLEANUP(buf_finish) struct buf b;
        buf_init(&b, 0);
        TRY(print((enum cli_format)format, true, rows, 2, &b));
    }
    return OK;
}
