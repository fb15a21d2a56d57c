/*
 * SRTP by libsrtp2, whole sessions of it: the portable kind (-Dsrtp2=true), and what the tests hold
 * the others against. Landlord of libsrtp2.
 *
 * Debian's build of the library stands on NSS: 10 to 20 times slower than rtc/seal_mb, 9 to 15 kB a
 * session and way. It allocates when an SSRC comes up for the first time, on the packet path, and
 * counts roll-overs and replays itself, besides rtc/srtp. A stream that comes back after it had
 * made way begins at ROC 0 here; and what is sent again must be within RTC_SRTP_WINDOW.
 *
 * Thread: rtc_seal_create on one thread at a time (srtp_init sets up globals).
 */
#ifndef RTC_SEAL_SRTP2_H
#define RTC_SEAL_SRTP2_H

#include "rtc/seal.h"

extern const struct rtc_seal_kind rtc_seal_srtp2;

#endif
