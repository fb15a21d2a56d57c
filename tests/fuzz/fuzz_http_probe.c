/* A question or an answer that was not made with the secret is nobody's; the bytes after a real
 * question's nonce do not change that. */
#include "fuzz.h"

#include "http/probe.h"

#include "core/mem.h"

#include <assert.h>
#include <string.h>

static void try_value(struct http_probe_key *k, const char *nonce, const char *value) {
    char answered[HTTP_PROBE_TEXT_SIZE];
    struct http_probe_sight sight = { .hop = "unix", .told = "none", .client = "unix" };
    assert(!http_probe_answer(k, value, &sight, answered));
    assert(!http_probe_read(k, nonce, value, &sight));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    CLEANUP(http_probe_key_destroyp) struct http_probe_key *k = NULL;
    char nonce[HTTP_PROBE_NONCE_SIZE], asked[HTTP_PROBE_TEXT_SIZE];
    CLEANUP(mem_freep) char *text = mem_zalloc(n + HTTP_PROBE_TEXT_SIZE);
    if (text == NULL || http_probe_key_create("a secret", &k) != OK ||
        http_probe_ask(k, nonce, asked) != OK) {
        return 0;
    }
    memcpy(text, data, n);
    try_value(k, nonce, text);
    if (n > 0 && data[0] != '\0') { /* behind a real one, or in place of its MAC */
        memmove(text + strlen(asked), text, n);
        memcpy(text, asked, strlen(asked));
        try_value(k, nonce, text);
    }
    return 0;
}
