/* Rooms, participants and tracks, field by field. Main. */
#include "livekit/messages.h"

#include "livekit/convert.h"
#include "livekit/publishing.h"
#include "livekit/signal.h"
#include "rooms/member.h"

#include <ctype.h>
#include <string.h>

#define PING_INTERVAL_S 5 /* livekit-protocol 2.4 */
#define PING_TIMEOUT_S  15

/* A message of its type in the arena. */
#define NEW(ret, type, init)                                                                       \
    type *ret = arena_alloc(a, sizeof(type));                                                      \
    if (ret == NULL) {                                                                             \
        return NULL;                                                                               \
    }                                                                                              \
    *ret = (type)init

/* --- codecs --- */

static const enum rtc_codec_type published_codecs[] = { RTC_VP8, RTC_H264, RTC_VP9, RTC_AV1 };

static bool add_codec(Lk__Codec **list, size_t *n, const char *mime, struct arena *a) {
    Lk__Codec *c = arena_alloc(a, sizeof(*c));
    if (c == NULL) {
        return false;
    }
    *c = (Lk__Codec)LK__CODEC__INIT;
    c->mime = (char *)mime;
    list[(*n)++] = c;
    return true;
}

/* Video first: Flutter's clients need that. */
static Lk__Codec **codecs(struct arena *a, size_t *n) {
    Lk__Codec **list = arena_array(a, COUNT_OF(published_codecs) + 3, sizeof(*list));
    bool fine = list != NULL;
    *n = 0;
    for (size_t i = 0; i < COUNT_OF(published_codecs) && fine; i++) {
        fine = add_codec(list, n, rtc_codec_mime(published_codecs[i]), a);
    }
    fine = fine && add_codec(list, n, "video/rtx", a) &&
           add_codec(list, n, rtc_codec_mime(RTC_OPUS), a) &&
           add_codec(list, n, rtc_codec_mime(RTC_RED), a);
    return fine ? list : NULL;
}

/* --- rooms --- */

Lk__Room *lk_message_room(const struct room *room, struct arena *a) {
    NEW(r, Lk__Room, LK__ROOM__INIT);
    r->sid = (char *)room->sid;
    r->name = room->name;
    r->empty_timeout = room->empty_s;
    r->departure_timeout = room->departure_s;
    r->max_participants = room->max_members;
    r->creation_time = room->created_ms / 1000;
    r->creation_time_ms = room->created_ms;
    r->metadata = room->metadata;
    r->num_participants = room->n_counted;
    r->num_publishers = room->n_publishers;
    r->enabled_codecs = codecs(a, &r->n_enabled_codecs);
    return r;
}

/* --- tracks --- */

static const Lk__TrackSource sources[ROOM_SOURCES] = { LK__TRACK_SOURCE__UNKNOWN,
    LK__TRACK_SOURCE__CAMERA, LK__TRACK_SOURCE__MICROPHONE, LK__TRACK_SOURCE__SCREEN_SHARE,
    LK__TRACK_SOURCE__SCREEN_SHARE_AUDIO };

/* SVC has all layers in one stream. */
static Lk__VideoLayer__Mode mode_of(enum rtc_codec_type type) {
    return type == RTC_VP9 || type == RTC_AV1
               ? LK__VIDEO_LAYER__MODE__MULTIPLE_SPATIAL_LAYERS_PER_STREAM
               : LK__VIDEO_LAYER__MODE__ONE_SPATIAL_LAYER_PER_STREAM;
}

static Lk__VideoLayer **layers(const struct room_track *t, struct arena *a) {
    Lk__VideoLayer **list = arena_array(a, RTC_ENCODINGS_MAX, sizeof(*list));
    for (uint8_t i = 0; i < t->n_layers && list != NULL; i++) {
        NEW(layer, Lk__VideoLayer, LK__VIDEO_LAYER__INIT);
        layer->quality = (Lk__VideoQuality)t->layers[i].quality;
        layer->width = t->layers[i].width;
        layer->height = t->layers[i].height;
        layer->bitrate = t->layers[i].bps;
        layer->ssrc = t->layers[i].encoding.ssrc;
        layer->repair_ssrc = t->layers[i].encoding.rtx_ssrc;
        layer->rid = (char *)t->layers[i].encoding.rid;
        layer->spatial_layer = i;
        list[i] = layer;
    }
    return list;
}

static bool add_features(Lk__TrackInfo *r, uint8_t bits, struct arena *a) {
    r->audio_features = arena_array(a, 8, sizeof(*r->audio_features));
    for (int i = 0; i < 8 && r->audio_features != NULL; i++) {
        if ((bits & 1u << i) != 0) {
            r->audio_features[r->n_audio_features++] = (Lk__AudioTrackFeature)i;
        }
    }
    return r->audio_features != NULL;
}

/* What is known of a track with and without media. */
static Lk__TrackInfo *track(const struct room_track *t, struct arena *a) {
    NEW(r, Lk__TrackInfo, LK__TRACK_INFO__INIT);
    r->sid = (char *)t->sid;
    r->type = t->media == RTC_AUDIO ? LK__TRACK_TYPE__AUDIO : LK__TRACK_TYPE__VIDEO;
    r->name = (char *)t->name;
    r->muted = t->muted;
    r->width = t->width;
    r->height = t->height;
    r->source = sources[t->source];
    r->stereo = t->stereo;
    r->disable_dtx = t->no_dtx;
    r->disable_red = t->no_red;
    r->encryption = (Lk__Encryption__Type)t->encryption;
    r->stream = (char *)t->stream;
    r->backup_codec_policy = (Lk__BackupCodecPolicy)t->backup;
    r->layers = layers(t, a);
    r->n_layers = r->layers == NULL ? 0 : t->n_layers;
    return add_features(r, t->features, a) ? r : NULL;
}

static bool add_codec_info(Lk__TrackInfo *r, const char *mime, const char *mid, const char *cid,
    enum rtc_codec_type type, struct arena *a) {
    Lk__SimulcastCodecInfo *c = arena_alloc(a, sizeof(*c));
    if (c == NULL || r->codecs == NULL) {
        return false;
    }
    *c = (Lk__SimulcastCodecInfo)LK__SIMULCAST_CODEC_INFO__INIT;
    c->mime_type = (char *)mime;
    c->mid = (char *)mid;
    c->cid = (char *)cid;
    c->layers = r->layers;
    c->n_layers = r->n_layers;
    c->video_layer_mode = mode_of(type);
    r->codecs[r->n_codecs++] = c;
    return true;
}

Lk__TrackInfo *lk_message_track(const struct room_publication *p, struct arena *a) {
    Lk__TrackInfo *r = track(&p->track, a);
    const enum rtc_codec_type type = (enum rtc_codec_type)p->params.codecs[0].type;
    if (r == NULL) {
        return NULL;
    }
    r->mime_type = (char *)(p->params.n_codecs == 0 ? "" : rtc_codec_mime(type));
    r->mid = (char *)p->params.mid;
    r->simulcast = mode_of(type) == LK__VIDEO_LAYER__MODE__ONE_SPATIAL_LAYER_PER_STREAM &&
                   p->track.n_layers > 1;
    r->codecs = arena_array(a, 1, sizeof(*r->codecs));
    return add_codec_info(r, r->mime_type, r->mid, "", type, a) ? r : NULL;
}

Lk__TrackInfo *lk_message_announced(const struct lk_announced *t, struct arena *a) {
    Lk__TrackInfo *r = track(&t->track, a);
    if (r == NULL) {
        return NULL;
    }
    const enum rtc_codec_type first = t->n_codecs == 0 ? RTC_VP8 : t->codecs[0].type;
    r->simulcast = t->track.n_layers > 1 &&
                   mode_of(first) == LK__VIDEO_LAYER__MODE__ONE_SPATIAL_LAYER_PER_STREAM;
    r->codecs = arena_array(a, LK_TRACK_CODECS_MAX + 1, sizeof(*r->codecs));
    bool fine = t->n_codecs > 0 || add_codec_info(r, "", "", t->cid, RTC_VP8, a);
    for (size_t i = 0; i < t->n_codecs && fine; i++) {
        const struct lk_announced_codec *c = &t->codecs[i];
        fine = add_codec_info(r, rtc_codec_mime(c->type), "", c->cid, c->type, a);
    }
    return fine ? r : NULL;
}

/* --- data tracks --- */

static bool add_frames(Lk__DataTrackInfo *r, const struct room_data_code *c, struct arena *a) {
    Lk__DataTrackFrameEncoding *e = r->frame_encoding = arena_alloc(a, sizeof(*e));
    if (e == NULL) {
        return false;
    }
    *e = (Lk__DataTrackFrameEncoding)LK__DATA_TRACK_FRAME_ENCODING__INIT;
    if (c->kind == ROOM_CODE_NAMED) {
        e->value_case = LK__DATA_TRACK_FRAME_ENCODING__VALUE_CUSTOM;
        e->custom = (char *)c->name;
    } else if (c->kind == ROOM_CODE_KNOWN) {
        e->value_case = LK__DATA_TRACK_FRAME_ENCODING__VALUE_WELL_KNOWN;
        e->well_known = (Lk__DataTrackFrameEncoding__WellKnownFrameEncoding)c->known;
    }
    return true;
}

static Lk__DataTrackSchemaEncoding *schema_code(const struct room_data_code *c, struct arena *a) {
    NEW(e, Lk__DataTrackSchemaEncoding, LK__DATA_TRACK_SCHEMA_ENCODING__INIT);
    if (c->kind == ROOM_CODE_NAMED) {
        e->value_case = LK__DATA_TRACK_SCHEMA_ENCODING__VALUE_CUSTOM;
        e->custom = (char *)c->name;
    } else if (c->kind == ROOM_CODE_KNOWN) {
        e->value_case = LK__DATA_TRACK_SCHEMA_ENCODING__VALUE_WELL_KNOWN;
        e->well_known = (Lk__DataTrackSchemaEncoding__WellKnownSchemaEncoding)c->known;
    }
    return e;
}

static bool add_schema(Lk__DataTrackInfo *r, const struct room_data_type *type, struct arena *a) {
    Lk__DataTrackSchemaId *id = r->schema = arena_alloc(a, sizeof(*id));
    if (id == NULL) {
        return false;
    }
    *id = (Lk__DataTrackSchemaId)LK__DATA_TRACK_SCHEMA_ID__INIT;
    id->name = (char *)type->schema;
    id->encoding = type->schema_has_code ? schema_code(&type->schema_code, a) : NULL;
    return !a->failed;
}

Lk__DataTrackInfo *lk_message_data_track(const struct room_data_track *t, struct arena *a) {
    NEW(r, Lk__DataTrackInfo, LK__DATA_TRACK_INFO__INIT);
    r->pub_handle = t->handle;
    r->sid = (char *)t->sid;
    r->name = (char *)t->name;
    r->encryption = (Lk__Encryption__Type)t->encryption;
    return (!t->type.has_frames || add_frames(r, &t->type.frames, a)) &&
                   (!t->type.has_schema || add_schema(r, &t->type, a))
               ? r
               : NULL;
}

/* --- participants --- */

static Lk__ParticipantPermission *permission(const struct room_grant *g, struct arena *a) {
    NEW(r, Lk__ParticipantPermission, LK__PARTICIPANT_PERMISSION__INIT);
    r->can_subscribe = g->subscribe;
    r->can_publish = g->publish;
    r->can_publish_data = g->publish_data;
    r->can_update_metadata = g->update_own_metadata;
    r->hidden = g->hidden;
    r->recorder = g->recorder;
    r->agent = g->agent;
    r->can_publish_sources = arena_array(a, ROOM_SOURCES, sizeof(*r->can_publish_sources));
    for (int i = 0; i < ROOM_SOURCES && r->can_publish_sources != NULL; i++) {
        if ((g->sources & 1u << i) != 0) {
            r->can_publish_sources[r->n_can_publish_sources++] = sources[i];
        }
    }
    return r;
}

static bool add_attributes(Lk__ParticipantInfo *r, const struct room_member *m, struct arena *a) {
    r->attributes = arena_array(a, m->n_attributes + 1, sizeof(*r->attributes));
    for (size_t i = 0; i < m->n_attributes && r->attributes != NULL; i++) {
        Lk__ParticipantInfo__AttributesEntry *e = arena_alloc(a, sizeof(*e));
        if (e == NULL) {
            return false;
        }
        *e = (Lk__ParticipantInfo__AttributesEntry)LK__PARTICIPANT_INFO__ATTRIBUTES_ENTRY__INIT;
        e->key = m->attributes[i].key;
        e->value = m->attributes[i].value;
        r->attributes[r->n_attributes++] = e;
    }
    return r->attributes != NULL;
}

static bool add_capabilities(Lk__ParticipantInfo *r, uint32_t bits, struct arena *a) {
    r->capabilities = arena_array(a, 32, sizeof(*r->capabilities));
    for (int i = 1; i < 32 && r->capabilities != NULL; i++) {
        if ((bits & 1u << i) != 0) {
            r->capabilities[r->n_capabilities++] = (Lk__ClientInfo__Capability)i;
        }
    }
    return r->capabilities != NULL;
}

static bool add_tracks(Lk__ParticipantInfo *r, const struct room_member *m, struct arena *a) {
    r->tracks = arena_array(a, m->n_publications + 1, sizeof(*r->tracks));
    for (struct room_publication *p = m->publications; p != NULL && r->tracks != NULL;
         p = p->next) {
        r->tracks[r->n_tracks++] = lk_message_track(p, a);
    }
    return r->tracks != NULL && !a->failed;
}

static bool add_data_tracks(Lk__ParticipantInfo *r, const struct room_member *m, struct arena *a) {
    r->data_tracks = arena_array(a, m->n_data_tracks + 1, sizeof(*r->data_tracks));
    for (const struct room_data_track *t = m->data_tracks; t != NULL && r->data_tracks != NULL;
         t = t->next) {
        r->data_tracks[r->n_data_tracks++] = lk_message_data_track(t, a);
    }
    return r->data_tracks != NULL && !a->failed;
}

static Lk__ParticipantInfo *who(const struct room_member *m, struct arena *a) {
    NEW(r, Lk__ParticipantInfo, LK__PARTICIPANT_INFO__INIT);
    r->sid = (char *)m->sid;
    r->identity = m->identity;
    r->state = (Lk__ParticipantInfo__State)m->state;
    r->version = m->version;
    if (m->state == ROOM_GONE) {
        r->disconnect_reason = lk_message_reason(m->reason);
    }
    return r;
}

Lk__ParticipantInfo *lk_message_participant(const struct room_member *m, struct arena *a) {
    return m->state == ROOM_GONE ? who(m, a) : lk_message_participant_whole(m, a);
}

Lk__ParticipantInfo *lk_message_participant_whole(const struct room_member *m, struct arena *a) {
    static const Lk__ParticipantInfo__Kind kinds[ROOM_KINDS] = {
        LK__PARTICIPANT_INFO__KIND__STANDARD, LK__PARTICIPANT_INFO__KIND__INGRESS,
        LK__PARTICIPANT_INFO__KIND__EGRESS, LK__PARTICIPANT_INFO__KIND__SIP,
        LK__PARTICIPANT_INFO__KIND__AGENT, LK__PARTICIPANT_INFO__KIND__CONNECTOR,
        LK__PARTICIPANT_INFO__KIND__BRIDGE
    };
    Lk__ParticipantInfo *r = who(m, a);
    if (r == NULL) {
        return NULL;
    }
    r->name = m->name;
    r->metadata = m->metadata;
    r->kind = kinds[m->kind];
    r->joined_at = m->joined_ms / 1000;
    r->joined_at_ms = m->joined_ms;
    r->is_publisher = m->n_publications + m->n_data_tracks > 0;
    r->client_protocol = m->protocol;
    r->permission = permission(&m->grant, a);
    return r->permission != NULL && add_attributes(r, m, a) && add_tracks(r, m, a) &&
                   add_data_tracks(r, m, a) && add_capabilities(r, m->capabilities, a)
               ? r
               : NULL;
}

Lk__ParticipantInfo *lk_message_departed(const struct room_departed *d, struct arena *a) {
    NEW(r, Lk__ParticipantInfo, LK__PARTICIPANT_INFO__INIT);
    r->sid = (char *)d->sid;
    r->identity = d->identity;
    r->state = LK__PARTICIPANT_INFO__STATE__DISCONNECTED;
    r->version = d->version;
    r->disconnect_reason = lk_message_reason(d->reason);
    return r;
}

/* --- joining and leaving --- */

Lk__ServerInfo *lk_message_server(const char *node_id, struct arena *a) {
    NEW(r, Lk__ServerInfo, LK__SERVER_INFO__INIT);
    r->version = (char *)LK_SERVER_VERSION;
    r->protocol = LK_SERVER_PROTOCOL;
    r->node_id = (char *)node_id;
    r->agent_protocol = 1;
    return r;
}

static bool add_others(Lk__JoinResponse *r, const struct room_member *m, struct arena *a) {
    r->other_participants = arena_array(a, m->room->n_members + 1, sizeof(*r->other_participants));
    for (const struct room_member *other = m->room->members;
         other != NULL && r->other_participants != NULL; other = other->next) {
        if (other != m && room_sees(m, other)) {
            r->other_participants[r->n_other_participants++] = lk_message_participant(other, a);
        }
    }
    return r->other_participants != NULL;
}

Lk__JoinResponse *lk_message_join(const struct room_member *m, const struct lk_signal_config *cfg,
    const char *node_id, struct arena *a) {
    NEW(r, Lk__JoinResponse, LK__JOIN_RESPONSE__INIT);
    r->room = lk_message_room(m->room, a);
    r->participant = lk_message_participant(m, a);
    r->server_version = (char *)LK_SERVER_VERSION;
    r->server_info = lk_message_server(node_id, a);
    r->subscriber_primary = !m->single;
    r->ping_interval = PING_INTERVAL_S;
    r->ping_timeout = PING_TIMEOUT_S;
    r->fast_publish = m->grant.publish;
    r->enabled_publish_codecs = codecs(a, &r->n_enabled_publish_codecs);
    r->sif_trailer.data = (uint8_t *)m->room->trailer;
    r->sif_trailer.len = sizeof(m->room->trailer);
    r->ice_servers =
        lk_ice_servers(&cfg->ice, m->sid, lk_signal_wall_ms(cfg), a, &r->n_ice_servers);
    return r->ice_servers != NULL && add_others(r, m, a) && !a->failed ? r : NULL;
}

Lk__ReconnectResponse *lk_message_reconnect(const struct room_member *m,
    const struct lk_signal_config *cfg, const char *node_id, uint32_t last, struct arena *a) {
    NEW(r, Lk__ReconnectResponse, LK__RECONNECT_RESPONSE__INIT);
    r->server_info = lk_message_server(node_id, a);
    r->last_message_seq = last;
    r->ice_servers =
        lk_ice_servers(&cfg->ice, m->sid, lk_signal_wall_ms(cfg), a, &r->n_ice_servers);
    return r->ice_servers != NULL && !a->failed ? r : NULL;
}

static const struct {
    Lk__DisconnectReason reason;
    Lk__LeaveRequest__Action action;
} reasons[ROOM_REASONS] = {
    [ROOM_LEFT] = { LK__DISCONNECT_REASON__CLIENT_INITIATED,
        LK__LEAVE_REQUEST__ACTION__DISCONNECT },
    [ROOM_REPLACED] = { LK__DISCONNECT_REASON__DUPLICATE_IDENTITY,
        LK__LEAVE_REQUEST__ACTION__DISCONNECT },
    [ROOM_SHUTDOWN] = { LK__DISCONNECT_REASON__SERVER_SHUTDOWN,
        LK__LEAVE_REQUEST__ACTION__RECONNECT },
    [ROOM_REMOVED] = { LK__DISCONNECT_REASON__PARTICIPANT_REMOVED,
        LK__LEAVE_REQUEST__ACTION__DISCONNECT },
    [ROOM_DELETED] = { LK__DISCONNECT_REASON__ROOM_DELETED, LK__LEAVE_REQUEST__ACTION__DISCONNECT },
    [ROOM_MISMATCH] = { LK__DISCONNECT_REASON__STATE_MISMATCH,
        LK__LEAVE_REQUEST__ACTION__RECONNECT },
    [ROOM_NEVER_ACTIVE] = { LK__DISCONNECT_REASON__JOIN_FAILURE,
        LK__LEAVE_REQUEST__ACTION__DISCONNECT },
    [ROOM_SIGNAL_LOST] = { LK__DISCONNECT_REASON__SIGNAL_CLOSE,
        LK__LEAVE_REQUEST__ACTION__DISCONNECT },
    [ROOM_CLOSED] = { LK__DISCONNECT_REASON__ROOM_CLOSED, LK__LEAVE_REQUEST__ACTION__DISCONNECT },
    /* Its network may have changed: then joining anew helps. */
    [ROOM_MEDIA_LOST] = { LK__DISCONNECT_REASON__CONNECTION_TIMEOUT,
        LK__LEAVE_REQUEST__ACTION__RECONNECT },
    [ROOM_MEDIA_FAILED] = { LK__DISCONNECT_REASON__MEDIA_FAILURE,
        LK__LEAVE_REQUEST__ACTION__DISCONNECT },
};

Lk__DisconnectReason lk_message_reason(enum room_reason reason) {
    return reasons[reason].reason;
}

const char *lk_message_reason_name(enum room_reason reason) {
    return lk_convert_enum_name(&lk__disconnect_reason__descriptor, (int)reasons[reason].reason);
}

Lk__LeaveRequest__Action lk_message_action(enum room_reason reason) {
    return reasons[reason].action;
}

/* --- what a publisher should send --- */

static Lk__SubscribedQuality **qualities(int most, struct arena *a) {
    Lk__SubscribedQuality **list = arena_array(a, 3, sizeof(*list));
    for (int i = 0; i < 3 && list != NULL; i++) {
        NEW(q, Lk__SubscribedQuality, LK__SUBSCRIBED_QUALITY__INIT);
        q->quality = (Lk__VideoQuality)i;
        q->enabled = i <= most;
        list[i] = q;
    }
    return list;
}

Lk__SubscribedQualityUpdate *lk_message_quality(
    const struct room_publication *p, int quality, struct arena *a) {
    NEW(r, Lk__SubscribedQualityUpdate, LK__SUBSCRIBED_QUALITY_UPDATE__INIT);
    NEW(c, Lk__SubscribedCodec, LK__SUBSCRIBED_CODEC__INIT);
    const enum rtc_codec_type type = (enum rtc_codec_type)p->params.codecs[0].type;
    c->codec = arena_strdup(a, rtc_codec_name(type));
    r->subscribed_codecs = arena_array(a, 1, sizeof(*r->subscribed_codecs));
    c->qualities = qualities(quality, a);
    if (c->codec == NULL || r->subscribed_codecs == NULL || c->qualities == NULL) {
        return NULL;
    }
    for (char *at = c->codec; *at != '\0'; at++) {
        *at = (char)tolower((unsigned char)*at);
    }
    c->n_qualities = 3;
    r->track_sid = (char *)p->track.sid;
    r->subscribed_codecs[r->n_subscribed_codecs++] = c;
    r->subscribed_qualities = c->qualities;
    r->n_subscribed_qualities = c->n_qualities;
    return r;
}
