/*
 * Names of rooms, members and tracks: a prefix that clients look at, and 12 characters that nobody
 * mistakes for one another.  Thread: any.  See: livekit-protocol 6.1.
 */
#ifndef ROOMS_ID_H
#define ROOMS_ID_H

#define ROOM_ID_LETTERS 12
#define ROOM_SID_SIZE   18 /* "TR_AM", the letters and a NUL */

/** Writes prefix (at most 5 characters: "RM_", "PA_", "TR_VC") and 12 random letters. */
void room_id_make(const char *prefix, char ret[ROOM_SID_SIZE]);

#endif
