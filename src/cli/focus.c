/* Wiring of the token service. */
#include "cli/focus.h"

#include "appservice/registration.h"
#include "calls/delegations.h"
#include "calls/ending.h"
#include "calls/lookout.h"
#include "calls/work.h"
#include "cli/engine.h"
#include "cli/homeserver.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/log.h"
#include "core/mem.h"
#include "http/client.h"
#include "livekit/admission.h"
#include "livekit/chronicle.h"
#include "livekit/delegate.h"
#include "livekit/focus.h"
#include "livekit/leftovers.h"
#include "livekit/mutes.h"
#include "livekit/news_here.h"
#include "livekit/nodes.h"
#include "livekit/occupants.h"
#include "livekit/participants.h"
#include "livekit/presence.h"
#include "livekit/removals.h"
#include "livekit/rooms.h"
#include "livekit/rooms_here.h"
#include "livekit/webhook.h"
#include "livekit/witness.h"
#include "matrix/delayed.h"
#include "matrix/openid.h"
#include "matrix/outside.h"
#include "store/removals.h"
#include "store/watches.h"

#include <string.h>

struct cli_focus {
    struct cli_focus_config cfg;
    uv_loop_t *loop;
    char *sfu_url; /* what clients are told */
    struct http_client
        *direct; /* for federation.servers; our own homeserver's is cfg.homeserver's */
    struct mx_outside *outside;
    struct mx_openid *openid;
    struct lk_admission *admission;       /* NULL without a homeserver of our own */
    struct lk_witness *witness;           /* likewise */
    struct lk_participants *participants; /* likewise */
    struct lk_removals *removals;         /* likewise */
    struct lk_presence *presence;         /* likewise */
    struct lk_occupants *occupants;       /* likewise */
    struct lk_mutes *mutes;               /* likewise */
    struct call_lookout *lookout;         /* likewise, and the database was reached */
    struct lk_rooms *rooms;
    struct lk_nodes *nodes; /* of an embedded SFU; NULL without a homeserver of our own */
    struct mx_delayed *delayed;
    struct lk_delegate *delegate;
    struct call_delegations *jobs; /* NULL: the database was not reached yet */
    struct lk_webhook_door door;
    struct lk_news_here news;       /* of an embedded SFU */
    struct lk_chronicle *chronicle; /* likewise; NULL without a homeserver of our own */
    struct lk_leftovers *leftovers; /* likewise */
    char run[17];                   /* a name of this process */
    struct lk_focus *focus;
};

/* --- building --- */

/* livekit.url; an embedded SFU is where the token service is, unless that says otherwise. */
static enum err name_sfu(struct cli_focus *f) {
    const struct config *c = f->cfg.config;
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    if (c->livekit.url[0] != '\0') {
        buf_puts(&b, c->livekit.url);
    } else { /* http becomes ws, https becomes wss */
        bool http = strncmp(c->rtc.public_url, "http", 4) == 0;
        buf_printf(&b, "%s%s", http ? "ws" : "", c->rtc.public_url + (http ? 4 : 0));
    }
    TRY(buf_check(&b));
    f->sfu_url = buf_take(&b);
    return OK;
}

static enum err build_openid(struct cli_focus *f) {
    const struct config *c = f->cfg.config;
    const struct mx_outside_config outside = {
        .allow = c->federation.allow_networks.items,
        .n_allow = c->federation.allow_networks.n,
        .name_servers = c->federation.name_servers,
        .ca_file = c->federation.ca_file,
        .insecure_tls = !c->federation.verify_tls,
        .step_timeout_us = c->federation.step_timeout_us,
    };
    TRY(http_client_create(f->loop, &f->direct));
    TRY(mx_outside_create(f->loop, &outside, &f->outside));
    const struct mx_openid_config openid = {
        .outside = f->outside,
        .direct = f->direct,
        .own_name = c->homeserver.name,
        .own_url = c->homeserver.url,
        .overrides = c->federation.servers.items,
        .n_overrides = c->federation.servers.n,
        .timeout_us = c->federation.timeout_us,
        .step_timeout_us = c->federation.step_timeout_us,
    };
    return mx_openid_create(f->loop, &openid, &f->openid);
}

/* Other processes with an SFU on our database. */
static enum err build_nodes(struct cli_focus *f) {
    const struct config *c = f->cfg.config;
    const struct lk_nodes_config cfg = {
        .name = c->node.name,
        .url = f->sfu_url,
        .inner_url = c->node.url,
        .version = PARLEY_VERSION,
        .workers = (int)config_workers(c, uv_available_parallelism()),
        .rooms = f->cfg.rooms,
        .http = f->direct,
        .keys = f->cfg.keys,
    };
    if (f->cfg.rooms == NULL || f->cfg.homeserver == NULL) {
        return OK;
    }
    TRY(lk_nodes_create(f->loop, &cfg, &f->nodes));
    lk_rooms_set_nodes(f->rooms, f->nodes);
    return OK;
}

/* The LiveKit server, and the leaves of those who are in it. */
static enum err build_sfu(struct cli_focus *f) {
    const struct config *c = f->cfg.config;
    bool masquerade = f->cfg.homeserver != NULL && c->appservice.masquerade;
    const struct mx_delayed_config delayed = {
        .outside = f->outside,
        .direct = f->direct,
        .client = masquerade ? cli_homeserver_client(f->cfg.homeserver) : NULL,
        .own_name = c->homeserver.name,
        .own_url = c->homeserver.url,
        .urls = c->rtc.cs_api_urls.items,
        .n_urls = c->rtc.cs_api_urls.n,
    };
    TRY(f->cfg.rooms != NULL ? lk_rooms_create_here(f->loop, lk_rooms_here, f->cfg.rooms, &f->rooms)
                             : lk_rooms_create(f->direct, f->cfg.keys, f->sfu_url, &f->rooms));
    TRY(build_nodes(f));
    TRY(mx_delayed_create(&delayed, &f->delayed));
    return lk_delegate_create(f->delayed, f->rooms, &f->delegate);
}

/* Without a store they live in memory. */
static enum err build_jobs(struct cli_focus *f, struct store *store) {
    const struct call_delegations_config cfg = {
        .store = store,
        .node = f->cfg.config->node.name,
        .check_every_us = f->cfg.config->rtc.sanity_check_interval_us,
        .ports = lk_delegate_ports(f->delegate),
    };
    TRY(call_delegations_create(f->loop, &cfg, &f->jobs));
    lk_delegate_set_jobs(f->delegate, f->jobs);
    return OK;
}

static void heard(void *arg, const struct lk_webhook *w) {
    const struct cli_focus *f = arg;
    lk_delegate_heard(f->delegate, w);
    if (f->presence != NULL) {
        lk_presence_heard(f->presence, w);
    }
}

static void somebody_left(void *arg, const struct call_left *left) {
    const struct cli_focus *f = arg;
    lk_removals_left(f->removals, left);
}

static enum err build_presence(struct cli_focus *f) {
    TRY(lk_participants_create(f->loop, &f->participants));
    lk_witness_set_participants(f->witness, f->participants);
    const struct lk_removals_config removals = {
        .participants = f->participants,
        .rooms = f->rooms,
        .witness = f->witness,
    };
    TRY(lk_removals_create(f->loop, &removals, &f->removals));
    const struct lk_presence_config presence = {
        .participants = f->participants,
        .removals = f->removals,
        .witness = f->cfg.rooms == NULL ? f->witness : NULL,
    };
    TRY(lk_presence_create(&presence, &f->presence));
    TRY(lk_occupants_create(f->rooms, f->witness, &f->occupants));
    return lk_mutes_create(f->rooms, f->occupants, &f->mutes);
}

/* The audit of the embedded SFU. */
static enum err build_chronicle(struct cli_focus *f) {
    uint8_t random[8];
    crypto_random(random, sizeof(random));
    crypto_hex(random, sizeof(random), f->run);
    const char *node = f->cfg.config->node.name;
    const struct lk_chronicle_config chronicle = { f->cfg.rooms, f->witness, node, f->run };
    const struct lk_leftovers_config leftovers = {
        .witness = f->witness, .node = node, .run = f->run
    };
    TRY(lk_chronicle_create(&chronicle, &f->chronicle));
    return lk_leftovers_create(f->loop, &leftovers, &f->leftovers);
}

/* What a homeserver of our own makes possible. */
static enum err build_home(struct cli_focus *f) {
    const struct lk_admission_config cfg = {
        .client = cli_homeserver_client(f->cfg.homeserver),
        .membership = cli_homeserver_membership(f->cfg.homeserver),
        .rooms = f->rooms,
        .server_name = f->cfg.config->homeserver.name,
        .masquerade = f->cfg.config->appservice.masquerade,
        .policy = f->cfg.config->rtc.membership,
    };
    TRY(lk_admission_create(f->loop, &cfg, &f->admission));
    const struct lk_witness_config witness = {
        .spool_file = f->cfg.config->audit.spool_file,
        .spool_max = f->cfg.config->audit.spool_max,
    };
    TRY(lk_witness_create(f->loop, &witness, &f->witness));
    TRY(build_presence(f));
    return f->cfg.rooms == NULL ? OK : build_chronicle(f);
}

/* While the tokens are being changed both are right. Both are compared, so that the time says
 * nothing. */
static bool is_homeserver(void *arg, const char *hs_token) {
    const struct cli_focus *f = arg;
    bool now = crypto_equal(hs_token, f->cfg.registration->hs_token);
    bool before = crypto_equal(hs_token, f->cfg.registration->hs_token_old);
    return now || before;
}

static enum err build_focus(struct cli_focus *f) {
    const struct config *c = f->cfg.config;
    const struct lk_focus_config cfg = {
        .sfu_url = f->sfu_url,
        .keys = f->cfg.keys,
        .server_name = c->homeserver.name,
        .full_access = c->rtc.full_access.items,
        .n_full_access = c->rtc.full_access.n,
        .token_lifetime_us = c->rtc.token_lifetime_us,
        .own_metadata = c->rtc.own_metadata,
        .address_rate = (unsigned)c->rtc.address_rate,
        .user_rate = (unsigned)c->rtc.user_rate,
        .openid = f->openid,
        .verify = mx_openid_verify,
        .forget = mx_openid_forget,
        .admission = f->admission,
        .client = f->cfg.homeserver == NULL ? NULL : cli_homeserver_client(f->cfg.homeserver),
        .masquerade = c->appservice.masquerade,
        .witness = f->witness,
        .rooms = f->rooms,
        .nodes = f->nodes,
        .participants = f->participants,
        .delegate = f->delegate,
        .is_homeserver = is_homeserver,
        .arg = f,
    };
    TRY(lk_focus_create(&cfg, &f->focus));
    f->door = (struct lk_webhook_door){ .keys = f->cfg.keys, .heard = heard, .arg = f };
    TRY(lk_focus_add(f->focus, f->cfg.public));
    TRY(lk_webhook_add(&f->door, f->cfg.public));
    return f->cfg.homeserver == NULL ? OK : lk_focus_add_proxied(f->focus, f->cfg.private);
}

static enum err build(struct cli_focus *f) {
    TRY(name_sfu(f));
    TRY(build_openid(f));
    TRY(build_sfu(f));
    if (f->cfg.homeserver != NULL) {
        TRY(build_home(f));
    } else {
        TRY(build_jobs(f, NULL));
    }
    TRY(build_focus(f));
    if (f->cfg.rooms != NULL) {
        lk_news_here_start(&f->news, f->cfg.rooms, heard, f);
    }
    LOG_INFO(&log_root, "token_service_ready", "sfu=%s", LOG_Q(f->sfu_url));
    return OK;
}

enum err cli_focus_create(
    uv_loop_t *loop, const struct cli_focus_config *cfg, struct cli_focus **ret) {
    struct cli_focus *f = mem_zalloc(sizeof(*f));
    if (f == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    f->cfg = *cfg;
    f->loop = loop;
    enum err e = build(f);
    *ret = f;
    return e;
}

/* --- beside the engine --- */

static void somebody_left_call(void *arg, const char *room_id, const char *user_id) {
    const struct cli_focus *f = arg;
    if (f->lookout != NULL) {
        call_lookout_left(f->lookout, room_id, user_id);
    }
}

static enum err build_lookout(struct cli_focus *f, struct cli_engine *e) {
    const struct config *c = f->cfg.config;
    const struct call_lookout_config cfg = {
        .store = cli_engine_store(e),
        .calls = cli_engine_calls(e),
        .cleanup = { .calls = cli_engine_calls(e),
            .ending = { cli_homeserver_client(f->cfg.homeserver), c->homeserver.name,
                c->appservice.masquerade },
            .mode = c->rtc.cleanup },
        .require_membership = c->rtc.require_membership,
        .ports = lk_occupants_ports(f->occupants),
    };
    TRY(call_lookout_create(f->loop, &cfg, &f->lookout));
    lk_presence_set_lookout(f->presence, f->lookout);
    calls_tell_ended(cli_engine_calls(e), somebody_left_call, f);
    return OK;
}

static void attach_lookout(struct cli_focus *f, struct cli_engine *e) {
    if (build_lookout(f, e) != OK) {
        LOG_ERROR(&log_root, "lookout_off", "text=%s", LOG_Q(err_text()));
    }
}

static void attach_jobs(struct cli_focus *f, struct store *store) {
    if (build_jobs(f, store) == OK) {
        call_delegations_start(f->jobs);
    } else {
        LOG_ERROR(&log_root, "delegations_off", "text=%s", LOG_Q(err_text()));
    }
}

void cli_focus_remove(void *focus, const char *room_id, const char *user_id, const char *device_id,
    const char *reason, const char *actor) {
    const struct cli_focus *f = focus;
    const struct store_removal order = { .room_id = room_id,
        .user_id = user_id,
        .device_id = device_id == NULL ? "" : device_id,
        .reason = reason,
        .actor = actor,
        .left_at = clock_wall_ms() };
    if (f != NULL && f->removals != NULL) {
        lk_removals_order(f->removals, &order);
    }
}

enum err cli_focus_mute(void *focus, const struct call_ending_member *who, const char *track,
    api_admin_muted *done, void *done_arg) {
    const struct cli_focus *f = focus;
    const struct store_watch member = { .room_id = who->room_id,
        .slot = who->slot,
        .user_id = who->user_id,
        .device_id = who->device_id,
        .membership_id = who->membership_id };
    return f == NULL || f->mutes == NULL
               ? err_set(ERR_CONFLICT, "there is no SFU of ours to mute anybody in")
               : lk_mutes_order(f->mutes, &member, track, done, done_arg);
}

void cli_focus_mute_forget(void *focus, const void *done_arg) {
    const struct cli_focus *f = focus;
    if (f != NULL && f->mutes != NULL) {
        lk_mutes_forget(f->mutes, done_arg);
    }
}

struct lk_nodes *cli_focus_nodes(struct cli_focus *f) {
    return f == NULL ? NULL : f->nodes;
}

static void set_leftovers(struct cli_focus *f, struct store *store) {
    if (f->leftovers != NULL) {
        lk_leftovers_set_store(f->leftovers, store);
    }
}

void cli_focus_attach(struct cli_focus *f, struct cli_engine *e) {
    if (f != NULL && f->nodes != NULL) {
        lk_nodes_set_store(f->nodes, cli_engine_store(e));
    }
    if (f != NULL && f->admission != NULL) {
        lk_admission_set_store(f->admission, cli_engine_store(e));
        lk_witness_set_calls(f->witness, cli_engine_calls(e));
        lk_participants_set_store(f->participants, cli_engine_store(e));
        lk_removals_set_store(f->removals, cli_engine_store(e));
        set_leftovers(f, cli_engine_store(e));
        calls_tell_leaves(cli_engine_calls(e), somebody_left, f);
        attach_jobs(f, cli_engine_store(e));
        attach_lookout(f, e);
    }
}

static void stop_lookout(struct cli_focus *f) {
    if (f->lookout != NULL) {
        lk_presence_set_lookout(f->presence, NULL);
        call_lookout_destroy(STEAL(f->lookout));
    }
}

void cli_focus_stop(struct cli_focus *f) {
    if (f == NULL) {
        return;
    }
    lk_focus_stop(f->focus);
    stop_lookout(f);
    if (f->nodes != NULL) {
        lk_nodes_set_store(f->nodes, NULL);
    }
    if (f->admission != NULL) {
        lk_admission_set_store(f->admission, NULL);
    }
    if (f->witness != NULL) {
        lk_witness_set_calls(f->witness, NULL);
    }
    if (f->participants != NULL) {
        lk_participants_set_store(f->participants, NULL);
    }
    if (f->removals != NULL) {
        lk_removals_set_store(f->removals, NULL);
    }
    set_leftovers(f, NULL);
    if (f->delegate != NULL) {
        lk_delegate_set_jobs(f->delegate, NULL);
    }
    call_delegations_destroy(STEAL(f->jobs));
}

/* --- the end --- */

void cli_focus_close(struct cli_focus *f) {
    if (f == NULL) {
        return;
    }
    lk_focus_stop(f->focus);
    lk_news_here_stop(&f->news);
    lk_chronicle_destroy(STEAL(f->chronicle));
    lk_leftovers_destroy(STEAL(f->leftovers));
    if (f->witness != NULL) {
        lk_witness_set_participants(f->witness, NULL);
    }
    lk_mutes_destroy(STEAL(f->mutes));
    lk_occupants_destroy(STEAL(f->occupants));
    lk_presence_destroy(STEAL(f->presence));
    lk_removals_destroy(STEAL(f->removals));
    lk_participants_destroy(STEAL(f->participants));
    lk_delegate_destroy(STEAL(f->delegate));
    mx_delayed_destroy(STEAL(f->delayed));
    lk_rooms_destroy(STEAL(f->rooms));
    lk_nodes_destroy(STEAL(f->nodes));
    lk_witness_destroy(STEAL(f->witness));
    lk_admission_destroy(STEAL(f->admission));
    mx_openid_destroy(STEAL(f->openid));
    mx_outside_destroy(STEAL(f->outside));
    http_client_destroy(STEAL(f->direct));
}

void cli_focus_destroy(struct cli_focus *f) {
    if (f != NULL) {
        lk_focus_destroy(f->focus);
        mem_free(f->sfu_url);
        mem_free(f);
    }
}
