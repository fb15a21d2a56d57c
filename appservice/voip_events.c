/* Legacy calls: m.call.* -> inputs. What a field means is in matrix-calls 2.1 and 2.2. */
#include "appservice/voip_events.h"

#include "appservice/event.h"
#include "appservice/observer.h"
#include "core/utf8.h"

#include <string.h>
#include <strings.h>

#define CANDIDATE_SCAN_MAX                                                                         \
    1024 /* bytes of one candidate line looked at; real ones have 100 to 200 */

/* The integer 0 or nothing is version 0; whatever else is version 1 (2.1). */
static int read_version(const struct as_node *c) {
    const json_t *version = as_node_get(c, "version");
    return version == NULL || (json_is_integer(version) && json_integer_value(version) == 0) ? 0
                                                                                             : 1;
}

/* The fields that every m.call event has. */
static enum err open_call(struct as_event *e, const struct as_node *c, enum call_input_type type,
    struct call_input *ret) {
    *ret = as_event_input(e, type);
    struct call_input_legacy *l = &ret->legacy;
    TRY(as_node_text(c, "call_id", 1, AS_ID_MAX, e->arena, &l->call_id));
    l->version = read_version(c);
    if (l->version == 1) {
        TRY(as_node_maybe_text(c, "party_id", AS_ID_MAX, e->arena, &l->party_id));
    }
    if (l->party_id == NULL) {
        l->party_id = "";
    }
    return OK;
}

/* --- session descriptions --- */

bool as_sdp_has_video(const char *sdp, size_t len) {
    static const char video[] = "m=video ";
    const char *line = sdp;
    const char *end = sdp + (len < AS_SDP_SCAN_MAX ? len : AS_SDP_SCAN_MAX);
    while (line < end) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        const char *next = stop == NULL ? end : stop + 1;
        if ((size_t)(next - line) > strlen(video) && memcmp(line, video, strlen(video)) == 0) {
            for (const char *p = line + strlen(video); p < next && *p >= '0' && *p <= '9'; p++) {
                if (*p != '0') {
                    return true;
                }
            }
        }
        line = next;
    }
    return false;
}

/* The description under `key`; it must be there, its text need not. */
static enum err read_description(
    struct as_event *e, const struct as_node *c, const char *key, struct call_input_legacy *l) {
    struct as_node description;
    const char *sdp;
    size_t len;
    TRY(as_node_object(c, key, &description));
    TRY(as_node_peek(&description, "sdp", &sdp, &len));
    l->has_sdp = sdp != NULL && len > 0;
    if (!l->has_sdp) {
        return OK;
    }
    l->video = as_sdp_has_video(sdp, len);
    return e->cfg->keep_sdp
               ? as_node_cut_text(&description, "sdp", AS_SDP_KEEP_MAX, e->arena, &l->sdp)
               : OK;
}

/* --- which streams, and are they muted --- */

struct streams {
    size_t media;
    size_t audio_muted;
    size_t video_muted;
    bool screen;
};

static void look_at_stream(const json_t *stream, struct streams *s) {
    const char *purpose = json_string_value(json_object_get(stream, "purpose"));
    if (purpose == NULL) {
        return;
    }
    if (strcmp(purpose, "m.screenshare") == 0) {
        s->screen = true;
    } else if (strcmp(purpose, "m.usermedia") == 0) {
        s->media++;
        s->audio_muted += json_is_true(json_object_get(stream, "audio_muted"));
        s->video_muted += json_is_true(json_object_get(stream, "video_muted"));
    }
}

/* Muted = all streams of camera and microphone are: somebody with one live microphone can be heard.
 */
static enum err read_metadata(const struct as_node *c, bool must, struct call_input_legacy *l) {
    const char *key =
        as_node_which(c, "sdp_stream_metadata", "org.matrix.msc3077.sdp_stream_metadata");
    struct as_node map;
    TRY(must ? as_node_object(c, key, &map) : as_node_maybe_object(c, key, &map));
    struct streams s = { 0 };
    size_t n = 0;
    void *it = json_object_iter(map.json);
    for (; it != NULL && n < AS_STREAMS_MAX; it = json_object_iter_next(map.json, it), n++) {
        look_at_stream(json_object_iter_value(it), &s);
    }
    l->has_metadata = map.json != NULL;
    l->audio_muted = s.media > 0 && s.audio_muted == s.media;
    l->video_muted = s.media > 0 && s.video_muted == s.media;
    l->screen_shared = s.screen;
    return OK;
}

/* --- the events --- */

enum err as_voip_invite(struct as_event *e, const struct as_node *c) {
    struct call_input in;
    TRY(open_call(e, c, IN_INVITE, &in));
    TRY(read_description(e, c, "offer", &in.legacy));
    TRY(read_metadata(c, false, &in.legacy));
    TRY(as_node_maybe_user(c, "invitee", e->arena, &in.legacy.invitee));
    int64_t lifetime;
    TRY(as_node_int(c, "lifetime", AS_LIFETIME_MS, &lifetime));
    in.legacy.lifetime_ms = as_clamp(lifetime, AS_LIFETIME_MIN_MS, AS_LIFETIME_MAX_MS);
    e->needs_people = as_event_current(e, in.legacy.lifetime_ms);
    return as_event_push(e, &in);
}

enum err as_voip_answer(struct as_event *e, const struct as_node *c) {
    struct call_input in;
    TRY(open_call(e, c, IN_ANSWER, &in));
    TRY(read_description(e, c, "answer", &in.legacy));
    TRY(read_metadata(c, false, &in.legacy));
    return as_event_push(e, &in);
}

enum err as_voip_select_answer(struct as_event *e, const struct as_node *c) {
    struct call_input in;
    TRY(open_call(e, c, IN_SELECT_ANSWER, &in));
    TRY(as_node_text(c, "selected_party_id", 0, AS_ID_MAX, e->arena, &in.legacy.selected_party_id));
    return as_event_push(e, &in);
}

/* Whatever the reason looks like, clients take the call as over, and so must we. */
static enum err read_reason(struct as_event *e, const struct as_node *c, const char **ret) {
    enum err err = as_node_cut_text(c, "reason", AS_REASON_MAX, e->arena, ret);
    if (err == ERR_INVALID) {
        *ret = "unknown_error";
        return OK;
    }
    return err;
}

enum err as_voip_reject(struct as_event *e, const struct as_node *c) {
    struct call_input in;
    TRY(open_call(e, c, IN_REJECT, &in));
    TRY(read_reason(e, c, &in.legacy.reason));
    return as_event_push(e, &in);
}

enum err as_voip_hangup(struct as_event *e, const struct as_node *c) {
    struct call_input in;
    TRY(open_call(e, c, IN_HANGUP, &in));
    TRY(read_reason(e, c, &in.legacy.reason));
    return as_event_push(e, &in);
}

enum err as_voip_negotiate(struct as_event *e, const struct as_node *c) {
    struct call_input in;
    struct as_node description;
    TRY(open_call(e, c, IN_NEGOTIATE, &in));
    TRY(read_description(e, c, "description", &in.legacy));
    TRY(as_node_object(c, "description", &description));
    TRY(as_node_cut_text(
        &description, "type", AS_REASON_MAX, e->arena, &in.legacy.description_type));
    TRY(read_metadata(c, false, &in.legacy));
    return as_event_push(e, &in);
}

enum err as_voip_metadata(struct as_event *e, const struct as_node *c) {
    struct call_input in;
    TRY(open_call(e, c, IN_METADATA, &in));
    TRY(read_metadata(c, true, &in.legacy));
    return as_event_push(e, &in);
}

enum err as_voip_identity(struct as_event *e, const struct as_node *c) {
    struct call_input in;
    struct as_node who;
    TRY(open_call(e, c, IN_IDENTITY, &in));
    const char *key = as_node_which(c, "asserted_identity", "org.matrix.call.asserted_identity");
    TRY(as_node_object(c, key, &who));
    TRY(as_node_maybe_text(&who, "id", AS_ID_MAX, e->arena, &in.legacy.asserted_id));
    TRY(as_node_cut_text(&who, "display_name", AS_NAME_MAX, e->arena, &in.legacy.asserted_name));
    return as_event_push(e, &in);
}

enum err as_voip_replaces(struct as_event *e, const struct as_node *c) {
    struct call_input in;
    struct as_node target;
    TRY(open_call(e, c, IN_REPLACES, &in));
    struct call_input_legacy *l = &in.legacy;
    TRY(as_node_maybe_object(c, "target_user", &target));
    TRY(as_node_maybe_user(&target, "id", e->arena, &l->target_user));
    TRY(as_node_maybe_text(c, "replacement_id", AS_ID_MAX, e->arena, &l->replacement_id));
    TRY(as_node_maybe_text(c, "create_call", AS_ID_MAX, e->arena, &l->create_call));
    TRY(as_node_maybe_text(c, "await_call", AS_ID_MAX, e->arena, &l->await_call));
    TRY(as_node_maybe_text(c, "target_room", AS_ID_MAX, e->arena, &l->target_room));
    return as_event_push(e, &in);
}

/* --- candidates --- */

static bool word_is(const char *word, size_t len, const char *want) {
    return len == strlen(want) && strncasecmp(word, want, len) == 0;
}

static void count_kind(const char *kind, size_t len, bool tcp, struct call_input_legacy *l) {
    const struct {
        const char *name;
        int *count;
    } kinds[] = { { "host", &l->candidates_host }, { "srflx", &l->candidates_srflx },
        { "prflx", &l->candidates_prflx }, { "relay", &l->candidates_relay } };
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (word_is(kind, len, kinds[i].name)) {
            ++*kinds[i].count;
            l->candidates_tcp += tcp;
        }
    }
}

/* "candidate:1 1 UDP 2122252543 192.0.2.1 50000 typ host …" (RFC 8839, 5.1): the third word and the
 * one behind "typ". A text that is none, like the "" which ends the list, counts as nothing. */
static void count_candidate(const char *s, size_t len, struct call_input_legacy *l) {
    const char *end = s + (len < CANDIDATE_SCAN_MAX ? len : CANDIDATE_SCAN_MAX);
    bool tcp = false;
    bool typ = false;
    for (size_t n = 0; s < end; n++) {
        const char *space = memchr(s, ' ', (size_t)(end - s));
        size_t word = (size_t)((space == NULL ? end : space) - s);
        if (typ) {
            count_kind(s, word, tcp, l);
            return;
        }
        tcp = tcp || (n == 2 && word_is(s, word, "tcp"));
        typ = n > 2 && word_is(s, word, "typ");
        s += word + 1;
    }
}

enum err as_voip_candidates(struct as_event *e, const struct as_node *c) {
    struct call_input in;
    struct as_node list;
    TRY(open_call(e, c, IN_CANDIDATES, &in));
    TRY(as_node_list(c, "candidates", &list));
    size_t n = json_array_size(list.json);
    for (size_t i = 0; i < n && i < AS_CANDIDATES_MAX; i++) {
        const json_t *text = json_object_get(json_array_get(list.json, i), "candidate");
        if (json_is_string(text)) {
            count_candidate(json_string_value(text), json_string_length(text), &in.legacy);
        }
    }
    return as_event_push(e, &in);
}
