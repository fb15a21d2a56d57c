/*
 * The registration file: made by `parley register`, read by the homeserver and by us (1.1). Thread:
 * main.
 */
#ifndef APPSERVICE_REGISTRATION_H
#define APPSERVICE_REGISTRATION_H

#include "core/buf.h"
#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>

struct as_registration {
    char *id;
    char *url;
    char *as_token; /* secret */
    char *hs_token; /* secret */
    /* Of `path`.old, while the tokens are being changed; NULL = none, or equal to the ones above.
     */
    char *as_token_old;
    char *hs_token_old;
    char *sender_localpart;
};

#define AS_TOKEN_MIN 32 /* bytes of a token: 128 bits as hex; we generate 64 */

/** Reads and checks a file, and `path`.old when there is one: all keys of 1.1, tokens different and
 * long enough, namespaces that show us the rooms of `server_name` and take nothing away from its
 * people. Gives *ret. Keys we do not know pass with a warning in the log. Blocks. ERR_INVALID names
 * file and line; ERR_FORBIDDEN when others may read the file (mode & 007); ERR_NOT_FOUND, ERR_IO,
 * ERR_TOO_LARGE. */
MUST_CHECK enum err as_registration_load(
    const char *path, const char *server_name, struct as_registration **ret);
/** Gets what is allowed but costs something: one sentence a key, with its line (0 = the key is not
 * there). Borrowed for the call. */
struct as_registration_adviser {
    void (*tell)(void *arg, int line, const char *key, const char *sentence);
    void *arg;
};
/** As as_registration_load, but tells `to`; NULL = the log. */
MUST_CHECK enum err as_registration_review(const char *path, const char *server_name,
    const struct as_registration_adviser *to, struct as_registration **ret);
/** As as_registration_load from bytes in memory; `name` is what sentences call the file. */
MUST_CHECK enum err as_registration_parse(const char *name, const char *bytes, size_t len,
    const char *server_name, struct as_registration **ret);
/** The same, but tells `to` instead of the log. */
MUST_CHECK enum err as_registration_parse_advised(const char *name, const char *bytes, size_t len,
    const char *server_name, const struct as_registration_adviser *to,
    struct as_registration **ret);
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

/* Changing the tokens without losing an event: rotate; the running Parley accepts both and says
 * whichever the homeserver knows; the homeserver reads the new file; secret_file_drop_old. */

/** Puts new tokens into the file; everything else in it stays byte for byte, and what it was is
 * kept as `path`.old. Blocks. ERR_CONFLICT when there is such a file already; errors of
 * as_registration_load. */
MUST_CHECK enum err as_registration_rotate(const char *path, const char *server_name);
/** Are they one service, whatever their tokens? */
bool as_registration_alike(const struct as_registration *a, const struct as_registration *b);
/** Exchanges the tokens of two, the old ones too. */
void as_registration_swap_tokens(struct as_registration *a, struct as_registration *b);

#endif
