/* Waits for the other end to hang up. */
#include "http/watch.h"

#include "core/mem.h"

struct http_watch {
    uv_poll_t poll;
    void (*left)(void *arg);
    void *arg;
};

static void on_left(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    struct http_watch *w = poll->data;
    uv_poll_stop(poll);
    w->left(w->arg);
}

void http_watch_start(
    struct http_watch **w, uv_loop_t *loop, int fd, void (*left)(void *arg), void *arg) {
    if (*w == NULL) {
        struct http_watch *fresh = mem_zalloc(sizeof(*fresh));
        if (fresh == NULL || uv_poll_init(loop, &fresh->poll, fd) != 0) {
            mem_free(fresh);
            return;
        }
        fresh->poll.data = fresh;
        *w = fresh;
    }
    (*w)->left = left;
    (*w)->arg = arg;
    uv_poll_start(&(*w)->poll, UV_DISCONNECT, on_left);
}

void http_watch_stop(struct http_watch *w) {
    if (w != NULL) {
        uv_poll_stop(&w->poll);
    }
}

static void free_watch(uv_handle_t *h) {
    mem_free(h->data);
}

void http_watch_destroy(struct http_watch *w) {
    if (w != NULL) {
        uv_poll_stop(&w->poll);
        uv_close((uv_handle_t *)&w->poll, free_watch);
    }
}
