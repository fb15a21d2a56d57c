/*
 * What the homeserver answered: HTTP status and body as the errors of mx_answer.  Pure, any thread.
 */
#ifndef MATRIX_ANSWER_H
#define MATRIX_ANSWER_H

#include "matrix/client.h"

#define MX_TEXT_MAX_BYTES    300 /* of another program's sentence */
#define MX_ERRCODE_MAX_BYTES 64

struct http_client_answer;

/* Where the texts of an answer live. */
struct mx_answer_texts {
    char errcode[MX_ERRCODE_MAX_BYTES + 1];
    char error[MX_TEXT_MAX_BYTES + 1];
    char text[MX_ERRCODE_MAX_BYTES + MX_TEXT_MAX_BYTES + 32];
};

/** Fills *a from an HTTP answer of any status; `json` is its body, NULL when that is none. Borrows
 * all three. */
void mx_answer_read(const struct http_client_answer *h, const json_t *json,
    struct mx_answer_texts *t, struct mx_answer *a);

/* How a request ended, for the metric. */
enum mx_outcome {
    MX_OUT_OK,
    MX_OUT_REFUSED,
    MX_OUT_LIMITED,
    MX_OUT_SERVER,
    MX_OUT_UNREACHABLE,
    MX_OUT_TIMEOUT,
    MX_OUT_COUNT
};
enum mx_outcome mx_answer_outcome(const struct http_client_answer *h, const struct mx_answer *a);

#endif
