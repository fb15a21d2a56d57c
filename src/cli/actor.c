/* Who runs a command. */
#include "cli/actor.h"

#include "cli/options.h"

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

const char *cli_actor(const struct cli_args *args, char uid[CLI_ACTOR_SIZE]) {
    if (cli_args_has(args, "actor")) {
        return cli_args_get(args, "actor");
    }
    const struct passwd *who = getpwuid(getuid());
    snprintf(uid, CLI_ACTOR_SIZE, "uid %d", (int)getuid());
    return who == NULL ? uid : who->pw_name;
}
