/* One line in a file. */
#include "cli/anchor_file.h"

#include "core/mem.h"
#include "core/new_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum err cli_anchor_file_read(const char *path, struct store_anchor *ret) {
    char line[STORE_ANCHOR_TEXT_SIZE + 2] = "";
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        return err_set(errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s", path, strerror(errno));
    }
    size_t n = fread(line, 1, sizeof(line) - 1, f);
    bool failed = ferror(f) != 0;
    fclose(f);
    if (failed) {
        return err_set(ERR_IO, "%s: cannot be read", path);
    }
    line[n] = '\0';
    if (n > 0 && line[n - 1] == '\n') {
        line[n - 1] = '\0';
    }
    return store_anchor_read(line, ret) == OK
               ? OK
               : err_set(ERR_INVALID, "%s: holds no head as `parley audit verify` writes it", path);
}

enum err cli_anchor_file_write(const char *path, const struct store_anchor *a) {
    CLEANUP(new_file_destroyp) struct new_file *f = NULL;
    char line[STORE_ANCHOR_TEXT_SIZE];
    store_anchor_write(a, line);
    TRY(new_file_create(path, 0644, &f));
    TRY(new_file_write(f, line, strlen(line)));
    TRY(new_file_write(f, "\n", 1));
    return new_file_commit(f);
}
