/* A run of verify: two views of one snapshot, the keys, the parts in their order, the report. */
#include "store/verify.h"

#include "store/keyring.h"
#include "store/query_wait.h"
#include "store/verify_run.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[STORE_PROBLEM_KINDS] = {
    [STORE_ALTERED] = "altered",
    [STORE_MISSING] = "missing",
    [STORE_CUT] = "cut",
    [STORE_VANISHED] = "vanished",
    [STORE_ADDED] = "added",
    [STORE_UNENDED] = "unended",
    [STORE_ERASED] = "erased",
    [STORE_RESTORED] = "restored",
    [STORE_TOMBSTONE] = "tombstone",
    [STORE_WRONG_KEY] = "wrong_key",
    [STORE_ANCHOR] = "anchor",
};

const char *store_problem_name(enum store_problem_kind k) {
    return names[k];
}

/* --- anchors --- */

enum err store_anchor_read(const char *text, struct store_anchor *ret) {
    size_t digits = strspn(text, "0123456789");
    struct store_anchor a;
    if (digits < 1 || digits > 18 || text[digits] != ':' ||
        !crypto_unhex(text + digits + 1, a.mac, sizeof(a.mac))) {
        return err_set(ERR_INVALID,
            "must be a head as `parley audit verify` prints it, number:64 digits, not \"%.90s\"",
            text);
    }
    a.seq = strtoll(text, NULL, 10);
    *ret = a;
    return OK;
}

void store_anchor_write(const struct store_anchor *a, char ret[STORE_ANCHOR_TEXT_SIZE]) {
    int n = snprintf(ret, STORE_ANCHOR_TEXT_SIZE, "%" PRId64 ":", a->seq);
    crypto_hex(a->mac, sizeof(a->mac), ret + n);
}

/* --- what the parts share --- */

void store_verify_found(struct store_verify_run *r, enum store_problem_kind kind, const char *table,
    const char *session_id, int64_t n, const char *fmt, ...) {
    struct store_problem p = { .kind = kind, .table = table, .n = n };
    snprintf(p.session_id, sizeof(p.session_id), "%s", session_id == NULL ? "" : session_id);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(p.text, sizeof(p.text), fmt, ap);
    va_end(ap);
    r->report.by_kind[kind]++;
    if (r->report.problems++ == 0) {
        r->report.first = p;
    }
    if (r->cfg->found != NULL) {
        r->cfg->found(r->cfg->arg, &p);
    }
}

enum err store_verify_mac(struct store_verify_run *r, int64_t epoch,
    const uint8_t previous[SHA256_SIZE], const uint8_t mac[SHA256_SIZE],
    enum store_mac_check *ret) {
    if (epoch < 1 || epoch > r->n_epochs) {
        *ret = STORE_MAC_NO_EPOCH;
        return OK;
    }
    const struct store_audit_key *key = r->epochs[epoch - 1].key;
    if (key == NULL) {
        r->missing_epoch = (int)epoch;
        *ret = STORE_MAC_NO_KEY;
        return OK;
    }
    uint8_t want[SHA256_SIZE];
    TRY(store_chain_next(key, previous, &r->canonical, want));
    *ret = memcmp(want, mac, SHA256_SIZE) == 0 ? STORE_MAC_FITS : STORE_MAC_WRONG;
    return OK;
}

const uint8_t *store_verify_mac_of(const struct store_copy_field *f) {
    static const uint8_t zero[SHA256_SIZE];
    return f->bytes != NULL && f->len == SHA256_SIZE ? (const uint8_t *)f->bytes : zero;
}

const char *store_verify_uuid_of(const struct store_copy_field *f, char ret[UUID_TEXT_SIZE]) {
    if (f->bytes == NULL || f->len != UUID_SIZE) {
        return NULL;
    }
    crypto_uuid_write((const uint8_t *)f->bytes, ret);
    return ret;
}

/* --- opening --- */

#define BEGIN "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;"
/* A sort of ten million rows would fill a disk: the rows are read in the order of their index. */
#define SETTINGS                                                                                   \
    "SET LOCAL statement_timeout = 0; SET LOCAL max_parallel_workers_per_gather = 0;"              \
    " SET LOCAL enable_sort = off; SET LOCAL enable_seqscan = off; SET LOCAL jit = off"

static enum err note_snapshot(void *arg, const char *const *values) {
    snprintf(arg, 64, "SET TRANSACTION SNAPSHOT '%.30s'", values[0]);
    return OK;
}

static enum err open_sessions(struct store_verify_run *r) {
    char snapshot[64] = "";
    TRY(store_session_open(r->cfg->url, &r->one));
    TRY(store_session_open(r->cfg->url, &r->two));
    TRY(store_session_run(r->one, BEGIN));
    TRY(store_session_query(
        r->one, "SELECT pg_export_snapshot()", NULL, 0, note_snapshot, snapshot));
    TRY(store_session_run(r->two, BEGIN));
    TRY(store_session_run(r->two, snapshot));
    TRY(store_session_run(r->one, SETTINGS));
    return store_session_run(r->two, SETTINGS);
}

static enum err take_epoch(void *arg, const char *const *values) {
    struct store_verify_run *r = arg;
    if (atoi(values[0]) != r->n_epochs + 1 || r->n_epochs == STORE_KEYS_MAX) {
        store_verify_found(r, STORE_WRONG_KEY, "audit_keys", NULL, atoi(values[0]),
            "the epochs of keys are not 1, 2, 3 and so on");
        return OK;
    }
    struct store_epoch *e = &r->epochs[r->n_epochs++];
    snprintf(e->fingerprint, sizeof(e->fingerprint), "%s", values[1]);
    e->key = store_keyring_find(r->cfg->keys, e->fingerprint);
    return OK;
}

static enum err load_epochs(struct store_verify_run *r) {
    r->epochs = arena_array(&r->arena, STORE_KEYS_MAX, sizeof(*r->epochs));
    if (r->epochs == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    TRY(store_session_query(r->one, "SELECT epoch, fingerprint FROM audit_keys ORDER BY epoch",
        NULL, 0, take_epoch, r));
    r->report.keys = r->n_epochs;
    return OK;
}

/* Rows that could not be checked are no reason to be content; what is certainly wrong is told
 * first. */
static enum err check_keys(const struct store_verify_run *r) {
    if (r->report.problems > 0 || r->missing_epoch == 0) {
        return OK;
    }
    return err_set(ERR_NOT_FOUND,
        "the audit key of epoch %d (fingerprint %s) is not beside audit.key_file: put it back from "
        "its copy",
        r->missing_epoch, r->epochs[r->missing_epoch - 1].fingerprint);
}

static enum err run(struct store_verify_run *r) {
    TRY(sha256_create(&r->sha));
    TRY(open_sessions(r));
    TRY(load_epochs(r));
    TRY(store_verify_heads(r));
    TRY(store_verify_chains(r));
    return check_keys(r);
}

enum err store_verify(const struct store_verify_config *cfg, struct store_verify_report *ret) {
    struct store_verify_run r = { .cfg = cfg };
    buf_init(&r.canonical, 0);
    arena_init(&r.arena);
    enum err e = run(&r);
    store_session_close(r.one);
    store_session_close(r.two);
    sha256_destroy(r.sha);
    buf_finish(&r.canonical);
    arena_finish(&r.arena);
    TRY(e);
    *ret = r.report;
    return OK;
}
