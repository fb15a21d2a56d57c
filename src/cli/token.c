/* `parley token`: signs what was asked for with the key of the settings. */
#include "cli/token.h"

#include "cli/command.h"
#include "cli/dev.h"
#include "cli/keys.h"
#include "cli/options.h"
#include "cli/screen.h"
#include "cli/when.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/mem.h"
#include "livekit/grant.h"
#include "livekit/keys.h"

#include <stddef.h>
#include <string.h>

#define BETWEEN ", \t"

/* Rights by the names that people type. */
static const struct right {
    const char *name;
    size_t offset;
} rights[] = {
#define RIGHT(name, field)                                                                         \
    { name, offsetof(struct lk_video, field) }
    RIGHT("join", room_join),
    RIGHT("publish", can_publish),
    RIGHT("subscribe", can_subscribe),
    RIGHT("data", can_publish_data),
    RIGHT("own-metadata", can_update_own_metadata),
    RIGHT("hidden", hidden),
    RIGHT("recorder", recorder),
    RIGHT("agent", agent),
    RIGHT("admin", room_admin),
    RIGHT("create", room_create),
    RIGHT("list", room_list),
    RIGHT("record", room_record),
    RIGHT("ingress", ingress_admin),
#undef RIGHT
};

static const struct right *find(const char *name, size_t n) {
    for (size_t i = 0; i < COUNT_OF(rights); i++) {
        if (strlen(rights[i].name) == n && memcmp(rights[i].name, name, n) == 0) {
            return &rights[i];
        }
    }
    return NULL;
}

static enum err refuse(const char *name, size_t n) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    for (size_t i = 0; i < COUNT_OF(rights); i++) {
        buf_printf(&b, "%s%s", i == 0 ? "" : ", ", rights[i].name);
    }
    TRY(buf_check(&b));
    return err_set(ERR_INVALID,
        "must name some of %s, each with no- in front to take it away; "
        "not \"%.*s\"",
        buf_str(&b), (int)(n < 40 ? n : 40), name);
}

/* `video` NULL: only looks whether all are known. */
static enum err grant(const char *names, struct lk_video *video) {
    for (names += strspn(names, BETWEEN); *names != '\0'; names += strspn(names, BETWEEN)) {
        size_t n = strcspn(names, BETWEEN);
        bool no = n > 3 && strncmp(names, "no-", 3) == 0;
        const struct right *r = find(no ? names + 3 : names, no ? n - 3 : n);
        if (r == NULL) {
            return refuse(names, n);
        }
        if (video != NULL) {
            *(enum lk_right *)(void *)((char *)video + r->offset) = no ? LK_NO : LK_YES;
        }
        names += n;
    }
    return OK;
}

enum err cli_token_check_grants(const char *grants) {
    return grant(grants, NULL);
}

static enum err check(const struct lk_grant *g) {
    if (g->video.room_join == LK_YES && g->identity == NULL) {
        return err_set(ERR_INVALID, "--identity is missing: who is to join the room?");
    }
    if ((g->identity != NULL && strlen(g->identity) > LK_IDENTITY_MAX_BYTES) ||
        (g->video.room != NULL && strlen(g->video.room) > LK_IDENTITY_MAX_BYTES)) {
        return err_set(ERR_INVALID, "identity and room may have %d bytes", LK_IDENTITY_MAX_BYTES);
    }
    return OK;
}

enum err cli_token_make(const struct cli_token_wish *wish, const struct lk_keys *keys, char **ret) {
    CLEANUP(lk_grant_destroyp) struct lk_grant *g = NULL;
    int64_t now_s = clock_wall_ms() / SEC_MS;
    TRY(lk_grant_create(&g));
    g->identity = wish->identity;
    g->name = wish->name;
    g->metadata = wish->metadata;
    g->has_video = true;
    g->video.room = wish->room;
    g->video.room_join = wish->room == NULL ? LK_UNSAID : LK_YES;
    g->not_before_s = now_s;
    g->expires_s = now_s + wish->valid_ms / SEC_MS;
    TRY(grant(wish->grants == NULL ? "" : wish->grants, &g->video));
    TRY(check(g));
    return lk_grant_to_jwt(g, keys, ret);
}

/* --- the subcommand --- */

static enum err load_keys(const struct cli_args *args, struct lk_keys **ret) {
    CLEANUP(config_destroyp) struct config *c = NULL;
    TRY(cli_dev_settings(args, &c));
    if (!cli_keys_said(c)) {
        return err_set(ERR_INVALID, "there is no API key: set livekit.key and livekit.secret, or "
                                    "their files, as the server has them (--dev: devkey)");
    }
    return cli_keys_load(c, ret);
}

enum err cli_token(const struct cli_args *args) {
    CLEANUP(lk_keys_destroyp) struct lk_keys *keys = NULL;
    CLEANUP(mem_freep) char *token = NULL;
    CLEANUP(buf_finish) struct buf b;
    const char *valid = cli_args_get(args, "valid-for");
    struct cli_token_wish wish = {
        .room = cli_args_get(args, "room"),
        .identity = cli_args_get(args, "identity"),
        .name = cli_args_get(args, "name"),
        .metadata = cli_args_get(args, "metadata"),
        .grants = cli_args_get(args, "grant"),
        .valid_ms = CLI_TOKEN_VALID_MS,
    };
    buf_init(&b, 0);
    if (valid != NULL) {
        TRY(cli_when_read_span(valid, &wish.valid_ms));
    }
    TRY(load_keys(args, &keys));
    TRY(cli_token_make(&wish, keys, &token));
    buf_printf(&b, "%s\n", token);
    TRY(buf_check(&b));
    return cli_screen_print(buf_str(&b));
}
