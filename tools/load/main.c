/* tools/load: see --help. */
#include "run.h"

#include <stdio.h>
#include <sys/prctl.h>

int main(int argc, char **argv) {
    struct load_options o;
    struct buf out;
    bool help = false;
    if (load_options_read(argc, argv, &o, &help) != OK) {
        fprintf(stderr, "load: %s\n", err_text());
        return 2;
    }
    if (help) {
        return 0;
    }
    (void)prctl(PR_SET_TIMERSLACK, 1000UL); /* 1 us: turns are to come when they are due */
    buf_init(&out, 0);
    enum err e = load_run(&o, &out);
    if (e != OK) {
        fprintf(stderr, "load: %s\n", err_text());
    }
    fputs(buf_str(&out), stdout);
    buf_finish(&out);
    return e == OK ? 0 : 1;
}
