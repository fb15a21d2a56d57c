/*
 * The lists in which clients look for a call service: `org.matrix.msc4143.rtc_foci` of the
 * well-known file and `rtc_transports` of the homeserver. Both name it in `livekit_service_url`;
 * clients take the first of type livekit.  Pure, any thread.  See: matrix-calls section 5.
 */
#ifndef DOCTOR_FOCI_H
#define DOCTOR_FOCI_H

#include <jansson.h>

enum doctor_focus {
    DOCTOR_FOCUS_RIGHT,     /* the first is ours, byte for byte */
    DOCTOR_FOCUS_NOT_FIRST, /* ours is there, behind another */
    DOCTOR_FOCUS_ALMOST,  /* the first is ours but for the case of letters or slashes at the end */
    DOCTOR_FOCUS_OTHER,   /* the first is somebody else's, and ours is not there */
    DOCTOR_FOCUS_NONE,    /* no entry of type livekit with an address */
    DOCTOR_FOCUS_NO_LIST, /* it is there, but no list: only FluffyChat reads that */
    DOCTOR_FOCUS_MISSING, /* no such key */
};

/** `list` NULL = missing. @ret_first gets the address that clients use, "" for none; borrowed from
 * `list`. */
enum doctor_focus doctor_foci_judge(const json_t *list, const char *ours, const char **ret_first);

#endif
