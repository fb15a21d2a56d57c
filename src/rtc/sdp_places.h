/*
 * Which section of a peer connection carries which of the tracks that we send. Sections are never
 * taken away, so one whose track has ended waits for another of its kind; but not before a
 * description has said that it is free.
 *
 * On a connection that we offer (livekit-protocol 4.2) a track that finds none free gets a new
 * section. On one that the client offers (4.5) it waits: signalling tells the client how many
 * sections are missing, and the client's next offer brings them.
 *
 * Tracks are numbers of the caller's, never 0.  Thread: any; one owner.
 */
#ifndef RTC_SDP_PLACES_H
#define RTC_SDP_PLACES_H

#include "rtc/sdp.h"

#define RTC_SDP_PLACES_MAX (RTC_SDP_SECTIONS_MAX - 1) /* the data channels have one */

enum rtc_sdp_places_kind {
    RTC_SDP_PLACES_OURS,      /* we offer */
    RTC_SDP_PLACES_OURS_ONCE, /* we offer, and use no section twice: Safari fails on that */
    RTC_SDP_PLACES_THEIRS,    /* the client offers */
};

struct rtc_sdp_place {
    char mid[RTC_MID_MAX + 1];
    uint8_t media;   /* enum rtc_media */
    bool usable : 1; /* of the client's: it wants to receive there, and nothing else */
    bool used : 1;   /* it has had a track */
    bool shown : 1;  /* as the client was told last, it has one */
    uint32_t track;  /* 0 = free */
};

struct rtc_sdp_places; /* 64 bytes, 44 a section, 8 a waiting track */
MUST_CHECK enum err rtc_sdp_places_create(
    enum rtc_sdp_places_kind kind, struct rtc_sdp_places **ret);
void rtc_sdp_places_destroy(struct rtc_sdp_places *p);

/** The track is to be sent; again changes nothing. ERR_LIMIT over RTC_SDP_PLACES_MAX; ERR_NOMEM. */
MUST_CHECK enum err rtc_sdp_places_want(
    struct rtc_sdp_places *p, uint32_t track, enum rtc_media media);
/** It has ended; its section is free when the client has been told. */
void rtc_sdp_places_drop(struct rtc_sdp_places *p, uint32_t track);
/**
 * The client's offer came: notes which sections it has for us, and gives them to waiting tracks. A
 * track whose section serves something else now waits again.
 * ERR_NOMEM, and nothing has changed.
 */
MUST_CHECK enum err rtc_sdp_places_offered(struct rtc_sdp_places *p, const struct rtc_sdp *offer);

/** Sections in the order of the descriptions; of ours the first has mid 1. Borrowed until the next
 * change. */
const struct rtc_sdp_place *rtc_sdp_places_all(const struct rtc_sdp_places *p, size_t *n);
/** The track that goes to the section of this mid; 0 = none. */
uint32_t rtc_sdp_places_track(const struct rtc_sdp_places *p, const char *mid);
/** How many sections of a kind waiting tracks lack. */
size_t rtc_sdp_places_missing(const struct rtc_sdp_places *p, enum rtc_media media);

/** Is there something that the client has not been told? Then an offer is due, or
 * media_sections_requirement with what is missing, which may be nothing. */
bool rtc_sdp_places_changed(const struct rtc_sdp_places *p);
/** An offer or answer with all of this is on its way. What it frees for a track that waits is
 * something new to tell. */
void rtc_sdp_places_told(struct rtc_sdp_places *p);
/** The last one may never have come: no section is taken for free until the next. */
void rtc_sdp_places_doubt(struct rtc_sdp_places *p);

#endif
