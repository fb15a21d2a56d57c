/*
 * Rows of a report, written as they come: a table for people, JSON lines or CSV for programs.
 *
 * Memory does not grow with the number of rows: a table keeps its first rows (CLI_SAMPLE_ROWS,
 * CLI_SAMPLE_BYTES) to choose the widths of its columns; a wider value later widens its own line
 * only.
 *
 * - table: header, two spaces between columns, numbers to the right, SQL NULL as "-"; always
 * harmless for a terminal.
 * - jsonl: one object a line; numbers, booleans and JSON unquoted, SQL NULL as null.
 * - csv: RFC 4180 with a header and CRLF; SQL NULL is an empty field, an empty text is "". Values
 * are left as they are: one that begins with = + - @ is a formula to some spreadsheets, so import
 * as text. jsonl and csv go to a terminal with control characters escaped, to a file or pipe byte
 * for byte.  Thread: one owner.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include "core/err.h"
#include "store/audit.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLI_SAMPLE_ROWS 100
#define CLI_SAMPLE_BYTES                                                                           \
    (256 * (size_t)1024)        /* of cells, before the first 100 rows are reached                 \
                                 */
#define CLI_COLUMN_WIDTH_MAX 64 /* characters; longer values stick out */

enum cli_format { CLI_TABLE, CLI_JSONL, CLI_CSV };

/** Their names in that order, NULL behind: the choices of --format. */
extern const char *const cli_format_names[];
/** `name` is one of them, or NULL for the default. */
enum cli_format cli_format_read(const char *name);

typedef enum err cli_output_write(void *arg, const char *bytes, size_t n);

struct cli_output_config {
    enum cli_format format;
    bool terminal;
    const struct store_audit_column *columns; /* borrowed */
    size_t n_columns;
    cli_output_write *write; /* gets whole lines */
    void *arg;
};

struct cli_output;
MUST_CHECK enum err cli_output_create(const struct cli_output_config *cfg, struct cli_output **ret);
/** One row, texts or NULL, borrowed for the call. Errors of `write` are passed on. */
MUST_CHECK enum err cli_output_row(struct cli_output *o, const char *const *values);
/** Writes what is held back; a CSV without rows gets its header here, a table without rows nothing.
 */
MUST_CHECK enum err cli_output_end(struct cli_output *o);
/** Rows so far. */
int64_t cli_output_rows(const struct cli_output *o);
void cli_output_destroy(struct cli_output *o);
void cli_output_destroyp(struct cli_output **o);

#endif
