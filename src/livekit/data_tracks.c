/* Requests, answers, handles. Main. */
#include "livekit/data_tracks.h"

#include "core/log.h"
#include "livekit/messages.h"
#include "livekit/session.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

/* --- publishing --- */

/* An encoding without a name is none. */
static bool read_code(bool named, uint32_t known, const char *name, struct room_data_code *ret) {
    if (!named) {
        ret->kind = ROOM_CODE_KNOWN;
        ret->known = known;
        return true;
    }
    ret->kind = ROOM_CODE_NAMED;
    snprintf(ret->name, sizeof(ret->name), "%s", name);
    return name[0] != '\0' && strlen(name) <= ROOM_DATA_CODE_MAX;
}

static bool read_frames(const Lk__DataTrackFrameEncoding *e, struct room_data_type *ret) {
    ret->has_frames = e != NULL;
    return e == NULL || e->value_case == LK__DATA_TRACK_FRAME_ENCODING__VALUE__NOT_SET ||
           read_code(e->value_case == LK__DATA_TRACK_FRAME_ENCODING__VALUE_CUSTOM,
               (uint32_t)e->well_known, e->custom, &ret->frames);
}

static bool read_schema(const Lk__DataTrackSchemaId *id, struct room_data_type *ret) {
    const Lk__DataTrackSchemaEncoding *e = id == NULL ? NULL : id->encoding;
    if (id == NULL) {
        return true;
    }
    ret->has_schema = true;
    ret->schema_has_code = e != NULL;
    snprintf(ret->schema, sizeof(ret->schema), "%s", id->name);
    return strlen(id->name) <= ROOM_DATA_NAME_MAX &&
           (e == NULL || e->value_case == LK__DATA_TRACK_SCHEMA_ENCODING__VALUE__NOT_SET ||
               read_code(e->value_case == LK__DATA_TRACK_SCHEMA_ENCODING__VALUE_CUSTOM,
                   (uint32_t)e->well_known, e->custom, &ret->schema_code));
}

/* Why it cannot be published; OK: it may be tried. */
static Lk__RequestResponse__Reason check(const struct room_member *m,
    const Lk__PublishDataTrackRequest *r, struct room_data_type *type, const char **text) {
    *text = "";
    if (!m->grant.publish_data) {
        *text = "does not have permission to publish data";
        return LK__REQUEST_RESPONSE__REASON__NOT_ALLOWED;
    }
    if (r->pub_handle == 0 || r->pub_handle > UINT16_MAX) {
        *text = "handle should be > 0 AND < 65536";
        return LK__REQUEST_RESPONSE__REASON__INVALID_HANDLE;
    }
    if (r->name[0] == '\0' || strlen(r->name) > ROOM_DATA_NAME_MAX) {
        *text = "name should not be empty and should not exceed 256 characters";
        return LK__REQUEST_RESPONSE__REASON__INVALID_NAME;
    }
    if (!read_frames(r->frame_encoding, type) || !read_schema(r->schema, type)) {
        *text = "encoding identifier is empty or exceeds the maximum length";
        return LK__REQUEST_RESPONSE__REASON__INVALID_REQUEST;
    }
    if (room_data_find(m, (uint16_t)r->pub_handle) != NULL) {
        *text = "a data track with same handle already exists";
        return LK__REQUEST_RESPONSE__REASON__DUPLICATE_HANDLE;
    }
    if (room_data_find_name(m, r->name) != NULL) {
        *text = "a data track with same name already exists";
        return LK__REQUEST_RESPONSE__REASON__DUPLICATE_NAME;
    }
    return LK__REQUEST_RESPONSE__REASON__OK;
}

static enum room_encryption encryption_of(Lk__Encryption__Type type) {
    return type == LK__ENCRYPTION__TYPE__NONE  ? ROOM_PLAIN
           : type == LK__ENCRYPTION__TYPE__GCM ? ROOM_GCM
                                               : ROOM_CUSTOM;
}

static void refuse(struct lk_session *s, Lk__PublishDataTrackRequest *r,
    Lk__RequestResponse__Reason reason, const char *text) {
    Lk__RequestResponse outcome = LK__REQUEST_RESPONSE__INIT;
    outcome.request_case = LK__REQUEST_RESPONSE__REQUEST_PUBLISH_DATA_TRACK;
    outcome.publish_data_track = r;
    lk_session_say_outcome(s, &outcome, reason, text);
}

/* Says `m`, in which *info is to tell of the track. */
static void say_with_info(struct lk_session *s, const Lk__SignalResponse *m,
    const struct room_data_track *t, Lk__DataTrackInfo **info) {
    struct arena a;
    arena_init(&a);
    *info = lk_message_data_track(t, &a);
    if (*info != NULL) {
        lk_session_say(s, m);
    }
    arena_finish(&a);
}

static void say_published(struct lk_session *s, const struct room_data_track *t) {
    Lk__SignalResponse m = LK__SIGNAL_RESPONSE__INIT;
    Lk__PublishDataTrackResponse r = LK__PUBLISH_DATA_TRACK_RESPONSE__INIT;
    m.message_case = LK__SIGNAL_RESPONSE__MESSAGE_PUBLISH_DATA_TRACK_RESPONSE;
    m.publish_data_track_response = &r;
    say_with_info(s, &m, t, &r.info);
}

void lk_data_tracks_publish(struct lk_session *s, Lk__PublishDataTrackRequest *r) {
    struct room_data_said said = { .handle = (uint16_t)r->pub_handle,
        .name = r->name,
        .encryption = encryption_of(r->encryption) };
    struct room_data_track *t = NULL;
    const char *text = NULL;
    const Lk__RequestResponse__Reason reason = check(s->member, r, &said.type, &text);
    if (reason != LK__REQUEST_RESPONSE__REASON__OK) {
        refuse(s, r, reason, text);
        return;
    }
    switch (room_data_publish(s->member, &said, &t)) {
    case OK:
        say_published(s, t);
        break;
    case ERR_LIMIT:
        refuse(s, r, LK__REQUEST_RESPONSE__REASON__LIMIT_EXCEEDED, err_text());
        break;
    default:
        refuse(s, r, LK__REQUEST_RESPONSE__REASON__UNCLASSIFIED_ERROR, "not done");
    }
}

void lk_data_tracks_taken(void *arg, const struct room_data_track *t) {
    Lk__SignalResponse m = LK__SIGNAL_RESPONSE__INIT;
    Lk__UnpublishDataTrackResponse r = LK__UNPUBLISH_DATA_TRACK_RESPONSE__INIT;
    m.message_case = LK__SIGNAL_RESPONSE__MESSAGE_UNPUBLISH_DATA_TRACK_RESPONSE;
    m.unpublish_data_track_response = &r;
    say_with_info(arg, &m, t, &r.info);
}

void lk_data_tracks_unpublish(struct lk_session *s, Lk__UnpublishDataTrackRequest *r) {
    struct room_data_track *t =
        r->pub_handle > UINT16_MAX ? NULL : room_data_find(s->member, (uint16_t)r->pub_handle);
    if (t == NULL) {
        Lk__RequestResponse outcome = LK__REQUEST_RESPONSE__INIT;
        outcome.request_case = LK__REQUEST_RESPONSE__REQUEST_UNPUBLISH_DATA_TRACK;
        outcome.unpublish_data_track = r;
        lk_session_say_outcome(s, &outcome, LK__REQUEST_RESPONSE__REASON__NOT_FOUND, "");
        return;
    }
    lk_data_tracks_taken(s, t);
    room_data_unpublish(t);
}

/* --- receiving --- */

void lk_data_tracks_subscribe(struct lk_session *s, const Lk__UpdateDataSubscription *u) {
    for (size_t i = 0; i < u->n_updates; i++) {
        enum err e =
            room_data_subscribe(s->member, u->updates[i]->track_sid, u->updates[i]->subscribe);
        if (e != OK) {
            LOG_WARN(&s->member->log, "subscription_failed", "cause=%s text=%s", err_name(e),
                LOG_Q(err_text()));
            return;
        }
    }
}

typedef Lk__DataTrackSubscriberHandles__SubHandlesEntry entry;
typedef Lk__DataTrackSubscriberHandles__PublishedDataTrack published;

static entry *entry_of(const struct room_data_subscription *sub, struct arena *a) {
    entry *e = arena_alloc(a, sizeof(*e));
    published *t = arena_alloc(a, sizeof(*t));
    if (e == NULL || t == NULL) {
        return NULL;
    }
    *t = (published)LK__DATA_TRACK_SUBSCRIBER_HANDLES__PUBLISHED_DATA_TRACK__INIT;
    t->publisher_identity = sub->track->member->identity;
    t->publisher_sid = sub->track->member->sid;
    t->track_sid = (char *)sub->sid;
    *e = (entry)LK__DATA_TRACK_SUBSCRIBER_HANDLES__SUB_HANDLES_ENTRY__INIT;
    e->key = sub->handle;
    e->value = t;
    return e;
}

void lk_data_tracks_handles(void *arg) {
    struct lk_session *s = arg;
    Lk__SignalResponse m = LK__SIGNAL_RESPONSE__INIT;
    Lk__DataTrackSubscriberHandles handles = LK__DATA_TRACK_SUBSCRIBER_HANDLES__INIT;
    const struct room_data_subscription *sub = s->member->data_subscriptions;
    struct arena a;
    arena_init(&a);
    handles.sub_handles = arena_array(&a, HASH_COUNT(sub) + 1, sizeof(*handles.sub_handles));
    for (; sub != NULL && !a.failed; sub = sub->hh.next) {
        if (sub->handle != 0) {
            handles.sub_handles[handles.n_sub_handles++] = entry_of(sub, &a);
        }
    }
    m.message_case = LK__SIGNAL_RESPONSE__MESSAGE_DATA_TRACK_SUBSCRIBER_HANDLES;
    m.data_track_subscriber_handles = &handles;
    if (!a.failed) {
        lk_session_say(s, &m);
    }
    arena_finish(&a);
}

/* --- coming back --- */

bool lk_data_tracks_has_all(const struct lk_session *s, const Lk__SyncState *state) {
    for (size_t i = 0; i < state->n_publish_data_tracks; i++) {
        const Lk__DataTrackInfo *info = state->publish_data_tracks[i]->info;
        if (info == NULL || room_data_find_sid(s->member, info->sid) == NULL) {
            return false;
        }
    }
    return true;
}

static bool is_listed(const Lk__SyncState *state, const char *sid) {
    bool found = false;
    for (size_t i = 0; i < state->n_publish_data_tracks && !found; i++) {
        const Lk__DataTrackInfo *info = state->publish_data_tracks[i]->info;
        found = info != NULL && strcmp(info->sid, sid) == 0;
    }
    return found;
}

void lk_data_tracks_say_unheard(struct lk_session *s, const Lk__SyncState *state) {
    const struct room_data_track *t = NULL;
    DL_FOREACH(s->member->data_tracks, t) {
        if (!is_listed(state, t->sid)) {
            say_published(s, t);
        }
    }
}
