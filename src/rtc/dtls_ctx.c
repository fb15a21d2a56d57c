/* The process's certificate, and what OpenSSL may do with it. */
#include "rtc/dtls_ctx.h"

#include "core/crypto.h"
#include "core/mem.h"
#include "rtc/dtls_bio.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

/* AEAD with forward secrecy; AES-GCM only, which browsers and libwebrtc all offer and
 * rtc/dtls_record knows. The two with RSA are for servers with such a certificate, where we are the
 * client. */
#define CIPHERS                                                                                    \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"                                 \
    "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384"
#define GROUPS "X25519:P-256:P-384"

#define CERTIFICATE_MOST 16384 /* bytes of a peer's; about 300 are usual, 1,500 with RSA */
#define VALID_SEC        (10L * 365 * 24 * 3600) /* nobody looks: the fingerprint says it all */

/* --- profiles --- */

static const struct rtc_dtls_profile profiles[] = {
    { RTC_DTLS_GCM_128, 2 * (16 + 12), "SRTP_AEAD_AES_128_GCM" },
    { RTC_DTLS_GCM_256, 2 * (32 + 12), "SRTP_AEAD_AES_256_GCM" },
    { RTC_DTLS_CM_SHA1_80, 2 * (16 + 14), "SRTP_AES128_CM_SHA1_80" },
};
#define ALL_PROFILES "SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80"

const struct rtc_dtls_profile *rtc_dtls_profile_find(uint16_t id) {
    for (size_t i = 0; i < COUNT_OF(profiles); i++) {
        if (profiles[i].id == id) {
            return &profiles[i];
        }
    }
    return NULL;
}

/* --- the certificate --- */

bool rtc_dtls_hash(const X509 *cert, enum rtc_hash hash, uint8_t ret[RTC_HASH_MAX_BYTES]) {
    static const EVP_MD *(*const digests[RTC_HASH_COUNT])(void) = {
        [RTC_HASH_SHA256] = EVP_sha256,
        [RTC_HASH_SHA384] = EVP_sha384,
        [RTC_HASH_SHA512] = EVP_sha512,
    };
    unsigned n = 0;
    return X509_digest(cert, digests[hash](), ret, &n) == 1 && n == rtc_hash_size(hash);
}

/* Version 3, a random serial, the name that WebRTC's certificates have: nothing about us. */
static bool fill_in(X509 *cert, EVP_PKEY *key) {
    uint64_t serial;
    crypto_random(&serial, sizeof(serial));
    X509_NAME *name = X509_get_subject_name(cert);
    return X509_set_version(cert, X509_VERSION_3) == 1 &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial >> 1) == 1 &&
           X509_NAME_add_entry_by_txt(
               name, "CN", MBSTRING_ASC, (const unsigned char *)"WebRTC", -1, -1, 0) == 1 &&
           X509_set_issuer_name(cert, name) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(cert), -24L * 3600) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(cert), VALID_SEC) != NULL &&
           X509_set_pubkey(cert, key) == 1 && X509_sign(cert, key, EVP_sha256()) > 0;
}

static void write_text(const struct rtc_fingerprint *f, char ret[RTC_DTLS_TEXT_SIZE]) {
    for (size_t i = 0; i < f->len; i++) {
        snprintf(ret + 3 * i, 4, i + 1 < f->len ? "%02X:" : "%02X", f->bytes[i]);
    }
}

static bool certify(struct rtc_dtls_ctx *ctx) {
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    bool done = key != NULL && cert != NULL && fill_in(cert, key) &&
                SSL_CTX_use_certificate(ctx->ssl, cert) == 1 &&
                SSL_CTX_use_PrivateKey(ctx->ssl, key) == 1 &&
                rtc_dtls_hash(cert, RTC_HASH_SHA256, ctx->fingerprint.bytes);
    X509_free(cert);
    EVP_PKEY_free(key);
    ctx->fingerprint.hash = RTC_HASH_SHA256;
    ctx->fingerprint.len = (uint8_t)rtc_hash_size(RTC_HASH_SHA256);
    write_text(&ctx->fingerprint, ctx->text);
    return done;
}

/* --- OpenSSL's settings --- */

static bool configure(SSL_CTX *ssl) {
    SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_NO_QUERY_MTU | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_cert_list(ssl, CERTIFICATE_MOST);
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(ssl, rtc_dtls_on_certificate, NULL);
    return SSL_CTX_set_min_proto_version(ssl, DTLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(ssl, DTLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ssl, CIPHERS) == 1 &&
           SSL_CTX_set1_groups_list(ssl, GROUPS) == 1 &&
           SSL_CTX_set_max_send_fragment(ssl, RTC_DTLS_MTU) == 1 &&
           SSL_CTX_set_tlsext_use_srtp(ssl, ALL_PROFILES) == 0; /* 0 is success there */
}

enum err rtc_dtls_ctx_create(struct rtc_dtls_ctx **ret) {
    struct rtc_dtls_ctx *ctx = mem_zalloc(sizeof(*ctx));
    if (ctx == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    ctx->bio = rtc_dtls_bio_method();
    ctx->ssl = SSL_CTX_new(DTLS_method());
    if (ctx->bio == NULL || ctx->ssl == NULL || !configure(ctx->ssl) || !certify(ctx)) {
        ERR_clear_error();
        rtc_dtls_ctx_destroy(ctx);
        return err_set(ERR_NOMEM, "DTLS cannot be set up");
    }
    *ret = ctx;
    return OK;
}

void rtc_dtls_ctx_destroy(struct rtc_dtls_ctx *ctx) {
    if (ctx != NULL) {
        SSL_CTX_free(ctx->ssl);
        BIO_meth_free(ctx->bio);
        mem_free(ctx);
    }
}

const struct rtc_fingerprint *rtc_dtls_ctx_fingerprint(const struct rtc_dtls_ctx *ctx) {
    return &ctx->fingerprint;
}

const char *rtc_dtls_ctx_text(const struct rtc_dtls_ctx *ctx) {
    return ctx->text;
}
