/* What the clients of the tests of livekit/signal offer and announce. */
#ifndef TESTS_UNIT_SIGNAL_OFFERS_H
#define TESTS_UNIT_SIGNAL_OFFERS_H

#include "rtc_sdp_texts.h"

#define RECEIVING BEGIN("0 1 2") AUDIO("0", "recvonly") VIDEO("1", "recvonly") DATA("2")
#define SENDING(direction)                                                                         \
    BEGIN("0 1 2 3")                                                                               \
    AUDIO("0", "recvonly")                                                                         \
    VIDEO("1", "recvonly")                                                                         \
    DATA("2")                                                                                      \
    AUDIO("3", direction)                                                                          \
    "a=msid:- mic\r\na=ssrc:1234 "                                                                 \
    "cname:x\r\n"
#define CLASSIC(direction)                                                                         \
    BEGIN("0 1") DATA("0") AUDIO("1", direction) "a=msid:- mic\r\na=ssrc:1234 cname:x\r\n"
#define MICROPHONE "{\"addTrack\":{\"cid\":\"mic\",\"source\":\"MICROPHONE\"}}"

#endif
