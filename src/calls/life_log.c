/* One log line a push.  Thread: main. */
#include "calls/life_log.h"

#include "core/log.h"

void call_life_log(void *arg, const struct call_push *p) {
    (void)arg;
    struct log_ctx session;
    struct log_ctx room;
    struct log_ctx call;
    log_ctx_add(&session, NULL, "session", p->session_id);
    log_ctx_add(&room, &session, "room", p->room_id);
    log_ctx_add(&call, &room, "call", p->call_id);
    LOG_INFO(&call, "call_moved", "push=%s to=%s by=%s", call_push_name(p->type),
        LOG_Q(p->user_id == NULL ? "everybody" : p->user_id),
        LOG_Q(p->actor == NULL ? "time" : p->actor));
}
