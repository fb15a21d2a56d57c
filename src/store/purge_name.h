/*
 * A person's name as a pattern for PostgreSQL's regular expressions.  Thread: any; pure.
 */
#ifndef STORE_PURGE_NAME_H
#define STORE_PURGE_NAME_H

#include "core/buf.h"

/** Writes a pattern that finds the user id in any text, also as JSON writes it, but not inside a
 * longer one: @al:x.org is not in @al:x.org.uk nor in @al:x.org:8448, but in _@al:x.org_DEVICE and
 * in @al:x.org:DEVICE. Check `b` with buf_check. */
void store_purge_pattern(struct buf *b, const char *user);

#endif
