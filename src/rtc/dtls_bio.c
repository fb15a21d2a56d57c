/* A BIO that keeps datagrams apart. */
#include "rtc/dtls_bio.h"

#include "core/cur.h"
#include "core/mem.h"

#include <limits.h>
#include <string.h>

#define LENGTH_SIZE 2
#define QUEUE_FIRST 1536 /* bytes: most flights fit at once */
#define IP_UDP_HEAD 28   /* bytes; what OpenSSL would ask a socket for */

/* --- the queue --- */

void rtc_dtls_queue_finish(struct rtc_dtls_queue *q) {
    mem_free(q->bytes);
    *q = (struct rtc_dtls_queue){ .bytes = NULL };
}

bool rtc_dtls_queue_push(struct rtc_dtls_queue *q, const uint8_t *data, size_t len) {
    size_t need = q->len + LENGTH_SIZE + len;
    if (len > UINT16_MAX || need > RTC_DTLS_QUEUE_MOST) {
        return false;
    }
    if (need > q->cap) {
        size_t cap = need < QUEUE_FIRST ? QUEUE_FIRST : 2 * need;
        uint8_t *bytes = mem_realloc(q->bytes, cap);
        if (bytes == NULL) {
            return false;
        }
        q->bytes = bytes;
        q->cap = (uint32_t)cap;
    }
    be16_put(q->bytes + q->len, (uint16_t)len);
    memcpy(q->bytes + q->len + LENGTH_SIZE, data, len);
    q->len = (uint32_t)need;
    return true;
}

uint8_t *rtc_dtls_queue_next(struct rtc_dtls_queue *q, size_t *ret_len) {
    if (q->next == q->len) {
        return NULL;
    }
    uint8_t *at = q->bytes + q->next;
    *ret_len = be16_get(at);
    q->next += (uint32_t)(LENGTH_SIZE + *ret_len);
    return at + LENGTH_SIZE;
}

/* --- the BIO --- */

static int on_write(BIO *bio, const char *data, int len) {
    struct rtc_dtls_wire *w = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (w->fresh) {
        w->fresh = false;
        w->to->len = w->to->next = 0;
    }
    w->wrote = true;
    /* What cannot be kept is as good as lost on the way; the handshake's timer sees to that. */
    (void)rtc_dtls_queue_push(w->to, (const uint8_t *)data, (size_t)len);
    return len;
}

static int on_read(BIO *bio, char *ret, int cap) {
    struct rtc_dtls_wire *w = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (w->in == NULL) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t n = cap > 0 && w->in_len > (size_t)cap ? (size_t)cap : w->in_len;
    memcpy(ret, w->in, n); /* the rest of a datagram that does not fit is lost, as on a socket */
    w->in = NULL;
    return (int)n;
}

static long on_ctrl(BIO *bio, int cmd, long num, void *ptr) {
    (void)num;
    (void)ptr;
    const struct rtc_dtls_wire *w = BIO_get_data(bio);
    switch (cmd) {
    case BIO_CTRL_FLUSH:
        return 1;
    case BIO_CTRL_DGRAM_QUERY_MTU:
    case BIO_CTRL_DGRAM_GET_MTU:
    case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
        return w->mtu;
    case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD:
        return IP_UDP_HEAD;
    default:
        return 0;
    }
}

static int on_create(BIO *bio) {
    BIO_set_init(bio, 1);
    return 1;
}

BIO_METHOD *rtc_dtls_bio_method(void) {
    BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams");
    if (m != NULL && BIO_meth_set_write(m, on_write) == 1 && BIO_meth_set_read(m, on_read) == 1 &&
        BIO_meth_set_ctrl(m, on_ctrl) == 1 && BIO_meth_set_create(m, on_create) == 1) {
        return m;
    }
    BIO_meth_free(m);
    return NULL;
}

BIO *rtc_dtls_bio_create(BIO_METHOD *method, struct rtc_dtls_wire *w) {
    BIO *bio = BIO_new(method);
    if (bio != NULL) {
        BIO_set_data(bio, w);
    }
    return bio;
}
