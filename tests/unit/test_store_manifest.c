/* The manifest of an export: one form, signed. */
#include "store/manifest.h"

#include "core/mem.h"
#include "store/chain.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct store_audit_key *make_key(void) {
    char folder[] = "/tmp/manifest-XXXXXX";
    char path[64];
    struct store_audit_key *k = NULL;
    if (mkdtemp(folder) == NULL) {
        abort();
    }
    snprintf(path, sizeof(path), "%s/key", folder);
    if (store_audit_key_generate(path, &k) != OK) {
        k = NULL;
    }
    (void)unlink(path);
    (void)rmdir(folder);
    return k;
}

static struct store_manifest sample(const struct store_audit_key *k) {
    struct store_manifest m = { .made_at = "2026-11-21T09:30:00.000Z",
        .what = "events",
        .format = "jsonl",
        .filter = "{\"room\":\"!a,\\n:x\"}",
        .head = { .seq = 7, .mac = { 1, 2 } },
        .files = { { .name = "events.jsonl", .rows = 12, .bytes = 3456, .sha256 = { 9 } },
            { .name = "calls.csv", .rows = 0, .bytes = 0 } },
        .n_files = 2 };
    snprintf(m.fingerprint, sizeof(m.fingerprint), "%s", store_audit_key_fingerprint(k));
    return m;
}

TEST(store_manifest, reads_what_it_wrote) {
    CLEANUP(store_audit_key_destroyp) struct store_audit_key *k = make_key();
    CLEANUP(store_audit_key_destroyp) struct store_audit_key *other = make_key();
    struct store_manifest m = sample(k);
    struct store_manifest got;
    uint8_t mac[SHA256_SIZE];
    bool fits = false;
    struct buf b;
    buf_init(&b, 0);
    CHECK_ERR(OK, store_manifest_write(&b, &m, k));
    CHECK_ERR(OK, store_manifest_read(b.data, b.len, &got, mac));
    CHECK_STR(m.filter, got.filter);
    CHECK_STR("calls.csv", got.files[1].name);
    CHECK_INT(3456, got.files[0].bytes);
    CHECK_INT(7, got.head.seq);
    CHECK_ERR(OK, store_manifest_check(&got, mac, k, &fits));
    CHECK(fits);
    CHECK_ERR(OK, store_manifest_check(&got, mac, other, &fits));
    CHECK(!fits);
    /* Whatever byte is another: it is no manifest any more, or not signed by us. */
    for (size_t i = 0; i < b.len; i++) {
        b.data[i] ^= 1;
        if (store_manifest_read(b.data, b.len, &got, mac) == OK) {
            CHECK_ERR(OK, store_manifest_check(&got, mac, k, &fits));
            if (fits) {
                test_fail(__FILE__, __LINE__, "byte %zu does not count", i);
            }
        }
        b.data[i] ^= 1;
        CHECK(store_manifest_read(b.data, i, &got, mac) == ERR_INVALID); /* cut there */
    }
    buf_finish(&b);
}

TEST(store_manifest, refuses_what_it_would_not_write) {
    CLEANUP(store_audit_key_destroyp) struct store_audit_key *k = make_key();
    static const struct {
        const char *name, *file, *filter;
        int64_t seq;
        bool good;
    } rows[] = {
        { "as it is", "events.jsonl", "{}", 1, true },
        { "no head", "events.jsonl", "{}", 0, true },
        { "another folder", "../events", "{}", 1, false },
        { "a folder", "a/b", "{}", 1, false },
        { "a hidden file", ".profile", "{}", 1, false },
        { "no name", "", "{}", 1, false },
        { "a name with a quote", "a\"b", "{}", 1, false },
        { "a second line", "events.jsonl", "{},\n  \"x\": 1", 1, false },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct store_manifest m = sample(k);
        struct store_manifest got;
        uint8_t mac[SHA256_SIZE];
        struct buf b;
        buf_init(&b, 0);
        m.head.seq = r->seq;
        snprintf(m.files[0].name, sizeof(m.files[0].name), "%s", r->file);
        snprintf(m.filter, sizeof(m.filter), "%s", r->filter);
        CHECK_ERR(OK, store_manifest_write(&b, &m, k));
        CHECK((store_manifest_read(b.data, b.len, &got, mac) == OK) == r->good);
        buf_finish(&b);
    }
}

TEST_ALLOC(store_manifest, is_made_without_memory) {
    CLEANUP(buf_finish) struct buf b;
    CLEANUP(store_audit_key_destroyp) struct store_audit_key *k = NULL;
    struct store_manifest got;
    uint8_t mac[SHA256_SIZE];
    bool fits = false;
    buf_init(&b, 0);
    k = make_key();
    if (k == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    const struct store_manifest m = sample(k);
    TRY(store_manifest_write(&b, &m, k));
    TRY(store_manifest_read(b.data, b.len, &got, mac));
    return store_manifest_check(&got, mac, k, &fits);
}
