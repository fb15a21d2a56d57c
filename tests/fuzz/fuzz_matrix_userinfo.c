/* Whatever a.org answers: it speaks for its own users only. */
#include "fuzz.h"

#include "core/mem.h"
#include "http/client.h"
#include "matrix/server_name.h"
#include "matrix/userinfo.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct mx_server_name server;
    struct mx_userinfo u;
    char *body = mem_zalloc(len + 1);
    enum err e = mx_server_name_read("a.org", 5, &server);
    assert(e == OK && body != NULL);
    if (len > 0) {
        memcpy(body, data, len);
    }
    mx_userinfo_read(
        &(struct http_client_answer){ .status = 200, .body = body, .len = len, .text = "" },
        &server, &u);
    if (u.outcome == MX_OPENID_VALID) {
        size_t n = strlen(u.user_id);
        assert(u.user_id[0] == '@' && strchr(u.user_id, ':') == u.user_id + n - 6);
        assert(strcasecmp(u.user_id + n - 6, ":a.org") == 0 && u.text[0] == '\0');
    } else {
        assert(u.outcome == MX_OPENID_FOREIGN || u.outcome == MX_OPENID_NONSENSE);
        assert(u.user_id[0] == '\0' && u.text[0] != '\0');
    }
    mem_free(body);
    return 0;
}
