/*
 * A fuzz target: one function over bytes, which asserts a property. libFuzzer calls it
 * (-Dfuzz=true), or replay.c, over the corpus.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/** Returns 0; a broken property is an assert. Keeps nothing from one call to the next. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#endif
