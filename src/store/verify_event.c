/* One row of call_events: read back into the struct it was made from, and signed again. */
#include "store/verify_run.h"

#include <stdio.h>
#include <string.h>

/* In the order of STORE_VERIFY_EVENT_COLUMNS. */
enum {
    SESSION,
    N,
    TYPE,
    ROOM,
    CALL,
    SOURCE,
    AT,
    RECORDED,
    LATE,
    INFERRED,
    IGNORED,
    PARTIAL,
    SALT,
    USER,
    SUBJECT,
    PAYLOAD,
    DIGEST,
    MAC,
    EPOCH,
    FIELDS
};

bool store_verify_event_place(const struct store_copy *c, struct store_verify_event *ret) {
    const struct store_copy_field *f = c->fields;
    if (c->n != FIELDS || f[SESSION].bytes == NULL || f[SESSION].len != UUID_SIZE ||
        !store_copy_int(&f[N], &ret->n) || !store_copy_int(&f[EPOCH], &ret->epoch)) {
        return false;
    }
    ret->session = (const uint8_t *)f[SESSION].bytes;
    ret->mac = store_verify_mac_of(&f[MAC]);
    ret->erased = f[SALT].bytes == NULL;
    return true;
}

/* False when a column holds what we never write, or what the MAC cannot tell from what we do. */
static bool read(const struct store_copy_field *f, struct store_event *e) {
    e->type = f[TYPE].bytes;
    e->room_id = f[ROOM].bytes;
    e->call_id = f[CALL].bytes;
    e->source_event_id = f[SOURCE].bytes;
    e->user_id = f[USER].bytes;
    e->subject = f[SUBJECT].bytes;
    return e->type != NULL && e->subject != NULL && store_copy_time(&f[AT], &e->at) &&
           store_copy_time(&f[RECORDED], &e->recorded_at) && store_copy_bool(&f[LATE], &e->late) &&
           store_copy_bool(&f[INFERRED], &e->inferred) &&
           store_copy_bool(&f[IGNORED], &e->ignored) && store_copy_bool(&f[PARTIAL], &e->partial) &&
           f[DIGEST].len == SHA256_SIZE && f[MAC].len == SHA256_SIZE;
}

static bool is_erased_form(const struct store_copy_field *f, int64_t n) {
    char subject[32];
    snprintf(subject, sizeof(subject), "erased:%lld", (long long)n);
    return f[USER].bytes == NULL && f[PAYLOAD].bytes == NULL &&
           strcmp(f[SUBJECT].bytes, subject) == 0;
}

static bool digest_fits(
    struct store_verify_run *r, const struct store_copy_field *f, const struct store_event *e) {
    if (f[SALT].len != STORE_SALT_SIZE || f[PAYLOAD].bytes == NULL) {
        return false;
    }
    uint8_t digest[SHA256_SIZE];
    buf_clear(&r->canonical);
    store_chain_erasable(&r->canonical, (const uint8_t *)f[SALT].bytes, e, f[PAYLOAD].bytes);
    sha256_begin(r->sha);
    sha256_add(r->sha, r->canonical.data, r->canonical.len);
    sha256_end(r->sha, digest);
    return memcmp(digest, f[DIGEST].bytes, SHA256_SIZE) == 0;
}

static const char *mac_text(enum store_mac_check m) {
    return m == STORE_MAC_NO_EPOCH ? "it names a key that audit_keys does not know"
                                   : "it was altered, moved, or signed with another key: its MAC "
                                     "does not fit";
}

enum err store_verify_event(struct store_verify_run *r, const struct store_copy *c,
    const struct store_verify_event *place, const char *session_id,
    const uint8_t previous[SHA256_SIZE], enum store_problem_kind *kind, const char **why) {
    const struct store_copy_field *f = c->fields;
    struct store_event e = { 0 };
    *kind = STORE_ALTERED;
    *why = NULL;
    if (!read(f, &e)) {
        *why = "it was altered: a column holds what is never written there";
        return OK;
    }
    if (place->erased ? !is_erased_form(f, place->n) : !digest_fits(r, f, &e)) {
        *why = place->erased
                   ? "it was altered: it has no salt, but is not as erased rows are"
                   : "it was altered: salt, user, subject and payload do not fit their digest";
        return OK;
    }
    if (previous == NULL) {
        return OK;
    }
    enum store_mac_check m;
    buf_clear(&r->canonical);
    store_chain_canonical(
        &r->canonical, session_id, (int)place->n, &e, (const uint8_t *)f[DIGEST].bytes);
    TRY(store_verify_mac(r, place->epoch, previous, place->mac, &m));
    if (m == STORE_MAC_WRONG || m == STORE_MAC_NO_EPOCH) {
        *kind = m == STORE_MAC_WRONG ? STORE_ALTERED : STORE_WRONG_KEY;
        *why = mac_text(m);
    }
    return OK;
}
