/* Places and lines of homeservers.  Thread: one owner. */
#include "matrix/openid_servers.h"

#include "core/map.h"
#include "core/mem.h"
#include "matrix/server_name.h"

#include <string.h>
#include <utlist.h>

struct mx_openid_server {
    UT_hash_handle hh;
    struct mx_openid_server *prev,
        *next; /* of those that are down, the first to be forgotten first */
    char name[MX_SERVER_NAME_SIZE];
    struct mx_openid_line *waiting;
    size_t n_waiting;
    size_t n_placed;
    bool own;
    int64_t down_until_us; /* 0 = it is not */
    enum mx_openid_outcome outcome;
};

struct mx_openid_servers {
    struct mx_openid_server *by_name;
    struct mx_openid_server *down;
    size_t n_down;
    mx_openid_placed *placed;
};

/* Nothing to remember of it? Then it goes. */
static void tidy(struct mx_openid_servers *s, struct mx_openid_server *of) {
    if (of->n_placed == 0 && of->n_waiting == 0 && of->down_until_us == 0) {
        HASH_DEL(s->by_name, of);
        mem_free(of);
    }
}

static struct mx_openid_server *find(struct mx_openid_servers *s, const char *name) {
    struct mx_openid_server *of = NULL;
    HASH_FIND_STR(s->by_name, name, of);
    return of;
}

static struct mx_openid_server *find_or_add(struct mx_openid_servers *s, const char *name) {
    struct mx_openid_server *of = find(s, name);
    if (of != NULL || strlen(name) >= sizeof(of->name)) {
        return of;
    }
    of = mem_zalloc(sizeof(*of));
    if (of == NULL) {
        return NULL;
    }
    memcpy(of->name, name, strlen(name));
    HASH_ADD_STR(s->by_name, name, of);
    if (of->hh.tbl == NULL) {
        mem_free(of);
        return NULL;
    }
    return of;
}

static void set_up(struct mx_openid_servers *s, struct mx_openid_server *of) {
    if (of->down_until_us != 0) {
        of->down_until_us = 0;
        DL_DELETE(s->down, of);
        s->n_down--;
    }
}

bool mx_openid_servers_down(struct mx_openid_servers *s, const char *name, int64_t now_us,
    enum mx_openid_outcome *ret_outcome) {
    struct mx_openid_server *of = find(s, name);
    if (of == NULL || of->down_until_us == 0) {
        return false;
    }
    if (of->down_until_us <= now_us) {
        set_up(s, of);
        tidy(s, of);
        return false;
    }
    *ret_outcome = of->outcome;
    return true;
}

void mx_openid_servers_set_down(struct mx_openid_servers *s, const char *name,
    enum mx_openid_outcome outcome, int64_t until_us) {
    struct mx_openid_server *of = find_or_add(s, name);
    if (of == NULL) {
        return;
    }
    set_up(s, of);
    of->down_until_us = until_us;
    of->outcome = outcome;
    DL_APPEND(s->down, of);
    s->n_down++;
    if (s->n_down > MX_OPENID_SERVERS_MAX) {
        struct mx_openid_server *oldest = s->down;
        set_up(s, oldest);
        tidy(s, oldest);
    }
}

static size_t places(const struct mx_openid_server *of) {
    return of->own ? MX_OPENID_OWN_PLACES : MX_OPENID_PLACES;
}

enum err mx_openid_servers_enter(
    struct mx_openid_servers *s, const char *name, bool own, struct mx_openid_line *l) {
    struct mx_openid_server *of = find_or_add(s, name);
    if (of == NULL) {
        return err_set(ERR_NOMEM, "no memory for a server");
    }
    of->own = own;
    l->server = of;
    l->placed = of->n_placed < places(of);
    if (l->placed) {
        of->n_placed++;
        return OK;
    }
    if (of->n_waiting >= (own ? MX_OPENID_OWN_MAX : MX_OPENID_LINE_MAX)) {
        l->server = NULL;
        return err_set(ERR_LIMIT, "too many wait for an answer of %s", name);
    }
    DL_APPEND(of->waiting, l);
    of->n_waiting++;
    return OK;
}

void mx_openid_servers_leave(struct mx_openid_servers *s, struct mx_openid_line *l) {
    struct mx_openid_server *of = STEAL(l->server);
    struct mx_openid_line *next = NULL;
    if (!l->placed) {
        DL_DELETE(of->waiting, l);
        of->n_waiting--;
    } else {
        of->n_placed--;
        next = of->waiting;
    }
    if (next != NULL) {
        DL_DELETE(of->waiting, next);
        of->n_waiting--;
        of->n_placed++;
        next->placed = true;
    }
    tidy(s, of);
    if (next != NULL) {
        s->placed(next);
    }
}

enum err mx_openid_servers_create(mx_openid_placed *placed, struct mx_openid_servers **ret) {
    struct mx_openid_servers *s = mem_zalloc(sizeof(*s));
    if (s == NULL) {
        return err_set(ERR_NOMEM, "no memory for servers");
    }
    s->placed = placed;
    *ret = s;
    return OK;
}

void mx_openid_servers_destroy(struct mx_openid_servers *s) {
    if (s == NULL) {
        return;
    }
    while (s->down != NULL) {
        struct mx_openid_server *of = s->down;
        set_up(s, of);
        tidy(s, of);
    }
    mem_free(s);
}
