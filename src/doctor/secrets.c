/*
 * Who may read the files with our secrets: the registration, the audit key, the secret of the
 * webhooks, and the settings when they hold one; and the copies beside them. A file that is not
 * there is the business of the check that reads it.
 */
#include "core/config.h"
#include "doctor/checks.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

struct secret {
    const char *path;
    mode_t forbidden;
    const char *holds;
    const char *mode; /* for chmod */
};

/* The homeserver reads the registration too, as a rule by its group. */
enum { STRANGERS = 007, GROUP_AND_STRANGERS = 077 };

static void check_access(struct doctor *d, const struct secret *s) {
    if (access(s->path, R_OK) == 0) {
        return;
    }
    const char *paste = arena_printf(&d->arena,
        "ls -l %s\nsudo -u parley parley doctor   # run doctor as the user that Parley runs as",
        s->path);
    doctor_say(d, DOCTOR_FAIL, paste, "%s: the user that runs doctor cannot read it: %s", s->path,
        strerror(errno));
}

/* Gives whether there is a file. */
static bool check_secret(struct doctor *d, const struct secret *s) {
    struct stat st;
    if (stat(s->path, &st) != 0) {
        if (errno != ENOENT) {
            doctor_say(d, DOCTOR_FAIL, NULL, "%s: %s", s->path, strerror(errno));
        }
        return false;
    }
    if ((st.st_mode & s->forbidden) != 0) {
        const char *paste = arena_printf(&d->arena, "chmod %s %s", s->mode, s->path);
        doctor_say(d, DOCTOR_FAIL, paste,
            "%s: others may read or change it (mode %04o), and it holds %s", s->path,
            (unsigned)st.st_mode & 07777, s->holds);
    } else {
        check_access(d, s);
    }
    return true;
}

/* A secret counts only when it stands in the file: one from the environment is not there. */
static const char *secret_in_settings(const struct doctor *d) {
    struct config *file = NULL;
    if (d->config_path == NULL || config_load(d->config_path, NULL, &file) != OK) {
        return NULL;
    }
    const char *secret = config_secret(file);
    config_destroy(file);
    return secret;
}

/* Earlier ones (.old, .1), the next one, and what an editor or a careful admin left beside it.
 * Gives how many there are. */
static size_t check_copies(struct doctor *d, const struct secret *s) {
    glob_t copies;
    size_t found = 0;
    const char *pattern = arena_printf(&d->arena, "%s.*", s->path);
    if (pattern == NULL || glob(pattern, GLOB_NOSORT, NULL, &copies) != 0) {
        return 0;
    }
    for (size_t i = 0; i < copies.gl_pathc; i++) {
        struct secret copy = *s;
        copy.path = arena_strdup(&d->arena, copies.gl_pathv[i]);
        found += copy.path != NULL && check_secret(d, &copy) ? 1 : 0;
    }
    globfree(&copies);
    return found;
}

void doctor_check_secrets(struct doctor *d) {
    const struct secret secrets[] = {
        { d->config->appservice.registration, STRANGERS, "the keys to every account", "o=" },
        { d->config->audit.key_file, GROUP_AND_STRANGERS, "the key of the audit", "600" },
        { d->config->webhooks.secret_file, STRANGERS, "the secret of the webhooks", "o=" },
        { d->config_path, STRANGERS, secret_in_settings(d), "o=" },
    };
    size_t n = COUNT_OF(secrets) - (secrets[COUNT_OF(secrets) - 1].holds == NULL ? 1 : 0);
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        found += check_secret(d, &secrets[i]) ? 1 : 0;
        found += check_copies(d, &secrets[i]);
    }
    if (d->running->worst == DOCTOR_OK) {
        doctor_say(d, DOCTOR_OK, NULL, "%zu files with secrets, which no stranger may read", found);
    }
}
