/* Whatever stands behind a good token in the query of /rtc: the client is let in with what its
 * token says, or refused with a status of the table and a text. */
#include "fuzz.h"

#include "core/buf.h"
#include "http/exchange.h"
#include "livekit/entry.h"
#include "livekit/grant.h"
#include "livekit/keys.h"

#include <assert.h>
#include <string.h>

#define NOW_S 1700000000

static struct lk_keys *keys;
static struct room_directory *rooms;
static char *token;

static void set_up(void) {
    const struct lk_keys_source from = { "devkey", "secret", "", "", "" };
    const struct room_directory_config cfg = { 0 };
    static char sfu; /* nobody joins: it is not asked for anything */
    struct lk_grant *g = NULL;
    json_t *claims = json_pack("{s:I,s:s,s:{s:b,s:s,s:b}}", "exp", (json_int_t)NOW_S + 600, "sub",
        "alice", "video", "roomJoin", 1, "room", "r", "canUpdateOwnMetadata", 1);
    enum err e = lk_keys_create(&from, &keys);
    e = e == OK ? room_directory_create(&cfg, &rooms) : e;
    e = e == OK ? room_directory_start(rooms, (struct sfu *)&sfu, NULL) : e;
    e = e == OK ? lk_grant_read(claims, &g) : e;
    e = e == OK ? lk_grant_to_jwt(g, keys, &token) : e;
    assert(e == OK);
    lk_grant_destroy(g);
    json_decref(claims);
}

static void check_entry(const struct lk_entry *e) {
    assert(strcmp(e->room, "r") == 0 && strcmp(e->grant->identity, "alice") == 0);
    assert(e->n_attributes <= ROOM_ATTRIBUTES_MAX);
    for (size_t i = 0; i < e->n_attributes; i++) {
        assert(e->attributes[i].key != NULL && e->attributes[i].value != NULL);
    }
    assert(e->client != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct lk_entry *entry = NULL;
    struct lk_refused why = { 0 };
    struct buf target;
    if (token == NULL) {
        set_up();
    }
    if (len == 0 || memchr(data, '\0', len) != NULL) {
        return 0;
    }
    const bool v1 = data[0] == '1';
    buf_init(&target, 0);
    buf_printf(&target, "%s?access_token=%s&", v1 ? "/rtc/v1" : "/rtc", token);
    buf_put(&target, data + 1, len - 1);
    struct http_request *r = http_request_create("GET", target.data, target.len);
    assert(r != NULL);
    if (lk_entry_read(r, keys, rooms, v1, NOW_S, &entry, &why) == OK) {
        check_entry(entry);
        lk_entry_destroy(entry);
    } else {
        assert(why.status == 400 || why.status == 401);
        assert(why.text[0] != '\0');
    }
    http_request_destroy(r);
    buf_finish(&target);
    return 0;
}
