/* One request on a loop that ends with it.  Thread: main. */
#include "hooks/ping.h"

#include "core/buf.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/mem.h"
#include "hooks/secret.h"
#include "http/client.h"

#include <stdio.h>
#include <uv.h>

#define ANSWER_MAX MIB /* bytes, as of a webhook */

static void answered(void *arg, const struct http_client_answer *a) {
    struct hooks_pong *ret = arg;
    ret->err = a->err;
    ret->status = a->status;
    snprintf(ret->text, sizeof(ret->text), "%s", a->text);
}

static enum err send_ping(
    const struct hooks_ping *p, struct http_client *http, struct hooks_pong *ret) {
    CLEANUP(buf_finish) struct buf body;
    char id[UUID_TEXT_SIZE];
    struct hooks_head head;
    int64_t now_ms = clock_wall_ms();
    buf_init(&body, 0);
    crypto_uuid(now_ms, id);
    hooks_ping_write(&body, id, now_ms);
    TRY(buf_check(&body));
    const struct hooks_message m = { id, HOOKS_PING, buf_str(&body) };
    TRY(hooks_head_make(p->secret, &m, now_ms / SEC_MS, &head));
    const struct http_client_spec spec = { .method = "POST",
        .url = p->url,
        .body = m.body,
        .timeout_us = p->timeout_us,
        .answer_max = ANSWER_MAX,
        .fields = head.fields,
        .n_fields = HOOKS_FIELDS };
    return http_client_send(http, &spec, answered, ret, NULL);
}

static enum err run(const struct hooks_ping *p, uv_loop_t *loop, struct hooks_pong *ret) {
    const struct http_client_guard guard = { .ca_file = p->ca_file };
    struct http_client *http = NULL;
    TRY(http_client_create_guarded(loop, &guard, &http));
    *ret = (struct hooks_pong){ .err = ERR_COUNT };
    enum err e = send_ping(p, http, ret);
    bool alive = true;
    while (e == OK && ret->err == ERR_COUNT && alive) {
        alive = uv_run(loop, UV_RUN_ONCE) != 0;
    }
    http_client_destroy(http); /* an answer that never came is ERR_GONE now */
    uv_run(loop, UV_RUN_DEFAULT);
    return e;
}

enum err hooks_ping(const struct hooks_ping *p, struct hooks_pong *ret) {
    uv_loop_t loop;
    if (uv_loop_init(&loop) != 0) {
        return err_set(ERR_IO, "cannot make an event loop");
    }
    enum err e = run(p, &loop, ret);
    uv_loop_close(&loop);
    return e;
}
