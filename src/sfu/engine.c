/* Start and stop, and the news. */
#include "sfu/engine.h"

#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"

#include <assert.h>
#include <string.h>

METRIC_GAUGE(workers_now, "parley_media_workers", "Workers of the SFU, each a thread.");

sfu_id sfu_engine_id(struct sfu *s, unsigned seat) {
    return (sfu_id)(seat + 1) << SFU_ID_BITS | ++s->last_id;
}

unsigned sfu_engine_seat_of(sfu_id id) {
    return (unsigned)(id >> SFU_ID_BITS) - 1;
}

void sfu_engine_collect(struct sfu *s) {
    for (struct mail *m = mailbox_collect(&s->inbox), *next; m != NULL; m = next) {
        next = m->next;
        if (s->told != NULL) {
            s->told(s->arg, (struct sfu_event *)m);
        }
        mem_free(m);
    }
}

enum err sfu_engine_create(unsigned workers, sfu_told_fn *told, void *arg, mailbox_wake_fn *wake,
    void *wake_arg, struct sfu **ret) {
    assert(workers > 0 && workers <= SFU_WORKERS_MAX);
    struct sfu *s = mem_zalloc(sizeof(*s));
    if (s == NULL) {
        return err_set(ERR_NOMEM, "no memory for the SFU");
    }
    s->told = told;
    s->arg = arg;
    mailbox_init(&s->inbox, wake, wake_arg);
    enum err e = rtc_dtls_ctx_create(&s->dtls);
    for (; e == OK && s->n_seats < workers; s->n_seats += e == OK) {
        e = sfu_worker_create(&s->inbox, &s->seats[s->n_seats].worker);
    }
    if (e != OK) {
        sfu_engine_destroy(s);
        return e;
    }
    s->dtls_params = (struct rtc_dtls_params){ .role = RTC_DTLS_SERVER,
        .n_fingerprints = 1,
        .fingerprints = { *rtc_dtls_ctx_fingerprint(s->dtls) } };
    *ret = s;
    return OK;
}

void sfu_engine_destroy(struct sfu *s) {
    if (s == NULL) {
        return;
    }
    for (unsigned i = 0; i < s->n_seats; i++) {
        sfu_worker_destroy(s->seats[i].worker);
    }
    s->told = NULL;
    sfu_engine_collect(s); /* frees what nobody hears any more */
    rtc_dtls_ctx_destroy(s->dtls);
    mem_free(s);
}

/* --- with threads --- */

static void woken(uv_async_t *wake) {
    sfu_engine_collect(wake->data);
}

static void wake_main(void *arg) {
    (void)uv_async_send(arg);
}

static void wake_worker(void *arg) {
    media_loop_wake(arg);
}

static enum err announce(struct sfu *s, const struct sfu_config *cfg) {
    if (cfg->n_addresses == 0 || cfg->n_addresses > MEDIA_ADDRESSES_MAX) {
        return err_set(
            ERR_INVALID, "media needs 1 to %d addresses to listen on", MEDIA_ADDRESSES_MAX);
    }
    for (size_t i = 0; i < cfg->n_addresses; i++) {
        const struct sfu_address *a = &cfg->addresses[i];
        const char *told = a->announced == NULL ? a->local : a->announced;
        if (!rtc_addr_read_ip(told, strlen(told), &s->announced[i])) {
            return err_set(ERR_INVALID, "'%s' is not an IPv4 or IPv6 address", told);
        }
        s->n_announced++;
    }
    return OK;
}

/* The addresses to listen on, each once: several may be announced for one (a public and a private
 * one). Gives how many. */
static size_t bind_places(
    struct sfu *s, const struct sfu_config *cfg, const char *ret[MEDIA_ADDRESSES_MAX]) {
    size_t n = 0;
    for (size_t i = 0; i < cfg->n_addresses; i++) {
        size_t k = 0;
        while (k < n && strcmp(ret[k], cfg->addresses[i].local) != 0) {
            k++;
        }
        s->bound[i] = (uint8_t)k;
        ret[k] = cfg->addresses[i].local;
        n = k == n ? n + 1 : n;
    }
    return n;
}

static enum err start_seat(struct sfu *s, const struct sfu_config *cfg, unsigned i) {
    struct sfu_seat *seat = &s->seats[i];
    const char *addresses[MEDIA_ADDRESSES_MAX];
    struct media_loop_config loop = { .addresses = addresses,
        .n_addresses = bind_places(s, cfg, addresses),
        .udp_port = cfg->udp_port == 0 ? 0 : (uint16_t)(cfg->udp_port + i),
        .tcp_port = cfg->tcp_port == 0 ? 0 : (uint16_t)(cfg->tcp_port + i),
        .no_tcp = cfg->no_tcp,
        .gather_us = cfg->gather_us,
        .worker = { .packets_bytes = cfg->packets_bytes,
            .dtls = s->dtls,
            .hooks = sfu_worker_hooks,
            .hooks_arg = seat->worker } };
    TRY(rtc_seal_create(strcmp(cfg->seal, "auto") == 0 ? NULL : cfg->seal, &loop.worker.seal));
    enum err e = media_loop_create(&loop, &seat->loop);
    if (e != OK) {
        rtc_seal_destroy(loop.worker.seal);
        return e;
    }
    seat->worker->media = media_loop_worker(seat->loop);
    mailbox_init(&seat->worker->inbox, wake_worker, seat->loop);
    return media_loop_start(seat->loop);
}

static unsigned workers_of(const struct sfu_config *cfg) {
    unsigned n = cfg->workers > 0 ? cfg->workers : uv_available_parallelism();
    return n < SFU_WORKERS_MAX ? n : SFU_WORKERS_MAX;
}

static enum err start_all(struct sfu *s, const struct sfu_config *cfg) {
    s->tcp = !cfg->no_tcp;
    TRY(announce(s, cfg));
    for (unsigned i = 0; i < s->n_seats; i++) {
        TRY(start_seat(s, cfg, i));
    }
    return OK;
}

enum err sfu_start(
    const struct sfu_config *cfg, uv_loop_t *loop, sfu_told_fn *told, void *arg, struct sfu **ret) {
    struct sfu *s = NULL;
    uv_async_t *wake = mem_zalloc(sizeof(*wake));
    int e = wake == NULL ? UV_ENOMEM : uv_async_init(loop, wake, woken);
    if (e != 0) {
        mem_free(wake);
        return err_set(e == UV_ENOMEM ? ERR_NOMEM : ERR_IO, "no wake-up for the SFU's news: %s",
            uv_strerror(e));
    }
    enum err made = sfu_engine_create(workers_of(cfg), told, arg, wake_main, wake, &s);
    wake->data = s;
    sfu_counters_register();
    metrics_register(&workers_now);
    if (made == OK) {
        s->wake = wake;
        made = start_all(s, cfg);
    } else {
        uv_close((uv_handle_t *)wake, (uv_close_cb)mem_free);
    }
    if (made != OK) {
        sfu_stop(s);
        return made;
    }
    metric_set(&workers_now, s->n_seats);
    LOG_INFO(NULL, "sfu_started", "workers=%u seal=%s", s->n_seats,
        rtc_seal_name(s->seats[0].worker->media->seal));
    *ret = s;
    return OK;
}

void sfu_stop(struct sfu *s) {
    if (s == NULL) {
        return;
    }
    for (unsigned i = 0; i < s->n_seats; i++) {
        struct sfu_seat *seat = &s->seats[i];
        struct sfu_message *m = seat->loop == NULL ? NULL : mem_zalloc(sizeof(*m));
        if (m != NULL) {
            m->type = SFU_CLOSE_ALL;
            mailbox_post(&seat->worker->inbox, &m->mail);
        }
    }
    for (unsigned i = 0; i < s->n_seats; i++) {
        struct sfu_seat *seat = &s->seats[i];
        if (seat->loop != NULL) {
            media_loop_stop(seat->loop);
            sfu_worker_destroy(STEAL(seat->worker));
            media_loop_destroy(seat->loop);
        }
    }
    if (s->wake != NULL) {
        uv_close((uv_handle_t *)s->wake, (uv_close_cb)mem_free);
    }
    sfu_engine_destroy(s);
}

const struct rtc_dtls_params *sfu_dtls(const struct sfu *s) {
    return &s->dtls_params;
}

size_t sfu_candidates(const struct sfu *s, sfu_id room, struct rtc_candidate *ret, size_t cap) {
    const struct media_loop *loop = s->seats[sfu_engine_seat_of(room)].loop;
    struct rtc_addr at[2 * MEDIA_ADDRESSES_MAX];
    size_t n = 0;
    for (size_t tcp = 0; tcp <= (s->tcp ? 1U : 0U); tcp++) {
        for (size_t i = 0; loop != NULL && i < s->n_announced; i++) {
            at[n] = s->announced[i];
            at[n].tcp = (uint16_t)tcp;
            at[n++].port = tcp ? media_loop_tcp_port(loop, s->bound[i])
                               : media_loop_udp_port(loop, s->bound[i]);
        }
    }
    return rtc_candidate_offer(at, n, ret, cap);
}
