/*
 * All checks, and the table they stand in.  Thread: main.
 */
#ifndef DOCTOR_CHECKS_H
#define DOCTOR_CHECKS_H

#include "doctor/check.h"

/** In the order of dependence: what a row needs stands above it. */
extern const struct doctor_check doctor_checks[];
extern const size_t doctor_n_checks;

/* doctor/settings.c: what is on our disk. */
void doctor_check_config(struct doctor *d);
void doctor_check_registration(struct doctor *d);

/* doctor/secrets.c: who else may read it. */
void doctor_check_secrets(struct doctor *d);

/* doctor/database.c */
void doctor_check_database(struct doctor *d);
void doctor_check_schema(struct doctor *d);
void doctor_check_audit_key(struct doctor *d);

/* doctor/homeserver.c: what the homeserver is, asked without a token. */
void doctor_check_homeserver(struct doctor *d);
void doctor_check_version(struct doctor *d);
void doctor_check_server_name(struct doctor *d);
void doctor_check_openid(struct doctor *d);

/* doctor/features.c: its settings that calls need. */
void doctor_check_features(struct doctor *d);
void doctor_check_turn(struct doctor *d);

/* doctor/clock.c */
void doctor_check_clock(struct doctor *d);

/* doctor/link.c: both ways of the application service. */
void doctor_check_service(struct doctor *d);
void doctor_check_as_token(struct doctor *d);
void doctor_check_hs_token(struct doctor *d);

/* doctor/listeners.c, doctor/proxy.c: do requests reach us? */
void doctor_check_private_listener(struct doctor *d);
void doctor_check_listeners(struct doctor *d);
void doctor_check_proxy(struct doctor *d);

/* doctor/client_view.c: what a client finds before it can call. */
void doctor_check_call_service(struct doctor *d);
void doctor_check_well_known(struct doctor *d);
void doctor_check_client_url(struct doctor *d);
void doctor_check_transports(struct doctor *d);

/* doctor/webhooks.c: whom we tell of calls. */
void doctor_check_webhooks(struct doctor *d);

/* doctor/room_webhooks.c: whom we tell of the embedded SFU's rooms. */
void doctor_check_room_webhooks(struct doctor *d);

/* doctor/media.c: the embedded SFU. */
void doctor_check_media_addresses(struct doctor *d);
void doctor_check_media_ports(struct doctor *d);
void doctor_check_media_buffers(struct doctor *d);
/* doctor/turn_check.c */
void doctor_check_media_relays(struct doctor *d);

/* doctor/nodes.c: who else carries rooms on our database. */
void doctor_check_nodes(struct doctor *d);

/* doctor/media_server.c: the LiveKit server, and whether it tells us who comes and goes. */
void doctor_check_livekit(struct doctor *d);
void doctor_check_sfu_webhooks(struct doctor *d);

/* doctor/timed_events.c, doctor/rooms.c: may clients do what a call takes? */
void doctor_check_delayed(struct doctor *d);
void doctor_check_rooms(struct doctor *d);

/* doctor/cleanup.c: may we end what a client that died leaves behind? */
void doctor_check_cleanup(struct doctor *d);

#endif
