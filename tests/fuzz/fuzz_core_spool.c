/* The bytes of a spool file: a name, a place, then what may be records. What is taken for one says
 * so itself again when it is marked; and what we mark is always read. */
#include "fuzz.h"

#include "core/spool.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    uint8_t name[SPOOL_NAME_SIZE] = { 0 };
    uint8_t mark[SPOOL_MARK_SIZE];
    uint8_t whole[SPOOL_MARK_SIZE + 512];
    struct spool_record r;
    if (len < SPOOL_NAME_SIZE) {
        return 0;
    }
    memcpy(name, data, sizeof(name));
    data += sizeof(name);
    len -= sizeof(name);
    int64_t place = SPOOL_HEAD_SIZE;
    for (size_t at = 0; spool_parse(name, place, data + at, len - at, &r);
         at += SPOOL_MARK_SIZE + r.n) {
        assert(r.bytes == data + at + SPOOL_MARK_SIZE && at + SPOOL_MARK_SIZE + r.n <= len);
        spool_mark(name, place, &r, mark);
        assert(memcmp(mark, data + at, sizeof(mark)) == 0);
        place += (int64_t)(SPOOL_MARK_SIZE + r.n);
    }
    r = (struct spool_record){ .bytes = data, .n = len < 512 ? len : 512, .seal = (len & 1) != 0 };
    const struct spool_record made = r;
    spool_mark(name, place, &made, whole);
    if (made.n > 0) {
        memcpy(whole + SPOOL_MARK_SIZE, made.bytes, made.n);
    }
    assert(spool_parse(name, place, whole, SPOOL_MARK_SIZE + made.n, &r));
    assert(r.n == made.n && r.seal == made.seal);
    assert(!spool_parse(name, place + 1, whole, SPOOL_MARK_SIZE + made.n, &r));
    assert(made.n == 0 || !spool_parse(name, place, whole, SPOOL_MARK_SIZE + made.n - 1, &r));
    return 0;
}
