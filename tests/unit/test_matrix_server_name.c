/* Server names and https addresses, as strangers write them. */
#include "matrix/server_name.h"

#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

#define LABEL_63 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz-"

TEST(matrix_server_name, reads_what_the_grammar_has) {
    static const struct {
        const char *text, *whole, *host;
        unsigned port;
        bool literal;
    } rows[] = {
        { "example.org", "example.org", "example.org", 0, false },
        { "Example.ORG:8448", "example.org:8448", "example.org", 8448, false },
        { "localhost", "localhost", "localhost", 0, false },
        { "a-b.c1:1", "a-b.c1:1", "a-b.c1", 1, false },
        { "1.example", "1.example", "1.example", 0, false },
        { "xn--bcher-kva.example:65535", "xn--bcher-kva.example:65535", "xn--bcher-kva.example",
            65535, false },
        { "192.0.2.1", "192.0.2.1", "192.0.2.1", 0, true },
        { "192.0.2.1:80", "192.0.2.1:80", "192.0.2.1", 80, true },
        { "[2001:DB8::1]", "[2001:db8::1]", "[2001:db8::1]", 0, true },
        { "[::1]:8448", "[::1]:8448", "[::1]", 8448, true },
        { "[::ffff:127.0.0.1]", "[::ffff:127.0.0.1]", "[::ffff:127.0.0.1]", 0, true },
        { LABEL_63 "z.org", NULL, NULL, 0, false },
    };
    FOR_ROWS (rows, r) {
        struct mx_server_name n = { .text = "untouched" };
        ROW(r->text);
        if (r->whole == NULL) {
            CHECK_ERR(ERR_INVALID, mx_server_name_read(r->text, strlen(r->text), &n));
            CHECK_STR("untouched", n.text);
            continue;
        }
        CHECK_ERR(OK, mx_server_name_read(r->text, strlen(r->text), &n));
        CHECK_STR(r->whole, n.text);
        CHECK_STR(r->host, n.host);
        CHECK_INT(r->port, n.port);
        CHECK_INT(r->literal, n.literal);
        CHECK_INT(strchr(r->host, '.') != NULL, mx_server_name_dotted(&n));
    }
}

TEST(matrix_server_name, refuses_the_rest) {
    static const char *const rows[] = { "", ".", "a.", ".a", "a..b", "-a.org", "a-.org", "a_b.org",
        "a b.org", "a.org ", " a.org", "a.org/", "a.org/path", "a.org?q", "a.org#f", "u@a.org",
        "a.org:", "a.org:0", "a.org:65536", "a.org:99999", "a.org:123456", "a.org:+80", "a.org:8a",
        "a.org:80:80", "a.org:-1", "a.org: 80", ":8448", "127.1", "127.0.1", "0x7f.1", "2130706433",
        "0x7f000001", "0177.0.0.1", "127.0.0.01", "127.0.0.256", "1.2.3.4.5", "a.1", "a.0x",
        "a.0X7F", "::1", "[::1", "::1]", "[]", "[:]", "[::1]x", "[::1]:", "[::1]:0", "[127.0.0.1]",
        "[::1%1]", "[fe80::1%25lo]", "[v1.x]", "[[::1]]", "a\tb.org", "a\n.org",
        ("b\xc3\xbc" /* apart: \xbcc would be one character */
         "cher.example"),
        "a.org\\", "a%2eorg", "*.org" };
    FOR_ROWS (rows, r) {
        struct mx_server_name n;
        ROW(*r);
        CHECK_ERR(ERR_INVALID, mx_server_name_read(*r, strlen(*r), &n));
    }
    struct mx_server_name n;
    ROW("a NUL inside");
    CHECK_ERR(ERR_INVALID, mx_server_name_read("a.org\0b", 7, &n));
}

TEST(matrix_server_name, has_an_end) {
    struct mx_server_name n;
    char text[MX_SERVER_NAME_SIZE + 1];
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = i % 2 == 0 ? 'a' : '.';
    }
    text[MX_SERVER_NAME_SIZE - 2] = 'a';
    CHECK_ERR(OK, mx_server_name_read(text, MX_SERVER_NAME_SIZE - 2, &n));
    CHECK_INT(MX_SERVER_NAME_SIZE - 2, strlen(n.text));
    CHECK_ERR(ERR_INVALID, mx_server_name_read(text, MX_SERVER_NAME_SIZE, &n));
}

TEST(matrix_https_url, reads_where_a_redirect_leads) {
    static const struct {
        const char *text, *at, *path; /* at NULL: refused */
    } rows[] = {
        { "https://a.org/x/y?z=1", "a.org", "/x/y?z=1" },
        { "HTTPS://A.org:444/", "a.org:444", "/" },
        { "https://a.org", "a.org", "" },
        { "https://a.org#f", "a.org", "" },
        { "https://a.org/x#f?y", "a.org", "/x" },
        { "https://[::1]/x", "[::1]", "/x" },
        { "https://127.0.0.1/x", "127.0.0.1", "/x" },
        { "http://a.org/x", NULL, NULL },
        { "ftp://a.org/x", NULL, NULL },
        { "https:/a.org/x", NULL, NULL },
        { "https:///x", NULL, NULL },
        { "https://u@a.org/x", NULL, NULL },
        { "https://u:p@a.org/x", NULL, NULL },
        { "https://a.org\\@b.org/x", NULL, NULL },
        { "https://a.org/x\\y", NULL, NULL },
        { "https://a.org/x y", NULL, NULL },
        { "https://a.org/\r\nX: y", NULL, NULL },
        { "https://a.org/\xc3\xbc", NULL, NULL },
        { "https://a.org?x", NULL, NULL },
        { "https://127.1/x", NULL, NULL },
        { "//a.org/x", NULL, NULL },
        { "", NULL, NULL },
    };
    FOR_ROWS (rows, r) {
        struct mx_https_url u;
        ROW(r->text);
        if (r->at == NULL) {
            CHECK_ERR(ERR_INVALID, mx_https_url_read(r->text, &u));
            continue;
        }
        char path[64];
        CHECK_ERR(OK, mx_https_url_read(r->text, &u));
        CHECK_STR(r->at, u.at.text);
        snprintf(path, sizeof(path), "%.*s", (int)u.path_len, u.path);
        CHECK_STR(r->path, path);
    }
}
