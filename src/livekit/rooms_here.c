/* RoomService on rooms/. */
#include "livekit/rooms_here.h"

#include "core/clock.h"
#include "core/mem.h"
#include "livekit/rooms.h"
#include "rooms/directory.h"
#include "rooms/member.h"
#include "rooms/publication.h"

#include <string.h>

static enum err no_memory(void) {
    return err_set(ERR_NOMEM, "no memory for an answer about a room");
}

/* Takes `object`. */
static enum err give(json_t *object, json_t **ret) {
    if (object == NULL) {
        return no_memory();
    }
    *ret = object;
    return OK;
}

/* --- as JSON --- */

static json_t *room_json(const struct room *room) {
    return json_pack("{s:s, s:s, s:I, s:i}", "sid", room->sid, "name", room->name, "creation_time",
        (json_int_t)(room->created_ms / SEC_MS), "num_participants", (int)room->n_counted);
}

static json_t *track_json(const struct room_publication *p) {
    static const char *const sources[ROOM_SOURCES] = { [ROOM_UNKNOWN] = "UNKNOWN",
        [ROOM_CAMERA] = "CAMERA",
        [ROOM_MICROPHONE] = "MICROPHONE",
        [ROOM_SCREEN] = "SCREEN_SHARE",
        [ROOM_SCREEN_AUDIO] = "SCREEN_SHARE_AUDIO" };
    return json_pack("{s:s, s:s, s:s, s:b}", "sid", p->track.sid, "type",
        p->track.media == RTC_AUDIO ? "AUDIO" : "VIDEO", "source", sources[p->track.source],
        "muted", p->track.muted);
}

/* NULL: no memory. */
static json_t *tracks_json(const struct room_member *m) {
    json_t *all = json_array();
    for (const struct room_publication *p = m->publications; p != NULL; p = p->next) {
        if (json_array_append_new(all, track_json(p)) != 0) {
            json_decref(all);
            return NULL;
        }
    }
    return all;
}

static json_t *member_json(const struct room_member *m) {
    static const char *const states[] = { [ROOM_JOINING] = "JOINING",
        [ROOM_JOINED] = "JOINED",
        [ROOM_ACTIVE] = "ACTIVE",
        [ROOM_GONE] = "DISCONNECTED" };
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:o}", "sid", m->sid, "identity", m->identity,
        "name", m->name, "state", states[m->state], "joined_at",
        (json_int_t)(m->joined_ms / SEC_MS), "joined_at_ms", (json_int_t)m->joined_ms, "tracks",
        tracks_json(m));
}

/* --- the questions --- */

static enum err create(struct room_directory *d, const char *alias, json_t **ret) {
    struct room *room = NULL;
    TRY(room_directory_ensure(d, alias, NULL, &room));
    return give(room_json(room), ret);
}

static enum err look(const struct room_directory *d, const char *alias, json_t **ret) {
    const struct room *room = room_directory_find(d, alias);
    return give(room == NULL ? json_pack("{s:[]}", "rooms")
                             : json_pack("{s:[o]}", "rooms", room_json(room)),
        ret);
}

/* A room that is not there is one where nobody is. */
static enum err list(const struct room_directory *d, const char *alias, json_t **ret) {
    const struct room *room = room_directory_find(d, alias);
    json_t *all = json_array();
    for (const struct room_member *m = room == NULL ? NULL : room->members; m != NULL;
         m = m->next) {
        if (json_array_append_new(all, member_json(m)) != 0) {
            json_decref(all);
            return no_memory();
        }
    }
    return give(json_pack("{s:o}", "participants", all), ret);
}

static enum err find(const struct room_directory *d, const char *alias, const char *identity,
    struct room_member **ret) {
    const struct room *room = room_directory_find(d, alias);
    struct room_member *m = room == NULL ? NULL : room_find_member(room, identity);
    if (m == NULL) {
        return err_set(ERR_NOT_FOUND, "participant does not exist");
    }
    *ret = m;
    return OK;
}

static enum err mute(const struct room_member *m, const char *track) {
    struct room_publication *p = room_find_publication(m, track);
    if (p == NULL) {
        return err_set(ERR_NOT_FOUND, "track does not exist");
    }
    room_publication_silence(p);
    return OK;
}

enum err lk_rooms_here(void *directory, const struct lk_rooms_question *q, json_t **ret) {
    struct room_directory *d = directory;
    struct room_member *m = NULL;
    if (strcmp(q->method, "CreateRoom") == 0) {
        return create(d, q->alias, ret);
    }
    if (strcmp(q->method, "ListRooms") == 0) {
        return look(d, q->alias, ret);
    }
    if (strcmp(q->method, "ListParticipants") == 0) {
        return list(d, q->alias, ret);
    }
    TRY(find(d, q->alias, q->identity, &m));
    if (strcmp(q->method, "GetParticipant") == 0) {
        return give(member_json(m), ret);
    }
    if (strcmp(q->method, "MutePublishedTrack") == 0) {
        TRY(mute(m, q->track));
    } else {
        room_leave(m, ROOM_REMOVED);
    }
    return give(json_object(), ret);
}
