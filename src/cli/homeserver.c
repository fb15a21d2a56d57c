/* The clients of our homeserver, in the order in which they lean on one another. */
#include "cli/homeserver.h"

#include "appservice/registration.h"
#include "core/config.h"
#include "core/mem.h"
#include "http/client.h"
#include "matrix/client.h"
#include "matrix/membership.h"

struct cli_homeserver {
    const struct as_registration *registration;
    struct http_client *http;
    struct mx_client *client;
    struct mx_membership *membership;
};

static enum err build(uv_loop_t *loop, const struct config *c, struct cli_homeserver *h) {
    const struct mx_client_config cfg = {
        .url = c->homeserver.url,
        .as_token = h->registration->as_token,
        .as_token_old = h->registration->as_token_old,
        .timeout_us = c->homeserver.timeout_us,
    };
    TRY(http_client_create(loop, &h->http));
    TRY(mx_client_create(loop, h->http, &cfg, &h->client));
    return mx_membership_create(
        loop, h->client, c->homeserver.name, c->appservice.masquerade, &h->membership);
}

enum err cli_homeserver_create(uv_loop_t *loop, const struct config *c,
    const struct as_registration *registration, struct cli_homeserver **ret) {
    struct cli_homeserver *h = mem_zalloc(sizeof(*h));
    if (h == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    h->registration = registration;
    enum err e = build(loop, c, h);
    if (e != OK) {
        cli_homeserver_destroy(h);
        return e;
    }
    *ret = h;
    return OK;
}

void cli_homeserver_destroy(struct cli_homeserver *h) {
    if (h != NULL) {
        mx_membership_destroy(h->membership);
        mx_client_destroy(h->client);
        http_client_destroy(h->http);
        mem_free(h);
    }
}

enum err cli_homeserver_set_tokens(struct cli_homeserver *h) {
    return mx_client_set_tokens(
        h->client, h->registration->as_token, h->registration->as_token_old);
}

struct mx_client *cli_homeserver_client(struct cli_homeserver *h) {
    return h->client;
}

struct mx_membership *cli_homeserver_membership(struct cli_homeserver *h) {
    return h->membership;
}
