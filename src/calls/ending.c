/* A list of members, a few requests at a time; each has one try more, as our own user. */
#include "calls/ending.h"

#include "core/buf.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/mem.h"
#include "matrix/client.h"
#include "matrix/ids.h"

#include <stdio.h>
#include <string.h>

#define STATE_TYPE    "org.matrix.msc3401.call.member"
#define FAMEDLY_TYPE  "com.famedly.call.member"
#define STICKY_TYPE   "org.matrix.msc4143.rtc.member"
#define STICKY_MAX_MS 3600000 /* MSC4354; the later end wins, so none of the client's is later */

/* One request under way; its address is what the client knows it by. */
struct flight {
    struct call_ending *run;
    struct call_ending_member *member; /* NULL = free */
    bool as_sender;
};

struct call_ending {
    struct call_ending_config cfg;
    struct call_ending_member *members;
    size_t n, next, flying;
    struct flight flights[CALL_ENDING_PARALLEL];
    call_ending_done *done;
    void *arg;
};

static bool same(const char *a, const char *b) {
    return a != NULL && strcmp(a, b) == 0;
}

static bool is_sticky(const struct call_ending_member *m) {
    return same(m->generation, "sticky");
}

static bool is_listed(const struct call_ending_member *m) {
    return same(m->generation, "array") || same(m->generation, "famedly");
}

static void fail(struct call_ending_member *m, const char *why) {
    m->by = CALL_ENDING_FAILED;
    snprintf(m->problem, sizeof(m->problem), "%s", why);
}

/* --- one request --- */

/* Of an entry of a list: what is before "/membership id". */
static enum err state_key(const struct call_ending_member *m, struct buf *ret) {
    size_t n = strlen(m->entry_key);
    if (is_listed(m) && m->membership_id != NULL) {
        size_t id = strlen(m->membership_id);
        if (n > id && m->entry_key[n - id - 1] == '/' &&
            strcmp(m->entry_key + n - id, m->membership_id) == 0) {
            n -= id + 1;
        }
    }
    buf_put(ret, m->entry_key, n);
    return buf_check(ret);
}

static void answered(void *arg, const struct mx_answer *a);

static enum err clear_state(struct flight *f) {
    const struct call_ending_member *m = f->member;
    CLEANUP(buf_finish) struct buf key;
    buf_init(&key, 0);
    TRY(state_key(m, &key));
    const struct mx_state state = {
        .room_id = m->room_id,
        .type = same(m->generation, "famedly") ? FAMEDLY_TYPE : STATE_TYPE,
        .state_key = buf_str(&key),
        .content = "{}",
    };
    return mx_client_put_state(
        f->run->cfg.client, &state, f->as_sender ? NULL : m->user_id, answered, f);
}

/* The deployed form (3.3): nothing but the key, and the slot. */
static enum err send_leave(struct flight *f) {
    const struct call_ending_member *m = f->member;
    char id[UUID_TEXT_SIZE];
    CLEANUP(buf_finish) struct buf content;
    buf_init(&content, 0);
    crypto_uuid(clock_wall_ms(), id);
    buf_puts(&content, "{");
    buf_json_field(&content, "msc4354_sticky_key", m->entry_key + strlen(m->user_id) + 1);
    buf_json_field(&content, "slot_id", m->slot);
    buf_puts(&content, "}");
    TRY(buf_check(&content));
    const struct mx_message message = {
        .room_id = m->room_id,
        .type = STICKY_TYPE,
        .content = buf_str(&content),
        .txn_id = id,
        .sticky_ms = STICKY_MAX_MS,
    };
    return mx_client_send(f->run->cfg.client, &message, m->user_id, answered, f);
}

/* NULL, or why nobody but the user can do it. */
static const char *hopeless(const struct call_ending *c, const struct call_ending_member *m) {
    bool ours = c->cfg.masquerade && mx_user_is_local(m->user_id, c->cfg.server_name);
    size_t user = strlen(m->user_id);
    if (m->entry_key == NULL || m->generation == NULL) {
        return "what their client wrote is not known";
    }
    if (is_sticky(m)) {
        if (strncmp(m->entry_key, m->user_id, user) != 0 || m->entry_key[user] != '/') {
            return "what their client wrote is not known";
        }
        return ours ? NULL : "only their own client can end such a membership";
    }
    if (!ours && m->entry_key[0] == '@') {
        return "only the user can write at this state key";
    }
    return NULL;
}

static enum err ask(struct flight *f) {
    return is_sticky(f->member) ? send_leave(f) : clear_state(f);
}

/* --- the list --- */

/* Begins one; what cannot be begun has failed, and the slot stays free. */
static void begin(struct call_ending *c, struct flight *f, struct call_ending_member *m) {
    const char *why = hopeless(c, m);
    if (why != NULL) {
        fail(m, why);
        return;
    }
    bool local = mx_user_is_local(m->user_id, c->cfg.server_name);
    *f = (struct flight){ c, m, !(c->cfg.masquerade && local) };
    if (ask(f) != OK) {
        fail(m, err_text());
        f->member = NULL;
        return;
    }
    c->flying++;
}

static void fill(struct call_ending *c) {
    for (size_t i = 0; i < CALL_ENDING_PARALLEL; i++) {
        while (c->flights[i].member == NULL && c->next < c->n) {
            begin(c, &c->flights[i], &c->members[c->next++]);
        }
    }
}

static void go_on(struct call_ending *c) {
    fill(c);
    if (c->flying == 0) {
        call_ending_done *done = c->done;
        void *arg = c->arg;
        mem_free(c);
        done(arg);
    }
}

/* As the user it did not go (gone from the room, or from the server): then with our own power. */
static bool again_as_sender(struct flight *f, const struct mx_answer *a) {
    if (f->as_sender || is_sticky(f->member) || f->member->entry_key[0] == '@' ||
        (a->err != ERR_FORBIDDEN && a->err != ERR_NOT_FOUND)) {
        return false;
    }
    f->as_sender = true;
    return ask(f) == OK;
}

static void note(struct flight *f, const struct mx_answer *a) {
    struct call_ending_member *m = f->member;
    if (a->err == OK) {
        m->by = f->as_sender ? CALL_ENDING_BY_SENDER : CALL_ENDING_BY_USER;
        return;
    }
    m->by = CALL_ENDING_FAILED;
    snprintf(m->problem, sizeof(m->problem), "%s: %s",
        f->as_sender ? "our own user may not do it" : "the homeserver refused it", a->text);
}

static void answered(void *arg, const struct mx_answer *a) {
    struct flight *f = arg;
    struct call_ending *c = f->run;
    if (a->err != OK && again_as_sender(f, a)) {
        return;
    }
    note(f, a);
    f->member = NULL;
    c->flying--;
    go_on(c);
}

enum err call_ending_run(const struct call_ending_config *cfg, struct call_ending_member *members,
    size_t n, call_ending_done *done, void *arg, struct call_ending **ret) {
    struct call_ending *c = mem_zalloc(sizeof(*c));
    if (c == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    *c = (struct call_ending){ .cfg = *cfg, .members = members, .n = n, .done = done, .arg = arg };
    *ret = c;
    go_on(c);
    return OK;
}

void call_ending_destroy(struct call_ending *c) {
    if (c == NULL) {
        return;
    }
    for (size_t i = 0; i < CALL_ENDING_PARALLEL; i++) {
        if (c->flights[i].member != NULL) {
            mx_client_forget(c->cfg.client, &c->flights[i]);
        }
    }
    mem_free(c);
}
