/* API keys from settings and from files, in the forms that admins have them. */
#include "livekit/keys.h"

#include "core/mem.h"
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A file with these bytes that goes with the test; its path. */
struct file {
    char path[64];
};

static struct file write_file(const char *text) {
    struct file f = { "/tmp/parley-keys-XXXXXX" };
    int fd = mkstemp(f.path);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    return f;
}

TEST(livekit_keys, reads_texts_and_files_of_one_text) {
    static const struct {
        const char *name, *key, *secret, *key_file, *secret_file; /* what is in the files */
    } rows[] = {
        { "both as text", "devkey", "north", NULL, NULL },
        { "blanks around", " devkey\n", "\tnorth \r\n", NULL, NULL },
        { "the key in a file", "other", "north", "devkey\n", NULL },
        { "the secret in a file", "devkey", "other", NULL, "north\r\n" },
        { "both in files", "", "", "devkey", " north " },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct file key = write_file(r->key_file == NULL ? "" : r->key_file);
        struct file secret = write_file(r->secret_file == NULL ? "" : r->secret_file);
        const struct lk_keys_source from = { r->key, r->secret, r->key_file == NULL ? "" : key.path,
            r->secret_file == NULL ? "" : secret.path, "" };
        CLEANUP(lk_keys_destroyp) struct lk_keys *k = NULL;
        CHECK_ERR(OK, lk_keys_create(&from, &k));
        CHECK_STR("devkey", lk_keys_signing_key(k));
        CHECK_STR("north", lk_keys_signing_secret(k));
        CHECK_STR("north", lk_keys_secret(k, "devkey"));
        CHECK(lk_keys_secret(k, "devke") == NULL && lk_keys_secret(k, "") == NULL);
        unlink(key.path);
        unlink(secret.path);
    }
}

TEST(livekit_keys, reads_files_of_pairs) {
    static const struct {
        const char *name, *text, *second; /* the secret of key "b", NULL = there is none */
    } rows[] = {
        { "one pair", "a: north", NULL },
        { "as a line", "a: north\n", NULL },
        { "without a blank", "a:north\r\n", NULL },
        { "two, for rotation", "a: north\nb: east\n", "east" },
        { "comments and empty lines", "\n# first\na: north\n\n  # second\nb: e:a:s:t\n",
            "e:a:s:t" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct file f = write_file(r->text);
        const struct lk_keys_source from = { "ignored", "ignored", "", "", f.path };
        CLEANUP(lk_keys_destroyp) struct lk_keys *k = NULL;
        CHECK_ERR(OK, lk_keys_create(&from, &k));
        CHECK_STR("a", lk_keys_signing_key(k));
        CHECK_STR("north", lk_keys_signing_secret(k));
        CHECK_STR(r->second, lk_keys_secret(k, "b"));
        CHECK(lk_keys_secret(k, "ignored") == NULL);
        unlink(f.path);
    }
}

TEST(livekit_keys, refuses_without_repeating_a_secret) {
    static const struct {
        const char *name, *key, *secret, *text; /* text: of a file of pairs, NULL = none */
        enum err want;
        const char *words;
    } rows[] = {
        { "no key", "", "s3cret", NULL, ERR_INVALID, "livekit.key is not set" },
        { "no secret", "k", " \n", NULL, ERR_INVALID, "livekit.secret is not set" },
        { "an empty file", "", "", "", ERR_INVALID, "want a line" },
        { "no colon", "", "", "s3cret\n", ERR_INVALID, ":1: want lines of the form" },
        { "no colon further on", "", "", "a: s3cret\ns3cret\n", ERR_INVALID, ":2: want lines" },
        { "an empty secret", "", "", "a: \n", ERR_INVALID, "want a key and a secret" },
        { "an empty key", "", "", ": s3cret\n", ERR_INVALID, "want a key and a secret" },
        { "a key twice", "", "", "a: s3cret\na: s3cret2\n", ERR_INVALID, "twice" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct file f = write_file(r->text == NULL ? "" : r->text);
        const struct lk_keys_source from = { r->key, r->secret, "", "",
            r->text == NULL ? "" : f.path };
        struct lk_keys *k = NULL;
        CHECK_ERR(r->want, lk_keys_create(&from, &k));
        CHECK(k == NULL);
        CHECK(strstr(err_text(), r->words) != NULL && strstr(err_text(), "s3cret") == NULL);
        unlink(f.path);
    }
}

TEST(livekit_keys, has_limits) {
    char pairs[LK_KEYS_MAX * 16 + 32] = "";
    size_t n = 0;
    for (int i = 0; i <= LK_KEYS_MAX; i++) {
        n += (size_t)snprintf(pairs + n, sizeof(pairs) - n, "k%d: s\n", i);
    }
    struct file many = write_file(pairs);
    struct lk_keys *k = NULL;
    CHECK_ERR(ERR_LIMIT, lk_keys_create(&(struct lk_keys_source){ "", "", "", "", many.path }, &k));
    char *big = mem_zalloc(70 * KIB);
    memset(big, '#', 70 * KIB - 1);
    struct file large = write_file(big);
    CHECK_ERR(
        ERR_TOO_LARGE, lk_keys_create(&(struct lk_keys_source){ "", "", "", "", large.path }, &k));
    big[LK_KEY_MAX_BYTES + 1] = '\0';
    CHECK_ERR(ERR_INVALID, lk_keys_create(&(struct lk_keys_source){ "k", big, "", "", "" }, &k));
    CHECK_ERR(ERR_NOT_FOUND,
        lk_keys_create(&(struct lk_keys_source){ "k", "s", "/nowhere/key", "", "" }, &k));
    CHECK(k == NULL);
    mem_free(big);
    unlink(many.path);
    unlink(large.path);
}

TEST_ALLOC(livekit_keys, survives_no_memory) {
    CLEANUP(lk_keys_destroyp) struct lk_keys *k = NULL;
    struct file f = write_file("a: north\nb: east\n");
    const struct lk_keys_source from = { "", "", "", "", f.path };
    enum err e = lk_keys_create(&from, &k);
    unlink(f.path);
    return e;
}

TEST(livekit_keys, know_whether_any_are_said) {
    static const struct {
        const char *name;
        struct lk_keys_source from;
        bool said;
    } rows[] = {
        { "nothing", { "", "", "", "", "" }, false },
        { "a key", { "k", "", "", "", "" }, true },
        { "a secret", { "", "s", "", "", "" }, true },
        { "a key in a file", { "", "", "/k", "", "" }, true },
        { "a secret in a file", { "", "", "", "/s", "" }, true },
        { "a file of both", { "", "", "", "", "/ks" }, true },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK_INT(r->said, lk_keys_said(&r->from));
    }
}

TEST(livekit_keys, can_be_invented_and_are_never_the_same) {
    CLEANUP(lk_keys_destroyp) struct lk_keys *a = NULL;
    CLEANUP(lk_keys_destroyp) struct lk_keys *b = NULL;
    CHECK_ERR(OK, lk_keys_invent(&a));
    CHECK_ERR(OK, lk_keys_invent(&b));
    CHECK_INT(64, strlen(lk_keys_signing_secret(a)));
    CHECK(strcmp(lk_keys_signing_key(a), lk_keys_signing_key(b)) != 0);
    CHECK(strcmp(lk_keys_signing_secret(a), lk_keys_signing_secret(b)) != 0);
    CHECK_STR(lk_keys_signing_secret(a), lk_keys_secret(a, lk_keys_signing_key(a)));
}
