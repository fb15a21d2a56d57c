/*
 * Asks store/removals (or store/identities) one thing and prints what came of it.
 *
 *     removals_probe URL put NOW ROOM USER DEVICE REASON LEFT_AT
 *     removals_probe URL drop ROOM USER DEVICE LEFT_AT
 *     removals_probe URL take NOW UNTIL
 *     removals_probe URL bar ROOM USER DEVICE AT
 */
#include "probe.h"

#include "store/identities.h"
#include "store/removals.h"

#include <stdio.h>

static void on_found(void *arg, enum err e, const struct store_removal *rows, size_t n) {
    (void)arg;
    printf("%s", e == OK ? "found" : err_text());
    for (size_t i = 0; i < n; i++) {
        printf(" %s/%s/%s/%s/%lld", rows[i].room_id, rows[i].user_id, rows[i].device_id,
            rows[i].reason, (long long)rows[i].left_at);
    }
    putchar('\n');
    probe_over();
}

static void on_barred(void *arg, enum err e, const struct store_identity *rows, size_t n) {
    (void)arg;
    printf("%s", e == OK ? "barred" : err_text());
    for (size_t i = 0; i < n; i++) {
        printf(" %s", rows[i].identity);
    }
    putchar('\n');
    probe_over();
}

static enum err put(struct store *s) {
    const struct store_removal r = { probe_arg(1), probe_arg(2), probe_arg(3), probe_arg(4), NULL,
        probe_number(5) };
    return store_removals_put(s, &r, probe_number(0), probe_done, NULL);
}

static enum err drop(struct store *s) {
    const struct store_removal r = { probe_arg(0), probe_arg(1), probe_arg(2), "", NULL,
        probe_number(3) };
    return store_removals_drop(s, &r, probe_done, NULL);
}

static enum err take(struct store *s) {
    return store_removals_take(s, probe_number(0), probe_number(1), on_found, NULL);
}

static enum err bar(struct store *s) {
    return store_identities_bar(
        s, probe_arg(0), probe_arg(1), probe_arg(2), probe_number(3), on_barred, NULL);
}

const char *const probe_name = "removals_probe";
const struct probe_command probe_commands[] = { { "put", 6, put }, { "drop", 4, drop },
    { "take", 2, take }, { "bar", 4, bar }, { NULL, 0, NULL } };
