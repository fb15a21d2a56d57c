/* What was found in the spool: what is taken for a note is written as one that is read again, and
 * means the same. */
#include "fuzz.h"

#include "livekit/note.h"

#include "core/buf.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct lk_note *first = NULL;
    struct lk_note *second = NULL;
    if (lk_note_read((const char *)data, len, &first) != OK) {
        return 0;
    }
    struct buf one, two;
    buf_init(&one, 0);
    buf_init(&two, 0);
    lk_note_write(first, &one);
    assert(lk_note_read(buf_str(&one), one.len, &second) == OK || one.len > LK_NOTE_MAX_BYTES);
    if (second != NULL) {
        lk_note_write(second, &two);
        assert(strcmp(buf_str(&one), buf_str(&two)) == 0);
        assert(lk_note_unnamed(first) == lk_note_unnamed(second));
    }
    buf_finish(&one);
    buf_finish(&two);
    lk_note_destroy(first);
    lk_note_destroy(second);
    return 0;
}
