/* Options become a filter. */
#include "cli/audit_filter.h"

#include "cli/options.h"
#include "cli/when.h"
#include "core/clock.h"

#include <stdlib.h>

static const char *option(const struct cli_args *args, const char *name) {
    return cli_args_has(args, name) ? cli_args_get(args, name) : NULL;
}

static enum err read_time(
    const struct cli_args *args, const char *name, int64_t now_ms, int64_t *ret) {
    const char *text = option(args, name);
    return text == NULL ? OK : cli_when_read(text, now_ms, ret);
}

enum err cli_audit_filter_read(
    const struct cli_args *args, enum store_audit_report report, struct store_audit_filter *ret) {
    struct store_audit_filter f = {
        .report = report,
        .room = option(args, "room"),
        .user = args->n_words > 0 ? args->words[0] : option(args, "user"),
        .status = option(args, "status"),
        .call = option(args, "call"),
        .type = option(args, "type"),
    };
    int64_t now_ms = clock_wall_ms();
    TRY(read_time(args, "since", now_ms, &f.since_ms));
    TRY(read_time(args, "until", now_ms, &f.until_ms));
    if (f.until_ms != 0 && f.since_ms >= f.until_ms) {
        return err_set(ERR_INVALID, "--since is not before --until, so no row can match");
    }
    const char *limit = option(args, "limit");
    f.limit = limit == NULL ? 0 : strtoll(limit, NULL, 10);
    *ret = f;
    return OK;
}
