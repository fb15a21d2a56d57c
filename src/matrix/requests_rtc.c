/* What the token service asks of the homeserver: may somebody enter, and what says another server's
 * token service (matrix-calls 4.8).  Thread: main. */
#include "core/buf.h"
#include "core/log.h"
#include "core/mem.h"
#include "matrix/call.h"
#include "matrix/ids.h"

static enum err is_joined(struct mx_client *c, const char *room_id, const char *key,
    const char *value, mx_done *done, void *arg) {
    if (!mx_room_id_valid(room_id)) {
        return err_set(ERR_INVALID, "%s is no room id", LOG_Q(room_id));
    }
    return mx_call_begin(c,
        &(struct mx_call_spec){ .name = "is_joined",
            .method = "GET",
            .path = "/_matrix/client/unstable/io.element.msc4502/rooms/$/is_joined",
            .parts = &room_id,
            .n_parts = 1,
            .query = key,
            .query_value = value },
        done, arg);
}

enum err mx_client_user_is_joined(
    struct mx_client *c, const char *room_id, const char *user_id, mx_done *done, void *arg) {
    return is_joined(c, room_id, "mxid", user_id, done, arg);
}

enum err mx_client_server_is_joined(
    struct mx_client *c, const char *room_id, const char *server, mx_done *done, void *arg) {
    return is_joined(c, room_id, "server_name", server, done, arg);
}

enum err mx_client_fed_proxy(struct mx_client *c, const char *destination, const char *path,
    const char *body, mx_done *done, void *arg) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    buf_puts(&b, "{");
    buf_json_field(&b, "destination", destination);
    buf_json_field(&b, "method", "POST");
    buf_json_field(&b, "path", path);
    buf_json_key(&b, "body");
    buf_puts(&b, body);
    buf_puts(&b, "}");
    TRY(buf_check(&b));
    return mx_call_begin(c,
        &(struct mx_call_spec){ .name = "fed_proxy",
            .method = "POST",
            .path = "/_matrix/client/unstable/io.element.msc4512/appservice/fed_proxy",
            .body = buf_take(&b) },
        done, arg);
}
