/* Connections and their deadlines. */
#include "http/carrier.h"

#include "core/clock.h"
#include "core/mem.h"
#include "http/exchange.h"
#include "http/refusal.h"
#include "http/tally.h"
#include "http/watch.h"

#include <sys/socket.h>

#define ANSWER_LEAST_US    (30 * SEC_US)
#define ANSWER_BYTES_PER_S (16 * (int64_t)KIB) /* the slowest reader that is served to the end */

struct http_carrier *http_carrier_create(
    struct http_carriers *list, void *owner, int fd, const struct sockaddr *from) {
    struct http_carrier *c = mem_zalloc(sizeof(*c));
    if (c == NULL) {
        return NULL;
    }
    c->list = list;
    c->owner = owner;
    c->fd = fd;
    c->deadline_us = INT64_MAX;
    c->next = list->first;
    http_address_of(from, &c->peer);
    if (list->first != NULL) {
        list->first->prev = c;
    }
    list->first = c;
    list->n++;
    http_tally_connections(1);
    return c;
}

void http_carrier_destroy(struct http_carrier *c) {
    http_watch_destroy(c->watch);
    *(c->prev == NULL ? &c->list->first : &c->prev->next) = c->next;
    if (c->next != NULL) {
        c->next->prev = c->prev;
    }
    c->list->n--;
    http_tally_connections(-1);
    mem_free(c);
}

void http_carrier_expect(struct http_carrier *c, int64_t within_us) {
    c->deadline_us = clock_mono_us() + within_us;
}

void http_carrier_expect_nothing(struct http_carrier *c) {
    c->deadline_us = INT64_MAX;
}

void http_carrier_expect_reading(struct http_carrier *c, size_t answer_len) {
    http_carrier_expect(c, ANSWER_LEAST_US + (int64_t)answer_len * SEC_US / ANSWER_BYTES_PER_S);
}

static void end_late(struct http_carrier *c, bool cors) {
    struct http_request *r = c->request;
    if (r != NULL && r->stage < HTTP_STAGE_HANDLER) {
        http_tally_refused(HTTP_REFUSED_SLOW);
        http_refusal_send(c->fd, 408, "M_UNKNOWN", "The request did not come in time", cors);
        c->lingers = true;
    }
    http_carrier_expect_nothing(c);
    shutdown(c->fd, SHUT_RDWR);
}

void http_carriers_sweep(struct http_carriers *list, int64_t now_us, bool cors) {
    for (struct http_carrier *c = list->first; c != NULL; c = c->next) {
        if (c->deadline_us <= now_us) {
            end_late(c, cors);
        }
    }
}

void http_carriers_end_idle(struct http_carriers *list) {
    for (struct http_carrier *c = list->first; c != NULL; c = c->next) {
        if (c->request == NULL) {
            shutdown(c->fd, SHUT_RDWR);
        }
    }
}
