/* Members: who, in which state, by which connections. Main. */
#include "rooms/member.h"

#include "core/clock.h"
#include "rooms/audience.h"
#include "rooms/census.h"
#include "rooms/directory.h"
#include "rooms/inside.h"
#include "rooms/measure.h"
#include "rooms/publication.h"

#include <string.h>
#include <utlist.h>

static enum err no_memory(void) {
    return err_set(ERR_NOMEM, "no memory for a participant");
}

/* --- who is who --- */

struct room_member *room_find_member(const struct room *room, const char *identity) {
    struct room_member *m = NULL;
    DL_FOREACH(room->members, m) {
        if (strcmp(m->identity, identity) == 0) {
            return m;
        }
    }
    return NULL;
}

bool room_sees(const struct room_member *viewer, const struct room_member *m) {
    return viewer == m || (!m->grant.hidden && m->state != ROOM_JOINING);
}

bool room_is_dependent(const struct room_member *m) {
    return m->kind == ROOM_EGRESS || m->kind == ROOM_AGENT || m->grant.recorder || m->grant.agent;
}

/* Of one that was never joined nobody has heard. */
static void tell_all(struct room_member *m) {
    struct room_member *other = NULL;
    DL_FOREACH(m->room->members, other) {
        if (other->state != ROOM_JOINING && room_sees(other, m)) {
            other->observer->member(other->arg, m);
        }
    }
}

void room_member_changed(struct room_member *m) {
    m->version++;
    if (m->state != ROOM_JOINING) {
        tell_all(m);
    }
}

/* --- life --- */

static void free_attributes(struct room_attribute *list, size_t n) {
    for (size_t i = 0; i < n; i++) {
        mem_free(list[i].key);
        mem_free(list[i].value);
    }
    mem_free(list);
}

static void free_member(struct room_member *m) {
    if (m != NULL) {
        free_attributes(m->attributes, m->n_attributes);
        room_audience_destroy(m->audience);
        mem_free(m->identity);
        mem_free(m->name);
        mem_free(m->metadata);
        mem_free(m);
    }
}

static void free_memberp(struct room_member **m) {
    free_member(*m);
}

static char *text_of(const char *text) {
    return mem_strdup(text == NULL ? "" : text);
}

/* Everything that can fail without anybody having noticed. */
/* Who it is in data messages, and what it may send; all may receive (livekit-protocol.md, 3.9). */
static void tell_data_rights(const struct room_member *m) {
    struct sfu_data_config cfg = { .may_publish = m->grant.publish_data,
        .may_subscribe = true,
        .hidden = m->grant.hidden,
        .agent = m->kind == ROOM_AGENT || m->grant.agent };
    memcpy(cfg.identity, m->identity, strlen(m->identity));
    memcpy(cfg.sid, m->sid, sizeof(m->sid));
    sfu_participant_data(m->room->directory->sfu, m->id, &cfg);
}

static enum err create_member(
    const struct room_member_config *cfg, struct room *room, struct room_member **ret) {
    CLEANUP(free_memberp) struct room_member *m = mem_zalloc(sizeof(*m));
    if (m == NULL) {
        return no_memory();
    }
    m->room = room;
    m->identity = text_of(cfg->identity);
    m->name = text_of(cfg->name);
    m->metadata = text_of(cfg->metadata);
    if (m->identity == NULL || m->name == NULL || m->metadata == NULL) {
        return no_memory();
    }
    m->kind = cfg->kind;
    m->grant = cfg->grant;
    m->auto_subscribe = cfg->auto_subscribe;
    m->auto_subscribe_data = cfg->auto_subscribe_data;
    m->may_pause = cfg->may_pause;
    m->single = cfg->single;
    m->protocol = cfg->protocol;
    m->capabilities = cfg->capabilities;
    m->observer = cfg->observer;
    m->arg = cfg->arg;
    m->joined_ms = clock_wall_ms();
    room_id_make("PA_", m->sid);
    log_ctx_add(&m->log, &room->log, "participant", cfg->identity);
    m->part.type = ROOM_PART_MEMBER;
    m->part.owner = m;
    for (int way = 0; way < ROOM_WAYS; way++) {
        m->transports[way].part.type = ROOM_PART_TRANSPORT;
        m->transports[way].part.owner = m;
    }
    TRY(room_member_set(m, NULL, NULL, cfg->attributes, cfg->n_attributes));
    m->version = 0;
    TRY(sfu_participant_open(room->directory->sfu, room->id, &m->id));
    m->part.id = m->id;
    enum err e = room_part_add(room->directory, &m->part);
    if (e != OK) {
        sfu_participant_close(room->directory->sfu, m->id);
        return e;
    }
    tell_data_rights(m);
    *ret = STEAL(m);
    return OK;
}

static void on_deadline(struct wheel_timer *t, int64_t now_us) {
    struct room_member *m =
        (struct room_member *)((char *)t - offsetof(struct room_member, deadline));
    (void)now_us;
    LOG_WARN(&m->log, "participant_not_connected", "state=%d", m->state);
    room_leave(m, ROOM_NEVER_ACTIVE);
}

enum err room_join(struct room_directory *d, const char *name, const struct room_config *config,
    const struct room_member_config *cfg, struct room_member **ret) {
    struct room *room = NULL;
    struct room_member *m = NULL;
    const size_t n = cfg->identity == NULL ? 0 : strlen(cfg->identity);
    if (n == 0 || n > ROOM_IDENTITY_MAX_BYTES) {
        return err_set(ERR_INVALID, "an identity has 1 to %d bytes", ROOM_IDENTITY_MAX_BYTES);
    }
    TRY(room_directory_check(d, name, cfg->identity));
    TRY(room_directory_ensure(d, name, config, &room));
    TRY(room_open(room));
    TRY(create_member(cfg, room, &m));
    struct room_member *old = room_find_member(room, cfg->identity);
    DL_APPEND(room->members, m);
    if (old != NULL) {
        room_leave(old, ROOM_REPLACED);
    }
    room_census_came();
    room_timer_arm(d, &m->deadline, ROOM_ACTIVE_US, on_deadline);
    room_count(room);
    LOG_INFO(&m->log, "participant_joined", "sid=%s single=%d", m->sid, m->single);
    *ret = m;
    return OK;
}

void room_joined(struct room_member *m) {
    m->state = ROOM_JOINED;
    room_member_changed(m);
    room_consider_all(m);
    room_data_consider_all(m);
}

void room_leave(struct room_member *m, enum room_reason reason) {
    struct room *room = m->room;
    struct room_directory *d = room->directory;
    const bool known = m->state != ROOM_JOINING;
    const bool active = m->state == ROOM_ACTIVE;
    m->state = ROOM_GONE;
    m->reason = reason;
    m->version++;
    DL_DELETE(room->members, m);
    room_timer_disarm(d, &m->deadline);
    room_timer_disarm(d, &m->poor);
    LOG_INFO(&m->log, "participant_left", "sid=%s reason=%d", m->sid, (int)reason);
    if (known) {
        tell_all(m);
        room_departed_add(m);
    }
    room_askers_end(m);
    room_publications_end(m);
    room_subscriptions_end(m);
    room_data_tracks_end(m);
    room_data_subscriptions_end(m);
    room_measure_end_received(m);
    for (int way = 0; way < ROOM_WAYS; way++) {
        room_part_remove(d, &m->transports[way].part);
    }
    room_part_remove(d, &m->part);
    sfu_participant_close(d->sfu, m->id);
    room_census_went(m);
    room_count(room);
    room_tell(active ? ROOM_NEWS_LEFT : ROOM_NEWS_ABORTED, room, m);
    m->observer->leave(m->arg, reason);
    free_member(m);
}

/* --- connections --- */

enum err room_transport_open(
    struct room_member *m, enum room_way way, const struct rtc_ice_cred *local) {
    struct room_directory *d = m->room->directory;
    struct room_part *part = &m->transports[way].part;
    sfu_id id = 0;
    if (part->id != 0) {
        return err_set(ERR_CONFLICT, "the connection is open already");
    }
    TRY(sfu_transport_open(d->sfu, m->id, local, &id));
    part->id = id;
    enum err e = room_part_add(d, part);
    if (e != OK) {
        sfu_transport_close(d->sfu, id);
        return e;
    }
    /* Messages go down where media do; there classic clients wait for channels of ours. */
    sfu_transport_data(d->sfu, id, !m->single && way == ROOM_DOWN, m->single || way == ROOM_DOWN);
    return OK;
}

void room_transport_connect(struct room_member *m, enum room_way way,
    const struct rtc_ice_params *remote, const struct rtc_dtls_params *dtls) {
    if (room_transport_is_open(m, way)) {
        sfu_transport_connect(m->room->directory->sfu, m->transports[way].part.id, remote, dtls);
    }
}

void room_transport_restart(struct room_member *m, enum room_way way,
    const struct rtc_ice_cred *local, const struct rtc_ice_params *remote) {
    if (room_transport_is_open(m, way)) {
        sfu_transport_restart(m->room->directory->sfu, m->transports[way].part.id, local, remote);
    }
}

bool room_transport_is_open(const struct room_member *m, enum room_way way) {
    return m->transports[way].part.id != 0;
}

static enum room_reason reason_of(enum sfu_end end) {
    switch (end) {
    case SFU_END_CLOSED:
        return ROOM_LEFT;
    case SFU_END_FINGERPRINT:
    case SFU_END_HANDSHAKE:
        return ROOM_MEDIA_FAILED;
    default:
        return ROOM_MEDIA_LOST;
    }
}

static void become_active(struct room_member *m) {
    room_timer_disarm(m->room->directory, &m->deadline);
    m->state = ROOM_ACTIVE;
    room_census_connected();
    room_member_changed(m);
    room_tell(ROOM_NEWS_JOINED, m->room, m);
}

/* A client that has lost one of its connections begins anew, so the member goes with either. */
void room_transport_told(struct room_member *m, enum room_way way, const struct sfu_event *event) {
    struct room_transport *t = &m->transports[way];
    const enum room_way first = m->single ? ROOM_ONLY : ROOM_DOWN;
    if (event->type != SFU_EVENT_TRANSPORT) {
        return;
    }
    switch (event->transport.state) {
    case SFU_TRANSPORT_CONNECTED:
        t->connected = true;
        room_measure_path(m, way, event->transport.remote);
        LOG_INFO(&m->log, "media_connected", "way=%s remote=%s profile=%s",
            way == ROOM_UP ? "up" : "down", event->transport.remote,
            event->transport.profile == NULL ? "-" : event->transport.profile);
        if (way == first && m->state == ROOM_JOINED) {
            become_active(m);
        }
        break;
    case SFU_TRANSPORT_LOST:
        LOG_INFO(&m->log, "media_silent", "way=%s", way == ROOM_UP ? "up" : "down");
        if (m->state == ROOM_ACTIVE) {
            m->observer->silent(m->arg);
        }
        break;
    case SFU_TRANSPORT_ENDED:
        LOG_INFO(&m->log, "media_ended", "way=%s end=%d", way == ROOM_UP ? "up" : "down",
            (int)event->transport.end);
        room_part_remove(m->room->directory, &t->part);
        room_leave(m, reason_of(event->transport.end));
        break;
    }
}

/* --- what is known of it --- */

static size_t find_attribute(const struct room_attribute *list, size_t n, const char *key) {
    size_t i = 0;
    while (i < n && strcmp(list[i].key, key) != 0) {
        i++;
    }
    return i;
}

/* What the list becomes: bounded before anything is copied. What goes makes room for what comes. */
static enum err check_attributes(
    const struct room_member *m, const struct room_attribute *changes, size_t n) {
    size_t count = 0;
    size_t bytes = 0;
    /* All of it may be replaced by as many; with more, comparing them would take long. */
    for (size_t i = 0; i < m->n_attributes && n <= 2 * ROOM_ATTRIBUTES_MAX; i++) {
        const struct room_attribute *a = &m->attributes[i];
        const bool stays = find_attribute(changes, n, a->key) == n;
        count += stays;
        bytes += stays ? strlen(a->key) + strlen(a->value) : 0;
    }
    for (size_t i = 0; i < n; i++) {
        const bool comes = changes[i].value[0] != '\0';
        count += comes;
        bytes += comes ? strlen(changes[i].key) + strlen(changes[i].value) : 0;
    }
    return n > 2 * ROOM_ATTRIBUTES_MAX || count > ROOM_ATTRIBUTES_MAX ||
                   bytes > ROOM_ATTRIBUTES_MAX_BYTES
               ? err_set(ERR_TOO_LARGE, "more than %d attributes or %zu bytes of them",
                     ROOM_ATTRIBUTES_MAX, ROOM_ATTRIBUTES_MAX_BYTES)
               : OK;
}

/* One change in a list with room for it. */
static bool put_attribute(
    struct room_attribute *list, size_t *n, const struct room_attribute *change) {
    const size_t at = find_attribute(list, *n, change->key);
    if (change->value[0] == '\0') {
        if (at < *n) {
            mem_free(list[at].key);
            mem_free(list[at].value);
            list[at] = list[--*n];
        }
        return true;
    }
    char *value = mem_strdup(change->value);
    char *key = at < *n ? list[at].key : mem_strdup(change->key);
    if (value == NULL || key == NULL) {
        mem_free(value);
        if (at == *n) {
            mem_free(key);
        }
        return false;
    }
    if (at < *n) {
        mem_free(list[at].value);
    } else {
        (*n)++;
    }
    list[at] = (struct room_attribute){ .key = key, .value = value };
    return true;
}

/* A list of its own, so that a failure leaves the old one. */
static enum err merged(const struct room_member *m, const struct room_attribute *changes,
    size_t n_changes, struct room_attribute **ret, size_t *ret_n) {
    struct room_attribute *list = mem_zalloc((m->n_attributes + n_changes + 1) * sizeof(*list));
    size_t n = 0;
    bool fine = list != NULL;
    for (size_t i = 0; i < m->n_attributes && fine; i++) {
        fine = put_attribute(list, &n, &m->attributes[i]);
    }
    for (size_t i = 0; i < n_changes && fine; i++) {
        fine = put_attribute(list, &n, &changes[i]);
    }
    if (!fine) {
        free_attributes(list, n);
        return no_memory();
    }
    *ret = list;
    *ret_n = n;
    return OK;
}

static void replace(char **slot, char *text) {
    if (text != NULL) {
        mem_free(*slot);
        *slot = text;
    }
}

enum err room_member_set(struct room_member *m, const char *name, const char *metadata,
    const struct room_attribute *attributes, size_t n_attributes) {
    struct room_attribute *list = NULL;
    size_t n = 0;
    if ((name != NULL && strlen(name) > ROOM_NAME_MAX_BYTES) ||
        (metadata != NULL && strlen(metadata) > ROOM_METADATA_MAX_BYTES)) {
        return err_set(ERR_TOO_LARGE, "a name or metadata over the limit");
    }
    TRY(check_attributes(m, attributes, n_attributes));
    TRY(merged(m, attributes, n_attributes, &list, &n));
    char *new_name = mem_strdup(name == NULL ? m->name : name);
    char *new_metadata = mem_strdup(metadata == NULL ? m->metadata : metadata);
    if (new_name == NULL || new_metadata == NULL) {
        free_attributes(list, n);
        mem_free(new_name);
        mem_free(new_metadata);
        return no_memory();
    }
    replace(&m->name, new_name);
    replace(&m->metadata, new_metadata);
    free_attributes(m->attributes, m->n_attributes);
    m->attributes = list;
    m->n_attributes = n;
    room_member_changed(m);
    if (m->state != ROOM_JOINING) {
        m->observer->self(m->arg);
    }
    return OK;
}

void room_member_permit(struct room_member *m, const struct room_grant *grant) {
    struct room_publication *p = NULL, *next = NULL;
    m->grant = *grant;
    DL_FOREACH_SAFE(m->publications, p, next) {
        if (!room_may_publish(m, p->track.source)) {
            room_unpublish(p, true);
        }
    }
    if (!grant->publish_data) {
        room_data_take_all(m);
    }
    room_member_changed(m);
    tell_data_rights(m);
    room_consider_all(m);
    room_data_consider_all(m);
    room_count(m->room);
    m->observer->self(m->arg);
}
