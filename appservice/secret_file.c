/*
 * Files that hold secrets.  Thread: any; blocks.
 */
#include "appservice/secret_file.h"

#include "core/buf.h"
#include "core/crypto.h"
#include "core/mem.h"

#include <errno.h>
#include <fcntl.h>
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

/* The new name lasts once its folder is on the disk. */
static enum err folder_sync(const char *path) {
    CLEANUP(buf_finish) struct buf folder;
    const char *slash = strrchr(path, '/');
    buf_init(&folder, 0);
    buf_put(&folder, path, slash == NULL ? 0 : (size_t)(slash - path) + 1);
    buf_putc(&folder, '.');
    TRY(buf_check(&folder));
    int fd = open(buf_str(&folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return io_err(path, "keep");
    }
    enum err e = fsync(fd) == 0 ? OK : io_err(path, "keep");
    close(fd);
    return e;
}

enum err as_secret_file_write(const char *path, const char *bytes, size_t len) {
    CLEANUP(buf_finish) struct buf draft;
    uint8_t random[8];
    char suffix[2 * sizeof random + 1];
    crypto_random(random, sizeof random);
    crypto_hex(random, sizeof random, suffix);
    buf_init(&draft, 0);
    buf_printf(&draft, "%s.%s", path, suffix);
    TRY(buf_check(&draft));
    int fd = open(buf_str(&draft), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return io_err(buf_str(&draft), "create");
    }
    enum err e = file_fill(fd, buf_str(&draft), bytes, len);
    if (close(fd) != 0 && e == OK) {
        e = io_err(buf_str(&draft), "write");
    }
    e = e == OK ? file_place(buf_str(&draft), path) : e;
    if (e != OK) {
        unlink(buf_str(&draft));
        return e;
    }
    return folder_sync(path);
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
            "%s: others may read or change it, and it holds the keys to every account: chmod o= %s",
            path, path);
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

enum err as_secret_file_read(const char *path, size_t max, char **ret, size_t *ret_len) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return err_set(
            errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: cannot open: %s", path, strerror(errno));
    }
    enum err e = file_read(fd, path, max, ret, ret_len);
    close(fd);
    return e;
}
