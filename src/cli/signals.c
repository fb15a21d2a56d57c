/* Three handles of libuv and what each signal means. */
#include "cli/signals.h"

#include "core/log.h"
#include "core/mem.h"

#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

#define EXIT_AT_ONCE 1

static const int watched[] = { SIGTERM, SIGINT, SIGHUP };

struct cli_signals {
    struct cli_signals_config cfg;
    uv_signal_t handles[COUNT_OF(watched)];
    size_t n_open;
    bool stopping;
};

static void on_signal(uv_signal_t *h, int number) {
    struct cli_signals *s = h->data;
    if (number == SIGHUP) {
        if (!s->stopping) {
            s->cfg.reload(s->cfg.arg);
        }
        return;
    }
    if (s->stopping && s->cfg.hurry(s->cfg.arg)) {
        LOG_INFO(&log_root, "stop_hurried", "signal=%d", number);
        return;
    }
    if (s->stopping) {
        /* Somebody is tired of waiting. What is not committed is not acknowledged, so nothing is
         * lost. */
        LOG_WARN(&log_root, "stopped_at_once", "signal=%d", number);
        _exit(EXIT_AT_ONCE);
    }
    s->stopping = true;
    LOG_INFO(&log_root, "stop_requested", "signal=%d", number);
    s->cfg.stop(s->cfg.arg);
}

static void handle_closed(uv_handle_t *h) {
    struct cli_signals *s = h->data;
    s->n_open--;
    if (s->n_open == 0) {
        mem_free(s);
    }
}

void cli_signals_destroy(struct cli_signals *s) {
    if (s == NULL) {
        return;
    }
    if (s->n_open == 0) {
        mem_free(s);
        return;
    }
    size_t n = s->n_open; /* the callbacks count it down, on a later turn */
    for (size_t i = 0; i < n; i++) {
        uv_close((uv_handle_t *)&s->handles[i], handle_closed);
    }
}

enum err cli_signals_create(
    uv_loop_t *loop, const struct cli_signals_config *cfg, struct cli_signals **ret) {
    struct cli_signals *s = mem_zalloc(sizeof(*s));
    if (s == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    s->cfg = *cfg;
    for (size_t i = 0; i < COUNT_OF(watched); i++) {
        int e = uv_signal_init(loop, &s->handles[i]);
        if (e == 0) {
            s->handles[i].data = s;
            s->n_open++;
            e = uv_signal_start(&s->handles[i], on_signal, watched[i]);
        }
        if (e != 0) {
            cli_signals_destroy(s);
            return err_set(ERR_IO, "cannot watch signal %d: %s", watched[i], uv_strerror(e));
        }
    }
    *ret = s;
    return OK;
}
