/*
 * What the homeserver answered.  Thread: any; pure.
 */
#include "matrix/answer.h"

#include "core/mem.h"
#include "core/utf8.h"
#include "http/client.h"

#include <stdio.h>
#include <string.h>

static enum err err_of_status(int status) {
    static const struct {
        int status;
        enum err err;
    } rows[] = {
        { 401, ERR_UNAUTHORIZED },
        { 403, ERR_FORBIDDEN },
        { 404, ERR_NOT_FOUND },
        { 429, ERR_LIMIT },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (rows[i].status == status) {
            return rows[i].err;
        }
    }
    return ERR_UNREACHABLE;
}

enum mx_outcome mx_answer_outcome(const struct http_client_answer *h, const struct mx_answer *a) {
    if (h->err != OK) {
        return h->err == ERR_TIMEOUT ? MX_OUT_TIMEOUT : MX_OUT_UNREACHABLE;
    }
    if (a->err == OK) {
        return MX_OUT_OK;
    }
    if (h->status == 429) {
        return MX_OUT_LIMITED;
    }
    return h->status >= 400 && h->status < 500 ? MX_OUT_REFUSED : MX_OUT_SERVER;
}

/* A text of the other side's, cut to `max` bytes; "" where there is none. */
static void text_of(const json_t *object, const char *key, size_t max, char *ret) {
    const char *s = json_string_value(json_object_get(object, key));
    size_t n = s == NULL ? 0 : utf8_prefix(s, strlen(s), max);
    if (n > 0) {
        memcpy(ret, s, n);
    }
    ret[n] = '\0';
}

void mx_answer_read(const struct http_client_answer *h, const json_t *json,
    struct mx_answer_texts *t, struct mx_answer *a) {
    text_of(json, "errcode", MX_ERRCODE_MAX_BYTES, t->errcode);
    text_of(json, "error", MX_TEXT_MAX_BYTES, t->error);
    a->status = h->status;
    a->date_ms = h->date_ms;
    a->errcode = t->errcode;
    a->json = json;
    a->text = t->text;
    if (h->status >= 200 && h->status < 300) {
        a->err = json != NULL ? OK : ERR_UNREACHABLE;
        snprintf(t->text, sizeof t->text, json != NULL ? "" : "%d without JSON", h->status);
        return;
    }
    a->err = err_of_status(h->status);
    snprintf(t->text, sizeof t->text, "%d %s%s%s", h->status,
        t->errcode[0] != '\0' ? t->errcode : "without errcode", t->error[0] != '\0' ? ": " : "",
        t->error);
}

const char *mx_answer_text_of(const struct mx_answer *a, const char *key) {
    return json_string_value(json_object_get(a->json, key));
}
