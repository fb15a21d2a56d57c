/*
 * Asks store/delegations one thing and prints what came of it.
 *
 *     delegations_probe URL put NODE NOW UNTIL ALIAS IDENTITY DELAY_ID STATE
 *     delegations_probe URL remove ALIAS IDENTITY DELAY_ID
 *     delegations_probe URL hold|start NODE NOW UNTIL
 *     delegations_probe URL take NODE NOW UNTIL ALIAS IDENTITY
 */
#include "probe.h"

#include "store/delegations.h"

#include <stdio.h>

static void on_found(
    void *arg, enum err e, const struct store_delegation *rows, size_t n, int64_t held) {
    (void)arg;
    printf("%s held=%lld", e == OK ? "found" : err_text(), (long long)held);
    for (size_t i = 0; i < n; i++) {
        printf(" %s/%s/%s/%s/%lld/%lld", rows[i].alias, rows[i].identity, rows[i].delay_id,
            rows[i].state, (long long)rows[i].delay_ms, (long long)rows[i].restarted_at);
    }
    putchar('\n');
    probe_over();
}

static struct store_holder holder(void) {
    return (struct store_holder){ probe_arg(0), probe_number(1), probe_number(2) };
}

static enum err put(struct store *s) {
    const struct store_holder h = holder();
    const struct store_delegation d = { .alias = probe_arg(3),
        .identity = probe_arg(4),
        .delay_id = probe_arg(5),
        .delay_ms = 60000,
        .user_id = "@a:x",
        .room_id = "!r:x",
        .state = probe_arg(6),
        .created_at = h.now_ms,
        .restarted_at = h.now_ms };
    return store_delegations_put(s, &d, &h, probe_done, NULL);
}

static enum err take_away(struct store *s) {
    return store_delegations_remove(s, probe_arg(0), probe_arg(1), probe_arg(2), probe_done, NULL);
}

static enum err hold(struct store *s) {
    const struct store_holder h = holder();
    return store_delegations_hold(s, &h, false, on_found, NULL);
}

static enum err start(struct store *s) {
    const struct store_holder h = holder();
    return store_delegations_hold(s, &h, true, on_found, NULL);
}

static enum err take(struct store *s) {
    const struct store_holder h = holder();
    return store_delegations_take(s, probe_arg(3), probe_arg(4), &h, on_found, NULL);
}

const char *const probe_name = "delegations_probe";
const struct probe_command probe_commands[] = { { "put", 7, put }, { "remove", 3, take_away },
    { "hold", 3, hold }, { "start", 3, start }, { "take", 5, take }, { NULL, 0, NULL } };
