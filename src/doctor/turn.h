/*
 * The TURN addresses that the homeserver gives to clients: what one says, and whether a server
 * answers there. Over UDP that takes a question, STUN's Binding, which every TURN server answers
 * without credentials.
 *
 * See: RFC 7065 (addresses), RFC 8489 (STUN: 5, 14; 6.2.1 for the times between tries).  Thread:
 * main; waits.
 */
#ifndef DOCTOR_TURN_H
#define DOCTOR_TURN_H

#include "core/err.h"
#include "doctor/dial.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DOCTOR_TURN_HOST_SIZE 256 /* DNS: names of at most 253 bytes */
#define DOCTOR_STUN_SIZE      20  /* of a header, which is all of a Binding request */
#define DOCTOR_STUN_ID_SIZE   12

struct doctor_turn {
    bool tcp; /* TLS too; else UDP */
    uint16_t port;
    char host[DOCTOR_TURN_HOST_SIZE]; /* IPv6 without brackets */
};

/** "turn:host:port?transport=udp", "turns:host", "turn:[::1]:3478" … ERR_INVALID says what is wrong
 * with it. DTLS ("turns:" with transport=udp) counts as UDP. */
MUST_CHECK enum err doctor_turn_read(const char *uri, struct doctor_turn *ret);

/** A Binding request with this transaction id. */
void doctor_stun_ask(const uint8_t id[DOCTOR_STUN_ID_SIZE], uint8_t ret[DOCTOR_STUN_SIZE]);
/** Is this the answer to it, be it success or error? */
bool doctor_stun_answers(const uint8_t id[DOCTOR_STUN_ID_SIZE], const uint8_t *bytes, size_t n);

/** Does a server answer there? ERR_NOT_FOUND: the name leads nowhere; ERR_IO: we have no socket. */
MUST_CHECK enum err doctor_turn_reach(
    const struct doctor_turn *t, int64_t timeout_us, enum doctor_dial *ret);

#endif
