/* Settings: a text is refused with a sentence that names a line, or what it means can be written
 * down and read again without a difference. */
#include "fuzz.h"

#include "core/buf.h"
#include "core/config.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static void check_sentence(enum err e) {
    int line = 0;
    int end = 0;
    assert(e == ERR_INVALID || e == ERR_TOO_LARGE);
    assert(sscanf(err_text(), "fuzz.yaml:%d: %n", &line, &end) == 1);
    assert(line >= 1 && end > 0 && err_text()[end] != '\0');
}

static void check_round_trip(const struct config *c) {
    struct buf text;
    buf_init(&text, 0);
    config_print(c, true, &text);
    assert(buf_check(&text) == OK);
    struct config *again = NULL;
    enum err e = config_load_text("printed", buf_str(&text), text.len, NULL, &again);
    if (e != OK) {
        fprintf(stderr, "%s\n%s", err_text(), buf_str(&text));
    }
    assert(e == OK);
    assert(config_equal(c, again));
    config_destroy(again);
    buf_finish(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct config *c = NULL;
    uint64_t before = mem_live();
    enum err e = config_load_text("fuzz.yaml", (const char *)data, len, NULL, &c);
    if (e != OK) {
        check_sentence(e);
    } else {
        check_round_trip(c);
    }
    config_destroy(c);
    assert(mem_live() == before);
    return 0;
}
