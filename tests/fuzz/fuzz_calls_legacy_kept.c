/* The text of a kept input: what was read is written and read again as the same. */
#include "fuzz.h"

#include "calls/legacy_kept.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct arena arena;
    arena_init(&arena);
    struct store_kept kept = { .input = IN_NEGOTIATE };
    kept.text = arena_strndup(&arena, (const char *)data, len);
    struct call_input first;
    struct call_input second;
    struct store_kept written;
    struct store_kept again;
    assert(call_kept_read(&arena, "!r", "c", &kept, &first) == OK);
    assert(call_kept_write(&arena, &first, &written) == OK);
    assert(call_kept_read(&arena, "!r", "c", &written, &second) == OK);
    assert(call_kept_write(&arena, &second, &again) == OK);
    assert(strcmp(written.text, again.text) == 0);
    arena_finish(&arena);
    return 0;
}
