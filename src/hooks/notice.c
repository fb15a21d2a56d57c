/*
 * The notice of a missed call, by our own user, in the room it was missed in.
 *
 * Only in rooms that our user has joined: reading the room's state in its own name says so. Never
 * in encrypted rooms: what we write would be the one thing in there that everybody's server can
 * read, and it names who called whom. The transaction id is the call's, so a notice that was sent
 * and not written down is not sent twice (a homeserver remembers for half an hour; we give up
 * before). Thread: main.
 */
#include "core/buf.h"
#include "core/clock.h"
#include "hooks/job.h"
#include "matrix/client.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* --- what it says --- */

static const char *text_of(const json_t *o, const char *key) {
    const char *text = json_string_value(json_object_get(o, key));
    return text == NULL ? "" : text;
}

/* {} = nobody is mentioned, so no telephone rings for it. */
static void write_content(struct buf *b, const json_t *call) {
    const char *caller = text_of(call, "caller");
    CLEANUP(buf_finish) struct buf text;
    buf_init(&text, 0);
    buf_puts(&text,
        strcmp(text_of(call, "media"), "video") == 0 ? "Missed video call" : "Missed voice call");
    if (caller[0] != '\0') {
        buf_printf(&text, " from %s", caller);
    }
    buf_puts(b, "{");
    buf_json_field(b, "msgtype", "m.notice");
    buf_json_field(b, "body", buf_str(&text));
    buf_json_key(b, "m.mentions");
    buf_puts(b, "{}}");
    b->bad = b->bad || text.bad;
}

/* --- saying it --- */

static void sent(void *arg, const struct mx_answer *a) {
    struct hooks_job *j = arg;
    if (a->err == OK) {
        hooks_job_over(j, NULL);
    } else if (a->err == ERR_FORBIDDEN) {
        hooks_job_over(j, "Parley's user may not write in the room");
    } else if (a->err == ERR_GONE) {
        hooks_job_drop(j);
    } else {
        hooks_job_failed(j, a->text, 0);
    }
}

static enum err say(struct hooks_job *j) {
    CLEANUP(buf_finish) struct buf b;
    char txn_id[sizeof("parley-missed-") + UUID_TEXT_SIZE];
    json_t *news = json_loads(j->news.body, 0, NULL);
    buf_init(&b, 0);
    write_content(&b, json_object_get(news, "call"));
    json_decref(news);
    TRY(buf_check(&b));
    snprintf(txn_id, sizeof(txn_id), "parley-missed-%s", j->news.session_id);
    const struct mx_message m = { .room_id = j->news.room_id,
        .type = "m.room.message",
        .content = buf_str(&b),
        .txn_id = txn_id };
    return mx_client_send(hooks_job_means(j)->client, &m, NULL, sent, j);
}

static void looked(void *arg, const struct mx_answer *a) {
    struct hooks_job *j = arg;
    switch (a->err) {
    case ERR_NOT_FOUND: /* we are in the room, and it is not encrypted */
        if (say(j) != OK) {
            hooks_job_failed(j, err_text(), 0);
        }
        return;
    case OK:
        hooks_job_over(j, "the room is encrypted");
        return;
    case ERR_FORBIDDEN:
        hooks_job_over(j, "Parley's user is not in the room");
        return;
    case ERR_GONE:
        hooks_job_drop(j);
        return;
    default:
        hooks_job_failed(j, a->text, 0);
        return;
    }
}

void hooks_notice_begin(struct hooks_job *j) {
    enum err e = mx_client_room_state_event(
        hooks_job_means(j)->client, j->news.room_id, "m.room.encryption", "", NULL, looked, j);
    if (e != OK) {
        hooks_job_failed(j, err_text(), 0);
    }
}

void hooks_notice_forget(struct hooks_job *j) {
    mx_client_forget(hooks_job_means(j)->client, j);
}
