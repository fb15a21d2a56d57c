/* Answers are gathered until the last node has given its own. Main. */
#include "livekit/room_lists.h"

#include "core/buf.h"
#include "core/mem.h"
#include "http/client.h"
#include "http/request.h"
#include "livekit/convert.h"
#include "livekit/forward.h"
#include "livekit/nodes.h"
#include "livekit/proto/room_service.pb-c.h"

#include <stdio.h>
#include <string.h>

#define TEXT_SIZE 200

/* Of one node. */
struct part {
    const struct part *next;
    const Lk__ListRoomsResponse *rooms;
};

struct lk_room_list {
    struct lk_nodes *nodes;
    struct http_request *r; /* whose arena this is in */
    const struct part *parts;
    size_t n_rooms;
    size_t asked; /* nodes, and one for as long as we are asking */
    struct buf ask;
    enum err e; /* of the first that failed */
    char text[TEXT_SIZE];
    lk_room_list_done *done;
    void *arg;
};

static void fail(struct lk_room_list *l, enum err e, const char *text) {
    if (l->e == OK) {
        l->e = e;
        snprintf(l->text, sizeof(l->text), "%s", text);
    }
}

static enum err take(struct lk_room_list *l, const struct http_client_answer *a) {
    if (a->err != OK) {
        return err_set(ERR_UNREACHABLE, "%s", a->text);
    }
    if (a->status != 200) {
        return err_set(ERR_UNREACHABLE, "a node says %d", a->status);
    }
    struct arena *arena = http_request_arena(l->r);
    struct part *p = arena_alloc(arena, sizeof(*p));
    struct ProtobufCMessage *m = NULL;
    if (p == NULL) {
        return err_set(ERR_NOMEM, "no memory for rooms of another node");
    }
    TRY(lk_convert_read(
        &lk__list_rooms_response__descriptor, (const uint8_t *)a->body, a->len, arena, &m));
    *p = (struct part){ l->parts, (const void *)m };
    l->parts = p;
    l->n_rooms += p->rooms->n_rooms;
    return OK;
}

static void one_less(struct lk_room_list *l) {
    if (--l->asked > 0) {
        return;
    }
    buf_finish(&l->ask);
    const enum err e = l->e == OK ? OK : err_set(l->e, "%s", l->text);
    l->done(l->arg, e, e == OK ? l : NULL);
}

static void on_answer(void *arg, const struct http_client_answer *a) {
    struct lk_room_list *l = arg;
    const enum err e = take(l, a);
    if (e != OK) {
        fail(l, e, err_text());
    }
    one_less(l);
}

static void ask_node(void *arg, const char *name, const char *inner_url) {
    struct lk_room_list *l = arg;
    const struct lk_forward_to to = { .node = name, .inner_url = inner_url };
    const struct lk_forward_body body = { "Content-Type: application/protobuf", buf_str(&l->ask),
        l->ask.len };
    const enum err e = lk_forward_ask(lk_nodes_forwards(l->nodes), l->r, &to, &body, on_answer, l);
    if (e == OK) {
        l->asked++;
    } else {
        fail(l, e, err_text());
    }
}

enum err lk_room_list_ask(struct lk_nodes *nodes, struct http_request *r,
    const struct ProtobufCMessage *ask, lk_room_list_done *done, void *arg) {
    struct lk_room_list *l = arena_alloc(http_request_arena(r), sizeof(*l));
    if (l == NULL) {
        return err_set(ERR_NOMEM, "no memory for a list of rooms");
    }
    *l = (struct lk_room_list){ .r = r, .nodes = nodes, .asked = 1, .done = done, .arg = arg };
    buf_init(&l->ask, 0);
    const enum err e = lk_convert_write(ask, &l->ask);
    if (e != OK) {
        buf_finish(&l->ask);
        return e;
    }
    lk_nodes_each_other(nodes, ask_node, l);
    one_less(l);
    return OK;
}

enum err lk_room_list_add(
    const struct lk_room_list *others, struct arena *a, const struct ProtobufCMessage **answer) {
    const Lk__ListRoomsResponse *ours = (const void *)*answer;
    Lk__ListRoomsResponse *all = arena_alloc(a, sizeof(*all));
    Lk__Room **rooms = arena_array(a, ours->n_rooms + others->n_rooms + 1, sizeof(Lk__Room *));
    if (all == NULL || rooms == NULL) {
        return err_set(ERR_NOMEM, "no memory for a list of rooms");
    }
    *all = (Lk__ListRoomsResponse)LK__LIST_ROOMS_RESPONSE__INIT;
    all->rooms = rooms;
    for (size_t i = 0; i < ours->n_rooms; i++) {
        rooms[all->n_rooms++] = ours->rooms[i];
    }
    for (const struct part *p = others->parts; p != NULL; p = p->next) {
        for (size_t i = 0; i < p->rooms->n_rooms; i++) {
            rooms[all->n_rooms++] = p->rooms->rooms[i];
        }
    }
    *answer = &all->base;
    return OK;
}
