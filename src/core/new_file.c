/* Files that appear whole or not at all. */
#include "core/new_file.h"

#include "core/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CHUNK (64 * KIB) /* bytes that are written at once */

struct new_file {
    char *path;
    char *part;
    int fd;
    bool committed;
    size_t n;
    char bytes[CHUNK];
};

static enum err fail(const struct new_file *f) {
    return err_set(errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s", f->path, strerror(errno));
}

void new_file_destroy(struct new_file *f) {
    if (f == NULL) {
        return;
    }
    if (f->fd >= 0) {
        close(f->fd);
        if (!f->committed) {
            unlink(f->part);
        }
    }
    mem_free(f->path);
    mem_free(f->part);
    mem_free(f);
}

void new_file_destroyp(struct new_file **f) {
    new_file_destroy(*f);
}

enum err new_file_create(const char *path, mode_t mode, struct new_file **ret) {
    static const char ending[] = ".part";
    CLEANUP(new_file_destroyp) struct new_file *f = mem_zalloc(sizeof(*f));
    if (f == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    f->fd = -1;
    f->path = mem_strdup(path);
    f->part = mem_alloc(strlen(path) + sizeof(ending));
    if (f->path == NULL || f->part == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    snprintf(f->part, strlen(path) + sizeof(ending), "%s%s", path, ending);
    /* Removed first: whoever may write into the folder must not lead us elsewhere by a link. */
    (void)unlink(f->part);
    f->fd = open(f->part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (f->fd < 0) {
        return fail(f);
    }
    *ret = STEAL(f);
    return OK;
}

static enum err flush(struct new_file *f) {
    for (size_t done = 0; done < f->n;) {
        ssize_t n = write(f->fd, f->bytes + done, f->n - done);
        if (n < 0 && errno != EINTR) {
            return fail(f);
        }
        done += n > 0 ? (size_t)n : 0;
    }
    f->n = 0;
    return OK;
}

enum err new_file_write(struct new_file *f, const void *bytes, size_t n) {
    const char *from = bytes;
    while (n > 0) {
        size_t room = sizeof(f->bytes) - f->n;
        size_t some = n < room ? n : room;
        memcpy(f->bytes + f->n, from, some);
        f->n += some;
        from += some;
        n -= some;
        if (f->n == sizeof(f->bytes)) {
            TRY(flush(f));
        }
    }
    return OK;
}

/* A new name lasts once its folder is on the disk. */
static enum err sync_folder(const struct new_file *f) {
    char *slash = strrchr(f->part, '/');
    char *end = slash == NULL ? f->part : slash == f->part ? slash + 1 : slash;
    *end = '\0'; /* the part has its other name by now */
    int fd = open(slash == NULL ? "." : f->part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;
    enum err e = good ? OK : fail(f);
    if (fd >= 0) {
        close(fd);
    }
    return e;
}

enum err new_file_commit(struct new_file *f) {
    TRY(flush(f));
    if (fsync(f->fd) != 0 || rename(f->part, f->path) != 0) {
        return fail(f);
    }
    f->committed = true;
    return sync_folder(f);
}
