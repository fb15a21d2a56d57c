/* One row more in call_heads. */
#include "store/heads.h"

#include "core/mem.h"
#include "store/locks.h"
#include "store/query_wait.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct newest {
    int64_t seq;
    uint8_t *mac;
    char fingerprint[2 * SHA256_SIZE + 1]; /* of the newest key; "" = none */
};

static enum err read_newest(void *arg, const char *const *values) {
    struct newest *n = arg;
    if (values[0] != NULL && values[1] != NULL) {
        n->seq = strtoll(values[0], NULL, 10);
        if (!crypto_unhex(values[1], n->mac, SHA256_SIZE)) {
            return err_set(ERR_CONFLICT, "the last row of call_heads has no MAC");
        }
    }
    snprintf(n->fingerprint, sizeof(n->fingerprint), "%s", values[2] == NULL ? "" : values[2]);
    return OK;
}

enum err store_heads_lock(struct store_session *s, const struct store_audit_key *key, int64_t *seq,
    uint8_t previous[SHA256_SIZE]) {
    struct newest n = { .mac = previous };
    memset(previous, 0, SHA256_SIZE);
    TRY(store_session_run(s, "SELECT " STORE_HEADS_LOCK));
    TRY(store_session_query(s,
        "SELECT h.seq, encode(h.mac, 'hex'), k.fingerprint"
        " FROM (SELECT fingerprint FROM audit_keys ORDER BY epoch DESC LIMIT 1) AS k"
        " LEFT JOIN (SELECT seq, mac FROM call_heads ORDER BY seq DESC LIMIT 1) AS h ON true",
        NULL, 0, read_newest, &n));
    if (strcmp(n.fingerprint, store_audit_key_fingerprint(key)) != 0) {
        return err_set(ERR_CONFLICT,
            "the audit key (fingerprint %s) is not the one the audit is written with now (%s)",
            store_audit_key_fingerprint(key), n.fingerprint[0] == '\0' ? "none" : n.fingerprint);
    }
    *seq = n.seq + 1;
    return OK;
}

static enum err sign(const struct store_audit_key *key, const struct store_chain_head *h,
    const uint8_t previous[SHA256_SIZE], uint8_t ret[SHA256_SIZE]) {
    CLEANUP(buf_finish) struct buf canonical;
    buf_init(&canonical, 0);
    store_chain_head_canonical(&canonical, h);
    return store_chain_next(key, previous, &canonical, ret);
}

enum err store_heads_add(struct store_session *s, const struct store_audit_key *key,
    const struct store_chain_head *h, const uint8_t previous[SHA256_SIZE]) {
    uint8_t mac[SHA256_SIZE];
    char seq[24];
    char rows[24];
    char at[24];
    char last_hex[2 * SHA256_SIZE + 1];
    char mac_hex[2 * SHA256_SIZE + 1];
    TRY(sign(key, h, previous, mac));
    snprintf(seq, sizeof(seq), "%" PRId64, h->seq);
    snprintf(rows, sizeof(rows), "%" PRId64, h->rows);
    snprintf(at, sizeof(at), "%" PRId64, h->at);
    crypto_hex(h->last_mac, SHA256_SIZE, last_hex);
    crypto_hex(mac, SHA256_SIZE, mac_hex);
    const char *const params[] = { seq, h->kind, rows, last_hex, at, h->what, h->reason, h->actor,
        mac_hex, store_audit_key_fingerprint(key) };
    return store_session_query(s,
        "INSERT INTO call_heads"
        " (seq, kind, session_id, rows, last_mac, at, what, reason, actor, mac, key_epoch)"
        " SELECT $1::bigint, $2, NULL, $3::bigint, decode($4, 'hex'),"
        " 'epoch'::timestamptz + $5::bigint * interval '1 millisecond', $6, $7, $8,"
        " decode($9, 'hex'), epoch FROM audit_keys WHERE fingerprint = $10",
        params, COUNT_OF(params), NULL, NULL);
}
