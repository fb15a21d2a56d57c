/* Addresses, blocks, and the walk through X-Forwarded-For. */
#include "http/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MAPPED_BITS 96 /* ::ffff:0:0/96 holds IPv4 (RFC 4291, 2.5.5.2) */

static const uint8_t mapped[12] = { [10] = 0xFF, [11] = 0xFF };

static void set_ipv4(struct http_address *a, const void *four) {
    *a = (struct http_address){ .local = false };
    memcpy(a->bytes, mapped, sizeof(mapped));
    memcpy(a->bytes + sizeof(mapped), four, 4);
}

void http_address_of(const struct sockaddr *from, struct http_address *ret) {
    if (from->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, from, sizeof(in));
        set_ipv4(ret, &in.sin_addr);
    } else if (from->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, from, sizeof(in6));
        *ret = (struct http_address){ .local = false };
        memcpy(ret->bytes, &in6.sin6_addr, sizeof(ret->bytes));
    } else {
        *ret = (struct http_address){ .local = true };
    }
}

static bool read_bare(const char *text, size_t n, struct http_address *ret) {
    char copy[HTTP_ADDRESS_TEXT_SIZE];
    if (n == 0 || n >= sizeof(copy)) {
        return false;
    }
    memcpy(copy, text, n);
    copy[n] = '\0';
    struct http_address a = { .local = false };
    uint8_t four[4];
    if (inet_pton(AF_INET, copy, four) == 1) {
        set_ipv4(ret, four);
        return true;
    }
    if (inet_pton(AF_INET6, copy, a.bytes) != 1) {
        return false;
    }
    *ret = a;
    return true;
}

bool http_address_read(const char *text, size_t n, struct http_address *ret) {
    if (n > 0 && text[0] == '[') {
        const char *end = memchr(text, ']', n);
        return end != NULL && read_bare(text + 1, (size_t)(end - text) - 1, ret);
    }
    const char *colon = memchr(text, ':', n);
    size_t behind = colon == NULL ? 0 : n - (size_t)(colon - text) - 1;
    bool one_colon = colon != NULL && memchr(colon + 1, ':', behind) == NULL;
    return read_bare(text, one_colon ? (size_t)(colon - text) : n, ret);
}

void http_address_write(const struct http_address *a, char ret[HTTP_ADDRESS_TEXT_SIZE]) {
    if (a->local) {
        snprintf(ret, HTTP_ADDRESS_TEXT_SIZE, "unix");
    } else if (memcmp(a->bytes, mapped, sizeof(mapped)) == 0) {
        inet_ntop(AF_INET, a->bytes + sizeof(mapped), ret, HTTP_ADDRESS_TEXT_SIZE);
    } else {
        inet_ntop(AF_INET6, a->bytes, ret, HTTP_ADDRESS_TEXT_SIZE);
    }
}

enum err http_block_read(const char *text, struct http_block *ret) {
    enum { BITS_MAX = 128 };
    if (strcmp(text, "unix") == 0) {
        *ret = (struct http_block){ .first = { .local = true }, .bits = BITS_MAX };
        return OK;
    }
    const char *slash = strchr(text, '/');
    size_t n = slash == NULL ? strlen(text) : (size_t)(slash - text);
    struct http_block b = { .bits = BITS_MAX };
    if (!read_bare(text, n, &b.first)) {
        return err_set(ERR_INVALID, "\"%s\" is no address or block like 10.0.0.0/8", text);
    }
    if (slash != NULL) {
        unsigned offset = memchr(text, ':', n) == NULL ? MAPPED_BITS : 0;
        char *end = NULL;
        unsigned long bits = strtoul(slash + 1, &end, 10);
        bool digits = slash[1] >= '0' && slash[1] <= '9' && *end == '\0';
        if (!digits || bits > BITS_MAX - offset) {
            return err_set(ERR_INVALID, "\"%s\" has no sound length behind the slash", text);
        }
        b.bits = offset + (unsigned)bits;
    }
    *ret = b;
    return OK;
}

bool http_block_has(const struct http_block *b, const struct http_address *a) {
    if (b->first.local || a->local) {
        return b->first.local && a->local;
    }
    size_t whole = b->bits / 8;
    unsigned rest = b->bits % 8;
    if (memcmp(b->first.bytes, a->bytes, whole) != 0) {
        return false;
    }
    return rest == 0 || ((b->first.bytes[whole] ^ a->bytes[whole]) >> (8 - rest)) == 0;
}

bool http_address_trusted(
    const struct http_address *a, const struct http_block *trusted, size_t n_trusted) {
    for (size_t i = 0; i < n_trusted; i++) {
        if (http_block_has(&trusted[i], a)) {
            return true;
        }
    }
    return false;
}

struct http_address http_address_behind(const struct http_address *peer, const char *forwarded,
    const struct http_block *trusted, size_t n_trusted) {
    struct http_address at = *peer;
    size_t end = forwarded == NULL ? 0 : strlen(forwarded);
    while (end > 0 && http_address_trusted(&at, trusted, n_trusted)) {
        size_t from = end;
        while (from > 0 && forwarded[from - 1] != ',') {
            from--;
        }
        const char *word = forwarded + from;
        size_t n = end - from;
        while (n > 0 && (word[0] == ' ' || word[0] == '\t')) {
            word++;
            n--;
        }
        while (n > 0 && (word[n - 1] == ' ' || word[n - 1] == '\t')) {
            n--;
        }
        if (!http_address_read(word, n, &at)) {
            return at; /* "unknown" or noise: the hop that wrote it is the last one we know */
        }
        end = from == 0 ? 0 : from - 1;
    }
    return at;
}
