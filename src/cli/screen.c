/* stdio, with its errors made into ours. */
#include "cli/screen.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool reader_left;

static enum err failed(void) {
    if (errno == EPIPE) {
        reader_left = true;
        return err_set(ERR_GONE, "nobody reads standard output any more");
    }
    return err_set(ERR_IO, "cannot write to standard output: %s", strerror(errno));
}

enum err cli_screen_write(void *unused, const char *bytes, size_t n) {
    (void)unused;
    return fwrite(bytes, 1, n, stdout) == n ? OK : failed();
}

enum err cli_screen_print(const char *text) {
    return cli_screen_write(NULL, text, strlen(text));
}

enum err cli_screen_flush(void) {
    return fflush(stdout) == 0 ? OK : failed();
}

bool cli_screen_reader_left(void) {
    return reader_left;
}

bool cli_screen_is_terminal(void) {
    return isatty(STDOUT_FILENO) == 1;
}

void cli_screen_complain(const char *fmt, ...) {
    fputs("parley: ", stderr);
    va_list ap;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}
