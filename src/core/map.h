/*
 * Maps: uthash over our allocator. An addition that finds no memory leaves the element out
 * (`hh.tbl` is NULL then) instead of ending the process.
 */
#ifndef CORE_MAP_H
#define CORE_MAP_H

#include "core/mem.h"

#define HASH_NONFATAL_OOM 1
#define uthash_malloc(n)  mem_alloc(n)
#define uthash_free(p, n) mem_free(p)
#include <uthash.h>

#endif
