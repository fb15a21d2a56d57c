/*
 * Is an export as `parley audit export` made it? Needs the key, not the database.  Thread: main.
 */
#ifndef CLI_EXPORT_CHECK_H
#define CLI_EXPORT_CHECK_H

#include "store/manifest.h"

#include <stdbool.h>

struct store_keyring;

#define CLI_EXPORT_MANIFEST "manifest.json"

struct cli_export_report {
    bool good;
    char why[512]; /* what is wrong first, when it is not good */
    struct store_manifest manifest;
};

/** Checks the signature, then each file's size and digest. OK also for an export that is not good.
 * ERR_NOT_FOUND: no manifest, or not the key it was signed with; ERR_IO. */
MUST_CHECK enum err cli_export_check(
    const char *folder, const struct store_keyring *keys, struct cli_export_report *ret);

#endif
