/* Records of epoch 1, on EVP. */
#include "rtc/dtls_record.h"

#include "core/cur.h"
#include "core/mem.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

#define EPOCH       1 /* there is no second handshake (renegotiation is off) */
#define RANDOM_SIZE 32
#define MASTER_SIZE 48
#define SALT_SIZE   4
#define IV_SIZE     (SALT_SIZE + RTC_DTLS_RECORD_NONCE)
#define AAD_SIZE    13
#define WINDOW      64 /* bits */

_Static_assert(sizeof(struct rtc_dtls_record) == RTC_DTLS_RECORD_BYTES, "the header says so");

/* --- keys --- */

/* PRF(master secret, "key expansion", server random, client random): RFC 5246, 6.3. */
static bool expand(SSL *ssl, uint8_t *ret, size_t len) {
    static const char label[] = "key expansion";
    uint8_t seed[sizeof(label) - 1 + 2 * RANDOM_SIZE];
    uint8_t master[MASTER_SIZE];
    const EVP_MD *digest = SSL_CIPHER_get_handshake_digest(SSL_get_current_cipher(ssl));
    memcpy(seed, label, sizeof(label) - 1);
    SSL_get_server_random(ssl, seed + sizeof(label) - 1, RANDOM_SIZE);
    SSL_get_client_random(ssl, seed + sizeof(label) - 1 + RANDOM_SIZE, RANDOM_SIZE);
    size_t master_len = SSL_SESSION_get_master_key(SSL_get_session(ssl), master, sizeof(master));
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(
            OSSL_KDF_PARAM_DIGEST, (char *)EVP_MD_get0_name(digest), 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, master, master_len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed, sizeof(seed)),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    bool done = ctx != NULL && EVP_KDF_derive(ctx, ret, len, params) == 1;
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    explicit_bzero(master, sizeof(master));
    return done;
}

enum err rtc_dtls_record_init(SSL *ssl, bool client, struct rtc_dtls_record *ret) {
    struct rtc_dtls_record_way ways[2]; /* the client's, the server's */
    uint8_t block[2 * (sizeof(ways[0].key) + SALT_SIZE)];
    int nid = SSL_CIPHER_get_cipher_nid(SSL_get_current_cipher(ssl));
    uint16_t key_len = nid == NID_aes_256_gcm ? 32 : 16;
    if (!expand(ssl, block, 2 * (key_len + (size_t)SALT_SIZE))) {
        return err_set(ERR_NOMEM, "DTLS keys cannot be derived");
    }
    struct cur c = cur_make(block, sizeof(block));
    cur_bytes(&c, ways[0].key, key_len);
    cur_bytes(&c, ways[1].key, key_len);
    cur_bytes(&c, ways[0].salt, SALT_SIZE);
    cur_bytes(&c, ways[1].salt, SALT_SIZE);
    /* Number 0 of this epoch was our Finished. */
    *ret = (struct rtc_dtls_record){
        .send = ways[!client], .receive = ways[client], .next = 1, .key_len = key_len
    };
    explicit_bzero(block, sizeof(block));
    explicit_bzero(ways, sizeof(ways));
    return OK;
}

/* --- sealing and opening --- */

/* The record's head with another length is what is authenticated (RFC 6347, 4.1.2.1). */
static void make_aad(const uint8_t *head, size_t plain_len, uint8_t ret[AAD_SIZE]) {
    memcpy(ret, head + 3, 8); /* epoch and number first */
    memcpy(ret + 8, head, 3);
    be16_put(ret + 11, (uint16_t)plain_len);
}

/* One pass of AES-GCM; `tag` is written or checked. A context for the length of a call: what an
 * association would keep of it weighs more than all else here. */
static bool run(const struct rtc_dtls_record_way *way, uint16_t key_len, bool seal,
    const uint8_t *head, const uint8_t *nonce, const uint8_t *in, size_t len, uint8_t *out,
    uint8_t *tag) {
    uint8_t iv[IV_SIZE];
    uint8_t aad[AAD_SIZE];
    int n = 0;
    memcpy(iv, way->salt, SALT_SIZE);
    memcpy(iv + SALT_SIZE, nonce, RTC_DTLS_RECORD_NONCE);
    make_aad(head, len, aad);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    const EVP_CIPHER *cipher = key_len == 32 ? EVP_aes_256_gcm() : EVP_aes_128_gcm();
    bool done =
        ctx != NULL && EVP_CipherInit_ex(ctx, cipher, NULL, way->key, iv, seal) == 1 &&
        (seal || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, RTC_DTLS_RECORD_TAG, tag) == 1) &&
        EVP_CipherUpdate(ctx, NULL, &n, aad, sizeof(aad)) == 1 &&
        EVP_CipherUpdate(ctx, out, &n, in, (int)len) == 1 &&
        EVP_CipherFinal_ex(ctx, out + n, &n) == 1 &&
        (!seal || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, RTC_DTLS_RECORD_TAG, tag) == 1);
    EVP_CIPHER_CTX_free(ctx);
    return done;
}

size_t rtc_dtls_record_seal(
    struct rtc_dtls_record *r, uint8_t type, const uint8_t *data, size_t len, uint8_t *out) {
    uint8_t *nonce = out + RTC_DTLS_RECORD_HEAD;
    uint8_t *body = nonce + RTC_DTLS_RECORD_NONCE;
    uint64_t number = (uint64_t)EPOCH << 48 | r->next++;
    out[0] = type;
    be16_put(out + 1, DTLS1_2_VERSION);
    be64_put(out + 3, number);
    be16_put(out + 11, (uint16_t)(RTC_DTLS_RECORD_NONCE + len + RTC_DTLS_RECORD_TAG));
    be64_put(nonce, number); /* never twice with this key (RFC 5288, 3) */
    return run(&r->send, r->key_len, true, out, nonce, data, len, body, body + len)
               ? len + RTC_DTLS_RECORD_GROWTH
               : 0;
}

/* RFC 6347, 4.1.2.6. */
static bool was_received(const struct rtc_dtls_record *r, uint64_t number) {
    if (number >= r->highest) {
        return false;
    }
    uint64_t age = r->highest - 1 - number;
    return age >= WINDOW || (r->window >> age & 1) != 0;
}

static void note_received(struct rtc_dtls_record *r, uint64_t number) {
    if (number >= r->highest) {
        uint64_t shift = number + 1 - r->highest;
        r->window = (shift >= WINDOW ? 0 : r->window << shift) | 1;
        r->highest = number + 1;
    } else {
        r->window |= (uint64_t)1 << (r->highest - 1 - number);
    }
}

bool rtc_dtls_record_open(
    struct rtc_dtls_record *r, const uint8_t *record, size_t len, uint8_t *plain, size_t *ret_len) {
    if (len < RTC_DTLS_RECORD_GROWTH || be16_get(record + 3) != EPOCH ||
        be16_get(record + 11) != len - RTC_DTLS_RECORD_HEAD) {
        return false;
    }
    uint64_t number = be64_get(record + 3) & 0xFFFFFFFFFFFFU;
    const uint8_t *nonce = record + RTC_DTLS_RECORD_HEAD;
    const uint8_t *body = nonce + RTC_DTLS_RECORD_NONCE;
    size_t plain_len = len - RTC_DTLS_RECORD_GROWTH;
    uint8_t tag[RTC_DTLS_RECORD_TAG];
    memcpy(tag, body + plain_len, sizeof(tag));
    if (was_received(r, number) ||
        !run(&r->receive, r->key_len, false, record, nonce, body, plain_len, plain, tag)) {
        return false;
    }
    note_received(r, number);
    *ret_len = plain_len;
    return true;
}
