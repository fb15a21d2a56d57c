/* Handing over from one audit key to the next. */
#include "store/key_rotation.h"

#include "core/mem.h"
#include "store/audit_key.h"
#include "store/heads.h"
#include "store/keyring.h"
#include "store/locks.h"
#include "store/query_wait.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void store_key_what(int epoch, const char *fingerprint, char ret[STORE_KEY_WHAT_SIZE]) {
    snprintf(ret, STORE_KEY_WHAT_SIZE, "key epoch=%d fingerprint=%s", epoch, fingerprint);
}

void store_key_introduction(struct buf *b, int epoch, const char *fingerprint) {
    store_chain_put_text(b, "parley/key/1");
    store_chain_put_number(b, epoch);
    store_chain_put_text(b, fingerprint);
}

static void closep(struct store_session **s) {
    store_session_close(*s);
}

enum err store_rotate_prepare(const char *path, char ret_fingerprint[20]) {
    CLEANUP(store_audit_key_destroyp) struct store_audit_key *next = NULL;
    TRY(store_audit_key_next(path, &next));
    snprintf(ret_fingerprint, 20, "%s", store_audit_key_fingerprint(next));
    return OK;
}

/* --- the database's side --- */

struct newest {
    int epoch;
    char fingerprint[20];
};

static enum err take_newest(void *arg, const char *const *values) {
    struct newest *n = arg;
    n->epoch = atoi(values[0]);
    snprintf(n->fingerprint, sizeof(n->fingerprint), "%s", values[1]);
    return OK;
}

static enum err ask_newest(struct store_session *s, struct newest *ret) {
    *ret = (struct newest){ 0 };
    TRY(store_session_query(s,
        "SELECT epoch, fingerprint FROM audit_keys ORDER BY epoch DESC LIMIT 1", NULL, 0,
        take_newest, ret));
    return ret->epoch > 0 ? OK
                          : err_set(ERR_CONFLICT,
                                "the audit has no key yet: start parley, or run parley migrate");
}

/* What makes the change one moment for everybody. The order is that of store/locks.h; then all who
 * write rows are waited for, and whoever comes later waits until the new epoch is there to be seen.
 */
static enum err lock_all(struct store_session *s, const struct store_audit_key *old, int64_t *seq,
    uint8_t previous[SHA256_SIZE]) {
    TRY(store_session_run(s, "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '5s';"
                             " SELECT " STORE_REMOVAL_LOCK));
    TRY(store_heads_lock(s, old, seq, previous));
    return store_session_run(s, "LOCK TABLE call_events IN SHARE ROW EXCLUSIVE MODE");
}

static enum err add_epoch(struct store_session *s, int epoch, const char *fingerprint) {
    char number[16];
    snprintf(number, sizeof(number), "%d", epoch);
    const char *const params[] = { number, fingerprint };
    return store_session_query(s,
        "INSERT INTO audit_keys (epoch, fingerprint, since) VALUES ($1::smallint, $2, now())",
        params, COUNT_OF(params), NULL, NULL);
}

static enum err introduce(const struct store_audit_key *next, int epoch,
    const uint8_t previous[SHA256_SIZE], uint8_t ret[SHA256_SIZE]) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    store_key_introduction(&b, epoch, store_audit_key_fingerprint(next));
    return store_chain_next(next, previous, &b, ret);
}

/* `h` comes with reason, actor and time. */
static enum err hand_over(struct store_session *s, const struct store_audit_key *old,
    const struct store_audit_key *next, int epoch, struct store_chain_head *h) {
    uint8_t previous[SHA256_SIZE];
    uint8_t proof[SHA256_SIZE];
    char what[STORE_KEY_WHAT_SIZE];
    TRY(lock_all(s, old, &h->seq, previous));
    TRY(introduce(next, epoch, previous, proof));
    store_key_what(epoch, store_audit_key_fingerprint(next), what);
    h->kind = "key";
    h->last_mac = proof;
    h->what = what;
    TRY(store_heads_add(s, old, h, previous));
    TRY(add_epoch(s, epoch, store_audit_key_fingerprint(next)));
    return store_session_run(s, "COMMIT");
}

/* --- the files' side --- */

static enum err set_files(
    const char *path, int old_epoch, const struct newest *now, struct store_rotation *ret) {
    TRY(store_audit_key_keep(path, old_epoch));
    TRY(store_audit_key_take_over(path));
    ret->epoch = now->epoch;
    snprintf(ret->fingerprint, sizeof(ret->fingerprint), "%s", now->fingerprint);
    return OK;
}

static enum err take_epoch(void *arg, const char *const *values) {
    *(int *)arg = atoi(values[0]);
    return OK;
}

/* The database is ahead of the files here: is it by the one key that lies ready? */
static enum err catch_up(struct store_session *s, const char *path,
    const struct store_audit_key *present, const struct newest *now, struct store_rotation *ret) {
    const char *const params[] = { store_audit_key_fingerprint(present) };
    CLEANUP(store_audit_key_destroyp) struct store_audit_key *follower = NULL;
    int old_epoch = 0;
    TRY(store_session_query(s, "SELECT epoch FROM audit_keys WHERE fingerprint = $1", params,
        COUNT_OF(params), take_epoch, &old_epoch));
    TRY(store_audit_key_load(path, &follower));
    if (old_epoch == 0 || store_audit_key_follow(follower, now->fingerprint) != OK) {
        return err_set(ERR_CONFLICT,
            "the audit is written with key epoch %d (fingerprint %s): it is neither %s nor "
            "%s.next; bring its file here",
            now->epoch, now->fingerprint, path, path);
    }
    ret->finished = true;
    return set_files(path, old_epoch, now, ret);
}

static enum err check_text(const char *name, const char *text) {
    size_t n = strlen(text);
    return n >= 1 && n <= 500 ? OK : err_set(ERR_INVALID, "--%s is from 1 to 500 bytes", name);
}

enum err store_rotate_key(const char *url, const char *path, const char *reason, const char *actor,
    int64_t now_ms, struct store_rotation *ret) {
    CLEANUP(closep) struct store_session *s = NULL;
    CLEANUP(store_audit_key_destroyp) struct store_audit_key *present = NULL;
    CLEANUP(store_audit_key_destroyp) struct store_audit_key *next = NULL;
    struct store_chain_head h = { .at = now_ms, .reason = reason, .actor = actor };
    struct newest now;
    *ret = (struct store_rotation){ 0 };
    TRY(check_text("reason", reason));
    TRY(check_text("actor", actor));
    TRY(store_audit_key_load(path, &present));
    TRY(store_session_open(url, &s));
    TRY(ask_newest(s, &now));
    if (strcmp(now.fingerprint, store_audit_key_fingerprint(present)) != 0) {
        return catch_up(s, path, present, &now, ret);
    }
    if (now.epoch >= STORE_KEYS_MAX) {
        return err_set(ERR_LIMIT, "there were %d audit keys: parley audit verify reads no more",
            STORE_KEYS_MAX);
    }
    TRY(store_audit_key_next(path, &next));
    /* Before the change: afterwards nothing but a rename may be left to do. */
    TRY(store_audit_key_keep(path, now.epoch));
    TRY(hand_over(s, present, next, now.epoch + 1, &h));
    int old_epoch = now.epoch;
    now.epoch++;
    snprintf(now.fingerprint, sizeof(now.fingerprint), "%s", store_audit_key_fingerprint(next));
    ret->seq = h.seq;
    return set_files(path, old_epoch, &now, ret);
}
