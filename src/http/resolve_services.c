/* SRV rows.  Thread: any; pure. */
#include "http/resolve_services.h"

#include <ares.h>
#include <limits.h>
#include <string.h>

/* Names go into URLs and log lines. */
static bool host_sound(const char *host) {
    size_t n = strlen(host);
    return n > 0 && n < HTTP_SERVICE_HOST_SIZE && host[0] != '.' &&
           strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") == n;
}

static size_t collect(const struct ares_srv_reply *from, struct http_service *ret) {
    size_t n = 0;
    for (; from != NULL && n < HTTP_RESOLVED_MAX; from = from->next) {
        if (host_sound(from->host) && from->port != 0) {
            ret[n] = (struct http_service){
                .port = from->port, .priority = from->priority, .weight = from->weight
            };
            memcpy(ret[n].host, from->host, strlen(from->host));
            n++;
        }
    }
    return n;
}

/* Of those of the lowest priority: one by chance. A weight of 0 has a small chance. */
static size_t choose(const struct http_service *s, size_t n, uint32_t random) {
    uint16_t lowest = UINT16_MAX;
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        lowest = s[i].priority < lowest ? s[i].priority : lowest;
    }
    for (size_t i = 0; i < n; i++) {
        sum += s[i].priority == lowest ? s[i].weight + 1U : 0;
    }
    uint32_t at = random % sum;
    for (size_t i = 0;; i++) {
        if (s[i].priority != lowest) {
            continue;
        }
        if (at <= s[i].weight) {
            return i;
        }
        at -= s[i].weight + 1U;
    }
}

enum err http_services_read(const uint8_t *message, size_t len,
    const uint32_t random[HTTP_RESOLVED_MAX], struct http_service ret[HTTP_RESOLVED_MAX],
    size_t *ret_n) {
    struct ares_srv_reply *rows = NULL;
    int status = len > INT_MAX ? ARES_EBADRESP : ares_parse_srv_reply(message, (int)len, &rows);
    if (status == ARES_ENOMEM) {
        return err_set(ERR_NOMEM, "no memory for services");
    }
    if (status != ARES_SUCCESS && status != ARES_ENODATA) {
        return err_set(ERR_UNREACHABLE, "the name server's answer is broken");
    }
    struct http_service found[HTTP_RESOLVED_MAX];
    size_t n = collect(rows, found);
    ares_free_data(rows);
    if (n == 0) {
        return err_set(ERR_NOT_FOUND, "no such service");
    }
    for (size_t i = 0; i < n; i++) {
        size_t left = n - i;
        size_t k = choose(found, left, random[i]);
        ret[i] = found[k];
        memmove(&found[k], &found[k + 1], (left - k - 1) * sizeof(found[0]));
    }
    *ret_n = n;
    return OK;
}
