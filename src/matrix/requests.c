/* The calls to the homeserver (matrix-calls, 5), a function each.  Thread: main. */
#include "core/buf.h"
#include "core/log.h"
#include "core/mem.h"
#include "matrix/call.h"
#include "matrix/ids.h"

static enum err room_id_check(const char *room_id) {
    return mx_room_id_valid(room_id) ? OK
                                     : err_set(ERR_INVALID, "%s is no room id", LOG_Q(room_id));
}

enum err mx_client_versions(struct mx_client *c, mx_done *done, void *arg) {
    return mx_call_begin(c,
        &(struct mx_call_spec){ .name = "versions",
            .method = "GET",
            .path = "/_matrix/client/versions",
            .no_bearer = true },
        done, arg);
}

enum err mx_client_whoami(struct mx_client *c, mx_done *done, void *arg) {
    return mx_call_begin(c,
        &(struct mx_call_spec){
            .name = "whoami", .method = "GET", .path = "/_matrix/client/v3/account/whoami" },
        done, arg);
}

enum err mx_client_whoami_of(struct mx_client *c, const char *token, mx_done *done, void *arg) {
    TRY(mx_token_check("access token", token));
    return mx_call_begin(c,
        &(struct mx_call_spec){ .name = "whoami_of",
            .method = "GET",
            .path = "/_matrix/client/v3/account/whoami",
            .stranger = token },
        done, arg);
}

enum err mx_client_ping(struct mx_client *c, const char *appservice_id, mx_done *done, void *arg) {
    char *body = mem_strdup("{}");
    if (body == NULL) {
        return err_set(ERR_NOMEM, "no memory for a ping");
    }
    return mx_call_begin(c,
        &(struct mx_call_spec){ .name = "ping",
            .method = "POST",
            .path = "/_matrix/client/v1/appservice/$/ping",
            .parts = &appservice_id,
            .n_parts = 1,
            .body = body },
        done, arg);
}

enum err mx_client_register_sender(
    struct mx_client *c, const char *localpart, mx_done *done, void *arg) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    buf_puts(&b, "{");
    buf_json_field(&b, "type", "m.login.application_service");
    buf_json_field(&b, "username", localpart);
    buf_json_bool_field(
        &b, "inhibit_login", true); /* without it a delegated login service refuses (1.8) */
    buf_puts(&b, "}");
    TRY(buf_check(&b));
    return mx_call_begin(c,
        &(struct mx_call_spec){ .name = "register",
            .method = "POST",
            .path = "/_matrix/client/v3/register",
            .body = buf_take(&b),
            .in_use_is_ok = true },
        done, arg);
}

enum err mx_client_joined_members(
    struct mx_client *c, const char *room_id, mx_done *done, void *arg) {
    TRY(room_id_check(room_id));
    return mx_call_begin(c,
        &(struct mx_call_spec){ .name = "joined_members",
            .method = "GET",
            .path = "/_matrix/client/v3/rooms/$/joined_members",
            .parts = &room_id,
            .n_parts = 1 },
        done, arg);
}

enum err mx_client_room_state(
    struct mx_client *c, const char *room_id, const char *as_user, mx_done *done, void *arg) {
    TRY(room_id_check(room_id));
    return mx_call_begin(c,
        &(struct mx_call_spec){ .name = "room_state",
            .method = "GET",
            .path = "/_matrix/client/v3/rooms/$/state",
            .parts = &room_id,
            .n_parts = 1,
            .as_user = as_user },
        done, arg);
}

/* `format` NULL = the content alone. */
static enum err state_event(struct mx_client *c, const char *const parts[3], const char *format,
    const char *as_user, mx_done *done, void *arg) {
    TRY(room_id_check(parts[0]));
    return mx_call_begin(c,
        &(struct mx_call_spec){ .name = "room_state_event",
            .method = "GET",
            .path = "/_matrix/client/v3/rooms/$/state/$/$",
            .parts = parts,
            .n_parts = 3,
            .as_user = as_user,
            .query = format == NULL ? NULL : "format",
            .query_value = format },
        done, arg);
}

enum err mx_client_room_state_event(struct mx_client *c, const char *room_id, const char *type,
    const char *state_key, const char *as_user, mx_done *done, void *arg) {
    const char *const parts[] = { room_id, type, state_key };
    return state_event(c, parts, NULL, as_user, done, arg);
}

enum err mx_client_room_state_whole(struct mx_client *c, const char *room_id, const char *type,
    const char *state_key, const char *as_user, mx_done *done, void *arg) {
    const char *const parts[] = { room_id, type, state_key };
    return state_event(c, parts, "event", as_user, done, arg);
}

/* --- delayed events --- */

enum err mx_client_delayed_event(struct mx_client *c, const char *user_id, const char *delay_id,
    enum mx_delayed_action action, mx_done *done, void *arg) {
    static const char *const paths[] = {
        [MX_DELAYED_RESTART] =
            "/_matrix/client/unstable/org.matrix.msc4140/delayed_events/$/restart",
        [MX_DELAYED_SEND] = "/_matrix/client/unstable/org.matrix.msc4140/delayed_events/$/send",
    };
    char *body = mem_strdup("{}");
    if (body == NULL) {
        return err_set(ERR_NOMEM, "no memory for a delayed event");
    }
    return mx_call_begin(c,
        &(struct mx_call_spec){ .name = "delayed_event",
            .method = "POST",
            .path = paths[action],
            .parts = &delay_id,
            .n_parts = 1,
            .as_user = user_id,
            .body = body },
        done, arg);
}

enum err mx_client_delayed_event_get(
    struct mx_client *c, const char *user_id, const char *delay_id, mx_done *done, void *arg) {
    return mx_call_begin(c,
        &(struct mx_call_spec){ .name = "delayed_event_get",
            .method = "GET",
            .path = "/_matrix/client/unstable/org.matrix.msc4140/delayed_events/$",
            .parts = &delay_id,
            .n_parts = 1,
            .as_user = user_id },
        done, arg);
}

/* --- writing to a room --- */

static enum err copy_of(const char *content, char **ret) {
    *ret = mem_strdup(content);
    return *ret == NULL ? err_set(ERR_NOMEM, "no memory for an event") : OK;
}

enum err mx_client_put_state(
    struct mx_client *c, const struct mx_state *s, const char *as_user, mx_done *done, void *arg) {
    char *body;
    TRY(room_id_check(s->room_id));
    TRY(copy_of(s->content, &body));
    const char *parts[] = { s->room_id, s->type, s->state_key };
    return mx_call_begin(c,
        &(struct mx_call_spec){ .name = "put_state",
            .method = "PUT",
            .path = "/_matrix/client/v3/rooms/$/state/$/$",
            .parts = parts,
            .n_parts = COUNT_OF(parts),
            .as_user = as_user,
            .body = body },
        done, arg);
}

enum err mx_client_send(struct mx_client *c, const struct mx_message *m, const char *as_user,
    mx_done *done, void *arg) {
    char *body;
    TRY(room_id_check(m->room_id));
    TRY(copy_of(m->content, &body));
    const char *parts[] = { m->room_id, m->type, m->txn_id };
    return mx_call_begin(c,
        &(struct mx_call_spec){ .name = "send",
            .method = "PUT",
            .path = "/_matrix/client/v3/rooms/$/send/$/$",
            .parts = parts,
            .n_parts = COUNT_OF(parts),
            .as_user = as_user,
            .sticky_ms = m->sticky_ms,
            .body = body },
        done, arg);
}
