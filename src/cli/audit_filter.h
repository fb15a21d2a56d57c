/*
 * The options that choose rows of the audit: --since, --until, --room, --user, --status, --call,
 * --type, --limit; for `parley audit` reports and for the export.
 */
#ifndef CLI_AUDIT_FILTER_H
#define CLI_AUDIT_FILTER_H

#include "store/audit.h"

struct cli_args;

/** Reads those that were given; a word behind the command is the user. Borrows from args.
 * ERR_INVALID when no row could match. */
MUST_CHECK enum err cli_audit_filter_read(
    const struct cli_args *args, enum store_audit_report report, struct store_audit_filter *ret);

#endif
