/*
 * The other end of api/admin_calls: asks a running Parley over its private listener, with the
 * token of admin.token_file, and gives what it says as rows of texts. For the command line: it
 * waits.  Thread: main.
 *
 * Errors of both: ERR_NOT_FOUND, ERR_CONFLICT: as Parley says; ERR_UNREACHABLE: it does not run
 * there; ERR_FORBIDDEN: it does not know the token; ERR_INVALID, ERR_DATABASE; those of the token's
 * file. The sentence says which, and what to do.
 */
#ifndef API_ADMIN_CLIENT_H
#define API_ADMIN_CLIENT_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>

struct api_order;
struct store_live_filter;

struct api_admin_client {
    const char *url;         /* of the private listener, without a / at the end */
    const char *unix_socket; /* NULL = by TCP */
    const char *token_file;
};

/** Values in the order of the columns, NULL = not said; borrowed for the call. An error ends the
 * list and is passed on. */
typedef enum err api_admin_client_row(void *arg, const char *const *values);

/* Of a call's row: one for each person in it, or one alone where nobody is. */
#define API_ADMIN_CALL_COLUMNS 14
extern const char *const api_admin_call_columns[API_ADMIN_CALL_COLUMNS];
/** @ret_more: there are more than were given. */
MUST_CHECK enum err api_admin_client_list(const struct api_admin_client *c,
    const struct store_live_filter *filter, api_admin_client_row *row, void *arg, bool *ret_more);

/* Of an order's row: one for each member; `by` ("muted" when that was the order) or `problem` is
 * NULL. */
#define API_ADMIN_OUTCOME_COLUMNS 4 /* user_id, device_id, by, problem */
/** `order.who` does not matter: the token says. @ret_marked: a legacy call, which is only marked as
 * ended. */
MUST_CHECK enum err api_admin_client_order(const struct api_admin_client *c,
    const struct api_order *order, api_admin_client_row *row, void *arg, bool *ret_marked);

#endif
