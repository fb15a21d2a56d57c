/* One request with a question in its head. */
#include "doctor/doors.h"

#include "appservice/registration.h"
#include "doctor/head.h"
#include "http/client.h"

enum doctor_door doctor_knock(struct doctor *d, const struct doctor_knock *k,
    struct doctor_answer *ret, struct http_probe_sight *ret_sight) {
    CLEANUP(http_probe_key_destroyp) struct http_probe_key *key = NULL;
    char nonce[HTTP_PROBE_NONCE_SIZE], value[HTTP_PROBE_TEXT_SIZE], answered[DOCTOR_FIELD_MAX];
    if (http_probe_key_create(d->registration->hs_token, &key) != OK ||
        http_probe_ask(key, nonce, value) != OK) {
        *ret = (struct doctor_answer){
            .err = ERR_NOMEM, .text = "out of memory", .head = "", .body = "", .errcode = ""
        };
        return DOCTOR_DOOR_SILENT;
    }
    const struct http_client_field fields[] = { { HTTP_PROBE_FIELD, value },
        { "X-Forwarded-For", k->forwarded_for } };
    doctor_fetch(d,
        &(struct doctor_request){ .url = k->url,
            .unix_socket = k->unix_socket,
            .fields = fields,
            .n_fields = k->forwarded_for == NULL ? 1 : 2,
            .wants_head = true },
        ret);
    if (ret->err != OK) {
        return DOCTOR_DOOR_SILENT;
    }
    if (doctor_head_field(ret->head, HTTP_PROBE_FIELD, answered) == 0 ||
        !http_probe_read(key, nonce, answered, ret_sight)) {
        return DOCTOR_DOOR_STRANGE;
    }
    return ret_sight->is_public ? DOCTOR_DOOR_PUBLIC : DOCTOR_DOOR_PRIVATE;
}
