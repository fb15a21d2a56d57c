/*
 * How much is asked of each homeserver at a time, and which of them did not answer lately.
 *
 * A place is what one request to a server needs. Who gets none waits in line, or is sent away when
 * the line is full: one slow server must not eat what all others need.  Thread: one owner.
 */
#ifndef MATRIX_OPENID_SERVERS_H
#define MATRIX_OPENID_SERVERS_H

#include "core/err.h"
#include "matrix/openid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MX_OPENID_PLACES      8  /* requests to one server at a time */
#define MX_OPENID_LINE_MAX    64 /* who may wait for one */
#define MX_OPENID_OWN_PLACES  64 /* the same of servers that the settings name */
#define MX_OPENID_OWN_MAX     4096
#define MX_OPENID_SERVERS_MAX 2000  /* remembered as not answering */
#define MX_OPENID_DOWN_MS     10000 /* how long they are left alone */

struct mx_openid_line { /* one who waits; part of whoever it is */
    struct mx_openid_line *prev, *next;
    struct mx_openid_server *server;
    bool placed; /* else waiting */
};

struct mx_openid_servers;
struct mx_openid_server;

/** `placed` is called for each who got a place after having waited; it may finish at once. */
typedef void mx_openid_placed(struct mx_openid_line *l);
MUST_CHECK enum err mx_openid_servers_create(
    mx_openid_placed *placed, struct mx_openid_servers **ret);
/** Nobody may be in it. */
void mx_openid_servers_destroy(struct mx_openid_servers *s);

/** Did it not answer lately? Then *ret_outcome is how, else untouched. `now_us` is monotonic. */
bool mx_openid_servers_down(struct mx_openid_servers *s, const char *name, int64_t now_us,
    enum mx_openid_outcome *ret_outcome);
/** Puts `l` in; l->placed says whether it has a place at once. `own`: the settings name this
 * server. ERR_LIMIT: the line is full. ERR_NOMEM. */
MUST_CHECK enum err mx_openid_servers_enter(
    struct mx_openid_servers *s, const char *name, bool own, struct mx_openid_line *l);
/** Takes it out; the next in line gets its place. */
void mx_openid_servers_leave(struct mx_openid_servers *s, struct mx_openid_line *l);
/** It did not answer: whoever asks before `until_us` need not try. */
void mx_openid_servers_set_down(struct mx_openid_servers *s, const char *name,
    enum mx_openid_outcome outcome, int64_t until_us);

#endif
