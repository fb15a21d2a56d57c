/* From struct config to livekit/keys. */
#include "cli/keys.h"

#include "core/config.h"
#include "livekit/keys.h"

static struct lk_keys_source source_of(const struct config *c) {
    return (struct lk_keys_source){
        .key = c->livekit.key,
        .secret = c->livekit.secret,
        .key_from_file = c->livekit.key_from_file,
        .secret_from_file = c->livekit.secret_from_file,
        .key_file = c->livekit.key_file,
    };
}

bool cli_keys_said(const struct config *c) {
    const struct lk_keys_source from = source_of(c);
    return lk_keys_said(&from);
}

enum err cli_keys_load(const struct config *c, struct lk_keys **ret) {
    const struct lk_keys_source from = source_of(c);
    bool ours = c->rtc.sfu == RTC_SFU_EMBEDDED && !lk_keys_said(&from);
    return ours ? lk_keys_invent(ret) : lk_keys_create(&from, ret);
}
