/* What is decided late is done by the acceptor, which has the connection. */
#include "http/hold.h"

#include "core/mem.h"
#include "http/accept.h"
#include "http/exchange.h"
#include "http/refusal.h"
#include "http/relay.h"
#include "http/socket.h"
#include "http/tally.h"

#include <string.h>
#include <unistd.h>

enum err http_hold_begin(
    struct http_request *r, void (*gone)(void *arg), void *arg, struct http_hold **ret) {
    struct http_hold *h = mem_zalloc(sizeof(*h));
    if (h == NULL) {
        return err_set(ERR_NOMEM, "no memory for a client that waits");
    }
    h->gone = gone;
    h->arg = arg;
    memcpy(h->peer, r->peer, sizeof(h->peer));
    r->hold = h;
    *ret = h;
    return err_set(ERR_LIMIT, "the client waits");
}

bool http_hold_was(const struct http_request *r) {
    return r->was_held;
}

void http_hold_lose(struct http_hold *h) {
    h->gone(h->arg);
    mem_free(h);
}

void http_hold_decide(struct http_hold *h) {
    http_accept_again(h->acceptor, h->visitor);
    mem_free(h);
}

void http_hold_refuse(struct http_hold *h, int status, const char *text) {
    const int fd = http_accept_release(h->acceptor, h->visitor);
    http_tally_refused(HTTP_REFUSED_UPGRADE);
    http_refusal_send_text(fd, status, text, h->cors);
    http_accept_linger(h->acceptor, fd);
    mem_free(h);
}

void http_hold_relay(struct http_hold *h, const struct http_relay_to *to) {
    const int fd = http_accept_release(h->acceptor, h->visitor);
    const struct http_relay_from from = { fd, h->peer, h->cors };
    const enum err e = http_sockets_relay(h->sockets, &from, to);
    if (e != OK) {
        http_refusal_send_text(fd, 503, err_text(), h->cors);
        http_accept_linger(h->acceptor, fd);
    }
    mem_free(h);
}
