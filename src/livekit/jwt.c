/* libjwt behind a door that checks what it does not. It compares signatures; header and claims are
 * read here, since its readers are lax about the spelling of both, and tokens are written here: it
 * reads and writes the claims several times over, which was 40 % of the time of a token of a user
 * who is known. */
#include "livekit/jwt.h"

#include "core/buf.h"
#include "core/crypto.h"
#include "livekit/keys.h"

#include <errno.h>
#include <jwt.h>
#include <stdbool.h>
#include <string.h>

static enum err no_memory(void) {
    return err_set(ERR_NOMEM, "no memory for a token");
}

static void jwt_freep(jwt_t **j) {
    jwt_free(*j);
}

static void hmac_key_destroyp(struct hmac_key **k) {
    hmac_key_destroy(*k);
}

static void json_freep(json_t **j) {
    json_decref(*j);
}

/* --- minting --- */

/* Puts bytes into the token as one of its parts. */
static void put_part(struct buf *token, const void *bytes, size_t n) {
    char *at = (char *)buf_room(token, CRYPTO_BASE64_SIZE(n));
    if (at != NULL) {
        crypto_base64url(bytes, n, at);
        token->len += strlen(at);
    }
}

static int take_text(const char *text, size_t n, void *to) {
    struct buf *b = to;
    buf_put(b, text, n);
    return b->bad ? -1 : 0;
}

static enum err put_claims(struct buf *token, const json_t *claims) {
    CLEANUP(buf_finish) struct buf text;
    buf_init(&text, LK_JWT_MAX_BYTES);
    int failed = json_dump_callback(claims, take_text, &text, JSON_COMPACT);
    TRY(buf_check(&text));
    if (failed != 0) {
        return no_memory();
    }
    put_part(token, text.data, text.len);
    return OK;
}

static enum err put_signature(struct buf *token, const char *secret) {
    CLEANUP(hmac_key_destroyp) struct hmac_key *key = NULL;
    uint8_t mac[SHA256_SIZE];
    TRY(buf_check(token));
    TRY(hmac_key_create((const uint8_t *)secret, strlen(secret), &key));
    TRY(hmac_sign(key, token->data, token->len, NULL, 0, mac));
    buf_putc(token, '.');
    put_part(token, mac, sizeof(mac));
    return buf_check(token);
}

enum err lk_jwt_mint(const json_t *claims, const char *secret, char **ret) {
    static const char head[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    CLEANUP(buf_finish) struct buf token;
    buf_init(&token, LK_JWT_MAX_BYTES);
    if (secret[0] == '\0') {
        return err_set(ERR_INVALID, "a token needs a secret");
    }
    put_part(&token, head, sizeof(head) - 1);
    buf_putc(&token, '.');
    TRY(put_claims(&token, claims));
    TRY(put_signature(&token, secret));
    *ret = buf_take(&token);
    return OK;
}

/* --- verifying --- */

static enum err malformed(void) {
    return err_set(ERR_UNAUTHORIZED, "invalid authorization token");
}

/* The object in one part of the token. A key twice would mean one thing to us and another thing to
 * others. */
static enum err read_part(const char *text, size_t n, json_t **ret) {
    CLEANUP(mem_freep) char *bytes = mem_alloc(n + 1);
    size_t len = 0;
    json_error_t error;
    if (bytes == NULL) {
        return no_memory();
    }
    if (!crypto_unbase64url(text, n, (uint8_t *)bytes, &len)) {
        return malformed();
    }
    json_t *object = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &error);
    if (object == NULL && json_error_code(&error) == json_error_out_of_memory) {
        return no_memory();
    }
    if (!json_is_object(object)) {
        json_decref(object);
        return malformed();
    }
    *ret = object;
    return OK;
}

/* We know no extension, so none may be critical (RFC 7515, 4.1.11). */
static enum err check_header(const json_t *header) {
    const char *alg = json_string_value(json_object_get(header, "alg"));
    if (alg == NULL || strcmp(alg, "HS256") != 0 || json_object_get(header, "crit") != NULL) {
        return err_set(ERR_UNAUTHORIZED, "invalid token: only HS256 is accepted");
    }
    return OK;
}

/* Header and claims, of which nothing is believed yet. */
static enum err read_token(const char *token, json_t **ret_claims) {
    CLEANUP(json_freep) json_t *header = NULL;
    CLEANUP(json_freep) json_t *claims = NULL;
    size_t first = strcspn(token, ".");
    if (strlen(token) > LK_JWT_MAX_BYTES || token[first] == '\0') {
        return malformed();
    }
    const char *second = token + first + 1;
    size_t n = strcspn(second, ".");
    if (second[n] == '\0' || second[n + 1] == '\0' || strchr(second + n + 1, '.') != NULL) {
        return malformed();
    }
    TRY(read_part(token, first, &header));
    TRY(read_part(second, n, &claims));
    TRY(check_header(header));
    *ret_claims = STEAL(claims);
    return OK;
}

/* libjwt compares the signature as text, so it has one spelling only. */
static enum err check_signature(const char *token, const char *secret) {
    CLEANUP(jwt_freep) jwt_t *j = NULL;
    int code = jwt_decode(&j, token, (const unsigned char *)secret, (int)strlen(secret));
    if (code == ENOMEM) {
        return no_memory();
    }
    if (code != 0 || jwt_get_alg(j) != JWT_ALG_HS256) {
        return err_set(ERR_UNAUTHORIZED, "invalid token: signature is invalid");
    }
    return OK;
}

/* NumericDate (RFC 7519, 2): a JSON number, fractions allowed. */
static enum err check_dates(const json_t *claims, int64_t now_s) {
    const json_t *exp = json_object_get(claims, "exp");
    const json_t *nbf = json_object_get(claims, "nbf");
    if (!json_is_number(exp)) {
        return err_set(ERR_UNAUTHORIZED, "invalid token: token is missing required claim: exp");
    }
    if (nbf != NULL && !json_is_number(nbf)) {
        return err_set(ERR_UNAUTHORIZED, "invalid token: nbf is no time");
    }
    if ((double)now_s >= json_number_value(exp) + LK_JWT_LEEWAY_S) {
        return err_set(ERR_UNAUTHORIZED, "invalid token: token is expired");
    }
    if (nbf != NULL && (double)now_s < json_number_value(nbf) - LK_JWT_LEEWAY_S) {
        return err_set(ERR_UNAUTHORIZED, "invalid token: token is not valid yet");
    }
    return OK;
}

enum err lk_jwt_verify(const char *token, const struct lk_keys *keys, int64_t now_s, json_t **ret) {
    CLEANUP(json_freep) json_t *claims = NULL;
    TRY(read_token(token, &claims));
    const char *key = json_string_value(json_object_get(claims, "iss"));
    const char *secret = key == NULL ? NULL : lk_keys_secret(keys, key);
    if (secret == NULL) {
        return err_set(ERR_UNAUTHORIZED, "invalid API key");
    }
    TRY(check_signature(token, secret));
    TRY(check_dates(claims, now_s));
    *ret = STEAL(claims);
    return OK;
}
