/*
 * What a client announces and what it then offers: add_track makes an announcement, a section of
 * its description with that id makes it a track of the room (livekit-protocol 3.4). Both may come
 * first.  Thread: main.
 */
#ifndef LIVEKIT_PUBLISHING_H
#define LIVEKIT_PUBLISHING_H

#include "livekit/proto/signal.pb-c.h"
#include "rooms/model.h"
#include "rtc/sdp_answer.h"

struct lk_session;

#define LK_TRACK_CODECS_MAX 4   /* of one announcement: a codec and its backup, and to spare */
#define LK_CID_MAX_BYTES    256 /* of the client's own id of a track */
#define LK_PENDING_MAX      20  /* announced and not yet offered; livekit-protocol B */
#define LK_QUEUED_MAX       3   /* of one id; the same table */
#define LK_UNKNOWN_MAX      20  /* offered and not yet announced */

struct lk_announced_codec {
    enum rtc_codec_type type;
    char *cid;
};

struct lk_announced {
    char *cid;
    struct room_track track;
    size_t n_codecs;
    struct lk_announced_codec codecs[LK_TRACK_CODECS_MAX];
    bool queued;                          /* waits until the other one of its cid is gone */
    bool chosen;                          /* a section of the running offer is its own */
    struct room_publication *publication; /* NULL = no media yet */
    struct lk_announced *prev, *next;
};

/* A section that nobody has announced: answered, so that media may come. */
struct lk_unknown {
    char *cid;
    struct rtc_rtp_params params;
    struct lk_unknown *prev, *next;
};

struct lk_publishing {
    struct lk_announced *announced; /* in the order in which they came */
    struct lk_unknown *unknown;
};

void lk_publishing_finish(struct lk_session *s);

/** add_track. */
void lk_publishing_announce(struct lk_session *s, const Lk__AddTrackRequest *r);
/** Says (again) that it may be published. */
void lk_publishing_say(struct lk_session *s, const struct lk_announced *t);
/** mute of the client's own track, published or not; false: there is none. */
bool lk_publishing_mute(struct lk_session *s, const char *sid, bool muted);
/** The room took the track away; the publication ends with the call. */
void lk_publishing_taken(struct lk_session *s, const struct room_publication *p);

/** An offer came: tracks whose section sends no more are gone. */
void lk_publishing_withdraw(struct lk_session *s, const struct rtc_sdp *offer);
/** What to answer for a section in which the client sends: fills in what concerns taking. Gives
 * the announcement that it is for; NULL = nobody announced it yet. */
struct lk_announced *lk_publishing_choose(
    struct lk_session *s, const struct rtc_sdp_section *offered, struct rtc_sdp_choice *ret);
/** The section was answered: the track is published, or its parameters are renewed; unannounced
 * ones are remembered. */
void lk_publishing_agreed(struct lk_session *s, struct lk_announced *t,
    const struct rtc_sdp_section *offered, const struct rtc_sdp_section *answered);

#endif
