/* Audit keys that follow one another, as files. */
#include "store/audit_key.h"

#include "core/mem.h"
#include "store/keyring.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/audit-key-XXXXXX";
static char path[64];

static const char *beside(const char *behind) {
    static char name[80];
    snprintf(name, sizeof(name), "%s%s", path, behind);
    return name;
}

static void make_folder(void) {
    strcpy(folder, "/tmp/audit-key-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        abort();
    }
    snprintf(path, sizeof(path), "%s/audit.key", folder);
}

static void forget_folder(void) {
    static const char *const names[] = { "", ".next", ".1", ".2", ".old", ".1x" };
    FOR_ROWS (names, name) {
        (void)unlink(beside(*name));
    }
    CHECK_INT(0, rmdir(folder));
}

static bool is_there(const char *name) {
    struct stat st;
    return lstat(name, &st) == 0;
}

TEST(store_audit_key, hands_over_file_by_file) {
    CLEANUP(store_audit_key_destroyp) struct store_audit_key *first = NULL;
    CLEANUP(store_audit_key_destroyp) struct store_audit_key *next = NULL;
    CLEANUP(store_audit_key_destroyp) struct store_audit_key *again = NULL;
    make_folder();
    CHECK_ERR(OK, store_audit_key_generate(path, &first));
    CHECK_ERR(OK, store_audit_key_next(path, &next));
    CHECK_ERR(OK, store_audit_key_next(path, &again)); /* one that lies ready is taken */
    CHECK_STR(store_audit_key_fingerprint(next), store_audit_key_fingerprint(again));
    CHECK(strcmp(store_audit_key_fingerprint(first), store_audit_key_fingerprint(next)) != 0);
    CHECK_ERR(OK, store_audit_key_keep(path, 1));
    CHECK_ERR(OK, store_audit_key_keep(path, 1)); /* again after an interruption */
    CHECK_ERR(OK, store_audit_key_take_over(path));
    CHECK(is_there(path) && is_there(beside(".1")) && !is_there(beside(".next")));
    CHECK_ERR(ERR_CONFLICT, store_audit_key_keep(path, 1)); /* that is another key */
    CHECK_ERR(ERR_IO, store_audit_key_take_over(path));
    CHECK(is_there(path));
    forget_folder();
}

TEST(store_audit_key, follows_the_key_that_is_named) {
    CLEANUP(store_audit_key_destroyp) struct store_audit_key *k = NULL;
    CLEANUP(store_audit_key_destroyp) struct store_audit_key *next = NULL;
    make_folder();
    CHECK_ERR(OK, store_audit_key_generate(path, &k));
    CHECK_ERR(OK, store_audit_key_follow(k, store_audit_key_fingerprint(k)));
    char first[STORE_AUDIT_FINGERPRINT_SIZE];
    strcpy(first, store_audit_key_fingerprint(k));
    CHECK_ERR(ERR_NOT_FOUND, store_audit_key_follow(k, "0123456789abcdef"));
    CHECK_STR(first, store_audit_key_fingerprint(k));
    CHECK_ERR(OK, store_audit_key_next(path, &next));
    CHECK_ERR(OK, store_audit_key_follow(k, store_audit_key_fingerprint(next)));
    CHECK_STR(store_audit_key_fingerprint(next), store_audit_key_fingerprint(k));
    CHECK_ERR(OK, store_audit_key_follow(k, first)); /* its file is still the first one */
    CHECK_ERR(OK, store_audit_key_take_over(path));
    CHECK_ERR(OK, store_audit_key_follow(k, store_audit_key_fingerprint(next)));
    CHECK_ERR(ERR_NOT_FOUND, store_audit_key_follow(k, first));
    forget_folder();
}

TEST(store_audit_key, keyring_finds_all_of_them) {
    CLEANUP(store_audit_key_destroyp) struct store_audit_key *one = NULL;
    CLEANUP(store_audit_key_destroyp) struct store_audit_key *two = NULL;
    CLEANUP(store_audit_key_destroyp) struct store_audit_key *stray = NULL;
    CLEANUP(store_keyring_destroyp) struct store_keyring *ring = NULL;
    make_folder();
    CHECK_ERR(ERR_NOT_FOUND, store_keyring_load(path, &ring));
    CHECK_ERR(OK, store_audit_key_generate(path, &one));
    CHECK_ERR(OK, store_audit_key_keep(path, 1));
    CHECK_ERR(OK, store_audit_key_next(path, &two));
    CHECK_ERR(OK, store_audit_key_generate(beside(".1x"), &stray)); /* not a name of ours */
    CHECK_ERR(OK, store_keyring_load(path, &ring));
    CHECK(store_keyring_find(ring, store_audit_key_fingerprint(one)) != NULL);
    CHECK(store_keyring_find(ring, store_audit_key_fingerprint(two)) != NULL);
    CHECK(store_keyring_find(ring, store_audit_key_fingerprint(stray)) == NULL);
    store_keyring_destroyp(&ring);
    ring = NULL;
    CHECK_INT(0, chmod(beside(".1"), 0640));
    CHECK_ERR(ERR_INVALID, store_keyring_load(path, &ring));
    CHECK_ERR(ERR_NOT_FOUND, store_keyring_load("/nonexistent-folder/audit.key", &ring));
    forget_folder();
}

TEST_ALLOC(store_audit_key, rotates_without_memory) {
    CLEANUP(store_audit_key_destroyp) struct store_audit_key *k = NULL;
    CLEANUP(store_audit_key_destroyp) struct store_audit_key *next = NULL;
    CLEANUP(store_keyring_destroyp) struct store_keyring *ring = NULL;
    make_folder();
    enum err e = store_audit_key_generate(path, &k);
    e = e != OK ? e : store_audit_key_next(path, &next);
    e = e != OK ? e : store_audit_key_keep(path, 1);
    e = e != OK ? e : store_audit_key_keep(path, 1);
    e = e != OK ? e : store_audit_key_follow(k, store_audit_key_fingerprint(next));
    e = e != OK ? e : store_keyring_load(path, &ring);
    forget_folder();
    return e;
}
