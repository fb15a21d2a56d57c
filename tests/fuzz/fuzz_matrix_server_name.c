/* Whatever is taken for a name or an https address holds nothing that libcurl, a header or a log
 * line would read in another way, and reads the same again. */
#include "fuzz.h"

#include "core/mem.h"
#include "matrix/server_name.h"

#include <assert.h>
#include <string.h>

static void check_name(const struct mx_server_name *n) {
    struct mx_server_name again;
    enum err e = mx_server_name_read(n->text, strlen(n->text), &again);
    assert(e == OK && strcmp(n->text, again.text) == 0 && strcmp(n->host, again.host) == 0);
    assert(strpbrk(n->text, "/?#@\\% \r\n\t") == NULL);
    assert(strncmp(n->text, n->host, strlen(n->host)) == 0);
    assert(n->literal || strpbrk(n->host, "[]:") == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct mx_server_name n;
    struct mx_https_url u;
    char *text = mem_zalloc(len + 1);
    assert(text != NULL);
    if (len > 0) {
        memcpy(text, data, len);
    }
    if (mx_server_name_read(text, len, &n) == OK) {
        check_name(&n);
    }
    if (mx_https_url_read(text, &u) == OK) {
        check_name(&u.at);
        assert(u.path_len == 0 || u.path[0] == '/');
        assert(u.path + u.path_len <= text + len);
    }
    mem_free(text);
    return 0;
}
