/*
 * The `namespaces` of a registration: do they show us the rooms of our users, and do they leave the
 * people of the server alone?
 *
 * `exclusive: true` forbids everybody else to register such a name and hides such users from push
 * and the user directory. On a pattern that matches ordinary people it would switch the server off
 * for them (matrix-calls 1.2): refused here, since the homeserver does it without a word.  Thread:
 * any; reads only.
 */
#ifndef APPSERVICE_NAMESPACE_H
#define APPSERVICE_NAMESPACE_H

#include "core/err.h"

#include <stdbool.h>

struct doc;
struct doc_node;

/** Checks the value of `namespaces` in `d`. *ret_all: do the patterns show us all rooms with a user
 * of `server_name`? ERR_INVALID names file and line. */
MUST_CHECK enum err as_namespace_check(
    const struct doc *d, const struct doc_node *namespaces, const char *server_name, bool *ret_all);

#endif
