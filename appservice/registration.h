/*
 * The registration file: made by `parley register`, read by the homeserver and by us (1.1). Thread:
 * main.
 */
#ifndef APPSERVICE_REGISTRATION_H
#define APPSERVICE_REGISTRATION_H

#include "core/buf.h"
#include "core/err.h"

#include <stddef.h>

struct as_registration {
    char *id;
    char *url;
    char *as_token; /* secret */
    char *hs_token; /* secret */
    char *sender_localpart;
};

#define AS_TOKEN_MIN 32 /* bytes of a token: 128 bits as hex; we generate 64 */

/** Reads and checks a file: all keys of 1.1, tokens different and long enough, namespaces that show
 * us the rooms of `server_name` and take nothing away from its people. Gives *ret. Keys we do not
 * know pass with a warning in the log. Blocks. ERR_INVALID names file and line; ERR_FORBIDDEN when
 * others may read the file (mode & 007); ERR_NOT_FOUND, ERR_IO, ERR_TOO_LARGE. */
MUST_CHECK enum err as_registration_load(
    const char *path, const char *server_name, struct as_registration **ret);
/** The same from bytes in memory; `name` is what sentences call the file. */
MUST_CHECK enum err as_registration_parse(const char *name, const char *bytes, size_t len,
    const char *server_name, struct as_registration **ret);
/** Overwrites the tokens first. */
void as_registration_destroy(struct as_registration *r);
void as_registration_destroyp(struct as_registration **r);
/** New random tokens (64 hex digits each). `url` is where the homeserver reaches our private
 * listener. ERR_INVALID: a text that cannot stand in the file. */
MUST_CHECK enum err as_registration_generate(
    const char *id, const char *url, const char *sender_localpart, struct as_registration **ret);
/** The YAML text, with comments, users namespace of `server_name`. Check `b` with buf_check. */
void as_registration_print(const struct as_registration *r, const char *server_name, struct buf *b);
/** Writes it, mode 0600, atomically. Blocks. ERR_CONFLICT when anything of that name exists, also a
 * symbolic link; ERR_INVALID for a server name that is none; ERR_IO. */
MUST_CHECK enum err as_registration_save(
    const struct as_registration *r, const char *server_name, const char *path);

#endif
