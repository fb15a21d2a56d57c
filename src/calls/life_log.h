/*
 * A call's life in the log: one line of level info for everything listeners are told. A subscriber
 * like any other.
 */
#ifndef CALLS_LIFE_LOG_H
#define CALLS_LIFE_LOG_H

#include "calls/work.h"

/** Of the form calls_pushed; `arg` is not used. */
void call_life_log(void *arg, const struct call_push *p);

#endif
