/*
 * UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
 * Thread: any; pure.
 */
#ifndef CORE_UTF8_H
#define CORE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/** Bytes (1 to 4) of the character at `s`, which has `n` bytes; 0 when they are no valid character.
 */
size_t utf8_width(const char *s, size_t n);

/** Are all `n` bytes valid UTF-8? */
bool utf8_valid(const char *s, size_t n);

/** The longest prefix of at most `max` bytes that does not cut a character. `s` is valid UTF-8. */
size_t utf8_prefix(const char *s, size_t n, size_t max);

#endif
