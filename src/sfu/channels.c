/* From SCTP to messages, and back. */
#include "sfu/channels.h"

#include "core/mem.h"
#include "sfu/data.h"
#include "sfu/data_track.h"
#include "sfu/room.h"
#include "sfu/transport.h"
#include "sfu/worker.h"

#include <string.h>
#include <utlist.h>

#define RELIABLE "_reliable"
#define LOSSY    "_lossy"
#define PACKETS  "_data_track"

static const struct rtc_channel_kind kinds[] = {
    { RELIABLE, false, false, 0 },
    { LOSSY, true, true, 0 },
    { PACKETS, true, true, 0 },
};

static struct sfu_data *data_of(const struct sfu_channels *c) {
    return c->transport->participant->data;
}

/* --- what rtc/datachannel tells --- */

static void on_packet(void *arg, const uint8_t *data, size_t len) {
    struct sfu_channels *c = arg;
    (void)media_transport_data(c->transport->media, data, len); /* or lost, as on the way */
}

static struct rtc_channel **place_of(struct sfu_channels *c, const struct rtc_channel *channel) {
    return strcmp(channel->label, RELIABLE) == 0  ? &c->reliable
           : strcmp(channel->label, LOSSY) == 0   ? &c->lossy
           : strcmp(channel->label, PACKETS) == 0 ? &c->packets
                                                  : NULL;
}

static void on_opened(void *arg, struct rtc_channel *channel) {
    struct sfu_channels *c = arg;
    struct rtc_channel **place = place_of(c, channel);
    if (place == NULL || *place != NULL) {
        return;
    }
    *place = channel;
    if (c->down && place == &c->reliable && data_of(c) != NULL) {
        sfu_data_connected(data_of(c));
    }
}

static void on_closed(void *arg, struct rtc_channel *channel) {
    struct sfu_channels *c = arg;
    struct rtc_channel **place = place_of(c, channel);
    if (place != NULL && *place == channel) {
        *place = NULL;
    }
}

static void on_message(
    void *arg, struct rtc_channel *channel, bool text, const uint8_t *bytes, size_t len) {
    struct sfu_channels *c = arg;
    struct rtc_channel **place = place_of(c, channel);
    (void)text;
    if (place == NULL || data_of(c) == NULL || c->transport->ended) {
        return;
    }
    if (place == &c->packets) {
        sfu_data_track_take(data_of(c), bytes, len);
    } else {
        sfu_data_take(data_of(c), place == &c->reliable, bytes, len);
    }
}

static void on_writable(void *arg) {
    struct sfu_channels *c = arg;
    if (c->down && data_of(c) != NULL) {
        sfu_data_writable(data_of(c));
    }
}

static void on_state(void *arg, enum rtc_sctp_state state) {
    (void)arg;
    (void)state; /* channels have been told */
}

static const struct rtc_channels_hooks hooks = { on_packet, on_state, on_opened, on_message,
    on_closed, on_writable };

void sfu_channels_data(void *owner, const uint8_t *data, size_t len, int64_t now_us) {
    struct sfu_transport *t = owner;
    if (t->channels == NULL || t->ended) {
        return;
    }
    sfu_channels_begin(t->channels);
    if (t->channels->channels != NULL) {
        rtc_channels_feed(t->channels->channels, data, len, now_us);
    }
}

void sfu_channels_follow(struct sfu_channels *c) {
    if (c->channels != NULL) {
        rtc_channels_pause(c->channels, !sfu_data_is_read(data_of(c)));
    }
}

/* --- life --- */

static void open_ours(struct sfu_channels *c, int64_t now_us) {
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct rtc_channel *channel;
        c->transport->worker->stats.messages_failed +=
            rtc_channel_open(c->channels, &kinds[i], now_us, &channel) != OK;
    }
}

void sfu_channels_begin(struct sfu_channels *c) {
    struct sfu_transport *t = c->transport;
    struct sfu_worker *w = t->worker;
    if (c->channels != NULL || !media_transport_is_connected(t->media)) {
        return;
    }
    struct rtc_channels_config cfg = {
        .role = media_transport_is_client(t->media) ? RTC_DTLS_CLIENT : RTC_DTLS_SERVER,
        .hooks = &hooks,
        .arg = c
    };
    if (rtc_channels_create(w->sctp, &cfg, w->media->now_us, &c->channels) != OK) {
        w->stats.messages_failed++; /* the client has media, and no data */
        return;
    }
    if (c->ours) {
        open_ours(c, w->media->now_us);
    }
}

enum err sfu_channels_set(struct sfu_transport *t, bool ours, bool down) {
    if (t->channels == NULL) {
        t->channels = mem_zalloc(sizeof(*t->channels));
        if (t->channels == NULL) {
            return err_set(ERR_NOMEM, "no memory for data channels");
        }
        t->channels->transport = t;
        t->channels->ours = ours;
        t->worker->n_channels++;
    }
    struct sfu_channels *c = t->channels;
    struct sfu_data *d = data_of(c);
    struct sfu_transport *other;
    DL_FOREACH(t->participant->transports, other) {
        if (down && other->channels != NULL) {
            other->channels->down = false; /* one way down for a participant */
        }
    }
    c->down = down;
    if (d != NULL && down && d->down != c) {
        sfu_data_connected(d);
    } else if (d != NULL && !down && d->down == c) {
        sfu_data_disconnected(d);
    }
    return OK;
}

void sfu_channels_destroy(struct sfu_channels *c) {
    if (c == NULL) {
        return;
    }
    struct sfu_data *d = data_of(c);
    if (d != NULL && d->down == c) {
        sfu_data_disconnected(d);
    }
    c->transport->worker->n_channels--;
    rtc_channels_destroy(c->channels);
    mem_free(c);
}
