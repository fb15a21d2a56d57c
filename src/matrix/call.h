/*
 * How a request to the homeserver is described: what differs between the calls of matrix/requests*.
 * Only src/matrix includes this.  Thread: main.
 */
#ifndef MATRIX_CALL_H
#define MATRIX_CALL_H

#include "matrix/client.h"

#include <stdbool.h>
#include <stddef.h>

struct mx_call_spec {
    const char *name;
    const char *method;
    const char *path; /* with a $ for each part */
    const char *const *parts;
    size_t n_parts;
    const char *as_user; /* NULL = nobody but the sender */
    const char *query;   /* a parameter; NULL = none */
    const char *query_value;
    int64_t sticky_ms;    /* how long the event sticks (MSC4354); 0 = it does not */
    char *body;           /* taken, also on an error; NULL = none */
    const char *stranger; /* whose token to ask with; NULL = ours */
    bool no_bearer;
    bool in_use_is_ok;
};

/** Sends it. Errors as those of matrix/client.h. */
MUST_CHECK enum err mx_call_begin(
    struct mx_client *c, const struct mx_call_spec *spec, mx_done *done, void *arg);
/** ERR_INVALID: a header cannot carry this token. */
MUST_CHECK enum err mx_token_check(const char *what, const char *token);

#endif
