/*
 * What there is in the live media rooms: rooms, members, what they publish, who receives it. Doors
 * read these structs; only this folder writes them, by the functions of the other headers.
 *
 * Nothing here knows a signalling language or SDP, so that clients of different doors meet in one
 * room. A room is main's view of one room of the SFU: what it says to the workers goes through
 * sfu/control.h, and what they say comes back to rooms/directory.h.
 *
 * Thread: main.  See: livekit-protocol 3.6 to 3.8, 5.8 and 6, where the rules are from.
 */
#ifndef ROOMS_MODEL_H
#define ROOMS_MODEL_H

#include "core/log.h"
#include "core/map.h"
#include "core/wheel.h"
#include "rooms/id.h"
#include "rtc/params.h"
#include "sfu/control.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROOM_NAME_MAX_BYTES       256            /* of a room; livekit-protocol 6.8 */
#define ROOM_IDENTITY_MAX_BYTES   256            /* the same clause */
#define ROOM_METADATA_MAX_BYTES   (512 * KIB)    /* the same clause */
#define ROOM_ATTRIBUTES_MAX_BYTES (64 * KIB)     /* keys and values together; the same clause */
#define ROOM_ATTRIBUTES_MAX       256            /* of a member */
#define ROOM_ROOMS_MAX            10000          /* unless the configuration says otherwise */
#define ROOM_MEMBERS_MAX          1000           /* of a room; its max_participants is lower */
#define ROOM_PUBLICATIONS_MAX     64             /* of a member */
#define ROOM_SUBSCRIPTIONS_MAX    2048           /* of a member, unknown tracks included */
#define ROOM_DATA_TRACKS_MAX      128            /* of a member */
#define ROOM_DATA_NAME_MAX        256            /* bytes, of a track or its schema; 3.11 */
#define ROOM_DATA_CODE_MAX        32             /* bytes of an encoding's name; livekit-server's */
#define ROOM_AUDIENCE_MAX         1024           /* entries of who may subscribe */
#define ROOM_AUDIENCE_TRACKS_MAX  4096           /* tracks named in all of them */
#define ROOM_EMPTY_S              300            /* nobody ever joined: the room ends */
#define ROOM_DEPARTURE_S          20             /* the last one left: the same */
#define ROOM_ACTIVE_US            (60 * SEC_US)  /* from joining to connected, else it fails */
#define ROOM_QUALITY_DELAY_US     (5 * SEC_US)   /* before less is wanted of a publisher */
#define ROOM_UNKNOWN_US           (60 * SEC_US)  /* a wish for a track that is not there yet */
#define ROOM_NEWS_US              (5 * SEC_US)   /* between two news of a room's numbers */
#define ROOM_DEPARTED_US          (600 * SEC_US) /* who left is remembered, for who could not hear */
#define ROOM_DEPARTED_MAX         256            /* … of a room; the oldest are forgotten first */
#define ROOM_MEASURE_US           (300 * SEC_US)    /* between two rows of figures in the audit */
#define ROOM_DELIVERY_US          (3600 * SEC_US)   /* … of what one of them gets of one track */
#define ROOM_POOR_US              (15 * SEC_US)     /* badly served for so long is worth a row */
#define ROOM_RELAYS_MAX           4                 /* of a member: one a TURN server and family */
#define ROOM_TRAILER_BYTES        32                /* behind frames of ours in encrypted tracks */
#define ROOM_WANTED_SIZE(wanted)  ((wanted)*9 / 10) /* a layer this big will do; the clause 5.7 */

struct room_asker;
struct room_audience;
struct room_directory;
struct room_observer;

enum room_kind {
    ROOM_STANDARD,
    ROOM_INGRESS,
    ROOM_EGRESS,
    ROOM_SIP,
    ROOM_AGENT,
    ROOM_CONNECTOR,
    ROOM_BRIDGE,
    ROOM_KINDS
};
enum room_source {
    ROOM_UNKNOWN,
    ROOM_CAMERA,
    ROOM_MICROPHONE,
    ROOM_SCREEN,
    ROOM_SCREEN_AUDIO,
    ROOM_SOURCES
};
enum room_encryption { ROOM_PLAIN, ROOM_GCM, ROOM_CUSTOM };
enum room_state { ROOM_JOINING, ROOM_JOINED, ROOM_ACTIVE, ROOM_GONE };

/* Why a member is not there any more. */
enum room_reason {
    ROOM_LEFT,         /* it said so */
    ROOM_REPLACED,     /* its identity joined again */
    ROOM_SHUTDOWN,     /* we stop */
    ROOM_REMOVED,      /* somebody with the right to do so took it out */
    ROOM_DELETED,      /* … or the whole room */
    ROOM_MISMATCH,     /* client and server do not agree on the state: it should join anew */
    ROOM_NEVER_ACTIVE, /* not connected in time */
    ROOM_SIGNAL_LOST,  /* its signalling ended before it was connected */
    ROOM_CLOSED,       /* the room ended around it */
    ROOM_MEDIA_LOST,   /* nothing came from it for too long */
    ROOM_MEDIA_FAILED, /* no common media: handshake, fingerprint */
    ROOM_REASONS
};

/* What a member may; `sources` has a bit for each enum room_source, 0 = all. */
struct room_grant {
    bool subscribe, publish, publish_data, update_own_metadata;
    bool hidden;          /* not shown to others */
    bool recorder, agent; /* with kind: not counted, and keeps no room open */
    uint8_t sources;
};

struct room_attribute {
    char *key, *value;
};

/* One layer of a publication, the lowest first. */
struct room_layer {
    uint8_t quality; /* 0 low … 2 high */
    uint16_t width, height;
    uint32_t bps;
    struct rtc_encoding encoding; /* as far as it is known */
};

/* What a publisher says of a track. Texts of the client's are bounded by their arrays. */
#define ROOM_TRACK_NAME_MAX 256 /* bytes; livekit-protocol 6.8 */
#define ROOM_STREAM_MAX     64
struct room_track {
    char sid[ROOM_SID_SIZE];
    enum rtc_media media;
    enum room_source source;
    enum room_encryption encryption;
    bool muted;
    bool stereo, no_dtx, no_red;
    uint8_t features; /* bits, opaque to us: what audio processing is on */
    uint8_t backup;   /* opaque: what to do for who cannot decode the codec */
    uint16_t width, height;
    char name[ROOM_TRACK_NAME_MAX + 1];
    char stream[ROOM_STREAM_MAX + 1];
    uint8_t n_layers;
    struct room_layer layers[RTC_ENCODINGS_MAX];
};

/* How a data track's frames are to be read: for its receivers, opaque to us. */
struct room_data_code {
    enum { ROOM_CODE_UNSAID, ROOM_CODE_KNOWN, ROOM_CODE_NAMED } kind;
    uint32_t known;
    char name[ROOM_DATA_CODE_MAX + 1];
};
struct room_data_type {
    bool has_frames, has_schema, schema_has_code; /* each may be said, and be empty */
    struct room_data_code frames, schema_code;
    char schema[ROOM_DATA_NAME_MAX + 1];
};

/* One connection for everything, or one each way. */
enum room_way { ROOM_UP, ROOM_DOWN, ROOM_WAYS };
#define ROOM_ONLY ROOM_UP /* of a member with a single one */

/* What an id of the SFU's belongs to. */
struct room_part {
    sfu_id id; /* 0 = none */
    enum {
        ROOM_PART_ROOM,
        ROOM_PART_MEMBER,
        ROOM_PART_TRANSPORT,
        ROOM_PART_TRACK,
        ROOM_PART_SUBSCRIPTION
    } type;
    void *owner;
    UT_hash_handle hh;
};

struct room_transport {
    struct room_part part;
    bool connected;
    char remote[SFU_REMOTE_MAX]; /* once connected: whom the SFU talks to */
};

/* Figures of the SFU, summed up: of a track, of all that a member receives, or of one track that it
 * receives. */
struct room_measure {
    uint32_t n;      /* figures; 0 = nothing since the last row */
    uint32_t n_came; /* … with packets in them */
    bool video;
    int8_t layer;               /* the latest, of a video; -1 = none */
    int8_t least, most;         /* of those figures that had one: the layers */
    uint32_t layers, n_layers;  /* … their sum, and how many figures */
    int64_t since_us;           /* room_directory_now */
    int64_t expected, lost;     /* packets */
    int64_t bits;               /* of payload */
    uint32_t jitter_ms, rtt_ms; /* the longest; 0 = not known */
    double mos;                 /* the sum */
    float worst_mos;
    uint32_t freezes, freeze_ms;
    int64_t paused_us; /* nothing was sent, since there was no room for it */
    uint32_t spoken_ms;
    int8_t loudest_dbov;
};

/* Who was a member, and was seen by others. */
struct room_departed {
    char sid[ROOM_SID_SIZE];
    char *identity;
    enum room_reason reason;
    uint32_t version;
    int64_t at_us;
    struct room_departed *prev, *next;
};

struct room {
    struct room_directory *directory;
    char sid[ROOM_SID_SIZE];
    char *name;
    char *metadata; /* never NULL */
    uint32_t empty_s, departure_s;
    uint32_t max_members; /* 0 = ROOM_MEMBERS_MAX */
    int64_t created_ms;
    uint8_t trailer[ROOM_TRAILER_BYTES];
    sfu_id id;                   /* 0 = nobody has joined yet */
    struct room_part part;       /* of the same id */
    struct room_member *members; /* in the order in which they joined */
    unsigned n_members;          /* all of them */
    unsigned n_counted;          /* neither hidden nor dependent: what others are told */
    unsigned n_independent;      /* keep the room open */
    unsigned n_publishers;
    int64_t told_us;                /* the numbers, last */
    struct room_departed *departed; /* the first who left, first */
    unsigned n_departed;
    int64_t departed_from_us; /* whoever left from then on is in the list */
    struct wheel_timer ending, news, vitals;
    struct log_ctx log;
    UT_hash_handle hh; /* by name */
};

struct room_member {
    struct room *room;
    char sid[ROOM_SID_SIZE];
    char *identity, *name, *metadata; /* never NULL */
    struct room_attribute *attributes;
    size_t n_attributes;
    enum room_kind kind;
    struct room_grant grant;
    enum room_state state;
    enum room_reason reason; /* once GONE */
    uint32_t version;
    int64_t joined_ms;
    int32_t protocol;      /* opaque: what others must know of its client … */
    uint32_t capabilities; /* … as bits */
    bool auto_subscribe, auto_subscribe_data;
    bool may_pause; /* its videos, where there is no room for the least of them */
    bool single;
    sfu_id id;
    struct room_part part; /* of the same id */
    struct room_transport transports[ROOM_WAYS];
    struct room_publication *publications; /* in the order in which they came */
    unsigned n_publications;
    struct room_subscription *subscriptions; /* by sid */
    uint32_t last_number;
    struct room_data_track *data_tracks; /* in the order in which they came */
    unsigned n_data_tracks;
    struct room_data_subscription *data_subscriptions; /* by sid */
    uint16_t last_data_handle;                         /* of a subscription */
    struct room_audience *audience;                    /* NULL = everybody */
    uint8_t eighths;                                   /* how loud it speaks, of 8; 0 = does not */
    bool spoke;                                        /* ever */
    bool fresh;                                        /* its quality, which nobody was told yet */
    enum sfu_quality quality;
    float mos;               /* 1 … 4.5; 0 = nothing is known of its quality */
    bool told_poor;          /* watchers were */
    struct wheel_timer poor; /* until they are */
    struct room_measure received;
    unsigned n_relays;
    char relays[ROOM_RELAYS_MAX][SFU_REMOTE_MAX]; /* of its client, as in room_transport */
    struct room_asker *askers;
    const struct room_observer *observer;
    void *arg;
    struct wheel_timer deadline;
    struct log_ctx log;
    struct room_member *prev, *next;
};

struct room_publication {
    struct room_member *member;
    struct room_track track;
    struct rtc_rtp_params params; /* codecs[0] is what is sent */
    struct room_part part;
    struct sfu_stats stats; /* of the last while; all 0 = none yet */
    struct room_measure measure;
    int quality;     /* what its publisher was told to send: 0 … 2, ROOM_QUALITY_… */
    bool subscribed; /* somebody has received it: told once */
    bool silenced;   /* muted by somebody else, which its publisher has not answered yet */
    struct wheel_timer less;
    struct room_subscription *subscriptions;
    struct room_publication *prev, *next;
};
#define ROOM_QUALITY_OFF   (-1)
#define ROOM_QUALITY_QUIET (-2) /* nothing was told yet */

/* Packets of no media (rooms/data_track). */
struct room_data_track {
    struct room_member *member;
    char sid[ROOM_SID_SIZE];
    uint16_t handle; /* in its publisher's packets */
    enum room_encryption encryption;
    char name[ROOM_DATA_NAME_MAX + 1];
    struct room_data_type type;
    sfu_id id;
    struct room_data_subscription *subscriptions;
    struct room_data_track *prev, *next;
};

/* What a member has said of a data track; it stays as long as both are there. */
struct room_data_subscription {
    struct room_member *member;
    struct room_data_track *track; /* NULL = no such track (yet) */
    char sid[ROOM_SID_SIZE];
    bool wish;
    uint16_t handle; /* in packets to the member, another whenever it begins again; 0 = none come */
    sfu_id id;
    struct wheel_timer forget;                  /* of an unknown track */
    struct room_data_subscription *prev, *next; /* of the track */
    UT_hash_handle hh;
};

/* What a subscriber wants of a track. */
struct room_wanted {
    bool disabled;
    uint8_t quality;        /* the highest, where no size is said */
    uint16_t width, height; /* 0 = not said */
    uint8_t fps;            /* 0 = all */
    uint8_t priority;
};

/* What a member has said of a track, and how far it has come. It stays as long as both are there,
 * so that its number is the same each time. */
struct room_subscription {
    struct room_member *member;
    struct room_publication *publication; /* NULL = no such track (yet) */
    char sid[ROOM_SID_SIZE];
    uint32_t number;         /* of the member's, never 0: for rtc/sdp_places */
    uint32_t ssrc, rtx_ssrc; /* others whenever it begins again */
    enum { ROOM_UNSAID, ROOM_YES, ROOM_NO } wish;
    enum { ROOM_UNTOLD, ROOM_ALLOWED, ROOM_DENIED } told;
    bool live;  /* the door was asked to negotiate it */
    bool bound; /* packets flow */
    enum { ROOM_FLOW_UNTOLD, ROOM_FLOWS, ROOM_PAUSED } flow; /* of a video, as the door knows it */
    char mid[RTC_MID_MAX + 1];
    struct room_part part;
    struct sfu_stats stats; /* of the last while; all 0 = none yet */
    struct room_measure measure;
    int64_t paused_us; /* since when, or since the last row; where `flow` says so */
    struct room_wanted wanted;
    struct wheel_timer forget;             /* of an unknown track */
    struct room_subscription *prev, *next; /* of the publication */
    UT_hash_handle hh;
};

#endif
