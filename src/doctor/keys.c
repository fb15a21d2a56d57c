/* Settings to API keys. */
#include "doctor/keys.h"

#include "core/config.h"
#include "doctor/check.h"
#include "livekit/keys.h"

enum err doctor_keys_load(const struct doctor *d, struct lk_keys **ret) {
    const struct lk_keys_source from = {
        .key = d->config->livekit.key,
        .secret = d->config->livekit.secret,
        .key_from_file = d->config->livekit.key_from_file,
        .secret_from_file = d->config->livekit.secret_from_file,
        .key_file = d->config->livekit.key_file,
    };
    return lk_keys_create(&from, ret);
}
