/* The order is the point: nobody is refused at any moment of it. */
#include "cli/rotation.h"

#include "appservice/registration.h"
#include "cli/screen.h"
#include "core/buf.h"
#include "core/config.h"
#include "core/mem.h"
#include "core/secret_file.h"
#include "http/client.h"
#include "matrix/client.h"

#include <stdio.h>
#include <string.h>

enum err cli_rotation_begin(const char *path, const char *server_name) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    TRY(as_registration_rotate(path, server_name));
    buf_printf(&b,
        "New tokens are in %s; the earlier ones are in %s.old and still good.\n"
        "\n"
        "1. systemctl reload parley    Parley takes both from now on, on every node.\n"
        "2. Copy the file to where the homeserver reads it, and restart the homeserver.\n"
        "3. parley register --finish   Asks the homeserver whether it knows the new ones.\n"
        "4. systemctl reload parley    The earlier ones are refused.\n",
        path, path);
    TRY(buf_check(&b));
    return cli_screen_print(buf_str(&b));
}

/* --- does the homeserver know the new ones? --- */

struct question {
    bool answered;
    enum err err;
    bool unknown; /* the token */
    char text[512];
};

static void on_answer(void *arg, const struct mx_answer *a) {
    struct question *q = arg;
    q->answered = true;
    q->err = a->err;
    q->unknown = strcmp(a->errcode, "M_UNKNOWN_TOKEN") == 0;
    snprintf(q->text, sizeof(q->text), "%s", a->text);
}

static enum err ask_inside(
    uv_loop_t *loop, const struct mx_client_config *cfg, struct question *q) {
    struct http_client *http = NULL;
    struct mx_client *client = NULL;
    TRY(http_client_create(loop, &http));
    enum err e = mx_client_create(loop, http, cfg, &client);
    e = e == OK ? mx_client_whoami(client, on_answer, q) : e;
    while (e == OK && !q->answered) {
        uv_run(loop, UV_RUN_ONCE);
    }
    mx_client_destroy(client);
    http_client_destroy(http);
    uv_run(loop, UV_RUN_DEFAULT);
    return e;
}

static enum err ask(const struct config *c, const char *as_token, struct question *q) {
    const struct mx_client_config cfg = {
        .url = c->homeserver.url,
        .as_token = as_token,
        .timeout_us = c->homeserver.timeout_us,
    };
    uv_loop_t loop;
    if (uv_loop_init(&loop) != 0) {
        return err_set(ERR_IO, "cannot make an event loop");
    }
    enum err e = ask_inside(&loop, &cfg, q);
    uv_loop_close(&loop);
    return e;
}

static enum err check_known(const struct config *c, const struct as_registration *r) {
    struct question q = { .answered = false };
    TRY(ask(c, r->as_token, &q));
    if (q.unknown) {
        return err_set(ERR_CONFLICT,
            "the homeserver does not know the new tokens yet: give it the new registration file "
            "and restart it");
    }
    if (q.err != OK) {
        return err_set(ERR_UNREACHABLE,
            "%s does not say whether it knows the new tokens (%s); with --force the earlier ones "
            "are forgotten all the same",
            c->homeserver.url, q.text);
    }
    return OK;
}

enum err cli_rotation_finish(
    const struct config *c, const char *path, const char *server_name, bool unasked) {
    CLEANUP(as_registration_destroyp) struct as_registration *r = NULL;
    TRY(as_registration_load(path, server_name, &r));
    if (!unasked && r->as_token_old != NULL) {
        TRY(check_known(c, r));
    }
    TRY(secret_file_drop_old(path));
    return cli_screen_print("The earlier tokens are forgotten. Now, on every node: systemctl "
                            "reload parley\n");
}
