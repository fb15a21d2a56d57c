/* The three formats. One line at a time is built in `line`; only the table looks back. */
#include "cli/output.h"

#include "cli/safe_text.h"
#include "core/buf.h"
#include "core/mem.h"

#include <string.h>

const char *const cli_format_names[] = { "table", "jsonl", "csv", NULL };

/* A cell of the sample: escaped text and how many characters it shows. */
struct cell {
    const char *text;
    size_t shown;
};

struct cli_output {
    struct cli_output_config cfg;
    int64_t rows;
    struct buf line;
    struct buf part; /* one cell */
    bool begun;      /* the header is out */
    /* table */
    size_t *widths;
    struct cell *sample; /* n_sample rows of n_columns cells */
    size_t n_sample;
    struct arena arena;
};

enum cli_format cli_format_read(const char *name) {
    for (size_t i = 0; name != NULL && cli_format_names[i] != NULL; i++) {
        if (strcmp(cli_format_names[i], name) == 0) {
            return (enum cli_format)i;
        }
    }
    return CLI_TABLE;
}

enum err cli_output_create(const struct cli_output_config *cfg, struct cli_output **ret) {
    CLEANUP(cli_output_destroyp) struct cli_output *o = mem_zalloc(sizeof(*o));
    if (o == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    o->cfg = *cfg;
    buf_init(&o->line, 0);
    buf_init(&o->part, 0);
    arena_init(&o->arena);
    if (cfg->format == CLI_TABLE) {
        o->widths = arena_array(&o->arena, cfg->n_columns, sizeof(*o->widths));
        o->sample = arena_array(&o->arena, CLI_SAMPLE_ROWS * cfg->n_columns, sizeof(*o->sample));
    }
    if (o->arena.failed) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    *ret = STEAL(o);
    return OK;
}

void cli_output_destroy(struct cli_output *o) {
    if (o != NULL) {
        buf_finish(&o->line);
        buf_finish(&o->part);
        arena_finish(&o->arena);
        mem_free(o);
    }
}

void cli_output_destroyp(struct cli_output **o) {
    cli_output_destroy(*o);
}

int64_t cli_output_rows(const struct cli_output *o) {
    return o->rows;
}

static enum err send_line(struct cli_output *o) {
    TRY(buf_check(&o->line));
    TRY(o->cfg.write(o->cfg.arg, buf_str(&o->line), o->line.len));
    buf_clear(&o->line);
    return OK;
}

/* --- table --- */

/* Puts one cell between its neighbours. The last one is not filled up, so lines have no tail of
 * spaces. */
static void put_cell(struct cli_output *o, size_t column, struct cell c) {
    bool last = column + 1 == o->cfg.n_columns;
    bool right = o->cfg.columns[column].type == STORE_AUDIT_INT;
    int fill = c.shown < o->widths[column] ? (int)(o->widths[column] - c.shown) : 0;
    buf_printf(&o->line, "%*s%s%*s", right ? fill : 0, "", c.text, right || last ? 0 : fill, "");
    buf_puts(&o->line, last ? "\n" : "  ");
}

static enum err put_header(struct cli_output *o) {
    for (size_t i = 0; i < o->cfg.n_columns; i++) {
        const char *name = o->cfg.columns[i].name;
        put_cell(o, i, (struct cell){ name, strlen(name) });
    }
    return send_line(o);
}

/* Chooses the widths and writes header and sample; from here on rows go straight out. */
static enum err end_sample(struct cli_output *o) {
    o->begun = true;
    size_t n = o->cfg.n_columns;
    for (size_t i = 0; i < n; i++) {
        o->widths[i] = strlen(o->cfg.columns[i].name);
        for (size_t row = 0; row < o->n_sample; row++) {
            size_t shown = o->sample[row * n + i].shown;
            shown = shown > CLI_COLUMN_WIDTH_MAX ? CLI_COLUMN_WIDTH_MAX : shown;
            o->widths[i] = shown > o->widths[i] ? shown : o->widths[i];
        }
    }
    TRY(put_header(o));
    for (size_t row = 0; row < o->n_sample; row++) {
        for (size_t i = 0; i < n; i++) {
            put_cell(o, i, o->sample[row * n + i]);
        }
        TRY(send_line(o));
    }
    return OK;
}

static struct cell render_cell(struct cli_output *o, const char *value) {
    buf_clear(&o->part);
    size_t shown = cli_safe_text(&o->part, value == NULL ? "-" : value);
    return (struct cell){ buf_str(&o->part), shown };
}

static enum err keep_sample(struct cli_output *o, const char *const *values) {
    struct cell *cells = &o->sample[o->n_sample * o->cfg.n_columns];
    for (size_t i = 0; i < o->cfg.n_columns; i++) {
        cells[i] = render_cell(o, values[i]);
        cells[i].text = arena_strdup(&o->arena, cells[i].text);
    }
    TRY(buf_check(&o->part));
    if (o->arena.failed) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    o->n_sample++;
    bool full = o->n_sample == CLI_SAMPLE_ROWS || o->arena.used >= CLI_SAMPLE_BYTES;
    return full ? end_sample(o) : OK;
}

static enum err table_row(struct cli_output *o, const char *const *values) {
    if (!o->begun) {
        return keep_sample(o, values);
    }
    for (size_t i = 0; i < o->cfg.n_columns; i++) {
        put_cell(o, i, render_cell(o, values[i]));
    }
    TRY(buf_check(&o->part));
    return send_line(o);
}

/* --- JSON lines --- */

/* Has the text the grammar of a JSON number (RFC 8259, 6)? NaN and infinity have not. */
static bool is_number(const char *s) {
    s += *s == '-';
    size_t whole = strspn(s, "0123456789");
    if (whole == 0 || (whole > 1 && s[0] == '0')) {
        return false;
    }
    s += whole;
    if (*s == '.') {
        size_t digits = strspn(s + 1, "0123456789");
        s += digits == 0 ? 0 : 1 + digits;
    }
    return *s == '\0';
}

/* A JSON value of the database; line breaks between its tokens would break the line. */
static void put_json(struct buf *b, const char *json) {
    for (; *json != '\0'; json++) {
        buf_putc(b, (unsigned char)*json < 0x20 ? ' ' : *json);
    }
}

static void put_json_value(struct buf *b, enum store_audit_column_type type, const char *value) {
    if (value == NULL) {
        buf_puts(b, "null");
    } else if (type == STORE_AUDIT_BOOL) {
        buf_puts(b, value[0] == 't' ? "true" : "false");
    } else if (type == STORE_AUDIT_JSON) {
        put_json(b, value);
    } else if (type == STORE_AUDIT_INT && is_number(value)) {
        buf_puts(b, value);
    } else {
        buf_json_str(b, value);
    }
}

static enum err jsonl_row(struct cli_output *o, const char *const *values) {
    buf_clear(&o->part);
    struct buf *b = o->cfg.terminal ? &o->part : &o->line;
    buf_putc(b, '{');
    for (size_t i = 0; i < o->cfg.n_columns; i++) {
        buf_json_key(b, o->cfg.columns[i].name);
        put_json_value(b, o->cfg.columns[i].type, values[i]);
    }
    buf_puts(b, "}\n");
    if (o->cfg.terminal) {
        TRY(buf_check(b));
        cli_safe_json(&o->line, buf_str(b), b->len);
    }
    return send_line(o);
}

/* --- CSV --- */

static void put_csv_value(struct cli_output *o, const char *value) {
    if (value == NULL) {
        return;
    }
    if (o->cfg.terminal) {
        value = render_cell(o, value).text;
    }
    if (value[0] != '\0' && strpbrk(value, "\",\r\n") == NULL) {
        buf_puts(&o->line, value);
        return;
    }
    buf_putc(&o->line, '"');
    for (; *value != '\0'; value++) {
        if (*value == '"') {
            buf_putc(&o->line, '"');
        }
        buf_putc(&o->line, *value);
    }
    buf_putc(&o->line, '"');
}

static enum err csv_header(struct cli_output *o) {
    o->begun = true;
    for (size_t i = 0; i < o->cfg.n_columns; i++) {
        buf_printf(&o->line, "%s%s", i == 0 ? "" : ",", o->cfg.columns[i].name);
    }
    buf_puts(&o->line, "\r\n");
    return send_line(o);
}

static enum err csv_row(struct cli_output *o, const char *const *values) {
    if (!o->begun) {
        TRY(csv_header(o));
    }
    for (size_t i = 0; i < o->cfg.n_columns; i++) {
        buf_puts(&o->line, i == 0 ? "" : ",");
        put_csv_value(o, values[i]);
    }
    TRY(buf_check(&o->part));
    buf_puts(&o->line, "\r\n");
    return send_line(o);
}

/* --- the row of each format --- */

enum err cli_output_row(struct cli_output *o, const char *const *values) {
    static enum err (*const writers[])(struct cli_output *, const char *const *) = {
        [CLI_TABLE] = table_row, [CLI_JSONL] = jsonl_row, [CLI_CSV] = csv_row
    };
    o->rows++;
    return writers[o->cfg.format](o, values);
}

enum err cli_output_end(struct cli_output *o) {
    if (o->cfg.format == CLI_TABLE && !o->begun && o->rows > 0) {
        return end_sample(o);
    }
    if (o->cfg.format == CLI_CSV && !o->begun) {
        return csv_header(o);
    }
    return OK;
}
