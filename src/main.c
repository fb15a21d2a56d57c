/* The program: signals that would kill it by accident, then the subcommand. */
#include "cli/command.h"

#include <signal.h>

int main(int argc, char **argv) {
    /* A client or a pipe that goes away is an error code of write, not a death. */
    signal(SIGPIPE, SIG_IGN);
    return cli_run(argc, argv);
}
