/* The methods, what each needs of the token, and which room it is about. Main. */
#include "livekit/room_service.h"

#include "core/buf.h"
#include "core/mem.h"
#include "livekit/convert.h"
#include "livekit/grant.h"
#include "livekit/messages.h"
#include "livekit/proto/room_service.pb-c.h"
#include "livekit/revoked.h"
#include "rooms/directory.h"
#include "rooms/member.h"
#include "rooms/publication.h"
#include "rooms/subscription.h"

#include <stddef.h>
#include <string.h>

/* The question as its own type, and an answer of a type in the arena. */
#define ASK(type)    ((const type *)(const void *)q->ask)
#define SAY(message) (q->answer = (const ProtobufCMessage *)(const void *)(message))
#define NEW(ret, type, init)                                                                       \
    type *ret = arena_alloc(q->arena, sizeof(type));                                               \
    if (ret == NULL) {                                                                             \
        return no_memory();                                                                        \
    }                                                                                              \
    *ret = (type)init

static enum err no_memory(void) {
    return err_set(ERR_NOMEM, "no memory for an answer of RoomService");
}

static enum err say(struct lk_question *q, const void *message) {
    SAY(message);
    return message == NULL ? no_memory() : OK;
}

/* --- rooms --- */

static enum err find_room(const struct lk_question *q, const char *name, struct room **ret) {
    *ret = room_directory_find(q->rooms, name);
    return *ret == NULL ? err_set(ERR_NOT_FOUND, "requested room does not exist") : OK;
}

/* One that is there already stays as it is. */
static enum err create_room(struct lk_question *q) {
    const Lk__CreateRoomRequest *ask = ASK(Lk__CreateRoomRequest);
    size_t len = strlen(ask->name);
    if (len == 0 || len > ROOM_NAME_MAX_BYTES) {
        return err_set(ERR_INVALID, "a room's name has 1 to %d bytes", ROOM_NAME_MAX_BYTES);
    }
    if (strlen(ask->metadata) > ROOM_METADATA_MAX_BYTES) {
        return err_set(ERR_INVALID, "metadata exceeds %d bytes", (int)ROOM_METADATA_MAX_BYTES);
    }
    const struct room_config cfg = { .empty_s = ask->empty_timeout,
        .departure_s = ask->departure_timeout,
        .max_members = ask->max_participants,
        .metadata = ask->metadata };
    struct room *room = NULL;
    TRY(room_directory_ensure(q->rooms, ask->name, &cfg, &room));
    return say(q, lk_message_room(room, q->arena));
}

struct listing {
    struct lk_question *q;
    const Lk__ListRoomsRequest *ask;
    Lk__ListRoomsResponse *to;
    size_t cap;
    bool failed;
};

static bool is_asked_for(const struct listing *l, const struct room *room) {
    for (size_t i = 0; i < l->ask->n_names; i++) {
        if (strcmp(l->ask->names[i], room->name) == 0) {
            return true;
        }
    }
    return l->ask->n_names == 0;
}

static void list_one(void *arg, struct room *room) {
    struct listing *l = arg;
    if (!is_asked_for(l, room) || l->to->n_rooms == l->cap) {
        return;
    }
    Lk__Room *r = lk_message_room(room, l->q->arena);
    l->failed = l->failed || r == NULL;
    if (r != NULL) {
        l->to->rooms[l->to->n_rooms++] = r;
    }
}

static enum err list_rooms(struct lk_question *q) {
    NEW(to, Lk__ListRoomsResponse, LK__LIST_ROOMS_RESPONSE__INIT);
    struct listing l = {
        .q = q, .ask = ASK(Lk__ListRoomsRequest), .to = to, .cap = room_directory_count(q->rooms)
    };
    to->rooms = arena_array(q->arena, l.cap + 1, sizeof(*to->rooms));
    if (to->rooms == NULL) {
        return no_memory();
    }
    room_directory_each(q->rooms, list_one, &l);
    return l.failed ? no_memory() : say(q, to);
}

static enum err delete_room(struct lk_question *q) {
    struct room *room = NULL;
    TRY(find_room(q, ASK(Lk__DeleteRoomRequest)->room, &room));
    NEW(done, Lk__DeleteRoomResponse, LK__DELETE_ROOM_RESPONSE__INIT);
    room_end(room, ROOM_DELETED);
    return say(q, done);
}

static enum err update_room_metadata(struct lk_question *q) {
    const Lk__UpdateRoomMetadataRequest *ask = ASK(Lk__UpdateRoomMetadataRequest);
    struct room *room = NULL;
    TRY(find_room(q, ask->room, &room));
    TRY(room_set_metadata(room, ask->metadata));
    return say(q, lk_message_room(room, q->arena));
}

/* --- participants --- */

static enum err find_member(
    const struct lk_question *q, const char *room, const char *identity, struct room_member **ret) {
    const struct room *r = room_directory_find(q->rooms, room);
    *ret = r == NULL ? NULL : room_find_member(r, identity);
    return *ret == NULL ? err_set(ERR_NOT_FOUND, "participant does not exist") : OK;
}

/* A room that is not there has nobody in it. */
static enum err list_participants(struct lk_question *q) {
    const char *name = ASK(Lk__ListParticipantsRequest)->room;
    NEW(to, Lk__ListParticipantsResponse, LK__LIST_PARTICIPANTS_RESPONSE__INIT);
    const struct room *room = room_directory_find(q->rooms, name);
    const struct room_member *m = room == NULL ? NULL : room->members;
    to->participants = arena_array(
        q->arena, room == NULL ? 1 : (size_t)room->n_members + 1, sizeof(*to->participants));
    if (to->participants == NULL) {
        return no_memory();
    }
    for (; m != NULL; m = m->next) {
        Lk__ParticipantInfo *info = lk_message_participant(m, q->arena);
        if (info == NULL) {
            return no_memory();
        }
        to->participants[to->n_participants++] = info;
    }
    return say(q, to);
}

static enum err get_participant(struct lk_question *q) {
    const Lk__RoomParticipantIdentity *ask = ASK(Lk__RoomParticipantIdentity);
    struct room_member *m = NULL;
    TRY(find_member(q, ask->room, ask->identity, &m));
    return say(q, lk_message_participant(m, q->arena));
}

static enum err remove_participant(struct lk_question *q) {
    const Lk__RoomParticipantIdentity *ask = ASK(Lk__RoomParticipantIdentity);
    struct room_member *m = NULL;
    if (ask->revoke_token_ts > 0) { /* also of somebody who is not in at the moment */
        TRY(lk_revoked_add(q->revoked, ask->room, ask->identity, ask->revoke_token_ts, q->now_s));
    }
    TRY(find_member(q, ask->room, ask->identity, &m));
    NEW(done, Lk__RemoveParticipantResponse, LK__REMOVE_PARTICIPANT_RESPONSE__INIT);
    room_leave(m, ROOM_REMOVED);
    return say(q, done);
}

/* Nobody's microphone is opened from afar: whoever was muted says himself when he speaks again. */
static enum err mute_track(struct lk_question *q) {
    const Lk__MuteRoomTrackRequest *ask = ASK(Lk__MuteRoomTrackRequest);
    struct room_member *m = NULL;
    if (!ask->muted) {
        return err_set(ERR_CONFLICT, "remote unmute not enabled");
    }
    TRY(find_member(q, ask->room, ask->identity, &m));
    NEW(done, Lk__MuteRoomTrackResponse, LK__MUTE_ROOM_TRACK_RESPONSE__INIT);
    struct room_publication *p = room_find_publication(m, ask->track_sid);
    if (p != NULL) {
        room_publication_silence(p);
        done->track = lk_message_track(p, q->arena);
    }
    return p != NULL && done->track == NULL ? no_memory() : say(q, done);
}

/* What the message cannot say stays: `recorder` and `agent` come from the token alone. So does
 * `hidden`: whom others have seen would stay with them for ever, since nobody hears that a hidden
 * one leaves. */
static struct room_grant rights_of(
    const Lk__ParticipantPermission *p, const struct room_grant *before) {
    struct room_grant g = { .subscribe = p->can_subscribe,
        .publish = p->can_publish,
        .publish_data = p->can_publish_data,
        .update_own_metadata = p->can_update_metadata,
        .hidden = before->hidden,
        .recorder = before->recorder,
        .agent = before->agent };
    for (size_t i = 0; i < p->n_can_publish_sources; i++) {
        unsigned source = (unsigned)p->can_publish_sources[i];
        g.sources |= source < ROOM_SOURCES ? (uint8_t)(1U << source) : 0;
    }
    /* Sources that we do not know are still a restriction. */
    g.publish = g.publish && (p->n_can_publish_sources == 0 || g.sources != 0);
    return g;
}

static const char *unless_empty(const char *text) {
    return text[0] == '\0' ? NULL : text;
}

static enum err update_participant(struct lk_question *q) {
    const Lk__UpdateParticipantRequest *ask = ASK(Lk__UpdateParticipantRequest);
    struct room_member *m = NULL;
    TRY(find_member(q, ask->room, ask->identity, &m));
    struct room_attribute *attributes =
        arena_array(q->arena, ask->n_attributes + 1, sizeof(*attributes));
    if (attributes == NULL) {
        return no_memory();
    }
    for (size_t i = 0; i < ask->n_attributes; i++) {
        attributes[i] =
            (struct room_attribute){ ask->attributes[i]->key, ask->attributes[i]->value };
    }
    TRY(room_member_set(
        m, unless_empty(ask->name), unless_empty(ask->metadata), attributes, ask->n_attributes));
    if (ask->permission != NULL) {
        const struct room_grant g = rights_of(ask->permission, &m->grant);
        room_member_permit(m, &g);
    }
    return say(q, lk_message_participant(m, q->arena));
}

static enum err subscribe_all(struct room_member *m, char *const *sids, size_t n, bool subscribe) {
    for (size_t i = 0; i < n; i++) {
        TRY(room_subscribe(m, sids[i], subscribe));
    }
    return OK;
}

static enum err update_subscriptions(struct lk_question *q) {
    const Lk__UpdateSubscriptionsRequest *ask = ASK(Lk__UpdateSubscriptionsRequest);
    struct room_member *m = NULL;
    TRY(find_member(q, ask->room, ask->identity, &m));
    NEW(done, Lk__UpdateSubscriptionsResponse, LK__UPDATE_SUBSCRIPTIONS_RESPONSE__INIT);
    TRY(subscribe_all(m, ask->track_sids, ask->n_track_sids, ask->subscribe));
    for (size_t i = 0; i < ask->n_participant_tracks; i++) {
        const Lk__ParticipantTracks *t = ask->participant_tracks[i];
        TRY(subscribe_all(m, t->track_sids, t->n_track_sids, ask->subscribe));
    }
    return say(q, done);
}

/* --- data --- */

/* From nobody: a server has no identity. */
static void fill_packet(
    const Lk__SendDataRequest *ask, Lk__DataPacket *packet, Lk__UserPacket *user) {
    *packet = (Lk__DataPacket)LK__DATA_PACKET__INIT;
    *user = (Lk__UserPacket)LK__USER_PACKET__INIT;
    user->payload = ask->data;
    user->destination_sids = ask->destination_sids;
    user->n_destination_sids = ask->n_destination_sids;
    user->destination_identities = ask->destination_identities;
    user->n_destination_identities = ask->n_destination_identities;
    user->nonce = ask->nonce;
    if (ask->_topic_case == LK__SEND_DATA_REQUEST___TOPIC_TOPIC) {
        user->_topic_case = LK__USER_PACKET___TOPIC_TOPIC;
        user->topic = ask->topic;
    }
    packet->kind = ask->kind;
    packet->destination_identities = ask->destination_identities;
    packet->n_destination_identities = ask->n_destination_identities;
    packet->user = user;
}

static enum err send_data(struct lk_question *q) {
    const Lk__SendDataRequest *ask = ASK(Lk__SendDataRequest);
    CLEANUP(buf_finish) struct buf b;
    Lk__DataPacket packet;
    Lk__UserPacket user;
    struct room *room = NULL;
    buf_init(&b, 0);
    TRY(find_room(q, ask->room, &room));
    NEW(done, Lk__SendDataResponse, LK__SEND_DATA_RESPONSE__INIT);
    fill_packet(ask, &packet, &user);
    TRY(lk_convert_write(&packet.base, &b));
    TRY(room_send(
        room, ask->kind != LK__DATA_PACKET__KIND__LOSSY, (const uint8_t *)buf_str(&b), b.len));
    return say(q, done);
}

/* --- calls --- */

static enum err perform_rpc(struct lk_question *q) {
    const Lk__PerformRpcRequest *ask = ASK(Lk__PerformRpcRequest);
    struct room_member *m = NULL;
    TRY(find_member(q, ask->room, ask->destination_identity, &m));
    q->wish = (struct lk_rpc_wish){ m, ask->method, ask->payload, ask->response_timeout_ms };
    return OK;
}

/* --- the table --- */

#define METHOD(name, needs, type, descriptor, room, serve)                                         \
    { name, &descriptor, needs, (int)offsetof(type, room), serve, false, 0 }

static const struct lk_method methods[] = {
    { "CreateRoom", &lk__create_room_request__descriptor, LK_NEEDS_CREATE,
        (int)offsetof(Lk__CreateRoomRequest, name), create_room, true, 0 },
    { "ListRooms", &lk__list_rooms_request__descriptor, LK_NEEDS_LIST, LK_NO_ROOM, list_rooms,
        false, 0 },
    METHOD("DeleteRoom", LK_NEEDS_CREATE, Lk__DeleteRoomRequest,
        lk__delete_room_request__descriptor, room, delete_room),
    METHOD("UpdateRoomMetadata", LK_NEEDS_ADMIN, Lk__UpdateRoomMetadataRequest,
        lk__update_room_metadata_request__descriptor, room, update_room_metadata),
    METHOD("ListParticipants", LK_NEEDS_ADMIN, Lk__ListParticipantsRequest,
        lk__list_participants_request__descriptor, room, list_participants),
    METHOD("GetParticipant", LK_NEEDS_ADMIN, Lk__RoomParticipantIdentity,
        lk__room_participant_identity__descriptor, room, get_participant),
    METHOD("RemoveParticipant", LK_NEEDS_ADMIN, Lk__RoomParticipantIdentity,
        lk__room_participant_identity__descriptor, room, remove_participant),
    METHOD("MutePublishedTrack", LK_NEEDS_ADMIN, Lk__MuteRoomTrackRequest,
        lk__mute_room_track_request__descriptor, room, mute_track),
    METHOD("UpdateParticipant", LK_NEEDS_ADMIN, Lk__UpdateParticipantRequest,
        lk__update_participant_request__descriptor, room, update_participant),
    METHOD("UpdateSubscriptions", LK_NEEDS_ADMIN, Lk__UpdateSubscriptionsRequest,
        lk__update_subscriptions_request__descriptor, room, update_subscriptions),
    METHOD("SendData", LK_NEEDS_ADMIN, Lk__SendDataRequest, lk__send_data_request__descriptor, room,
        send_data),
    { "PerformRpc", &lk__perform_rpc_request__descriptor, LK_NEEDS_ADMIN,
        (int)offsetof(Lk__PerformRpcRequest, room), perform_rpc, false, LK_RPC_TIMEOUT_MAX_MS },
    /* Of LiveKit's cloud: its own server has them as little as we do. */
    { .name = "ForwardParticipant" },
    { .name = "MoveParticipant" },
};

const struct lk_method *lk_room_service_find(const char *name) {
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        if (strcmp(methods[i].name, name) == 0) {
            return &methods[i];
        }
    }
    return NULL;
}

const char *lk_room_service_room(const struct lk_method *m, const struct ProtobufCMessage *ask) {
    if (m->room == LK_NO_ROOM) {
        return NULL;
    }
    const char *const *text = (const void *)((const char *)(const void *)ask + m->room);
    return *text;
}

/* --- who may ask --- */

static bool may(
    const struct lk_method *m, const struct lk_video *v, const struct ProtobufCMessage *ask) {
    const char *room = lk_room_service_room(m, ask);
    switch (m->needs) {
    case LK_NEEDS_CREATE:
        return lk_may(v->room_create, false);
    case LK_NEEDS_LIST:
        return lk_may(v->room_list, false);
    case LK_NEEDS_ADMIN:
        break;
    }
    return lk_may(v->room_admin, false) && v->room != NULL && room[0] != '\0' &&
           strcmp(v->room, room) == 0;
}

/* LiveKit's words for everything that a token does not allow, and for no token. */
enum err lk_room_service_check(
    const struct lk_method *m, const struct lk_grant *grant, const struct ProtobufCMessage *ask) {
    return grant != NULL && may(m, &grant->video, ask)
               ? OK
               : err_set(ERR_UNAUTHORIZED, "permissions denied");
}
