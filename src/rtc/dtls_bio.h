/*
 * What OpenSSL reads from and writes to: one datagram in, a queue of datagrams out. A BIO of our
 * own, because OpenSSL's memory BIOs run datagrams together.  Thread: the transport's.
 */
#ifndef RTC_DTLS_BIO_H
#define RTC_DTLS_BIO_H

#include "core/err.h"

#include <openssl/bio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTC_DTLS_QUEUE_MOST 32768 /* bytes waiting; a flight is about 1,000 */

/* Datagrams, each behind two bytes of length. */
struct rtc_dtls_queue {
    uint8_t *bytes;
    uint32_t len, cap;
    uint32_t next; /* the first that was not handed out yet */
};

void rtc_dtls_queue_finish(struct rtc_dtls_queue *q);
/** False when memory is gone or the queue is full; then it is as before. */
bool rtc_dtls_queue_push(struct rtc_dtls_queue *q, const uint8_t *data, size_t len);
/** The next datagram, for its sender to alter; NULL = all were handed out. */
uint8_t *rtc_dtls_queue_next(struct rtc_dtls_queue *q, size_t *ret_len);

struct rtc_dtls_wire {
    const uint8_t *in; /* the datagram that is being taken; NULL = none, or read already */
    size_t in_len;
    struct rtc_dtls_queue *to; /* where what is written goes */
    uint16_t mtu;
    bool fresh; /* what is written next begins a new flight: forget the old one */
    bool wrote; /* something was written */
};

/** The kind of BIO, once a process; NULL without memory. */
BIO_METHOD *rtc_dtls_bio_method(void);
/** A BIO over `w`, which is borrowed as long as it lives; NULL without memory. */
BIO *rtc_dtls_bio_create(BIO_METHOD *method, struct rtc_dtls_wire *w);

#endif
