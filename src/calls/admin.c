/* The admin's part of both tables.  Thread: main. */
#include "calls/admin.h"

#include <string.h>

bool call_admin_is(const struct call_input *in) {
    return in->type >= IN_ENDED_BY_ADMIN && in->type <= IN_MUTED_BY_ADMIN;
}

enum err call_admin_apply(struct call_batch *b, const struct call_input *in) {
    for (struct call_session *s = b->sessions; s != NULL; s = s->next) {
        if (strcmp(s->row.id, in->admin.session_id) == 0) {
            return call_machine_step(b, s, in);
        }
    }
    return OK;
}

/* Named like the subject of the rows that tell of the member's leaving. */
static enum err name_subject(
    struct call_batch *b, struct store_event *e, const struct call_input_admin *a) {
    e->subject = a->device_id == NULL ? a->user_id
                                      : arena_printf(b->arena, "%s/%s", a->user_id, a->device_id);
    return e->subject == NULL ? err_set(ERR_NOMEM, "no memory for an audit row") : OK;
}

enum err call_admin_record(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    const char *type = in->type == IN_ENDED_BY_ADMIN    ? "call_ended_by_admin"
                       : in->type == IN_KICKED_BY_ADMIN ? "participant_kicked_by_admin"
                                                        : "participant_muted_by_admin";
    struct store_event *e = NULL;
    TRY(call_session_record(b, s, type, in, &e));
    if (in->type != IN_ENDED_BY_ADMIN) {
        TRY(name_subject(b, e, &in->admin));
    }
    TRY(call_event_text(b, e, "actor", in->admin.actor));
    TRY(call_event_text(b, e, "track", in->admin.track));
    return call_event_text(b, e, "reason", in->admin.reason);
}
