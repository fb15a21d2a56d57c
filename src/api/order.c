/* Members of another type are refused, unknown ones ignored. */
#include "api/order.h"

#include "core/crypto.h"
#include "core/mem.h"
#include "http/request.h"
#include "matrix/ids.h"

#include <jansson.h>
#include <string.h>

/* NULL where it is not there, or null. */
static enum err read_text(
    struct http_request *r, const json_t *body, const char *key, size_t max, const char **ret) {
    const json_t *value = json_object_get(body, key);
    *ret = NULL;
    if (value == NULL || json_is_null(value)) {
        return OK;
    }
    if (!json_is_string(value) || json_string_length(value) == 0 ||
        json_string_length(value) > max) {
        return err_set(ERR_INVALID, "%s: want a text of 1 to %zu bytes", key, max);
    }
    *ret = arena_strdup(http_request_arena(r), json_string_value(value));
    return *ret == NULL ? err_set(ERR_NOMEM, "out of memory") : OK;
}

static enum err read_body(struct http_request *r, const json_t *body, struct api_order *o) {
    if (!json_is_object(body)) {
        return err_set(ERR_INVALID, "want a JSON object");
    }
    TRY(read_text(r, body, "reason", API_ORDER_REASON_MAX, &o->reason));
    if (o->act == API_ORDER_END) {
        return OK;
    }
    if (o->act == API_ORDER_MUTE) {
        TRY(read_text(r, body, "track", API_ORDER_ID_MAX, &o->track));
    }
    TRY(read_text(r, body, "user_id", API_ORDER_ID_MAX, &o->user_id));
    TRY(read_text(r, body, "device_id", API_ORDER_ID_MAX, &o->device_id));
    return o->user_id != NULL && mx_user_id_valid(o->user_id)
               ? OK
               : err_set(ERR_INVALID, "user_id: want an id like @who:example.com");
}

enum err api_order_read(
    struct http_request *r, enum api_order_act act, const char *who, struct api_order *ret) {
    uint8_t id[UUID_SIZE];
    struct arena *arena = http_request_arena(r);
    const char *session_id = http_request_param(r, "session_id");
    if (session_id == NULL || !crypto_uuid_read(session_id, id)) {
        return err_set(ERR_NOT_FOUND, "No call that goes on has this id");
    }
    *ret = (struct api_order){ .act = act };
    char *canonical = arena_alloc(arena, UUID_TEXT_SIZE);
    ret->who = arena_strdup(arena, who);
    if (canonical == NULL || ret->who == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    crypto_uuid_write(id, canonical);
    ret->session_id = canonical;
    size_t len;
    const char *bytes = http_request_body(r, &len);
    if (len == 0 && act == API_ORDER_END) {
        return OK;
    }
    json_t *body = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, NULL);
    enum err e = read_body(r, body, ret);
    json_decref(body);
    return e;
}
