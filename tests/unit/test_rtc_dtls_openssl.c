/* Our server with a client that is all OpenSSL: what it refuses, and that our records are its. */
#include "test.h"

#include "rtc/dtls.h"

#include <openssl/ssl.h>
#include <string.h>

static struct rtc_dtls_ctx *ours;

static void make_certificate(void) {
    if (ours == NULL) {
        CHECK_ERR(OK, rtc_dtls_ctx_create(&ours));
    }
}

__attribute__((destructor)) static void free_certificate(void) {
    rtc_dtls_ctx_destroy(ours);
}

struct heard {
    size_t n;
    uint8_t last[RTC_DTLS_RECORD_MOST];
};

static void on_app(void *arg, const uint8_t *data, size_t len) {
    struct heard *h = arg;
    h->n++;
    memcpy(h->last, data, len);
}

/* A client that is set up badly on purpose: another version, a cipher that is no AEAD. */
TEST(rtc_dtls_openssl, speaks_nothing_old) {
    static const struct {
        const char *name;
        int version;
        const char *ciphers;
        bool want;
    } rows[] = {
        { "as browsers do", DTLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", true },
        { "DTLS 1.0", DTLS1_VERSION, "ALL:@SECLEVEL=0", false },
        { "CBC", DTLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA", false },
    };
    make_certificate();
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct rtc_dtls_config cfg = { .role = RTC_DTLS_SERVER };
        struct rtc_dtls *server = NULL;
        CHECK_ERR(OK, rtc_dtls_create(ours, &cfg, 0, &server));
        SSL_CTX *ctx = SSL_CTX_new(DTLS_client_method());
        CHECK(SSL_CTX_set_cipher_list(ctx, r->ciphers) == 1);
        SSL_CTX_set_max_proto_version(ctx, r->version);
        SSL *client = SSL_new(ctx);
        SSL_set_bio(client, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        SSL_set_options(client, SSL_OP_NO_QUERY_MTU);
        SSL_set_mtu(client, 1200);
        (void)SSL_connect(client);
        char *hello = NULL;
        long len = BIO_get_mem_data(SSL_get_wbio(client), &hello);
        (void)rtc_dtls_feed(server, (const uint8_t *)hello, (size_t)len, 0);
        CHECK_INT(r->want ? RTC_DTLS_HANDSHAKE : RTC_DTLS_FAILED, rtc_dtls_state(server));
        size_t answer;
        CHECK(rtc_dtls_out(server, &answer) != NULL);
        SSL_free(client);
        SSL_CTX_free(ctx);
        rtc_dtls_destroy(server);
    }
}

/* A client that is all OpenSSL, records too; its datagrams run together, which does no harm. */
struct openssl {
    SSL_CTX *ctx;
    SSL *ssl;
};

static struct openssl openssl_client(const char *cipher) {
    struct openssl c = { .ctx = SSL_CTX_new(DTLS_client_method()) };
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509_set_pubkey(cert, key);
    X509_gmtime_adj(X509_getm_notBefore(cert), 0);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    CHECK(X509_sign(cert, key, EVP_sha256()) > 0);
    CHECK(SSL_CTX_use_certificate(c.ctx, cert) == 1 && SSL_CTX_use_PrivateKey(c.ctx, key) == 1);
    X509_free(cert);
    EVP_PKEY_free(key);
    CHECK(SSL_CTX_set_cipher_list(c.ctx, cipher) == 1);
    SSL_CTX_set_tlsext_use_srtp(c.ctx, "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_128_GCM");
    SSL_CTX_set_options(c.ctx, SSL_OP_NO_QUERY_MTU);
    c.ssl = SSL_new(c.ctx);
    SSL_set_bio(c.ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    BIO_set_mem_eof_return(SSL_get_rbio(c.ssl), -1);
    SSL_set_mtu(c.ssl, 1200);
    SSL_set_connect_state(c.ssl);
    return c;
}

/* Carries what both have to say, once each way. */
static void exchange(struct openssl *c, struct rtc_dtls *server) {
    uint8_t bytes[RTC_DTLS_RECORD_MOST];
    int n = BIO_read(SSL_get_wbio(c->ssl), bytes, sizeof(bytes));
    if (n > 0) {
        (void)rtc_dtls_feed(server, bytes, (size_t)n, 0);
    }
    size_t len;
    const uint8_t *out;
    while ((out = rtc_dtls_out(server, &len)) != NULL) {
        BIO_write(SSL_get_rbio(c->ssl), out, (int)len);
    }
}

static void check_talk(struct openssl *c, struct rtc_dtls *server, struct heard *heard) {
    char text[16] = "";
    CHECK_INT(4, SSL_write(c->ssl, "ping", 4));
    exchange(c, server);
    CHECK(heard->n == 1 && memcmp(heard->last, "ping", 4) == 0);
    CHECK(rtc_dtls_send(server, (const uint8_t *)"pong!", 5));
    exchange(c, server);
    CHECK_INT(5, SSL_read(c->ssl, text, sizeof(text)));
    CHECK_STR("pong!", text);
}

TEST(rtc_dtls_openssl, its_records_are_those_of_openssl) {
    static const struct {
        const char *name, *cipher;
        bool client_closes;
    } rows[] = {
        { "AES-128, the client closes", "ECDHE-ECDSA-AES128-GCM-SHA256", true },
        { "AES-128, the server closes", "ECDHE-ECDSA-AES128-GCM-SHA256", false },
        { "AES-256, the client closes", "ECDHE-ECDSA-AES256-GCM-SHA384", true },
        { "AES-256, the server closes", "ECDHE-ECDSA-AES256-GCM-SHA384", false },
    };
    make_certificate();
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct heard heard = { .n = 0 };
        struct rtc_dtls_config cfg = { .role = RTC_DTLS_SERVER, .app = on_app, .arg = &heard };
        struct rtc_dtls *server = NULL;
        CHECK_ERR(OK, rtc_dtls_create(ours, &cfg, 0, &server));
        struct openssl c = openssl_client(r->cipher);
        for (int i = 0; i < 4 && SSL_do_handshake(c.ssl) != 1; i++) {
            exchange(&c, server);
        }
        struct rtc_dtls_params peer = { .n_fingerprints = 1 };
        struct rtc_fingerprint *f = &peer.fingerprints[0];
        *f = (struct rtc_fingerprint){ .hash = RTC_HASH_SHA512, .len = 64 };
        X509_digest(SSL_get_certificate(c.ssl), EVP_sha512(), f->bytes, NULL);
        rtc_dtls_set_peer(server, &peer);
        CHECK_INT(RTC_DTLS_OPEN, rtc_dtls_state(server));
        CHECK(SSL_is_init_finished(c.ssl));
        check_talk(&c, server, &heard);
        struct rtc_dtls_keys keys = { .len = 0 };
        uint8_t same[RTC_DTLS_MATERIAL_MAX];
        CHECK_ERR(OK, rtc_dtls_keys(server, &keys));
        CHECK_INT(RTC_DTLS_GCM_128, keys.profile); /* the client would rather have had the other */
        CHECK(SSL_export_keying_material(
                  c.ssl, same, keys.len, "EXTRACTOR-dtls_srtp", 19, NULL, 0, 0) == 1);
        CHECK(memcmp(same, keys.material, keys.len) == 0);
        if (r->client_closes) {
            SSL_shutdown(c.ssl);
        } else {
            rtc_dtls_close(server);
        }
        exchange(&c, server);
        char text[4];
        CHECK(SSL_read(c.ssl, text, sizeof(text)) <= 0);
        CHECK_INT(RTC_DTLS_CLOSED, rtc_dtls_state(server));
        CHECK((SSL_get_shutdown(c.ssl) & SSL_RECEIVED_SHUTDOWN) != 0); /* we answer good-bye too */
        SSL_free(c.ssl);
        SSL_CTX_free(c.ctx);
        rtc_dtls_destroy(server);
    }
}
