#include "core/buf.h"
#include "core/secret_file.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder of its own, with a file in it. */
struct place {
    char folder[64];
    char path[96];
    char old[104];
};

static void place_init(struct place *p) {
    snprintf(p->folder, sizeof(p->folder), "/tmp/parley-secret-XXXXXX");
    CHECK(mkdtemp(p->folder) != NULL);
    snprintf(p->path, sizeof(p->path), "%s/token", p->folder);
    snprintf(p->old, sizeof(p->old), "%s.old", p->path);
}

static void place_finish(struct place *p) {
    unlink(p->path);
    unlink(p->old);
    CHECK_INT(0, rmdir(p->folder)); /* nothing else stayed behind */
}

static void check_holds(const char *path, const char *want) {
    CLEANUP(mem_freep) char *bytes = NULL;
    size_t n = 0;
    CHECK_ERR(OK, secret_file_read(path, 100, &bytes, &n));
    CHECK_STR(want, bytes);
    CHECK_INT(strlen(want), n);
}

static int mode_of(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 ? (int)(st.st_mode & 0777) : -1;
}

TEST(core_secret_file, writes_once_for_its_owner) {
    CLEANUP(place_finish) struct place p;
    place_init(&p);
    CHECK_ERR(OK, secret_file_write(p.path, "one", 3));
    CHECK_INT(0600, mode_of(p.path));
    CHECK_ERR(ERR_CONFLICT, secret_file_write(p.path, "two", 3));
    check_holds(p.path, "one");
}

TEST(core_secret_file, belongs_to_whom_the_folder_belongs_to) {
    static const struct {
        const char *name;
        uid_t uid;
        gid_t gid;
        int mode;
    } rows[] = {
        { "the service's folder", 65534, 65534, 0600 },
        { "root's folder for the service's group", 0, 65534, 0640 },
        { "root's folder", 0, 0, 0600 },
    };
    if (geteuid() != 0) {
        return; /* only root gives files away */
    }
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CLEANUP(place_finish) struct place p;
        place_init(&p);
        struct stat st;
        CHECK_INT(0, chown(p.folder, r->uid, r->gid));
        CHECK_ERR(OK, secret_file_write(p.path, "one", 3));
        CHECK_INT(0, stat(p.path, &st));
        CHECK_INT(r->uid, st.st_uid);
        CHECK_INT(r->gid, st.st_gid);
        CHECK_INT(r->mode, mode_of(p.path));
    }
}

TEST(core_secret_file, refuses_what_others_may_read) {
    CLEANUP(place_finish) struct place p;
    place_init(&p);
    char *bytes = NULL;
    size_t n = 0;
    CHECK_ERR(ERR_NOT_FOUND, secret_file_read(p.path, 100, &bytes, &n));
    CHECK_ERR(OK, secret_file_write(p.path, "one", 3));
    CHECK_INT(0, chmod(p.path, 0604));
    CHECK_ERR(ERR_FORBIDDEN, secret_file_read(p.path, 100, &bytes, &n));
    CHECK_INT(0, chmod(p.path, 0640));
    CHECK_ERR(ERR_TOO_LARGE, secret_file_read(p.path, 2, &bytes, &n));
    CHECK_ERR(ERR_INVALID, secret_file_read(p.folder, 100, &bytes, &n));
}

TEST(core_secret_file, keeps_the_earlier_one_beside_the_new) {
    CLEANUP(place_finish) struct place p;
    place_init(&p);
    CHECK_ERR(ERR_NOT_FOUND, secret_file_replace(p.path, "one", 3));
    CHECK_ERR(OK, secret_file_write(p.path, "one", 3));
    CHECK_ERR(ERR_NOT_FOUND, secret_file_drop_old(p.path));
    CHECK_INT(0, chmod(p.path, 0640));
    CHECK_ERR(OK, secret_file_replace(p.path, "two", 3));
    check_holds(p.path, "two");
    check_holds(p.old, "one");
    CHECK_INT(0640, mode_of(p.path));
    CHECK_ERR(ERR_CONFLICT, secret_file_replace(p.path, "three", 5));
    check_holds(p.path, "two");
    CHECK_ERR(OK, secret_file_drop_old(p.path));
    CHECK_INT(-1, mode_of(p.old));
    CHECK_ERR(OK, secret_file_replace(p.path, "three", 5));
    check_holds(p.old, "two");
}

TEST_ALLOC(core_secret_file, changes_nothing_without_memory) {
    CLEANUP(place_finish) struct place p;
    CLEANUP(mem_freep) char *bytes = NULL;
    size_t n = 0;
    place_init(&p);
    TRY(secret_file_write(p.path, "one", 3));
    enum err e = secret_file_replace(p.path, "two", 3);
    if (e != OK) {
        CHECK_INT(-1, mode_of(p.old));
        return e;
    }
    TRY(secret_file_drop_old(p.path));
    return secret_file_read(p.path, 100, &bytes, &n);
}
