/* The file with the key of the audit chain: 64 hex digits and a newline, for its owner alone. */
#include "store/audit_key.h"

#include "core/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEX_DIGITS (2 * STORE_AUDIT_KEY_SIZE)
#define PATH_SIZE  4096 /* PATH_MAX of Linux */

static void closep(int *fd) {
    if (*fd >= 0) {
        close(*fd);
    }
}

static enum err key_create(
    const char *path, const uint8_t bytes[STORE_AUDIT_KEY_SIZE], struct store_audit_key **ret) {
    CLEANUP(store_audit_key_destroyp) struct store_audit_key *k = mem_zalloc(sizeof(*k));
    if (k == NULL || (k->path = mem_strdup(path)) == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    TRY(hmac_key_create(bytes, STORE_AUDIT_KEY_SIZE, &k->hmac));
    uint8_t digest[SHA256_SIZE];
    crypto_sha256(bytes, STORE_AUDIT_KEY_SIZE, digest);
    crypto_hex(digest, (STORE_AUDIT_FINGERPRINT_SIZE - 1) / 2, k->fingerprint);
    *ret = STEAL(k);
    return OK;
}

void store_audit_key_destroy(struct store_audit_key *k) {
    if (k != NULL) {
        hmac_key_destroy(k->hmac);
        mem_free(k->path);
        mem_free(k);
    }
}

void store_audit_key_destroyp(struct store_audit_key **k) {
    store_audit_key_destroy(*k);
}

const char *store_audit_key_fingerprint(const struct store_audit_key *k) {
    return k->fingerprint;
}

static enum err check_file(int fd, const char *path) {
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return err_set(ERR_IO, "%s: %s", path, strerror(errno));
    }
    if (!S_ISREG(st.st_mode)) {
        return err_set(ERR_INVALID, "%s: not a plain file", path);
    }
    if ((st.st_mode & 077) != 0) {
        return err_set(ERR_INVALID, "%s: others may read the audit key (mode %03o): chmod 600 it",
            path, (unsigned)st.st_mode & 0777);
    }
    return OK;
}

enum err store_audit_key_load(const char *path, struct store_audit_key **ret) {
    CLEANUP(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return err_set(errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s", path, strerror(errno));
    }
    TRY(check_file(fd, path));
    char text[HEX_DIGITS + 3]; /* a newline, one byte too many, and a NUL */
    ssize_t n = read(fd, text, sizeof(text) - 1);
    if (n < 0) {
        return err_set(ERR_IO, "%s: %s", path, strerror(errno));
    }
    text[n] = '\0';
    if (n == HEX_DIGITS + 1 && text[HEX_DIGITS] == '\n') {
        text[HEX_DIGITS] = '\0';
    }
    uint8_t bytes[STORE_AUDIT_KEY_SIZE];
    bool good = crypto_unhex(text, bytes, sizeof(bytes));
    explicit_bzero(text, sizeof(text));
    enum err e = good ? key_create(path, bytes, ret)
                      : err_set(ERR_INVALID, "%s: want %d hex digits", path, HEX_DIGITS);
    explicit_bzero(bytes, sizeof(bytes));
    return e;
}

/* For the owner of the file `like`, when it is there: who rotates the key may be root. */
static enum err give(int fd, const char *path, const char *like) {
    struct stat old;
    struct stat st;
    if (like == NULL || stat(like, &old) != 0) {
        return OK;
    }
    if (fstat(fd, &st) == 0 && st.st_uid == old.st_uid && st.st_gid == old.st_gid) {
        return OK;
    }
    return fchown(fd, old.st_uid, old.st_gid) == 0
               ? OK
               : err_set(ERR_IO, "%s: cannot be given to the owner of %s, try as root: %s", path,
                     like, strerror(errno));
}

/* Writes and syncs a file that is not there yet. */
static enum err write_file(const char *path, const char *text, size_t n, const char *like) {
    CLEANUP(closep) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return err_set(ERR_IO, "%s: %s", path, strerror(errno));
    }
    TRY(give(fd, path, like));
    if (write(fd, text, n) != (ssize_t)n || fsync(fd) != 0) {
        return err_set(ERR_IO, "%s: %s", path, strerror(errno));
    }
    return OK;
}

static enum err sync_directory(const char *path) {
    char copy[PATH_SIZE];
    snprintf(copy, sizeof(copy), "%s", path);
    CLEANUP(closep) int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) {
        return err_set(ERR_IO, "%s: its directory cannot be synced: %s", path, strerror(errno));
    }
    return OK;
}

/* A link appears whole or not at all and replaces nothing: two processes that start at once keep
 * one key. */
static enum err publish(const char *from, const char *to) {
    if (link(from, to) != 0) {
        return errno == EEXIST ? err_set(ERR_CONFLICT, "%s: there is an audit key already", to)
                               : err_set(ERR_IO, "%s: %s", to, strerror(errno));
    }
    return sync_directory(to);
}

/* `path` and what is behind it. */
static enum err name(char ret[PATH_SIZE], const char *path, const char *behind) {
    int len = snprintf(ret, PATH_SIZE, "%s%s", path, behind);
    return len >= 0 && len < PATH_SIZE ? OK
                                       : err_set(ERR_INVALID, "%s: the path is too long", path);
}

static enum err generate(const char *path, const char *like, struct store_audit_key **ret) {
    char aside[PATH_SIZE];
    char pid[24];
    snprintf(pid, sizeof(pid), ".%ld", (long)getpid());
    TRY(name(aside, path, pid));
    uint8_t bytes[STORE_AUDIT_KEY_SIZE];
    crypto_random(bytes, sizeof(bytes));
    CLEANUP(store_audit_key_destroyp) struct store_audit_key *k = NULL;
    TRY(key_create(path, bytes, &k));
    char text[HEX_DIGITS + 1];
    crypto_hex(bytes, sizeof(bytes), text);
    text[HEX_DIGITS] = '\n';
    enum err e = write_file(aside, text, sizeof(text), like);
    if (e == OK) {
        e = publish(aside, path);
    }
    (void)unlink(aside);
    explicit_bzero(bytes, sizeof(bytes));
    explicit_bzero(text, sizeof(text));
    TRY(e);
    *ret = STEAL(k);
    return OK;
}

enum err store_audit_key_generate(const char *path, struct store_audit_key **ret) {
    return generate(path, NULL, ret);
}

/* --- the next one --- */

enum err store_audit_key_next(const char *path, struct store_audit_key **ret) {
    char next[PATH_SIZE];
    TRY(name(next, path, ".next"));
    enum err e = generate(next, path, ret);
    return e == ERR_CONFLICT ? store_audit_key_load(next, ret) : e;
}

static enum err same_key(const char *one, const char *other) {
    CLEANUP(store_audit_key_destroyp) struct store_audit_key *a = NULL;
    CLEANUP(store_audit_key_destroyp) struct store_audit_key *b = NULL;
    TRY(store_audit_key_load(one, &a));
    TRY(store_audit_key_load(other, &b));
    return strcmp(a->fingerprint, b->fingerprint) == 0
               ? OK
               : err_set(ERR_CONFLICT, "%s: another key has this name; move it away", other);
}

enum err store_audit_key_keep(const char *path, int epoch) {
    char kept[PATH_SIZE];
    char number[24];
    snprintf(number, sizeof(number), ".%d", epoch);
    TRY(name(kept, path, number));
    enum err e = publish(path, kept);
    return e == ERR_CONFLICT ? same_key(path, kept) : e;
}

enum err store_audit_key_take_over(const char *path) {
    char next[PATH_SIZE];
    TRY(name(next, path, ".next"));
    if (rename(next, path) != 0) {
        return err_set(ERR_IO, "%s: %s", path, strerror(errno));
    }
    return sync_directory(path);
}

/* The file is renamed at some moment, so it may be under its first name after all. */
enum err store_audit_key_follow(struct store_audit_key *k, const char *fingerprint) {
    static const char *const behind[] = { "", ".next", "" };
    for (size_t i = 0; i < COUNT_OF(behind); i++) {
        if (strcmp(k->fingerprint, fingerprint) == 0) {
            return OK;
        }
        CLEANUP(store_audit_key_destroyp) struct store_audit_key *other = NULL;
        char path[PATH_SIZE];
        TRY(name(path, k->path, behind[i]));
        enum err e = store_audit_key_load(path, &other);
        if (e == ERR_NOMEM) {
            return e;
        }
        if (e == OK && strcmp(other->fingerprint, fingerprint) == 0) {
            struct hmac_key *hmac = k->hmac;
            k->hmac = other->hmac;
            other->hmac = hmac;
            memcpy(k->fingerprint, other->fingerprint, sizeof(k->fingerprint));
        }
    }
    return strcmp(k->fingerprint, fingerprint) == 0 ? OK
                                                    : err_set(ERR_NOT_FOUND,
                                                          "the audit is written with another key "
                                                          "by now (fingerprint %s): bring its file "
                                                          "here as %s",
                                                          fingerprint, k->path);
}
