/* Whatever a stranger posts: it is refused with a row of the table that blames the request, or the
 * names of room and member come out, of the length the SFU takes. The first byte picks the dialect.
 */
#include "fuzz.h"

#include "core/mem.h"
#include "livekit/ask.h"
#include "livekit/grant.h"
#include "matrix/ids.h"

#include <assert.h>
#include <string.h>

static void check_names(const struct lk_ask *ask, struct arena *a) {
    char alias[LK_HASH_SIZE];
    const char *identity = NULL;
    enum err e = lk_ask_alias(ask, alias);
    assert(e == OK && strlen(alias) == 43);
    e = lk_ask_identity(ask, "@alice:example.com", a, &identity);
    assert(e == OK || e == ERR_TOO_LARGE);
    assert(e != OK || strlen(identity) <= LK_IDENTITY_MAX_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct arena a;
    struct lk_ask ask;
    if (len == 0) {
        return 0;
    }
    arena_init(&a);
    enum lk_dialect d = (enum lk_dialect)(data[0] % LK_DIALECTS);
    enum lk_refusal r = lk_ask_read(d, (const char *)data + 1, len - 1, &a, &ask);
    assert(ask.room_id != NULL && ask.slot_id != NULL && ask.device_id != NULL &&
           ask.member_id != NULL && ask.user_id != NULL && ask.access_token != NULL &&
           ask.openid_server != NULL && ask.url != NULL && ask.target_server != NULL &&
           ask.delay_id != NULL);
    if (r == LK_FINE) {
        assert(mx_room_id_valid(ask.room_id) && ask.slot_id[0] != '\0');
        assert(d == LK_PROXIED_DELEGATE || (ask.delay_id[0] != '\0') == (ask.delay_timeout_ms > 0));
        assert(ask.delay_timeout_ms <= LK_ASK_DELAY_MAX_MS);
        check_names(&ask, &a);
    } else {
        assert(lk_refusal_row(r)->status == 400);
    }
    arena_finish(&a);
    return 0;
}
