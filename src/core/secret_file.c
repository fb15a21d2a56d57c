/*
 * Files that hold secrets.  Thread: any; blocks.
 */
#include "core/secret_file.h"

#include "core/buf.h"
#include "core/crypto.h"
#include "core/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err io_err(const char *path, const char *what) {
    return err_set(
        errno == EEXIST ? ERR_CONFLICT : ERR_IO, "%s: cannot %s: %s", path, what, strerror(errno));
}

/* Writes all of it and makes it last. */
static enum err file_fill(int fd, const char *path, const char *bytes, size_t len) {
    for (size_t done = 0; done < len;) {
        ssize_t n = write(fd, bytes + done, len - done);
        if (n < 0 && errno != EINTR) {
            return io_err(path, "write");
        }
        done += n > 0 ? (size_t)n : 0;
    }
    return fsync(fd) == 0 ? OK : io_err(path, "write");
}

/* A rename that never replaces. Some file systems (NFS) do not know it; a hard link is as good. */
static enum err file_place(const char *from, const char *to) {
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) {
        return OK;
    }
    if (errno != EINVAL && errno != ENOSYS) {
        return io_err(to, "create");
    }
    return link(from, to) == 0 && unlink(from) == 0 ? OK : io_err(to, "create");
}

/* The folder a file is in, with "/." behind it. */
static enum err folder_of(const char *path, struct buf *ret) {
    const char *slash = strrchr(path, '/');
    buf_put(ret, path, slash == NULL ? 0 : (size_t)(slash - path) + 1);
    buf_putc(ret, '.');
    return buf_check(ret);
}

static void closep(int *fd) {
    if (*fd >= 0) {
        close(*fd);
    }
}

/* Opened before a name is changed, so that nothing but the disk can fail afterwards. */
static enum err folder_open(const char *path, int *ret) {
    CLEANUP(buf_finish) struct buf folder;
    buf_init(&folder, 0);
    TRY(folder_of(path, &folder));
    *ret = open(buf_str(&folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *ret >= 0 ? OK : io_err(path, "open the folder of");
}

/* A new name lasts once its folder is on the disk. */
static enum err folder_sync(int folder, const char *path) {
    return fsync(folder) == 0 ? OK : io_err(path, "keep");
}

/* What root makes is for the service, whose folder it is. */
static enum err file_give(int fd, const char *path) {
    CLEANUP(buf_finish) struct buf folder;
    struct stat st;
    buf_init(&folder, 0);
    TRY(folder_of(path, &folder));
    if (geteuid() != 0 || stat(buf_str(&folder), &st) != 0 || (st.st_uid == 0 && st.st_gid == 0)) {
        return OK;
    }
    mode_t mode = st.st_uid == 0 ? 0640 : 0600;
    bool given = fchown(fd, st.st_uid, st.st_gid) == 0 && fchmod(fd, mode) == 0;
    return given ? OK : io_err(path, "give away");
}

/* Owner, group and mode of the file it will replace: another program reads it as well. */
static enum err file_resemble(int fd, const char *path) {
    struct stat old;
    struct stat new;
    if (stat(path, &old) != 0) {
        return errno == ENOENT ? err_set(ERR_NOT_FOUND, "%s: there is no such file", path)
                               : io_err(path, "read");
    }
    if (fstat(fd, &new) != 0) {
        return io_err(path, "create");
    }
    bool same = old.st_uid == new.st_uid &&old.st_gid == new.st_gid;
    if (!same && fchown(fd, old.st_uid, old.st_gid) != 0) {
        return io_err(path, "keep the owner of the file, try as root");
    }
    return fchmod(fd, old.st_mode & 0777) == 0 ? OK : io_err(path, "keep the mode of");
}

/* A file of its own beside the one that is meant. */
struct draft {
    struct buf name;
    int fd;
};

static void draft_finish(struct draft *d) {
    if (d->fd >= 0) {
        close(d->fd);
        unlink(buf_str(&d->name));
    }
    buf_finish(&d->name);
}

static enum err draft_open(struct draft *d, const char *path) {
    uint8_t random[8];
    char suffix[2 * sizeof random + 1];
    crypto_random(random, sizeof random);
    crypto_hex(random, sizeof random, suffix);
    buf_printf(&d->name, "%s.%s", path, suffix);
    TRY(buf_check(&d->name));
    d->fd = open(buf_str(&d->name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return d->fd >= 0 ? OK : io_err(buf_str(&d->name), "create");
}

enum err secret_file_write(const char *path, const char *bytes, size_t len) {
    CLEANUP(closep) int folder = -1;
    CLEANUP(draft_finish) struct draft d = { .fd = -1 };
    buf_init(&d.name, 0);
    TRY(draft_open(&d, path));
    TRY(folder_open(path, &folder));
    TRY(file_give(d.fd, path));
    TRY(file_fill(d.fd, buf_str(&d.name), bytes, len));
    TRY(file_place(buf_str(&d.name), path));
    return folder_sync(folder, path);
}

/* --- changing --- */

enum err secret_file_old_name(const char *path, struct buf *ret) {
    buf_printf(ret, "%s.old", path);
    return buf_check(ret);
}

enum err secret_file_replace(const char *path, const char *bytes, size_t len) {
    CLEANUP(closep) int folder = -1;
    CLEANUP(draft_finish) struct draft d = { .fd = -1 };
    CLEANUP(buf_finish) struct buf old;
    buf_init(&d.name, 0);
    buf_init(&old, 0);
    TRY(secret_file_old_name(path, &old));
    TRY(draft_open(&d, path));
    TRY(folder_open(path, &folder));
    TRY(file_resemble(d.fd, path));
    TRY(file_fill(d.fd, buf_str(&d.name), bytes, len));
    if (link(path, buf_str(&old)) != 0) {
        return errno == EEXIST ? err_set(ERR_CONFLICT,
                                     "%s is still there: finish the change that is under way first",
                                     buf_str(&old))
                               : io_err(buf_str(&old), "create");
    }
    if (rename(buf_str(&d.name), path) != 0) {
        enum err e = io_err(path, "replace");
        unlink(buf_str(&old));
        return e;
    }
    return folder_sync(folder, path);
}

enum err secret_file_drop_old(const char *path) {
    CLEANUP(closep) int folder = -1;
    CLEANUP(buf_finish) struct buf old;
    buf_init(&old, 0);
    TRY(secret_file_old_name(path, &old));
    TRY(folder_open(path, &folder));
    if (unlink(buf_str(&old)) != 0) {
        return errno == ENOENT
                   ? err_set(ERR_NOT_FOUND, "%s: nothing is being changed", buf_str(&old))
                   : io_err(buf_str(&old), "remove");
    }
    return folder_sync(folder, path);
}

/* --- reading --- */

static enum err file_check(int fd, const char *path, size_t max, size_t *ret_size) {
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return io_err(path, "read");
    }
    if (!S_ISREG(st.st_mode)) {
        return err_set(ERR_INVALID, "%s: want a file", path);
    }
    if ((st.st_mode & 007) != 0) {
        return err_set(ERR_FORBIDDEN,
            "%s: others may read or change it, and it is a secret: chmod o= %s", path, path);
    }
    if ((size_t)st.st_size > max) {
        return err_set(ERR_TOO_LARGE, "%s: want at most %zu bytes", path, max);
    }
    *ret_size = (size_t)st.st_size;
    return OK;
}

/* Checked and read through one descriptor, so that nobody swaps the file in between. */
static enum err file_read(int fd, const char *path, size_t max, char **ret, size_t *ret_len) {
    size_t size = 0;
    size_t done = 0;
    TRY(file_check(fd, path, max, &size));
    CLEANUP(mem_freep) char *bytes = mem_zalloc(size + 1);
    if (bytes == NULL) {
        return err_set(ERR_NOMEM, "no memory for %s", path);
    }
    while (done < size) {
        ssize_t n = read(fd, bytes + done, size - done);
        if (n < 0 && errno != EINTR) {
            return io_err(path, "read");
        }
        if (n == 0) {
            break;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    *ret = STEAL(bytes);
    *ret_len = done;
    return OK;
}

enum err secret_file_read(const char *path, size_t max, char **ret, size_t *ret_len) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return err_set(
            errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: cannot open: %s", path, strerror(errno));
    }
    enum err e = file_read(fd, path, max, ret, ret_len);
    close(fd);
    return e;
}
