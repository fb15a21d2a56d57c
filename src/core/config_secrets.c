/* Secrets that stand in the settings themselves.  Thread: any. */
#include "core/config.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* "password=…", with blanks around the sign, as libpq allows; also in the query of an address. */
static bool names_password(const char *text) {
    static const char word[] = "password";
    for (const char *at = strcasestr(text, word); at != NULL; at = strcasestr(at + 1, word)) {
        const char *behind = at + sizeof(word) - 1;
        if (behind[strspn(behind, " \t\r\n")] == '=') {
            return true;
        }
    }
    return false;
}

/* Does a connection string hold one? Also as "user:password@". */
static bool has_password(const char *url) {
    const char *host = strstr(url, "://");
    const char *at = host == NULL ? NULL : strchr(host + 3, '@');
    const char *colon = host == NULL ? NULL : strchr(host + 3, ':');
    return names_password(url) || (at != NULL && colon != NULL && colon < at);
}

const char *config_secret(const struct config *c) {
    if (has_password(c->database.url)) {
        return "the database's password";
    }
    if (c->livekit.secret[0] != '\0') {
        return "the secret of the LiveKit API key";
    }
    if (c->turn.secret[0] != '\0') {
        return "the secret of the TURN server";
    }
    /* Whoever knows such an address may post there, as a rule. */
    return c->webhooks.urls.n > 0 ? "addresses of webhooks" : NULL;
}
