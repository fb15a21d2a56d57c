/* An array with an entry a member. */
#include "api/admin_mute.h"

#include "calls/ending.h"
#include "core/buf.h"
#include "core/mem.h"

#include <stdbool.h>

struct one {
    struct api_admin_mute *all;
    const struct call_ending_member *who;
    size_t tracks;
    const char *problem; /* NULL = tracks are silent */
    bool waiting;
};

struct api_admin_mute {
    struct arena *arena;
    const struct api_admin_mute_port *port;
    struct one *list;
    size_t n, waiting;
    api_admin_mute_done *done;
    void *arg;
};

static const char *kept(struct arena *a, const char *text) {
    const char *copy = arena_strdup(a, text);
    return copy == NULL ? "out of memory" : copy;
}

static void one_less(struct api_admin_mute *m) {
    if (--m->waiting == 0) {
        m->done(m->arg);
    }
}

static void on_muted(void *arg, size_t tracks, const char *problem) {
    struct one *x = arg;
    x->waiting = false;
    x->tracks = tracks;
    x->problem = problem == NULL ? NULL : kept(x->all->arena, problem);
    one_less(x->all);
}

static void begin(struct one *x, const char *track) {
    const struct api_admin_mute_port *port = x->all->port;
    enum err e = port->mute == NULL ? err_set(ERR_CONFLICT, "there is no SFU to tell")
                                    : port->mute(port->arg, x->who, track, on_muted, x);
    x->waiting = e == OK;
    if (e == OK) {
        x->all->waiting++;
    } else {
        x->problem = kept(x->all->arena, err_text());
    }
}

enum err api_admin_mute_run(struct arena *a, const struct api_admin_mute_port *port,
    const struct call_ending_member *members, size_t n, const char *track,
    api_admin_mute_done *done, void *arg, struct api_admin_mute **ret) {
    struct api_admin_mute *m = arena_alloc(a, sizeof(*m));
    struct one *list = arena_array(a, n, sizeof(*list));
    if (m == NULL || list == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    *m = (struct api_admin_mute){
        .arena = a, .port = port, .list = list, .n = n, .waiting = 1, .done = done, .arg = arg
    };
    *ret = m;
    for (size_t i = 0; i < n; i++) {
        list[i] = (struct one){ .all = m, .who = &members[i] };
        begin(&list[i], track);
    }
    one_less(m); /* ours, so that it does not end before all were told */
    return OK;
}

void api_admin_mute_end(struct api_admin_mute *m) {
    for (size_t i = 0; m != NULL && i < m->n; i++) {
        if (m->list[i].waiting) {
            m->port->forget(m->port->arg, &m->list[i]);
        }
    }
}

static void print_some(const struct api_admin_mute *m, struct buf *b, const char *key, bool fine) {
    const char *comma = "";
    buf_json_key(b, key);
    buf_puts(b, "[");
    for (size_t i = 0; i < m->n; i++) {
        const struct one *x = &m->list[i];
        if ((x->problem == NULL) != fine) {
            continue;
        }
        buf_puts(b, comma);
        buf_puts(b, "{");
        buf_json_field(b, "user_id", x->who->user_id);
        buf_json_field(b, "device_id", x->who->device_id);
        if (fine) {
            buf_json_int_field(b, "tracks", (int64_t)x->tracks);
        } else {
            buf_json_field(b, "problem", x->problem);
        }
        buf_puts(b, "}");
        comma = ",";
    }
    buf_puts(b, "]");
}

void api_admin_mute_print(const struct api_admin_mute *m, struct buf *b) {
    print_some(m, b, "muted", true);
    print_some(m, b, "not_muted", false);
}
