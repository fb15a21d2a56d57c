/* The keys beside audit.key_file. */
#include "store/keyring.h"

#include "core/mem.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

struct store_keyring {
    struct store_audit_key *keys[STORE_KEYS_MAX];
    size_t n;
};

void store_keyring_destroy(struct store_keyring *r) {
    if (r != NULL) {
        for (size_t i = 0; i < r->n; i++) {
            store_audit_key_destroy(r->keys[i]);
        }
        mem_free(r);
    }
}

void store_keyring_destroyp(struct store_keyring **r) {
    store_keyring_destroy(*r);
}

const struct store_audit_key *store_keyring_find(
    const struct store_keyring *r, const char *fingerprint) {
    for (size_t i = 0; i < r->n; i++) {
        if (strcmp(store_audit_key_fingerprint(r->keys[i]), fingerprint) == 0) {
            return r->keys[i];
        }
    }
    return NULL;
}

/* Is `name` what a key beside the file `base` is called? */
static bool is_key_name(const char *name, const char *base) {
    size_t n = strlen(base);
    if (strncmp(name, base, n) != 0) {
        return false;
    }
    const char *rest = name + n;
    if (rest[0] == '\0' || strcmp(rest, ".next") == 0) {
        return true;
    }
    return rest[0] == '.' && rest[1] != '\0' && rest[1 + strspn(rest + 1, "0123456789")] == '\0';
}

static enum err add(struct store_keyring *r, const char *path) {
    if (r->n == STORE_KEYS_MAX) {
        return err_set(ERR_LIMIT, "%s: more than %d audit keys", path, STORE_KEYS_MAX);
    }
    struct store_audit_key *k = NULL;
    enum err e = store_audit_key_load(path, &k);
    if (e == ERR_NOT_FOUND) {
        return OK; /* a rotation has just renamed it; it is loaded under its other name */
    }
    TRY(e);
    r->keys[r->n++] = k;
    return OK;
}

static enum err add_all(struct store_keyring *r, DIR *dir, const char *folder, const char *base) {
    CLEANUP(buf_finish) struct buf path;
    buf_init(&path, 0);
    for (const struct dirent *d = readdir(dir); d != NULL; d = readdir(dir)) {
        if (is_key_name(d->d_name, base)) {
            buf_clear(&path);
            buf_printf(&path, "%s/%s", folder, d->d_name);
            TRY(buf_check(&path));
            TRY(add(r, buf_str(&path)));
        }
    }
    return OK;
}

static enum err load(struct store_keyring *r, const char *path) {
    CLEANUP(buf_finish) struct buf folder;
    buf_init(&folder, 0);
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        buf_putc(&folder, '.');
    } else {
        buf_put(&folder, path, slash == path ? 1 : (size_t)(slash - path));
    }
    TRY(buf_check(&folder));
    DIR *dir = opendir(buf_str(&folder));
    if (dir == NULL) {
        return err_set(
            errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s", buf_str(&folder), strerror(errno));
    }
    enum err e = add_all(r, dir, buf_str(&folder), slash == NULL ? path : slash + 1);
    closedir(dir);
    return e;
}

enum err store_keyring_load(const char *path, struct store_keyring **ret) {
    CLEANUP(store_keyring_destroyp) struct store_keyring *r = mem_zalloc(sizeof(*r));
    if (r == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    TRY(load(r, path));
    if (r->n == 0) {
        return err_set(ERR_NOT_FOUND, "there is no audit key at %s", path);
    }
    *ret = STEAL(r);
    return OK;
}
