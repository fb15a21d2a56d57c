/*
 * A client's signalling connection: it joins a room, hears what happens there, and says what it
 * wants. When its socket is lost the membership stays as long as its media does; a client that
 * comes back in time finds it as it was (livekit/resume), others join anew.
 *
 * This header is for the rooms of this folder that are parts of a session: verbs, negotiation,
 * publishing.  Thread: main.
 */
#ifndef LIVEKIT_SESSION_H
#define LIVEKIT_SESSION_H

#include "core/mem.h"
#include "livekit/entry.h"
#include "livekit/negotiation.h"
#include "livekit/proto/signal.pb-c.h"
#include "livekit/publishing.h"
#include "livekit/signal.h"
#include "rooms/directory.h"
#include "rooms/member.h"

struct http_socket;

#define LK_REFRESH_US (300 * SEC_US) /* livekit-protocol 1.3 */
#define LK_REFRESH_S  600            /* a refreshed token lives at least so long */

struct lk_signal {
    struct lk_signal_config cfg;
    char node_id[ROOM_SID_SIZE];
    bool draining;
    struct lk_nodes *nodes;       /* NULL: there are no others */
    struct lk_signal_wait *waits; /* clients whose room is being looked for */
    struct lk_session *sessions;
    struct http_socket_path *paths;
    size_t n_paths;
};

struct lk_session {
    struct lk_signal *signal;
    struct lk_entry *entry;
    struct http_socket *socket; /* NULL before it opens, and when it is lost */
    struct room_member *member; /* NULL before it joins, and when it is gone */
    bool waiting;               /* the socket has not closed yet */
    bool over;                  /* leave was sent: nothing may follow */
    bool resuming;     /* came back, and `reconnect` is not said yet: nothing else may be */
    bool awaits_state; /* came back, and has not said yet what it knows */
    int64_t heard_us;  /* its latest message; room_directory_now */
    struct lk_negotiation negotiation;
    struct lk_publishing publishing;
    struct wheel_timer refresh;
    struct wheel_timer patience; /* while resuming */
    struct lk_session *prev, *next;
};

/** Its metrics are on /metrics from now on, also while there is none. */
void lk_session_metrics(void);
/** Of a client that was let in; takes the entry. ERR_NOMEM: the entry is still the caller's. */
MUST_CHECK enum err lk_session_create(
    struct lk_signal *signal, struct lk_entry *entry, struct lk_session **ret);
/** The socket stands: joins. */
void lk_session_open(struct lk_session *s, struct http_socket *socket);
/** A message of the client's. */
void lk_session_take(struct lk_session *s, const char *bytes, size_t len, bool binary);
/** The socket is gone; so is the session, unless its media still flows. */
void lk_session_close(struct lk_session *s);

/** Sends a message; nothing when there is nobody to hear it. */
void lk_session_say(struct lk_session *s, const Lk__SignalResponse *m);
/** … leave with this reason, and closes the socket. The first one counts. */
void lk_session_say_leave(struct lk_session *s, enum room_reason reason);
/** It goes on hearing in the middle of things: its token now, and again in time. */
void lk_session_begin_tokens(struct lk_session *s);
/** Can anything be said to its client? */
bool lk_session_is_heard(const struct lk_session *s);
/** The session that hears for a member; NULL = it has none of ours. */
struct lk_session *lk_session_of(const struct room_member *m);
/** Another session has its member now: it ends, or will when its socket has closed. */
void lk_session_forsake(struct lk_session *s);
/** The client's state and ours cannot be brought together: it is told to join anew. The member is
 * gone then. */
void lk_session_begin_anew(struct lk_session *s);
/** The outcome of a request that gets no other answer. */
void lk_session_say_outcome(struct lk_session *s, Lk__RequestResponse *outcome,
    Lk__RequestResponse__Reason reason, const char *text);

#endif
