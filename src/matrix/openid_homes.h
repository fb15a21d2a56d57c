/*
 * Homeservers whose address the settings name: our own, and those with an override. They are asked
 * there, without discovery, and may be in inner networks.  Thread: one owner.
 */
#ifndef MATRIX_OPENID_HOMES_H
#define MATRIX_OPENID_HOMES_H

#include "core/err.h"

#include <stddef.h>

struct mx_server_name;

struct mx_openid_homes;
/** @own_name  "" = none; @own_url  where it answers; @overrides  "name=url" each. Copies.
 * ERR_INVALID: something that is no server name, or no http(s) address. */
MUST_CHECK enum err mx_openid_homes_create(const char *own_name, const char *own_url,
    const char *const *overrides, size_t n, struct mx_openid_homes **ret);
void mx_openid_homes_destroy(struct mx_openid_homes *h);
/** The address, without a slash at its end, or NULL. Borrowed. */
const char *mx_openid_homes_find(
    const struct mx_openid_homes *h, const struct mx_server_name *name);

#endif
