/*
 * Text of strangers, made harmless for a terminal.  Thread: any; pure.
 *
 * Ids, reasons and display names come from other servers. What would move the cursor, set colours,
 * answer back or turn the direction of writing is shown as an escape instead.
 */
#ifndef CLI_SAFE_TEXT_H
#define CLI_SAFE_TEXT_H

#include <stddef.h>

struct buf;

/** Appends `s`; control characters (C0, DEL, C1), line separators and direction marks become \xHH
 * or \u{HHHH}, bytes that are not UTF-8 become \xHH. Gives the number of characters written. */
size_t cli_safe_text(struct buf *b, const char *s);

/** The same for a line of valid JSON: they become \uHHHH, which means the same. Line feeds are not
 * touched. */
void cli_safe_json(struct buf *b, const char *json, size_t n);

#endif
