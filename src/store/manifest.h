/*
 * The manifest of an export: which files it has, how many rows, their digests, and where the audit
 * stood, signed with the audit key. So an export that was altered, cut or put together from two is
 * told from one that was not, without the database.
 *
 * It is JSON for whoever reads it, but of one form only, byte for byte, as store_manifest_write
 * makes it: a field a line, in this order. The last field, "mac", is HMAC-SHA256 with the audit key
 * over 32 zero bytes and all bytes of the file before its line.  Thread: any.
 */
#ifndef STORE_MANIFEST_H
#define STORE_MANIFEST_H

#include "core/buf.h"
#include "store/verify.h"

#include <stdbool.h>

struct store_audit_key;

#define STORE_MANIFEST_MAX        (64 * (size_t)1024) /* bytes of one */
#define STORE_MANIFEST_FILES      4
#define STORE_MANIFEST_NAME_MAX   63   /* bytes: letters, digits, dot, line; no folder */
#define STORE_MANIFEST_FILTER_MAX 4096 /* bytes */

struct store_manifest_file {
    char name[STORE_MANIFEST_NAME_MAX + 1];
    int64_t rows;
    int64_t bytes;
    uint8_t sha256[SHA256_SIZE];
};

struct store_manifest {
    char made_at[32];                       /* RFC 3339 */
    char what[16];                          /* "events" or "calls" */
    char format[8];                         /* "jsonl" or "csv" */
    char filter[STORE_MANIFEST_FILTER_MAX]; /* JSON object on one line: what was asked for */
    struct store_anchor head; /* of call_heads in the same snapshot; seq 0 = there was none */
    char fingerprint[20];     /* of the key that signed */
    struct store_manifest_file files[STORE_MANIFEST_FILES];
    size_t n_files;
};

/** Writes and signs; m->fingerprint is that of `key`. ERR_NOMEM. */
MUST_CHECK enum err store_manifest_write(
    struct buf *b, const struct store_manifest *m, const struct store_audit_key *key);
/** Reads what store_manifest_write wrote, mac included, and nothing else. Says nothing about who
 * wrote it. ERR_INVALID. */
MUST_CHECK enum err store_manifest_read(
    const char *bytes, size_t n, struct store_manifest *ret, uint8_t ret_mac[SHA256_SIZE]);
/** Is it signed with this key? False also when it is not. ERR_NOMEM. */
MUST_CHECK enum err store_manifest_check(const struct store_manifest *m,
    const uint8_t mac[SHA256_SIZE], const struct store_audit_key *key, bool *ret);

#endif
