/* One descriptor, the end of what is valid, and the place of the reader. */
#include "core/spool.h"

#include "core/buf.h"
#include "core/crypto.h"
#include "core/cur.h"
#include "core/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#define SEAL_BIT   UINT32_C(0x80000000)
#define CHECK_SIZE 8

static const char magic[16] = "parley spool 1\n";

struct spool {
    int fd;
    char *path;
    int64_t max_bytes;
    uint8_t name[SPOOL_NAME_SIZE];
    int64_t end;  /* of the last whole record */
    int64_t read; /* of what was read */
    int64_t seal; /* where it begins; 0 = none */
    size_t seal_n;
};

/* --- the form --- */

/* A check of what is there and of where it is: bytes left over from earlier contents are no
 * record. */
static void check_of(const uint8_t *name, int64_t place, const struct spool_record *r,
    uint8_t mark[SPOOL_MARK_SIZE]) {
    uint8_t head[SPOOL_NAME_SIZE + 8 + 4 + SHA256_SIZE];
    uint8_t digest[SHA256_SIZE];
    struct wr w = wr_make(head, sizeof(head));
    crypto_sha256(r->bytes, r->n, digest);
    wr_bytes(&w, name, SPOOL_NAME_SIZE);
    wr_u64(&w, (uint64_t)place);
    wr_u32(&w, (uint32_t)r->n | (r->seal ? SEAL_BIT : 0));
    wr_bytes(&w, digest, sizeof(digest));
    crypto_sha256(head, sizeof(head), digest);
    be32_put(mark, (uint32_t)r->n | (r->seal ? SEAL_BIT : 0));
    memcpy(mark + 4, digest, CHECK_SIZE);
}

void spool_mark(const uint8_t name[SPOOL_NAME_SIZE], int64_t place, const struct spool_record *r,
    uint8_t ret[SPOOL_MARK_SIZE]) {
    check_of(name, place, r, ret);
}

bool spool_parse(const uint8_t name[SPOOL_NAME_SIZE], int64_t place, const uint8_t *data, size_t n,
    struct spool_record *ret) {
    struct cur c = cur_make(data, n);
    uint8_t mark[SPOOL_MARK_SIZE];
    uint8_t want[SPOOL_MARK_SIZE];
    cur_bytes(&c, mark, sizeof(mark));
    const uint32_t length = be32_get(mark);
    struct spool_record r = { .n = length & ~SEAL_BIT, .seal = (length & SEAL_BIT) != 0 };
    if (c.bad || r.n > SPOOL_RECORD_MAX) {
        return false;
    }
    r.bytes = cur_take(&c, r.n);
    if (c.bad) {
        return false;
    }
    check_of(name, place, &r, want);
    if (memcmp(mark, want, sizeof(mark)) != 0) {
        return false;
    }
    *ret = r;
    return true;
}

/* --- the file --- */

static enum err failed(const struct spool *s, const char *what) {
    return err_set(ERR_IO, "cannot %s the spool %s: %s", what, s->path, strerror(errno));
}

/* All of it or an error; what was written of it lies behind the end, and is nothing. */
static enum err write_at(const struct spool *s, int64_t place, const void *bytes, size_t n) {
    const char *at = bytes;
    while (n > 0) {
        ssize_t done = pwrite(s->fd, at, n, place);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return failed(s, "write to");
        }
        at += done;
        place += done;
        n -= (size_t)done;
    }
    return OK;
}

/* As many bytes as there are. */
static enum err read_at(
    const struct spool *s, int64_t place, uint8_t *bytes, size_t n, size_t *ret_n) {
    size_t got = 0;
    while (got < n) {
        ssize_t done = pread(s->fd, bytes + got, n - got, place + (int64_t)got);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0) {
            return failed(s, "read");
        }
        if (done == 0) {
            break;
        }
        got += (size_t)done;
    }
    *ret_n = got;
    return OK;
}

/* With the new name old records are nothing, so a crash before they are cut off does no harm. */
static enum err write_head(struct spool *s) {
    uint8_t head[SPOOL_HEAD_SIZE];
    uint8_t name[SPOOL_NAME_SIZE];
    /* Not OpenSSL's generator: it keeps a state for each thread, which the pool's never give back.
     */
    if (uv_random(NULL, NULL, name, sizeof(name), 0, NULL) != 0) {
        return err_set(ERR_IO, "the system has no random bytes for %s", s->path);
    }
    memcpy(head, magic, sizeof(magic));
    memcpy(head + sizeof(magic), name, sizeof(name));
    TRY(write_at(s, 0, head, sizeof(head)));
    memcpy(s->name, name, sizeof(name));
    s->end = s->read = SPOOL_HEAD_SIZE;
    s->seal = 0;
    /* Where this fails what is left behind is overwritten, or cut off when it is opened. */
    return ftruncate(s->fd, SPOOL_HEAD_SIZE) == 0 ? OK : failed(s, "empty");
}

static enum err check_file(const struct spool *s, off_t *ret_size) {
    struct stat st;
    if (fstat(s->fd, &st) != 0) {
        return failed(s, "look at");
    }
    if (!S_ISREG(st.st_mode)) {
        return err_set(ERR_INVALID, "%s is no file", s->path);
    }
    if ((st.st_mode & 077) != 0) {
        return err_set(ERR_FORBIDDEN, "%s can be read by others: chmod 600 it", s->path);
    }
    *ret_size = st.st_size;
    return OK;
}

/* The records there are; what comes after the last whole one was cut short by a crash. */
static enum err find_end(struct spool *s) {
    CLEANUP(buf_finish) struct buf b;
    int64_t end = SPOOL_HEAD_SIZE;
    buf_init(&b, 0);
    for (;;) {
        bool seal = false;
        const int64_t place = s->read;
        enum err e = spool_next(s, &b, &seal);
        if (e == ERR_NOT_FOUND) {
            break;
        }
        TRY(e);
        end = s->read;
        if (seal) {
            s->seal = place;
            s->seal_n = b.len;
        }
    }
    s->read = SPOOL_HEAD_SIZE;
    s->end = end;
    return ftruncate(s->fd, s->end) == 0 ? OK : failed(s, "cut");
}

static enum err read_all(struct spool *s) {
    uint8_t head[SPOOL_HEAD_SIZE];
    off_t size = 0;
    size_t n = 0;
    TRY(check_file(s, &size));
    TRY(read_at(s, 0, head, sizeof(head), &n));
    if (n < sizeof(head)) { /* new, or killed while it was made */
        return n == 0 || memcmp(head, magic, n < sizeof(magic) ? n : sizeof(magic)) == 0
                   ? write_head(s)
                   : err_set(ERR_INVALID, "%s is no spool of Parley's", s->path);
    }
    if (memcmp(head, magic, sizeof(magic)) != 0) {
        return err_set(ERR_INVALID, "%s is no spool of Parley's", s->path);
    }
    memcpy(s->name, head + sizeof(magic), sizeof(s->name));
    s->read = SPOOL_HEAD_SIZE;
    s->end = size; /* as far as it may be looked */
    return find_end(s);
}

static enum err open_file(struct spool *s) {
    s->fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s->fd < 0) {
        return errno == ENOENT ? err_set(ERR_NOT_FOUND, "there is no folder for %s", s->path)
                               : failed(s, "open");
    }
    if (flock(s->fd, LOCK_EX | LOCK_NB) != 0) {
        return err_set(ERR_CONFLICT, "another process has the spool %s", s->path);
    }
    return read_all(s);
}

enum err spool_open(const char *path, int64_t max_bytes, struct spool **ret) {
    struct spool *s = mem_zalloc(sizeof(*s));
    if (s == NULL) {
        return err_set(ERR_NOMEM, "no memory for a spool");
    }
    s->fd = -1;
    s->max_bytes = max_bytes;
    s->path = mem_strdup(path);
    enum err e = s->path == NULL ? err_set(ERR_NOMEM, "no memory for a spool") : open_file(s);
    if (e != OK) {
        spool_close(s);
        return e;
    }
    *ret = s;
    return OK;
}

void spool_close(struct spool *s) {
    if (s != NULL) {
        if (s->fd >= 0) {
            close(s->fd);
        }
        mem_free(s->path);
        mem_free(s);
    }
}

bool spool_empty(const struct spool *s) {
    return s->end == SPOOL_HEAD_SIZE;
}

bool spool_sealed(const struct spool *s) {
    return s->seal != 0;
}

void spool_name(const struct spool *s, char ret[2 * SPOOL_NAME_SIZE + 1]) {
    crypto_hex(s->name, sizeof(s->name), ret);
}

/* --- adding --- */

static enum err put(struct spool *s, int64_t place, const struct spool_record *r) {
    uint8_t mark[SPOOL_MARK_SIZE];
    check_of(s->name, place, r, mark);
    /* The bytes first: without its mark a record is nothing. */
    TRY(write_at(s, place + SPOOL_MARK_SIZE, r->bytes, r->n));
    return write_at(s, place, mark, sizeof(mark));
}

enum err spool_add(struct spool *s, const void *bytes, size_t n) {
    const struct spool_record r = { .bytes = bytes, .n = n };
    const int64_t end = s->end + SPOOL_MARK_SIZE + (int64_t)n;
    if (n > SPOOL_RECORD_MAX) {
        return err_set(ERR_TOO_LARGE, "a record of more than %d bytes", SPOOL_RECORD_MAX);
    }
    if (s->seal != 0 || end > s->max_bytes) {
        return err_set(ERR_LIMIT, "the spool %s is full", s->path);
    }
    TRY(put(s, s->end, &r));
    s->end = end;
    return OK;
}

enum err spool_seal(struct spool *s, const void *bytes, size_t n) {
    const struct spool_record r = { .bytes = bytes, .n = n, .seal = true };
    if (n > SPOOL_RECORD_MAX) {
        return err_set(ERR_TOO_LARGE, "a record of more than %d bytes", SPOOL_RECORD_MAX);
    }
    if (s->seal == 0) {
        TRY(put(s, s->end, &r));
        s->seal = s->end;
        s->seal_n = n;
        s->end += SPOOL_MARK_SIZE + (int64_t)n;
        return OK;
    }
    if (s->seal_n != n) {
        return err_set(ERR_CONFLICT, "the spool %s has another seal", s->path);
    }
    /* In one write, so that whoever is killed leaves the old one or the new one. */
    uint8_t mark[SPOOL_MARK_SIZE];
    CLEANUP(buf_finish) struct buf whole;
    buf_init(&whole, 0);
    check_of(s->name, s->seal, &r, mark);
    buf_put(&whole, mark, sizeof(mark));
    buf_put(&whole, bytes, n);
    TRY(buf_check(&whole));
    return write_at(s, s->seal, whole.data, whole.len);
}

enum err spool_sync(struct spool *s) {
    return fdatasync(s->fd) == 0 ? OK : failed(s, "sync");
}

/* --- reading --- */

enum err spool_next(struct spool *s, struct buf *ret, bool *ret_seal) {
    uint8_t mark[SPOOL_MARK_SIZE];
    struct spool_record r;
    size_t n = 0;
    buf_clear(ret);
    if (s->read + SPOOL_MARK_SIZE > s->end) {
        return err_set(ERR_NOT_FOUND, "the end of the spool");
    }
    TRY(read_at(s, s->read, mark, sizeof(mark), &n));
    const size_t length = n < sizeof(mark) ? 0 : be32_get(mark) & ~SEAL_BIT;
    uint8_t *whole = length > SPOOL_RECORD_MAX ? NULL : buf_room(ret, SPOOL_MARK_SIZE + length);
    if (whole == NULL) {
        return length > SPOOL_RECORD_MAX ? err_set(ERR_NOT_FOUND, "no record in the spool")
                                         : buf_check(ret);
    }
    TRY(read_at(s, s->read, whole, SPOOL_MARK_SIZE + length, &n));
    if (!spool_parse(s->name, s->read, whole, n, &r)) {
        return err_set(ERR_NOT_FOUND, "no record in the spool");
    }
    memmove(whole, r.bytes, r.n);
    whole[r.n] = '\0';
    ret->len = r.n;
    s->read += SPOOL_MARK_SIZE + (int64_t)r.n;
    *ret_seal = r.seal;
    return OK;
}

enum err spool_read_seal(struct spool *s, struct buf *ret) {
    const int64_t place = s->read;
    bool seal = false;
    if (s->seal == 0) {
        return err_set(ERR_NOT_FOUND, "the spool %s has no seal", s->path);
    }
    s->read = s->seal;
    enum err e = spool_next(s, ret, &seal);
    s->read = place;
    return e;
}

int64_t spool_place(const struct spool *s) {
    return s->read;
}

void spool_go(struct spool *s, int64_t place) {
    s->read = place;
}

enum err spool_clear(struct spool *s) {
    return write_head(s);
}
