/* The grammar of Matrix identifiers. */
#include "matrix/ids.h"

#include "tests/unit/test.h"

#include <string.h>

TEST(matrix_ids, user_ids) {
    static const struct {
        const char *name;
        const char *id;
        bool valid;
    } rows[] = {
        { "plain", "@alice:example.com", true },
        { "with a port", "@alice:example.com:8448", true },
        { "IPv6 server", "@alice:[2001:db8::1]:8448", true },
        { "historical localpart", "@Al ice/+=!:example.com", true },
        { "empty localpart", "@:example.com", true },
        { "UTF-8 localpart", "@\xc3\xa4rger:example.com", true },
        { "broken UTF-8", "@\xc3:example.com", false },
        { "control character", "@a\nb:example.com", false },
        { "delete", "@a\x7f:example.com", false },
        { "no server", "@alice", false },
        { "empty server", "@alice:", false },
        { "space in the server", "@alice:example .com", false },
        { "slash in the server", "@alice:example.com/x", false },
        { "no sigil", "alice:example.com", false },
        { "room", "!r:example.com", false },
        { "empty", "", false },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK_INT(r->valid, mx_user_id_valid(r->id));
    }
}

TEST(matrix_ids, room_ids) {
    static const struct {
        const char *name;
        const char *id;
        bool valid;
    } rows[] = {
        { "plain", "!abcDEF:example.com", true },
        { "version 12", "!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM", true },
        { "version 12 with a strange sign", "!31hneApx/1o", false },
        { "sigil alone", "!", false },
        { "server alone", "!:example.com", true },
        { "control character", "!a\tb:example.com", false },
        { "no sigil", "abc:example.com", false },
        { "user", "@a:example.com", false },
        { "empty", "", false },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK_INT(r->valid, mx_room_id_valid(r->id));
    }
}

TEST(matrix_ids, at_most_255_bytes) {
    char id[MX_ID_MAX_BYTES + 2];
    memset(id, 'a', sizeof id);
    memcpy(id + MX_ID_MAX_BYTES - 3, ":hs", 4);
    id[0] = '@';
    CHECK(mx_user_id_valid(id));
    id[0] = '!';
    CHECK(mx_room_id_valid(id));
    memcpy(id + MX_ID_MAX_BYTES - 3, ":hsx", 5);
    id[0] = '@';
    CHECK(!mx_user_id_valid(id));
    id[0] = '!';
    CHECK(!mx_room_id_valid(id));
}

TEST(matrix_ids, who_is_local) {
    static const struct {
        const char *name;
        const char *id;
        bool local;
    } rows[] = {
        { "ours", "@alice:example.com", true },
        { "with a port", "@alice:example.com:8448", false },
        { "of a subdomain", "@alice:m.example.com", false },
        { "server as localpart", "@example.com:evil.org", false },
        { "no user", "!alice:example.com", false },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK_INT(r->local, mx_user_is_local(r->id, "example.com"));
    }
}

TEST(matrix_ids, server_names) {
    CHECK(mx_server_name_valid("localhost:8448"));
    CHECK(mx_server_name_valid("[::1]"));
    CHECK(!mx_server_name_valid(""));
    CHECK(!mx_server_name_valid("exa'mple"));
    CHECK(!mx_server_name_valid("a_b"));
}
