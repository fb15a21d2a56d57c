/* A new file is there whole or not at all. */
#include "core/new_file.h"

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/new-file-XXXXXX";
static char path[64];
static char part[80];

static void make_folder(void) {
    strcpy(folder, "/tmp/new-file-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        abort();
    }
    snprintf(path, sizeof(path), "%s/it", folder);
    snprintf(part, sizeof(part), "%s.part", path);
}

static void forget_folder(void) {
    (void)unlink(path);
    (void)unlink(part);
    CHECK_INT(0, rmdir(folder)); /* nothing else was left in it */
}

static long size_of(const char *name) {
    struct stat st;
    return stat(name, &st) == 0 ? (long)st.st_size : -1;
}

TEST(core_new_file, appears_with_its_commit) {
    static const size_t sizes[] = { 0, 1, 65535, 65536, 65537, 300000 };
    static char bytes[300000];
    make_folder();
    FOR_ROWS (sizes, size) {
        struct new_file *f = NULL;
        (void)unlink(path);
        CHECK_ERR(OK, new_file_create(path, 0600, &f));
        CHECK_ERR(OK, new_file_write(f, bytes, *size / 3));
        CHECK_ERR(OK, new_file_write(f, bytes, *size - *size / 3));
        CHECK_INT(-1, size_of(path));
        CHECK_ERR(OK, new_file_commit(f));
        CHECK_INT(*size, size_of(path));
        new_file_destroy(f);
        CHECK_INT(*size, size_of(path));
    }
    forget_folder();
}

TEST(core_new_file, leaves_the_old_one_when_given_up) {
    make_folder();
    struct new_file *f = NULL;
    CHECK_ERR(OK, new_file_create(path, 0600, &f));
    CHECK_ERR(OK, new_file_write(f, "old", 3));
    CHECK_ERR(OK, new_file_commit(f));
    new_file_destroy(f);
    CHECK_ERR(OK, new_file_create(path, 0600, &f));
    CHECK_ERR(OK, new_file_write(f, "newer", 5));
    new_file_destroy(f);
    CHECK_INT(3, size_of(path));
    CHECK_INT(-1, size_of(part));
    new_file_destroy(NULL);
    forget_folder();
}

TEST(core_new_file, follows_no_link_that_was_laid) {
    make_folder();
    char target[80];
    snprintf(target, sizeof(target), "%s/target", folder);
    CHECK_INT(0, symlink(target, part));
    struct new_file *f = NULL;
    CHECK_ERR(OK, new_file_create(path, 0600, &f));
    CHECK_ERR(OK, new_file_commit(f));
    new_file_destroy(f);
    CHECK_INT(-1, size_of(target));
    forget_folder();
}

TEST(core_new_file, says_what_is_in_the_way) {
    struct new_file *f = NULL;
    CHECK_ERR(ERR_NOT_FOUND, new_file_create("/nonexistent-folder/it", 0600, &f));
    CHECK(f == NULL);
    make_folder();
    CHECK_INT(0, mkdir(path, 0700));
    CHECK_ERR(OK, new_file_create(path, 0600, &f));
    CHECK_ERR(ERR_IO, new_file_commit(f));
    new_file_destroy(f);
    CHECK_INT(0, rmdir(path));
    forget_folder();
}

TEST_ALLOC(core_new_file, is_made_without_memory) {
    make_folder();
    struct new_file *f = NULL;
    enum err e = new_file_create(path, 0600, &f);
    new_file_destroy(f);
    forget_folder();
    return e;
}
