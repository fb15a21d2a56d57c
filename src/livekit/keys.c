/* API keys: from texts, from files of one text, or from a file of pairs. */
#include "livekit/keys.h"

#include "core/buf.h"
#include "core/crypto.h"
#include "core/log.h"
#include "core/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES (64 * KIB)
#define INVENTED_BYTES 12 /* of a key that we make: it is no secret, only a name */
#define BLANKS         " \t\r\n"

struct pair {
    char *key;
    char *secret;
};

struct lk_keys {
    struct pair pairs[LK_KEYS_MAX];
    size_t n;
};

/* --- files --- */

static enum err read_all(int fd, const char *path, char **ret) {
    CLEANUP(mem_freep) char *bytes = mem_zalloc(FILE_MAX_BYTES + 1);
    size_t len = 0;
    if (bytes == NULL) {
        return err_set(ERR_NOMEM, "no memory for %s", path);
    }
    for (;;) {
        ssize_t n = read(fd, bytes + len, FILE_MAX_BYTES + 1 - len);
        if (n < 0 && errno != EINTR) {
            return err_set(ERR_IO, "%s: cannot read: %s", path, strerror(errno));
        }
        if (n == 0) {
            break;
        }
        len += n > 0 ? (size_t)n : 0;
        if (len > FILE_MAX_BYTES) {
            explicit_bzero(bytes, len);
            return err_set(ERR_TOO_LARGE, "%s: want at most %zu bytes", path, FILE_MAX_BYTES);
        }
    }
    bytes[len] = '\0';
    if (strlen(bytes) != len) {
        explicit_bzero(bytes, len);
        return err_set(ERR_INVALID, "%s: want a text, without a NUL in it", path);
    }
    *ret = STEAL(bytes);
    return OK;
}

/* The files that container platforms mount are often readable for all: said, not refused. */
static void warn_of_mode(int fd, const char *path) {
    struct stat st;
    if (fstat(fd, &st) == 0 && (st.st_mode & 007) != 0) {
        LOG_WARN(&log_root, "key_file_open_to_all", "path=%s next=%s", LOG_Q(path), "chmod o=");
    }
}

/* Gives the text; mem_free_secret. */
static enum err read_text(const char *path, char **ret) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return err_set(
            errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: cannot open: %s", path, strerror(errno));
    }
    warn_of_mode(fd, path);
    enum err e = read_all(fd, path, ret);
    close(fd);
    return e;
}

/* --- pairs --- */

static void freep_secret(char **s) {
    mem_free_secret(*s);
}

/* A copy without the blanks around it, which editors and `echo` leave. */
static char *trimmed(const char *s, size_t n) {
    while (n > 0 && strchr(BLANKS, s[n - 1]) != NULL) {
        n--;
    }
    while (n > 0 && strchr(BLANKS, s[0]) != NULL) {
        s++;
        n--;
    }
    char *copy = mem_alloc(n + 1);
    if (copy != NULL) {
        memcpy(copy, s, n);
        copy[n] = '\0';
    }
    return copy;
}

static bool fits(const char *s) {
    size_t n = strlen(s);
    return n > 0 && n <= LK_KEY_MAX_BYTES;
}

/* Takes both, also when it fails. `where` is for the sentence. */
static enum err add(struct lk_keys *k, char *key, char *secret, const char *where) {
    CLEANUP(mem_freep) char *own_key = key;
    CLEANUP(freep_secret) char *own_secret = secret;
    if (key == NULL || secret == NULL) {
        return err_set(ERR_NOMEM, "no memory for an API key");
    }
    if (!fits(key) || !fits(secret)) {
        return err_set(
            ERR_INVALID, "%s: want a key and a secret of 1 to %d bytes", where, LK_KEY_MAX_BYTES);
    }
    if (lk_keys_secret(k, key) != NULL) {
        return err_set(ERR_INVALID, "%s: a key is there twice", where);
    }
    if (k->n == LK_KEYS_MAX) {
        return err_set(ERR_LIMIT, "%s: want at most %d keys", where, LK_KEYS_MAX);
    }
    k->pairs[k->n++] = (struct pair){ STEAL(own_key), STEAL(own_secret) };
    return OK;
}

/* One "key: secret"; lines that are empty or begin with # say nothing. The sentence has the number
 * of the line only: the line is a secret. */
static enum err add_line(
    struct lk_keys *k, const char *path, const char *line, size_t n, int number) {
    size_t blank = strspn(line, BLANKS);
    if (blank >= n || line[blank] == '#') {
        return OK;
    }
    const char *colon = memchr(line, ':', n);
    if (colon == NULL) {
        return err_set(ERR_INVALID, "%s:%d: want lines of the form \"key: secret\"", path, number);
    }
    size_t key = (size_t)(colon - line);
    return add(k, trimmed(line, key), trimmed(colon + 1, n - key - 1), path);
}

static enum err add_file(struct lk_keys *k, const char *path) {
    CLEANUP(freep_secret) char *text = NULL;
    TRY(read_text(path, &text));
    int number = 1;
    for (const char *line = text; *line != '\0'; number++) {
        size_t n = strcspn(line, "\n");
        TRY(add_line(k, path, line, n, number));
        line += n + (line[n] == '\n');
    }
    return k->n > 0 ? OK : err_set(ERR_INVALID, "%s: want a line \"key: secret\"", path);
}

/* The text itself, or what is in the file. */
static enum err text_of(const char *text, const char *path, char **ret) {
    CLEANUP(freep_secret) char *bytes = NULL;
    if (path[0] != '\0') {
        TRY(read_text(path, &bytes));
        text = bytes;
    }
    *ret = trimmed(text, strlen(text));
    return *ret != NULL ? OK : err_set(ERR_NOMEM, "no memory for an API key");
}

static enum err add_one(struct lk_keys *k, const struct lk_keys_source *from) {
    CLEANUP(mem_freep) char *key = NULL;
    CLEANUP(freep_secret) char *secret = NULL;
    TRY(text_of(from->key, from->key_from_file, &key));
    TRY(text_of(from->secret, from->secret_from_file, &secret));
    if (key[0] == '\0' || secret[0] == '\0') {
        return err_set(ERR_INVALID,
            "livekit.%s is not set: a LiveKit server needs livekit.url, a key and a secret",
            key[0] == '\0' ? "key" : "secret");
    }
    return add(k, STEAL(key), STEAL(secret), "livekit.key and livekit.secret");
}

/* --- the door --- */

bool lk_keys_said(const struct lk_keys_source *from) {
    return from->key[0] != '\0' || from->secret[0] != '\0' || from->key_from_file[0] != '\0' ||
           from->secret_from_file[0] != '\0' || from->key_file[0] != '\0';
}

enum err lk_keys_invent(struct lk_keys **ret) {
    char name[TOKEN_TEXT_SIZE];
    char secret[TOKEN_TEXT_SIZE];
    crypto_token(name);
    crypto_token(secret);
    name[INVENTED_BYTES] = '\0';
    const struct lk_keys_source from = {
        .key = name, .secret = secret, .key_from_file = "", .secret_from_file = "", .key_file = ""
    };
    enum err e = lk_keys_create(&from, ret);
    explicit_bzero(secret, sizeof(secret));
    return e;
}

enum err lk_keys_create(const struct lk_keys_source *from, struct lk_keys **ret) {
    CLEANUP(lk_keys_destroyp) struct lk_keys *k = mem_zalloc(sizeof(*k));
    if (k == NULL) {
        return err_set(ERR_NOMEM, "no memory for API keys");
    }
    TRY(from->key_file[0] != '\0' ? add_file(k, from->key_file) : add_one(k, from));
    *ret = STEAL(k);
    return OK;
}

void lk_keys_destroy(struct lk_keys *k) {
    if (k == NULL) {
        return;
    }
    for (size_t i = 0; i < k->n; i++) {
        mem_free(k->pairs[i].key);
        mem_free_secret(k->pairs[i].secret);
    }
    mem_free(k);
}

void lk_keys_destroyp(struct lk_keys **k) {
    lk_keys_destroy(*k);
}

const char *lk_keys_secret(const struct lk_keys *k, const char *key) {
    const char *found = NULL;
    for (size_t i = 0; i < k->n; i++) {
        found = crypto_equal(k->pairs[i].key, key) ? k->pairs[i].secret : found;
    }
    return found;
}

const char *lk_keys_signing_key(const struct lk_keys *k) {
    return k->pairs[0].key;
}

const char *lk_keys_signing_secret(const struct lk_keys *k) {
    return k->pairs[0].secret;
}
