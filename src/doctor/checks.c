/* The table: a check is a row. What it needs stands above it, the likelier root cause first. */
#include "doctor/checks.h"

#include "core/mem.h"

/* clang-format off */
const struct doctor_check doctor_checks[] = {
    { "config", "settings", { NULL }, doctor_check_config },
    { "secrets", "secret files", { "config" }, doctor_check_secrets },
    { "registration", "registration", { "config", "secrets" }, doctor_check_registration },
    { "database", "database", { "config" }, doctor_check_database },
    { "schema", "tables", { "database" }, doctor_check_schema },
    { "audit-key", "audit key", { "secrets", "schema" }, doctor_check_audit_key },
    { "homeserver", "homeserver", { "config" }, doctor_check_homeserver },
    { "clock", "clocks", { "config" }, doctor_check_clock },
    { "version", "its version", { "homeserver" }, doctor_check_version },
    { "server-name", "its name", { "homeserver" }, doctor_check_server_name },
    { "as-token", "we to homeserver", { "homeserver", "registration" }, doctor_check_as_token },
    { "service", "Parley itself", { "config" }, doctor_check_service },
    { "listeners", "listeners", { "registration", "service" }, doctor_check_listeners },
    { "private-listener", "private listener", { "config" }, doctor_check_private_listener },
    { "hs-token", "homeserver to us", { "as-token", "service" }, doctor_check_hs_token },
    { "openid", "users' tokens", { "homeserver" }, doctor_check_openid },
    { "features", "homeserver's flags", { "homeserver" }, doctor_check_features },
    { "delayed-events", "delayed events", { "as-token" }, doctor_check_delayed },
    { "turn", "TURN", { "as-token" }, doctor_check_turn },
    { "proxy", "reverse proxy", { "listeners" }, doctor_check_proxy },
    { "call-service", "call service", { "config" }, doctor_check_call_service },
    { "livekit", "LiveKit server", { "config" }, doctor_check_livekit },
    { "sfu-webhooks", "its webhooks", { "livekit", "service" }, doctor_check_sfu_webhooks },
    { "well-known", "well-known file", { "config" }, doctor_check_well_known },
    { "client-url", "clients' address", { "well-known" }, doctor_check_client_url },
    { "rtc-transports", "rtc/transports", { "as-token" }, doctor_check_transports },
    { "media-addresses", "media addresses", { "config" }, doctor_check_media_addresses },
    { "media-ports", "media ports", { "config" }, doctor_check_media_ports },
    { "media-buffers", "media buffers", { "config" }, doctor_check_media_buffers },
    { "media-relays", "media relays", { "config" }, doctor_check_media_relays },
    { "nodes", "nodes", { "schema" }, doctor_check_nodes },
    { "room-webhooks", "webhooks of rooms", { "config" }, doctor_check_room_webhooks },
    { "webhooks", "webhooks", { "config" }, doctor_check_webhooks },
    { "stuck-members", "stuck members", { "as-token" }, doctor_check_cleanup },
    { "power-levels", "power levels", { "as-token" }, doctor_check_rooms },
};
/* clang-format on */

const size_t doctor_n_checks = COUNT_OF(doctor_checks);
