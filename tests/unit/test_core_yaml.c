/* The bounded YAML reader: what it gives, and every way it refuses. */
#include "core/yaml.h"

#include "core/buf.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char registration[] = "id: calls\n"
                                   "namespaces:\n"
                                   "  users:\n"
                                   "    - {regex: \"@_calls:.*\", exclusive: true}\n"
                                   "    - regex: '@.*'\n"
                                   "  aliases: []\n"
                                   "url: ~\n"
                                   "empty:\n"
                                   "quoted: \"null\"\n";

TEST(core_yaml, gives_a_tree_with_lines) {
    struct doc *d = NULL;
    CHECK_ERR(OK, doc_parse("r.yaml", registration, strlen(registration), &d));
    const struct doc_node *root = doc_root(d);
    CHECK_INT(5, root->n);
    CHECK_STR("calls", doc_get(root, "id")->text);
    const struct doc_node *users = doc_get(doc_get(root, "namespaces"), "users");
    CHECK_INT(DOC_LIST, users->kind);
    CHECK_INT(2, users->n);
    CHECK_INT(3, users->line);
    CHECK_STR("@_calls:.*", doc_get(users->first, "regex")->text);
    CHECK_INT(5, doc_get(users->first->next, "regex")->line);
    CHECK(users->first->next->next == NULL);
    CHECK_INT(0, doc_get(doc_get(root, "namespaces"), "aliases")->n);
    CHECK(doc_is_null(doc_get(root, "url")) && doc_is_null(doc_get(root, "empty")));
    CHECK(!doc_is_null(doc_get(root, "quoted")));
    CHECK(doc_get(root, "regex") == NULL && doc_get(users, "regex") == NULL &&
          doc_get(NULL, "id") == NULL);
    CHECK_ERR(ERR_INVALID, doc_err(d, users, ERR_INVALID, "%s", "why"));
    CHECK_STR("r.yaml:3: why", err_text());
    doc_destroy(d);
}

TEST(core_yaml, takes_a_file_of_nothing) {
    static const struct {
        const char *name, *text;
    } rows[] = { { "empty", "" }, { "comment", "# a\n" }, { "byte order mark", "\xEF\xBB\xBF" } };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct doc *d = NULL;
        CHECK_ERR(OK, doc_parse("f", r->text, strlen(r->text), &d));
        CHECK(doc_root(d) == NULL);
        doc_destroy(d);
    }
}

TEST(core_yaml, refuses_with_a_line) {
    static const struct {
        const char *name, *text, *want;
    } rows[] = {
        { "anchor on a text", "a: 1\nb: &x 2\n", "f:2: an anchor (&) is not allowed" },
        { "anchor on a map", "a: &x {}\n", "f:1: an anchor (&) is not allowed" },
        { "anchor on a list", "a: &x []\n", "f:1: an anchor (&) is not allowed" },
        { "alias", "a: 1\nb: *x\n", "f:2: an alias (*) is not allowed" },
        { "tag on a text", "a: !!str 1\n", "f:1: a tag (!) is not allowed" },
        { "tag on a map", "a: !x {}\n", "f:1: a tag (!) is not allowed" },
        { "tag on a key", "!x a: 1\n", "f:1: a tag (!) is not allowed" },
        { "version directive", "%YAML 1.1\n---\na: 1\n", "f:1: a directive (%) is not allowed" },
        { "tag directive", "%TAG ! x:\n---\na: 1\n", "f:1: a directive (%) is not allowed" },
        { "second document", "a: 1\n---\nb: 1\n", "f:2: a second document is not allowed" },
        { "key twice", "a: 1\nb: 2\na: 3\n", "f:3: key a is there twice" },
        { "key twice, one in quotes", "a: 1\n\"a\": 3\n", "f:2: key a is there twice" },
        { "empty key", "? \"\"\n: 1\n", "f:1: a key is empty" },
        { "map as key", "{a: 1}: 2\n", "f:1: a key must be a text" },
        { "list as key", "a: 1\n? [b]\n: 2\n", "f:2: a key must be a text" },
        { "NUL in a text", "a: \"x\\0y\"\n", "f:1: a text holds a NUL byte" },
        { "too deep", "a: [[[[[[[[x]]]]]]]]\n", "f:1: nested more than 8 levels deep" },
        { "wrong indent", "a:\n  b: 1\n c: 2\n", "f:3: not YAML: did not find expected key" },
        { "tab", "a:\n\tb: 1\n", "f:2: not YAML: found character that cannot start any token" },
        { "not UTF-8", "a: 1\nb: \xFF\n", "f:2: not YAML: invalid leading UTF-8 octet" },
        { "control character", "a: 1\n\nb: \x01\n",
            "f:3: not YAML: control characters are not allowed" },
        { "UTF-16", "\xFF\xFEx", "f:1: not YAML: invalid leading UTF-8 octet" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct doc *d = NULL;
        enum err e = doc_parse("f", r->text, strlen(r->text), &d);
        CHECK(e == ERR_INVALID || e == ERR_TOO_LARGE);
        CHECK_STR(r->want, err_text());
        CHECK(d == NULL);
        doc_destroy(d);
    }
}

TEST(core_yaml, stops_at_its_limits) {
    struct buf b;
    buf_init(&b, 0);
    buf_puts(&b, "a: [x");
    for (int i = 3; i < DOC_MAX_NODES; i++) { /* with the map, the list and x */
        buf_puts(&b, ",x");
    }
    struct doc *d = NULL;
    buf_putc(&b, ']');
    CHECK_ERR(OK, doc_parse("f", b.data, b.len, &d));
    doc_destroy(d);
    d = NULL;
    b.data[b.len - 1] = ',';
    buf_puts(&b, "x]");
    CHECK_ERR(ERR_TOO_LARGE, doc_parse("f", b.data, b.len, &d));
    CHECK_STR("f:1: more than 10000 values", err_text());
    buf_clear(&b);
    while (b.len < DOC_MAX_BYTES) {
        buf_puts(&b, "#\n");
    }
    CHECK_ERR(OK, doc_parse("f", b.data, b.len, &d));
    doc_destroy(d);
    d = NULL;
    buf_putc(&b, '\n');
    CHECK_ERR(ERR_TOO_LARGE, doc_parse("f", b.data, b.len, &d));
    CHECK_STR("f:1: larger than 1048576 bytes", err_text());
    buf_finish(&b);
}

TEST(core_yaml, reads_files) {
    char path[] = "/tmp/parley-test-XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0 && write(fd, "a: b\n", 5) == 5);
    struct doc *d = NULL;
    CHECK_ERR(OK, doc_load(path, &d));
    CHECK_STR("b", doc_get(doc_root(d), "a")->text);
    doc_destroy(d);
    d = NULL;
    close(fd);
    unlink(path);
    CHECK_ERR(ERR_NOT_FOUND, doc_load(path, &d));
    CHECK_ERR(ERR_IO, doc_load("/tmp", &d));
}

TEST_ALLOC(core_yaml, survives_no_memory) {
    CLEANUP(doc_destroyp) struct doc *d = NULL;
    return doc_parse("r.yaml", registration, strlen(registration), &d);
}
