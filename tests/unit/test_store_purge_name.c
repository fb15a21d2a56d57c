/* The pattern of a person's name. PostgreSQL reads it; here it is looked at as text. What it finds
 * is in tests/live/test_audit_purge.py. */
#include "store/purge_name.h"

#include "test.h"

#define NOT_LONGER "(?![A-Za-z0-9-]|\\.[A-Za-z0-9]|:[0-9]{1,5}(?![A-Za-z0-9]))"

TEST(store_purge_name, escapes_what_is_no_letter) {
    static const struct {
        const char *name, *user, *want;
    } rows[] = {
        { "plain", "@al1:x.org", "(?:\\@al1\\:x\\.org)" NOT_LONGER },
        { "what means something", "@a.*(+)[b]^$|{2}:x",
            "(?:\\@a\\.\\*\\(\\+\\)\\[b\\]\\^\\$\\|\\{2\\}\\:x)" NOT_LONGER },
        { "a port", "@a:x:80", "(?:\\@a\\:x\\:80)" NOT_LONGER },
        { "as JSON writes it", "@a\"\\:x",
            "(?:\\@a\\\"\\\\\\:x|\\@a\\\\\\\"\\\\\\\\\\:x)" NOT_LONGER },
        { "not ASCII", "@\xC3\xA9:x", "(?:\\@\xC3\xA9\\:x)" NOT_LONGER },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct buf b;
        buf_init(&b, 0);
        store_purge_pattern(&b, r->user);
        CHECK_STR(r->want, buf_str(&b));
        buf_finish(&b);
    }
}

TEST_ALLOC(store_purge_name, says_when_memory_is_gone) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    store_purge_pattern(&b, "@alice:example.com");
    return buf_check(&b);
}
