/* One run: everybody joins, hears everybody, is measured for a while, and leaves. */
#ifndef TOOLS_LOAD_RUN_H
#define TOOLS_LOAD_RUN_H

#include "core/buf.h"
#include "figures.h"
#include "options.h"

/** Appends the line of JSON. Errors: what made it impossible; a run that loses packets is none. */
MUST_CHECK enum err load_run(const struct load_options *o, struct buf *out);

#endif
