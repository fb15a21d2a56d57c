/* One delivery to one of the admin's receivers. Whatever is no 2xx has failed; redirects are not
 * followed: they would carry the names of people to where the admin has not pointed.  Thread: main.
 */
#include "core/clock.h"
#include "hooks/job.h"
#include "hooks/secret.h"
#include "http/client.h"

#include <stdio.h>

#define ANSWER_MAX MIB /* bytes; what it says does not matter, only its status */

static void answered(void *arg, const struct http_client_answer *a) {
    struct hooks_job *j = arg;
    char why[160];
    if (a->err == ERR_GONE) {
        hooks_job_drop(j);
    } else if (a->err == OK && a->status >= 200 && a->status <= 299) {
        hooks_job_told(j);
    } else if (a->err == OK) {
        snprintf(why, sizeof(why), "it answered %d", a->status);
        hooks_job_failed(j, why, a->retry_after_ms);
    } else {
        snprintf(why, sizeof(why), "%s: %s", err_name(a->err), a->text);
        hooks_job_failed(j, why, 0);
    }
}

static enum err post(struct hooks_job *j) {
    const struct hooks_means *means = hooks_job_means(j);
    const struct hooks_message m = { j->news.id, j->news.type, j->news.body };
    struct hooks_head head;
    TRY(hooks_head_make(means->secret, &m, clock_wall_ms() / SEC_MS, &head));
    const struct http_client_spec spec = { .method = "POST",
        .url = j->receiver->url,
        .body = m.body,
        .timeout_us = means->timeout_us,
        .answer_max = ANSWER_MAX,
        .fields = head.fields,
        .n_fields = HOOKS_FIELDS };
    return http_client_send(means->http, &spec, answered, j, NULL);
}

void hooks_webhook_begin(struct hooks_job *j) {
    enum err e = post(j);
    if (e != OK) {
        hooks_job_failed(j, err_text(), 0);
    }
}
