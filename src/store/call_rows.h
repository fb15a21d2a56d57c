/*
 * The rows of a call, as C structs: what calls/ works on and what store/calls.h reads and writes.
 *
 * Texts are borrowed from the arena of the unit of work, NULL = SQL NULL. Times are Unix
 * milliseconds, 0 = NULL. Field by field they are the columns of schema/0001_calls.sql, where each
 * column is commented.  Thread: main.
 */
#ifndef STORE_CALL_ROWS_H
#define STORE_CALL_ROWS_H

#include "core/crypto.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A row of call_sessions. */
struct store_call {
    char id[UUID_TEXT_SIZE];
    const char *kind; /* "legacy" (m.call.*) or "rtc" (MatrixRTC) */
    const char *room_id;
    const char *call_id;     /* legacy: the client's call_id; rtc: the slot id as first seen */
    const char *natural_key; /* unique in the room: legacy "<call_id>"; rtc "<slot, lower
                                case>/<first event id>" */
    const char *slot;   /* rtc: slot id in lower case, for finding the live session; legacy NULL */
    const char *state;  /* the machine's state, calls/machine.h */
    const char *status; /* the public one: initiated ringing active ended rejected missed cancelled
                           failed; NULL while a stub is not shown */
    const char *media;  /* "audio" or "video" */
    bool is_group;
    bool historic; /* written from replayed history: never rang here */
    bool partial;  /* its beginning was not seen */
    bool rings;    /* false where clients ignore the invite (publicly joinable room) */
    const char *caller_user;
    const char *caller_party;  /* party_id or device */
    const char *callee_user;   /* NULL = unknown or several */
    const char *selected_user; /* legacy: the answer the caller took */
    const char *selected_party;
    const char *first_event_id; /* the invite, or the first member event */
    const char *ring_event_id;  /* rtc: the notification that rings */
    int voip_version;           /* legacy: 0 or 1 */
    int64_t created_at;         /* the invite's or first member's time */
    int64_t ringing_at;
    int64_t answered_at; /* also the start of talking */
    int64_t ended_at;
    int64_t duration_ms; /* talking time; -1 = unknown or never talked */
    int64_t deadline_at; /* what the state waits for: ring, select, stub … */
    int64_t due_at; /* earliest of deadline_at and the members' expiry: when the timer must look; 0
                       = never */
    int64_t last_event_at; /* received time of the latest input */
    int64_t closed_at;     /* when it became final, our clock */
    int64_t
        final_origin_at; /* origin time of the event that made it final; for contradicting finals */
    const char *end_reason; /* hangup reason, left_room, expired, slot_closed … */
    const char *failed_reason;
    const char *ended_by;       /* user */
    const char *superseded_by;  /* id (UUID text) of the call that won glare, or that replaced it */
    const char *linked_call_id; /* a client call_id named by a transfer */
    int peak_users;
    int chain_rows;                 /* rows of its call_events so far; kept by store */
    uint8_t chain_mac[SHA256_SIZE]; /* MAC of the last one; kept by store */
};

/** A row of call_participants: one stay of one device in one call. */
struct store_participant {
    int n; /* number within the session, from 1 */
    const char *user_id;
    const char *party;      /* party_id (legacy) or device id (rtc) */
    const char *role;       /* "caller", "callee", "member" */
    const char *generation; /* rtc: "state", "array", "famedly", "sticky"; legacy NULL */
    const char *entry_key; /* rtc: what identifies the entry: state key, or sender and sticky key */
    const char *membership_id;
    const char *event_id;      /* the join or answer */
    const char *last_event_id; /* the latest event of this entry */
    int64_t last_origin_at;    /* its origin_server_ts */
    int64_t joined_at;
    int64_t answered_at; /* legacy callee: when it answered */
    int64_t expires_at;  /* rtc: when the entry stops counting */
    int64_t left_at;     /* 0 = still in */
    const char
        *leave_reason; /* left, kicked, left_room, expired, answered_elsewhere, slot_closed, … */
    const char *actor; /* who made it leave, when it was somebody else */
    const char *focus_url;
    const char *focus_selection;
    bool focus_ours;
    const char *intent; /* "audio", "video" */
    bool audio_muted;
    bool video_muted;
    bool screen_shared;
    int refreshes;
    int candidates_host;
    int candidates_srflx;
    int candidates_prflx;
    int candidates_relay;
    int candidates_tcp; /* how many of them were TCP */
};

/** A row of call_kept_inputs: what a stub keeps until its invite or member comes. */
struct store_kept {
    int n;
    int input; /* enum call_input_type */
    const char *event_id;
    const char *sender;
    const char *party;
    int voip_version;
    int64_t origin_at;
    int64_t sent_at;
    int64_t received_at;
    const char *reason;
    const char *selected_party;
    const char *text; /* what else the input needs, in a form its reader in calls/ knows */
};

/** One detail of an event; the list becomes the JSON object `payload`. */
enum store_detail_type { STORE_DETAIL_TEXT, STORE_DETAIL_INT, STORE_DETAIL_BOOL };
struct store_detail {
    const char *key;
    enum store_detail_type type;
    const char *text;
    int64_t number;
    struct store_detail *next;
};

/** A row of call_events. */
struct store_event {
    const char *type;    /* call_invited, participant_left … */
    const char *room_id; /* may be NULL for a malformed event */
    const char *call_id;
    const char *user_id;         /* who did it; NULL = nobody (timer) */
    const char *subject;         /* whom or which device it is about; "" when the same */
    const char *source_event_id; /* NULL = no Matrix event (timer) */
    int64_t at;                  /* when it happened, by the best clock we have */
    int64_t recorded_at;
    bool late;
    bool inferred;
    bool ignored; /* seen, but moved nothing (soft-failed) */
    bool partial;
    struct store_detail *details;
};

/** News of a call: what its receivers are told (store/news.h), as rows of call_news. */
struct store_news_person {
    const char *user_id;
    const char *role; /* "caller", "callee", "member" */
    int64_t joined_at;
    int64_t left_at; /* 0 = still in, or never was */
};
struct store_news {
    const char *type; /* "call.started" … */
    const struct store_call *call;
    const char *direction; /* "local", "inbound", "outbound"; NULL = unknown */
    const struct store_news_person *people;
    size_t n_people;
    size_t n_more; /* people beyond those listed */
    int64_t at;    /* when it happened, by the best clock we have */
    bool hooks;    /* for the webhooks */
    bool room;     /* for the room itself, once a call */
};

#endif
