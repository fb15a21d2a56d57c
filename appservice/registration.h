/*
 * The registration file: made by `parley register`, read by the homeserver and by us (1.1).  Thread: main.
 */
#ifndef APPSERVICE_REGISTRATION_H
#define APPSERVICE_REGISTRATION_H

#include "core/buf.h"
#include "core/err.h"

struct as_registration {
    char *id;
    char *url;
    char *as_token;          /* secret */
    char *hs_token;          /* secret */
    char *sender_localpart;
};

/** Reads and checks a file: all keys of 1.1, tokens different and long enough, our namespaces there. Gives *ret. ERR_INVALID names file and
 *  line; ERR_FORBIDDEN when others may read the file (mode & 007). */
MUST_CHECK enum err as_registration_load(const char *path, struct as_registration **ret);
void as_registration_destroy(struct as_registration *r);
/** New random tokens (64 hex digits each). `url` is where the homeserver reaches our private listener. */
MUST_CHECK enum err as_registration_generate(const char *id, const char *url, const char *sender_localpart,
    struct as_registration **ret);
/** The YAML text, with comments, users namespace of `server_name`. */
void as_registration_print(const struct as_registration *r, const char *server_name, struct buf *b);
/** Writes it, mode 0600, atomically. ERR_CONFLICT when the file exists. */
MUST_CHECK enum err as_registration_save(const struct as_registration *r, const char *server_name, const char *path);

#endif
