/* A registration is refused with a sentence that names a line and never a token, or printed again
 * it reads the same. */
#include "fuzz.h"

#include "appservice/registration.h"
#include "core/log.h"
#include "core/mem.h"

#include <assert.h>
#include <string.h>

#define SERVER "example.com"

static void check_round_trip(const struct as_registration *r) {
    struct as_registration *again = NULL;
    struct buf b;
    buf_init(&b, 0);
    as_registration_print(r, SERVER, &b);
    assert(buf_check(&b) == OK);
    assert(as_registration_parse("printed", buf_str(&b), b.len, SERVER, &again) == OK);
    assert(strcmp(r->id, again->id) == 0);
    assert(strcmp(r->url, again->url) == 0);
    assert(strcmp(r->as_token, again->as_token) == 0);
    assert(strcmp(r->hs_token, again->hs_token) == 0);
    assert(strcmp(r->sender_localpart, again->sender_localpart) == 0);
    as_registration_destroy(again);
    buf_finish(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct as_registration *r = NULL;
    uint64_t before = mem_live();
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    if (as_registration_parse("fuzz.yaml", (const char *)data, len, SERVER, &r) == OK) {
        check_round_trip(r);
    } else {
        assert(r == NULL && strncmp(err_text(), "fuzz.yaml:", 10) == 0);
    }
    as_registration_destroy(r);
    assert(mem_live() == before);
    return 0;
}
