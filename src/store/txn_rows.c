/* What was taken from the homeserver already: transactions and events (matrix-calls 1.5). */
#include "core/mem.h"
#include "store/connection.h"
#include "store/work.h"

#include <stdlib.h>
#include <string.h>

void store_txn_rows_find(struct store_work *w) {
    static const uint8_t none[SHA256_SIZE];
    struct store_args *args = &w->c->args;
    store_args_clear(args);
    store_args_text(args, w->scope.txn_id);
    store_args_mac(args, w->scope.txn_hash == NULL ? none : w->scope.txn_hash);
    store_query_put(w->c, STORE_FIND_TXN, args);
    store_args_clear(args);
    store_args_texts(args, w->scope.event_ids, w->scope.n_event_ids);
    store_query_put(w->c, STORE_FIND_EVENTS, args);
}

static int compare(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum err store_txn_rows_read(
    struct store_work *w, const struct store_answer *a, size_t result, struct store_snapshot *ret) {
    const struct store_scope *scope = &w->scope;
    ret->txn_known = store_answer_rows(a, result) > 0;
    ret->event_seen = arena_array(w->arena, scope->n_event_ids, sizeof(*ret->event_seen));
    w->unseen = arena_array(w->arena, scope->n_event_ids, sizeof(*w->unseen));
    if (w->arena->failed) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    for (size_t row = 0; row < store_answer_rows(a, result + 1); row++) {
        int64_t i = store_read_int(a, result + 1, row, 0); /* from 1 */
        if (i >= 1 && (size_t)i <= scope->n_event_ids) {
            ret->event_seen[i - 1] = true;
        }
    }
    for (size_t i = 0; i < scope->n_event_ids; i++) {
        if (!ret->event_seen[i]) {
            w->unseen[w->n_unseen++] = arena_strdup(w->arena, scope->event_ids[i]);
        }
    }
    if (w->arena->failed) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    if (w->n_unseen > 0) {
        qsort(w->unseen, w->n_unseen, sizeof(*w->unseen), compare);
    }
    return OK;
}

bool store_txn_rows_unseen(const struct store_work *w, const char *event_id) {
    return w->n_unseen > 0 &&
           bsearch(&event_id, w->unseen, w->n_unseen, sizeof(*w->unseen), compare) != NULL;
}

void store_txn_rows_save(struct store_work *w) {
    const struct store_changes *ch = w->changes;
    struct store_args *args = &w->c->args;
    if (ch->n_event_ids > 0) {
        store_args_clear(args);
        store_args_texts(args, ch->event_ids, ch->n_event_ids);
        store_args_time(args, ch->now_ms);
        store_query_put(w->c, STORE_SAVE_SEEN, args);
    }
    if (ch->txn_id != NULL) {
        store_args_clear(args);
        store_args_text(args, ch->txn_id);
        store_args_mac(args, ch->txn_hash);
        store_args_time(args, ch->now_ms);
        store_query_put(w->c, STORE_SAVE_TXN, args);
    }
}
