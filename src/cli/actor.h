/*
 * Who runs a command that leaves its mark in the audit.
 */
#ifndef CLI_ACTOR_H
#define CLI_ACTOR_H

struct cli_args;

#define CLI_ACTOR_SIZE 32

/** What --actor says, else the name of the user we run as, else "uid 1000", which is written to
 * `uid`. Borrowed; valid until the next call. */
const char *cli_actor(const struct cli_args *args, char uid[CLI_ACTOR_SIZE]);

#endif
