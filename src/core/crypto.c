/* libcrypto behind a small door. */
#include "core/crypto.h"

#include "core/mem.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void crypto_random(void *ret, size_t n) {
    if (RAND_bytes(ret, (int)n) != 1) {
        abort(); /* going on with guessable secrets would be worse */
    }
}

/* Fetched once, for all threads: a fetch costs as much as two digests of a short text. */
static CRYPTO_ONCE sha256_once = CRYPTO_ONCE_STATIC_INIT;
static EVP_MD *sha256_fetched;

static void fetch_sha256(void) {
    sha256_fetched = EVP_MD_fetch(NULL, "SHA256", NULL);
}

/* NULL when libcrypto fails. */
static const EVP_MD *sha256_type(void) {
    return CRYPTO_THREAD_run_once(&sha256_once, fetch_sha256) == 1 ? sha256_fetched : NULL;
}

void crypto_sha256(const void *bytes, size_t n, uint8_t ret[SHA256_SIZE]) {
    const EVP_MD *type = sha256_type();
    if (type == NULL || EVP_Digest(bytes, n, ret, NULL, type, NULL) != 1) {
        abort();
    }
}

/* --- SHA-256 piece by piece --- */

struct sha256 {
    EVP_MD_CTX *ctx;
};

enum err sha256_create(struct sha256 **ret) {
    struct sha256 *s = mem_zalloc(sizeof(*s));
    if (s == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    s->ctx = EVP_MD_CTX_new();
    if (s->ctx == NULL || sha256_type() == NULL) {
        sha256_destroy(s);
        return err_set(ERR_NOMEM, "SHA-256 cannot be set up");
    }
    *ret = s;
    return OK;
}

void sha256_destroy(struct sha256 *s) {
    if (s != NULL) {
        EVP_MD_CTX_free(s->ctx);
        mem_free(s);
    }
}

void sha256_begin(struct sha256 *s) {
    if (EVP_DigestInit_ex2(s->ctx, sha256_type(), NULL) != 1) {
        abort();
    }
}

void sha256_add(struct sha256 *s, const void *bytes, size_t n) {
    if (EVP_DigestUpdate(s->ctx, bytes, n) != 1) {
        abort();
    }
}

void sha256_end(struct sha256 *s, uint8_t ret[SHA256_SIZE]) {
    if (EVP_DigestFinal_ex(s->ctx, ret, NULL) != 1) {
        abort();
    }
}

bool crypto_equal(const char *a, const char *b) {
    if (a == NULL || b == NULL) {
        return false;
    }
    size_t n = strlen(a);
    return n == strlen(b) && CRYPTO_memcmp(a, b, n) == 0;
}

bool crypto_equal_bytes(const void *a, const void *b, size_t n) {
    return CRYPTO_memcmp(a, b, n) == 0;
}

void crypto_hex(const uint8_t *bytes, size_t n, char *ret) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        ret[2 * i] = digits[bytes[i] >> 4];
        ret[2 * i + 1] = digits[bytes[i] & 15];
    }
    ret[2 * n] = '\0';
}

void crypto_token(char ret[TOKEN_TEXT_SIZE]) {
    uint8_t bytes[(TOKEN_TEXT_SIZE - 1) / 2];
    crypto_random(bytes, sizeof(bytes));
    crypto_hex(bytes, sizeof(bytes), ret);
    explicit_bzero(bytes, sizeof(bytes));
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool crypto_unhex(const char *text, uint8_t *ret, size_t n) {
    if (strlen(text) != 2 * n) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        int high = hex_value(text[2 * i]);
        int low = hex_value(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        ret[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

void crypto_base64(const uint8_t *bytes, size_t n, char *ret) {
    int len = EVP_EncodeBlock((unsigned char *)ret, bytes, (int)n);
    while (len > 0 && ret[len - 1] == '=') {
        len--;
    }
    ret[len] = '\0';
}

void crypto_base64url(const uint8_t *bytes, size_t n, char *ret) {
    crypto_base64(bytes, n, ret);
    for (char *p = ret; *p != '\0'; p++) {
        *p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
    }
}

static int base64url_value(char c) {
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

bool crypto_unbase64url(const char *text, size_t n, uint8_t *ret, size_t *ret_len) {
    uint32_t bits = 0;
    int have = 0; /* of `bits`, how many are not written yet */
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        int value = base64url_value(text[i]);
        if (value < 0) {
            return false;
        }
        bits = bits << 6 | (uint32_t)value;
        have += 6;
        if (have >= 8) {
            have -= 8;
            ret[len++] = (uint8_t)(bits >> have);
            bits &= (1U << have) - 1;
        }
    }
    *ret_len = len;
    return have < 6 && bits == 0;
}

void crypto_uuid_write(const uint8_t b[UUID_SIZE], char ret[UUID_TEXT_SIZE]) {
    snprintf(ret, UUID_TEXT_SIZE,
        "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2],
        b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

bool crypto_uuid_read(const char *text, uint8_t ret[UUID_SIZE]) {
    char digits[2 * UUID_SIZE + 1];
    if (strlen(text) != UUID_TEXT_SIZE - 1) {
        return false;
    }
    size_t n = 0;
    for (size_t i = 0; text[i] != '\0'; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash != (text[i] == '-')) {
            return false;
        }
        if (!dash) {
            digits[n++] = text[i];
        }
    }
    digits[n] = '\0';
    return crypto_unhex(digits, ret, UUID_SIZE);
}

void crypto_uuid(int64_t now_ms, char ret[UUID_TEXT_SIZE]) {
    uint8_t b[UUID_SIZE];
    crypto_random(b, sizeof(b));
    for (int i = 0; i < 6; i++) {
        b[i] = (uint8_t)((uint64_t)now_ms >> (40 - 8 * i));
    }
    b[6] = (uint8_t)(0x70 | (b[6] & 0x0F));
    b[8] = (uint8_t)(0x80 | (b[8] & 0x3F));
    crypto_uuid_write(b, ret);
}

/* --- HMAC --- */

struct hmac_key {
    EVP_MAC_CTX *ctx; /* keyed; re-initialised without a key for each use */
};

enum err hmac_key_create(const uint8_t *key, size_t n, struct hmac_key **ret) {
    struct hmac_key *k = mem_zalloc(sizeof(*k));
    if (k == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    k->ctx = EVP_MAC_CTX_new(mac);
    EVP_MAC_free(mac);
    char digest[] = "SHA256";
    OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string("digest", digest, 0),
        OSSL_PARAM_construct_end() };
    if (k->ctx == NULL || EVP_MAC_init(k->ctx, key, n, params) != 1) {
        hmac_key_destroy(k);
        return err_set(ERR_NOMEM, "HMAC-SHA256 cannot be set up");
    }
    *ret = k;
    return OK;
}

void hmac_key_destroy(struct hmac_key *k) {
    if (k != NULL) {
        EVP_MAC_CTX_free(k->ctx);
        mem_free(k);
    }
}

enum err hmac_sign(struct hmac_key *k, const void *a, size_t a_len, const void *b, size_t b_len,
    uint8_t ret[SHA256_SIZE]) {
    size_t n = 0;
    bool done = EVP_MAC_init(k->ctx, NULL, 0, NULL) == 1 &&
                (a_len == 0 || EVP_MAC_update(k->ctx, a, a_len) == 1) &&
                (b_len == 0 || EVP_MAC_update(k->ctx, b, b_len) == 1) &&
                EVP_MAC_final(k->ctx, ret, &n, SHA256_SIZE) == 1;
    return done ? OK : err_set(ERR_NOMEM, "HMAC-SHA256 failed");
}

enum err crypto_hmac_sha1(const char *key, const void *bytes, size_t n, uint8_t ret[SHA1_SIZE]) {
    uint8_t mac[EVP_MAX_MD_SIZE];
    if (HMAC(EVP_sha1(), key, (int)strlen(key), bytes, n, mac, NULL) == NULL) {
        return err_set(ERR_NOMEM, "HMAC-SHA1 failed");
    }
    memcpy(ret, mac, SHA1_SIZE);
    return OK;
}
