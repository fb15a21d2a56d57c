/* Settings and banner of the development mode. */
#include "cli/dev.h"

#include "cli/options.h"
#include "cli/screen.h"
#include "cli/settings.h"
#include "cli/token.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/mem.h"
#include "livekit/keys.h"

#include <string.h>
#include <unistd.h>

#define ROOM        "dev-room"
#define IDENTITY    "dev-user"
#define LIFETIME_MS DAY_MS

/* Not even metrics of it are to be had from another machine. */
static const char settings[] = "http:\n"
                               "  public: [127.0.0.1:7880]\n"
                               "  private: [127.0.0.1:0]\n"
                               "  drain_timeout: 2s\n"
                               "livekit:\n"
                               "  key: devkey\n"
                               "  secret: secret\n"
                               "rtc:\n"
                               "  sfu: embedded\n"
                               "  announced_ips: [127.0.0.1]\n";

enum err cli_dev_settings(const struct cli_args *args, struct config **ret) {
    if (!cli_args_has(args, "dev")) {
        return cli_settings_load(args, ret);
    }
    if (cli_args_has(args, "config")) {
        return err_set(ERR_INVALID, "--dev has settings of its own: leave --config out, and change "
                                    "them by PARLEY_* variables");
    }
    return config_load_text("--dev", settings, sizeof(settings) - 1, environ, ret);
}

/* "127.0.0.1", of "127.0.0.1:7880". */
static int host_length(const char *listen) {
    return (int)(strrchr(listen, ':') - listen);
}

enum err cli_dev_banner(const struct config *c, const struct lk_keys *keys, int port) {
    const struct cli_token_wish wish = {
        .room = ROOM, .identity = IDENTITY, .valid_ms = LIFETIME_MS
    };
    CLEANUP(mem_freep) char *token = NULL;
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    TRY(cli_token_make(&wish, keys, &token));
    if (c->http.public.n > 0 && port > 0) {
        const char *listen = c->http.public.items[0];
        buf_printf(&b, "\nURL:        ws://%.*s:%d\n", host_length(listen), listen, port);
    }
    buf_printf(&b,
        "API key:    %s\nAPI secret: %s\n"
        "Room:       " ROOM ", as " IDENTITY ", with this token for a day:\n\n%s\n\n"
        "Others: parley token --dev --room " ROOM " --identity NAME\n"
        "This is for development: everybody knows the key, and nothing is kept.\n\n",
        lk_keys_signing_key(keys), lk_keys_signing_secret(keys), token);
    TRY(buf_check(&b));
    return cli_screen_print(buf_str(&b));
}
