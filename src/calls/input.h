/*
 * What can happen to a call: the inputs of the state machine, free of JSON, HTTP and SQL.
 *
 * appservice/ makes them from Matrix events, calls/work from deadlines, the token service and the
 * admin API from what they are asked; later the SFU too. All texts are borrowed from the arena of
 * the unit of work; optional ones are NULL. Times are Unix milliseconds.
 */
#ifndef CALLS_INPUT_H
#define CALLS_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum call_input_type {
    /* legacy calls, matrix-calls 2.2 */
    IN_INVITE,
    IN_CANDIDATES,
    IN_ANSWER,
    IN_SELECT_ANSWER,
    IN_REJECT,
    IN_HANGUP,
    IN_NEGOTIATE,
    IN_METADATA,
    IN_IDENTITY,
    IN_REPLACES,
    /* MatrixRTC, matrix-calls 3.2 to 3.4 */
    IN_MEMBER,        /* an entry is there: join, refresh or change, which the session decides */
    IN_MEMBER_LEFT,   /* an entry is gone: {}, leave content */
    IN_MEMBER_LIST,   /* which entries remain: of one state key (generations "array" and "famedly"),
                         or, with state_key NULL,   of the whole room; see call_input_member.remaining
                       */
    IN_MEMBER_OPAQUE, /* an encrypted sticky event: a hint only */
    IN_RING,          /* notification_type ring */
    IN_NOTIFY,        /* notification_type notification */
    IN_DECLINE,
    IN_SLOT_CLOSED,
    IN_HAND_RAISED,
    IN_RELATED_OPAQUE, /* m.room.encrypted with a cleartext m.reference: maybe a ring or a decline
                          (3.4) */
    /* the room */
    IN_USER_LEFT, /* m.room.member leave, kick or ban */
    IN_REDACTED,  /* `target_event_id` was redacted */
    /* time */
    IN_DEADLINE, /* the session's due_at has passed */
    /* what could not be read */
    IN_MALFORMED, /* kept as an audit row of no call, moves nothing */
    /* the token service: audit rows of the slot's live call, or of none; they move nothing */
    IN_TOKEN_ISSUED,
    IN_TOKEN_REFUSED,
    IN_TOKENS_UNRECORDED, /* how many of both could not be written down */
    /* the SFU; likewise */
    IN_MEDIA_CONNECTED,
    IN_MEDIA_DISCONNECTED,
    IN_MEDIA_REMOVED,            /* by us: the user left the room, or the call */
    IN_MEDIA_WITHOUT_MEMBERSHIP, /* somebody is in the SFU who is in no call */
    IN_MEDIA_ROOM_OPENED,        /* the first one came into a room of our own SFU */
    IN_MEDIA_ROOM_CLOSED,
    IN_TRACK_PUBLISHED,
    IN_TRACK_UNPUBLISHED,
    IN_TRACK_MUTED,
    IN_TRACK_UNMUTED,
    IN_MEDIA_QUALITY,   /* figures of a track, or of all that somebody receives */
    IN_MEDIA_DELIVERY,  /* figures of what somebody got of a track of somebody else's */
    IN_MEDIA_POOR,      /* somebody has been badly served for a while */
    IN_MEDIA_RECOVERED, /* … and is not any more */
    IN_GAP,             /* how many of all these could not be written down */
    /* an admin, of one session of the room (matrix-calls 3.7) */
    IN_ENDED_BY_ADMIN,  /* a legacy call is over; one of MatrixRTC gets an audit row, and is over
                           when its members have left in Matrix */
    IN_KICKED_BY_ADMIN, /* MatrixRTC: an audit row; the member leaves in Matrix */
    IN_MUTED_BY_ADMIN,  /* MatrixRTC: an audit row; the SFU silences the member */
    /* members whose media is gone (calls/cleanup): audit rows of their call; who ends does so in
       Matrix */
    IN_MEMBERSHIP_STALE,     /* they are held to be gone; a row the first time */
    IN_MEMBERSHIP_ENDED,     /* we emptied their entry */
    IN_MEMBERSHIP_NOT_ENDED, /* we could not */
    IN_COUNT
};
/** "invite", "member_left" … Pure. */
const char *call_input_name(enum call_input_type t);

/* Legacy: what every m.call event has, and what some have. */
struct call_input_legacy {
    const char *call_id;
    const char *party_id; /* "" in version 0 */
    int version;          /* 0 or 1 (2.1) */
    int64_t lifetime_ms;  /* invite; clamped by the reader to 1 000 … 600 000 */
    const char *invitee;
    bool video;                   /* offer, answer or negotiate has a live m=video line */
    bool has_sdp;                 /* negotiate: a description was there */
    const char *sdp;              /* only with audit.sdp = yes, at most 16 KiB; else NULL */
    const char *description_type; /* negotiate: offer, answer, rollback, pranswer */
    const char *selected_party_id;
    const char *reason; /* hangup and reject, at most 64 bytes */
    bool has_metadata;  /* sdp_stream_metadata was there: the next three hold */
    bool audio_muted;
    bool video_muted;
    bool screen_shared;
    int candidates_host, candidates_srflx, candidates_prflx, candidates_relay, candidates_tcp;
    const char *asserted_id, *asserted_name;
    const char *replacement_id, *target_user, *create_call, *await_call, *target_room;
};

/* MatrixRTC: one entry of one device. */
struct call_input_member {
    const char *application; /* IN_MEMBER: "m.call"; any other one is no call */
    const char *slot;       /* as sent or derived: "m.call#ROOM" for application m.call, call_id "";
                               IN_MEMBER_LEFT: what the       state key or the content says, or NULL */
    const char *entry_key;  /* generation state: state key; array and famedly: state key + "/" +
                               membership id;  sticky: sender + "/" + sticky key */
    const char *state_key;  /* array, famedly and state; NULL for sticky */
    const char *generation; /* "state", "array", "famedly", "sticky" */
    const char *user_id;    /* the sender (of content); who the member is. IN_MEMBER_LEFT of a state
                               entry: key_user, else the    sender; who did it is call_input.sender */
    const char *key_user;   /* whom the state key names, or NULL: a mismatch is audited */
    const char *device_id;  /* IN_MEMBER: never NULL, "" = not said; IN_MEMBER_LEFT: what the state
                               key says, or NULL */
    const char *membership_id;
    const char *intent; /* "audio" or "video", or NULL */
    const char *focus_url;
    const char *focus_selection;
    bool focus_ours;
    int64_t start_ms; /* created_ts, else created_at, else origin; not later than received (3.2) */
    bool start_given; /* created_ts was there */
    int64_t expires_at;       /* absolute; clamped to received + 24 h */
    const char *leave_reason; /* IN_MEMBER_LEFT */
    int64_t sticky_until;     /* sticky: origin + duration, what decides between two (3.3) */
    /* IN_MEMBER_LIST: entry keys still listed, sorted by strcmp. With state_key: members of that
       state key not here have left. With state_key NULL (appservice/reconcile_room: the room's
       state was read; event_id and sender are NULL): live members of generations state, array and
       famedly not here have left, reason "reconciled"; so have sticky ones whose user the batch's
       view of the room, if known, does not list as joined. In that form a call to which something
       has happened at snapshot_ms or later (received) is left alone: the state may be older than
       it. Each member ended this way counts in parley_reconcile_members_ended_total. */
    const char *const *remaining;
    size_t n_remaining;
    int64_t snapshot_ms; /* state_key NULL: when reading the state began */
};

/* Ring, notification, decline, raised hand, relation; and IN_REDACTED, of which only
 * target_event_id is set. */
struct call_input_ring {
    const char *target_event_id; /* m.reference: member event (ring), notification (decline),
                                    redacted event */
    const char *slot; /* ring, notification: slot_id (js-sdk 43), or of call.notify's application
                         and call_id; or NULL */
    const char *const *mentions; /* user ids; none with `room` */
    size_t n_mentions;
    bool mentions_room;
    int64_t start_ms; /* 3.4: sender_ts if within 20 s of origin, else origin */
    int64_t end_ms;   /* start + min(lifetime, 120 000) */
    const char *intent;
    bool older_name; /* call.notify generation */
};

/* A user left the room, or an event could not be read. */
struct call_input_room {
    const char *user_id;    /* who left; sender = who did it */
    const char *membership; /* "leave" or "ban" */
    bool kicked;            /* sender is somebody else, or ban */
    const char *event_type; /* IN_MALFORMED: the event's type, cut to 255 bytes */
    const char *problem;    /* IN_MALFORMED: "content.call_id: want a string, got a number" */
};

/* How well media came, over `span_ms`. */
struct call_input_figures {
    int64_t span_ms;
    int64_t expected, lost;    /* packets */
    int64_t bps;               /* of payload, on average */
    int64_t jitter_ms, rtt_ms; /* the longest; rtt 0 = not known */
    int64_t mos, worst_mos;    /* hundredths: 100 to 450; on average, and the worst */
    int64_t layer;             /* of a video: the latest, 0 the lowest; -1 = none */
    int64_t freezes, freeze_ms;
    int64_t spoken_ms, loudest_dbov; /* of a sound that is sent: 0 to -127, which is silence */
    /* of a delivery */
    int64_t came_ms;    /* with packets; `bps` is of these */
    int64_t layer_mean; /* hundredths; over the time, of a video; -1 = none, likewise the next */
    int64_t layer_least, layer_most;
    int64_t paused_ms;
};

/* Who asked for entry to the SFU, and what came of it; who came and went there. The sender is the
 * user who was verified, NULL when none was. Holds no token. */
struct call_input_token {
    const char *slot;      /* as sent, "" = not said; likewise the next two */
    const char *device_id; /* as claimed */
    const char *member_id;
    const char *claimed_user;          /* refused: who they said they are; NULL = did not say */
    const char *dialect;               /* "old", "hashed", "proxied", "federated" */
    const char *server;                /* whose user, as far as known; NULL = not */
    const char *alias;                 /* issued: the room in the SFU */
    const char *identity;              /* issued: the participant in the SFU */
    const char *membership;            /* issued: "joined", "unknown" or "unchecked" */
    const char *reason;                /* refused, disconnected, removed: one word */
    const char *problem;               /* refused: more about it, for the admin; or NULL */
    const char *connection;            /* media: the SFU's id of the one connection; or NULL */
    const char *node;                  /* media: which Parley carries it; NULL = another SFU */
    const char *run;                   /* with it: which of its processes */
    const char *actor;                 /* removed: who made the user leave the room; or NULL */
    const char *track;                 /* the SFU's id of it; with the next three */
    const char *media;                 /* "audio", "video" */
    const char *source;                /* "microphone", "camera", "screen_share" …; or NULL */
    const char *codec;                 /* published: "opus" …; or NULL */
    const char *direction;             /* quality: "sent" or "received", by whom it is about */
    const char *path;                  /* quality, delivery: "direct" or "relay" */
    struct call_input_figures figures; /* quality, delivery */
    bool full_access;
    int64_t count; /* of IN_TOKENS_UNRECORDED and IN_GAP */
};

/* What an admin wants. The sender is the admin's user id, NULL for the admin token. */
struct call_input_admin {
    const char *session_id;
    const char *actor;     /* "admin token" or the user id */
    const char *user_id;   /* kicked, muted: whom */
    const char *device_id; /* likewise: which of their devices; NULL = all */
    const char *track;     /* muted: the SFU's id of it; NULL = all their sound */
    const char *reason;    /* NULL = none was given */
};

/* A member whose media is gone; of one session of the room. */
struct call_input_stale {
    const char *session_id;
    int n;                     /* the stay */
    const char *last_event_id; /* stale: the latest of the entry as far as was known */
    const char *user_id;
    const char *device_id; /* or NULL */
    const char *reason;    /* stale: "never_came", "left_sfu" */
    const char *cleanup;   /* stale: what will be done about it */
    const char *by;        /* ended: "user", "sender" */
    const char *problem;   /* not ended: why */
    int64_t silent_ms;     /* stale: how long */
    bool again;            /* stale: has its row */
    bool *stands; /* stale: set when they are still in by that event; in the unit's arena */
};

struct call_input {
    enum call_input_type type;
    const char *room_id;
    const char *event_id; /* NULL = no Matrix event */
    const char *sender;
    int64_t origin_ms; /* origin_server_ts, clamped to be not later than received */
    int64_t sent_ms;   /* received − unsigned.age (>= 0): when the homeserver had it */
    int64_t received_ms;
    bool ignored;    /* soft-failed or refused by a policy server: audited, moves nothing */
    bool reconciled; /* from room state, not pushed: no sends, no rings */
    union {
        struct call_input_legacy legacy;
        struct call_input_member member;
        struct call_input_ring ring;
        struct call_input_room room;
        struct call_input_token token;
        struct call_input_admin admin;
        struct call_input_stale stale;
    };
};

#endif
