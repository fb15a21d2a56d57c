/* Room membership, redactions, join rules -> inputs. */
#include "appservice/room_events.h"

#include "appservice/event.h"
#include "appservice/observer.h"
#include "matrix/ids.h"

#include <string.h>

/* A join whose user was there before changes a name or a picture. */
static bool was_joined(const struct as_event *e) {
    const json_t *about = as_node_get(&e->root, "unsigned");
    const char *before =
        json_string_value(json_object_get(json_object_get(about, "prev_content"), "membership"));
    return before != NULL && strcmp(before, "join") == 0;
}

static enum err push_left(struct as_event *e, const char *membership) {
    struct call_input in = as_event_input(e, IN_USER_LEFT);
    in.room.user_id = e->state_key;
    in.room.membership = membership;
    in.room.kicked = strcmp(membership, "ban") == 0 || strcmp(e->sender, e->state_key) != 0;
    return as_event_push(e, &in);
}

enum err as_room_member(struct as_event *e, const struct as_node *c) {
    const char *membership;
    e->membership_changed = true;
    if (e->state_key == NULL || !mx_user_id_valid(e->state_key)) {
        return as_node_wrong(
            &e->root, "state_key", "a user id", as_node_get(&e->root, "state_key"));
    }
    TRY(as_node_text(c, "membership", 1, AS_NAME_MAX, e->arena, &membership));
    if (strcmp(membership, "leave") == 0 || strcmp(membership, "ban") == 0) {
        return push_left(e, membership);
    }
    e->look_at_room = strcmp(membership, "join") == 0 && !was_joined(e) &&
                      mx_user_is_local(e->state_key, e->cfg->server_name) &&
                      as_event_current(e, AS_JOIN_FRESH_MS);
    return OK;
}

/* Room version 11 moved `redacts` into the content; homeservers fill in both places for clients. */
enum err as_room_redaction(struct as_event *e, const struct as_node *c) {
    const struct as_node *n = as_node_get(&e->root, "redacts") != NULL ? &e->root : c;
    struct call_input in = as_event_input(e, IN_REDACTED);
    TRY(as_node_text(n, "redacts", 2, AS_ID_MAX, e->arena, &in.ring.target_event_id));
    return as_event_push(e, &in);
}

enum err as_room_join_rules(struct as_event *e, const struct as_node *c) {
    (void)c;
    e->membership_changed = true;
    return OK;
}
