/* One GET below the client API. */
#include "doctor/ask.h"

#include "core/buf.h"
#include "matrix/path.h"

#define CLIENT "/_matrix/client/v3"

const json_t *doctor_ask(struct doctor *d, const char *pattern, const char *room, const char *user,
    const char *query, struct doctor_answer *a) {
    CLEANUP(buf_finish) struct buf path;
    const char *const parts[] = { room };
    buf_init(&path, 0);
    buf_puts(&path, CLIENT);
    if (mx_path_append(&path, pattern, parts, room == NULL ? 0 : 1) != OK) {
        *a = (struct doctor_answer){ .err = ERR_INVALID };
        return NULL;
    }
    buf_puts(&path, query);
    mx_path_query(&path, "user_id", user);
    doctor_fetch(d,
        &(struct doctor_request){
            .url = doctor_homeserver_url(d, buf_str(&path)), .bearer = d->as_token },
        a);
    return a->err == OK && a->status == 200 ? a->json : NULL;
}
