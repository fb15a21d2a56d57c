/* One line of words and a MAC over it, for the question and for the answer. */
#include "http/probe.h"

#include "core/crypto.h"
#include "core/mem.h"

#include <stdio.h>
#include <string.h>

#define NONCE_BYTES   16
#define MAC_HEX       (2 * (size_t)SHA256_SIZE)
#define WORDS_MAX     (HTTP_PROBE_TEXT_SIZE - MAC_HEX - 2) /* before the MAC */
#define ADDRESS_CHARS "45"                                 /* HTTP_ADDRESS_TEXT_SIZE - 1 */

/* What a MAC is about, so that no question can pass for an answer. */
static const char question[] = "parley probe question ";
static const char answer[] = "parley probe answer ";

struct http_probe_key {
    struct hmac_key *hmac;
};

enum err http_probe_key_create(const char *secret, struct http_probe_key **ret) {
    struct http_probe_key *k = mem_zalloc(sizeof(*k));
    if (k == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    enum err e = hmac_key_create((const uint8_t *)secret, strlen(secret), &k->hmac);
    if (e != OK) {
        mem_free(k);
        return e;
    }
    *ret = k;
    return OK;
}

void http_probe_key_destroy(struct http_probe_key *k) {
    if (k != NULL) {
        hmac_key_destroy(k->hmac);
        mem_free(k);
    }
}

void http_probe_key_destroyp(struct http_probe_key **k) {
    http_probe_key_destroy(*k);
}

static enum err seal(
    struct http_probe_key *k, const char *about, const char *words, char ret[MAC_HEX + 1]) {
    uint8_t mac[SHA256_SIZE];
    TRY(hmac_sign(k->hmac, about, strlen(about), words, strlen(words), mac));
    crypto_hex(mac, sizeof(mac), ret);
    return OK;
}

/* Cuts "<words> <MAC>" at its last space; true when the MAC is right. */
static bool unseal(
    struct http_probe_key *k, const char *about, const char *value, char ret_words[WORDS_MAX + 1]) {
    char mac[MAC_HEX + 1];
    const char *space = strrchr(value, ' ');
    if (space == NULL || (size_t)(space - value) > WORDS_MAX) {
        return false;
    }
    snprintf(ret_words, WORDS_MAX + 1, "%.*s", (int)(space - value), value);
    return seal(k, about, ret_words, mac) == OK && crypto_equal(mac, space + 1);
}

enum err http_probe_ask(struct http_probe_key *k, char ret_nonce[HTTP_PROBE_NONCE_SIZE],
    char ret_value[HTTP_PROBE_TEXT_SIZE]) {
    uint8_t random[NONCE_BYTES];
    char mac[MAC_HEX + 1];
    crypto_random(random, sizeof(random));
    crypto_hex(random, sizeof(random), ret_nonce);
    TRY(seal(k, question, ret_nonce, mac));
    snprintf(ret_value, HTTP_PROBE_TEXT_SIZE, "%s %s", ret_nonce, mac);
    return OK;
}

bool http_probe_answer(struct http_probe_key *k, const char *asked,
    const struct http_probe_sight *sight, char ret_value[HTTP_PROBE_TEXT_SIZE]) {
    char nonce[WORDS_MAX + 1];
    char words[WORDS_MAX + 1];
    char mac[MAC_HEX + 1];
    if (!unseal(k, question, asked, nonce) || strlen(nonce) != HTTP_PROBE_NONCE_SIZE - 1) {
        return false;
    }
    snprintf(words, sizeof(words), "%s %s %s %s %s %s", nonce,
        sight->is_public ? "public" : "private", sight->trusted ? "trusted" : "stranger",
        sight->hop, sight->told, sight->client);
    if (seal(k, answer, words, mac) != OK) {
        return false;
    }
    snprintf(ret_value, HTTP_PROBE_TEXT_SIZE, "%s %s", words, mac);
    return true;
}

bool http_probe_read(
    struct http_probe_key *k, const char *nonce, const char *value, struct http_probe_sight *ret) {
    char words[WORDS_MAX + 1];
    char first[HTTP_PROBE_NONCE_SIZE], side[8], trusted[9];
    struct http_probe_sight s = { 0 };
    if (!unseal(k, answer, value, words) ||
        sscanf(words, "%32s %7s %8s %" ADDRESS_CHARS "s %" ADDRESS_CHARS "s %" ADDRESS_CHARS "s",
            first, side, trusted, s.hop, s.told, s.client) != 6 ||
        strcmp(first, nonce) != 0) {
        return false;
    }
    s.is_public = strcmp(side, "public") == 0;
    s.trusted = strcmp(trusted, "trusted") == 0;
    *ret = s;
    return true;
}
