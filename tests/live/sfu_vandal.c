/*
 * Participants who mean ill, through LiveKit's door:
 *
 *     sfu_vandal URL ROOM     the API key is devkey, its secret in LOAD_SECRET
 *
 * In ROOM one floods another with data messages, reliable and lossy, as fast as they are taken; one
 * sends by its DTLS connection what looks like SCTP, one messages that are none, and one has
 * another certificate than its descriptions say. In a room beside it one floods somebody who does
 * not read.
 *
 * Prints "ready" when all are connected and the one with the wrong certificate is turned out;
 * begins by a line on its standard input, leaves at its end and prints a line of JSON: what was
 * sent, what came, who is still there.
 */
#include "client.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/cur.h"
#include "core/mem.h"
#include "door.h"
#include "intake.h"
#include "livekit/keys.h"
#include "sfu/datapacket.h"
#include "unit/sctp_sign.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define READY_US   (60 * SEC_US)
#define GOODBYE_US (SEC_US / 5)
#define TURN_NS    1000000
#define CROWD_US   5000 /* between bursts of those whom nothing holds up */
#define CROWD      10   /* packets, or messages, of a burst */
#define A_TURN     64   /* messages of a flood, at most: others' turns come as well */

#define RELIABLE_BYTES 8000
#define LOSSY_BYTES    1000

enum { SCTP_INIT = 1, SCTP_ABORT = 6, SCTP_HEAD = 12, SCTP_CHUNK_HEAD = 4 };

struct vandal;
struct person;

static void flood(struct vandal *v, struct person *p);
static void forge(struct vandal *v, struct person *p);
static void babble(struct vandal *v, struct person *p);
static void be_deaf(struct vandal *v, struct person *p);

static const struct role {
    const char *name;
    const char *to; /* a name; NULL: nobody in particular */
    void (*act)(struct vandal *v, struct person *p);
    bool apart;      /* in the room beside */
    bool raw;        /* no SCTP of its own */
    bool false_name; /* has another certificate than it says: never gets in */
} roles[] = {
    { "reader", NULL, NULL, false, false, false },
    { "flooder", "reader", flood, false, false, false },
    { "forger", NULL, forge, false, true, false },
    { "babbler", NULL, babble, false, false, false },
    { "deaf", NULL, be_deaf, true, false, false },
    { "presser", "deaf", flood, true, false, false },
    { "impostor", NULL, NULL, false, true, true },
};
enum { READER, FLOODER, FORGER, BABBLER, DEAF, PRESSER, IMPOSTOR, PEOPLE };

struct person {
    struct load_client client;
    const struct role *role;
    struct rtc_channel *reliable, *lossy;
    uint32_t sequence; /* of its last reliable message */
    int64_t due_us;
    uint64_t said, bytes;
};

struct vandal {
    struct load_shared shared; /* first: hooks know it by this */
    struct rtc_sctp_door *sctp;
    struct rtc_dtls_ctx *other_dtls;
    struct person people[PEOPLE];
    uint64_t heard, heard_lossy, missing; /* by the reader */
    uint32_t heard_sequence;
};

/* --- channels --- */

static void hear(void *arg, struct rtc_channel *channel, const uint8_t *bytes, size_t len) {
    struct load_link *link = arg;
    struct vandal *v = (struct vandal *)link->client->shared;
    struct sfu_datapacket p;
    if (link->client != &v->people[READER].client || !sfu_datapacket_read(bytes, len, &p)) {
        return;
    }
    if (strcmp(channel->label, "_reliable") != 0) {
        v->heard_lossy++;
        return;
    }
    v->missing += p.sequence != v->heard_sequence + 1;
    v->heard_sequence = p.sequence;
    v->heard++;
}

static void forget_channel(void *arg, struct rtc_channel *channel) {
    struct load_link *link = arg;
    struct vandal *v = (struct vandal *)link->client->shared;
    for (size_t i = 0; i < PEOPLE && !channel->open; i++) {
        struct person *p = &v->people[i];
        p->reliable = p->reliable == channel ? NULL : p->reliable;
        p->lossy = p->lossy == channel ? NULL : p->lossy;
    }
}

static bool has_channels(const struct person *p) {
    return p->reliable != NULL && p->lossy != NULL && p->reliable->acked && p->lossy->acked;
}

static enum err open_channels(struct vandal *v, struct person *p) {
    static const struct rtc_channel_kind reliable = { .label = "_reliable" };
    static const struct rtc_channel_kind lossy = { "_lossy", true, true, 0 };
    struct peer_connection *up = p->client.pub.peer;
    if (p->role->raw || p->reliable != NULL || up == NULL || !peer_connection_is_open(up)) {
        return OK;
    }
    struct rtc_channels *channels = peer_connection_channels(up);
    if (channels == NULL) {
        return err_set(ERR_NOMEM, "no memory for data channels");
    }
    TRY(rtc_channel_open(channels, &reliable, v->shared.now_us, &p->reliable));
    return rtc_channel_open(channels, &lossy, v->shared.now_us, &p->lossy);
}

/* --- what they do --- */

static enum rtc_sctp_sent say_packet(struct vandal *v, struct person *p, bool lossy) {
    static uint8_t out[RELIABLE_BYTES + 256];
    struct wr w = wr_make(out, sizeof(out));
    const size_t len = lossy ? LOSSY_BYTES : RELIABLE_BYTES;
    wr_u8(&w, 5 << 3 | 2); /* destination_identities */
    wr_u8(&w, (uint8_t)strlen(p->role->to));
    wr_bytes(&w, p->role->to, strlen(p->role->to));
    if (!lossy) {
        const uint32_t n = p->sequence + 1;
        wr_u16(&w, 0x8001); /* sequence */
        wr_u8(&w, (uint8_t)(n | 0x80));
        wr_u8(&w, (uint8_t)(n >> 7 | 0x80));
        wr_u8(&w, (uint8_t)(n >> 14 | 0x80));
        wr_u8(&w, (uint8_t)(n >> 21 & 0x7f));
    }
    wr_u8(&w, 9 << 3 | 2); /* a chat message: not looked into */
    wr_u8(&w, (uint8_t)(len | 0x80));
    wr_u8(&w, (uint8_t)(len >> 7));
    wr_zero(&w, len);
    enum rtc_sctp_sent sent =
        rtc_channel_send(lossy ? p->lossy : p->reliable, false, out, wr_len(&w), v->shared.now_us);
    if (sent == RTC_SCTP_SENT) {
        p->sequence += !lossy;
        p->said++;
        p->bytes += wr_len(&w);
    }
    return sent;
}

/* As much as SCTP takes. */
static void flood(struct vandal *v, struct person *p) {
    enum rtc_sctp_sent sent = RTC_SCTP_SENT;
    for (unsigned i = 0; i < A_TURN && sent == RTC_SCTP_SENT && has_channels(p); i++) {
        sent = say_packet(v, p, i % 4 == 3);
    }
}

static bool is_due(const struct vandal *v, struct person *p) {
    if (v->shared.now_us < p->due_us) {
        return false;
    }
    p->due_us = v->shared.now_us + CROWD_US;
    return true;
}

static uint32_t any(void) {
    uint32_t n;
    crypto_random(&n, sizeof(n));
    return n;
}

/* Each third packet is noise; others have a right checksum, and begin an association (those must
 * be answered), or have a chunk of any kind for one that there is not. */
static size_t write_forged(uint8_t out[RTC_SCTP_PACKET_MOST], uint64_t n) {
    const bool begins = n % 3 == 1;
    size_t len = begins ? SCTP_HEAD + SCTP_CHUNK_HEAD + 16 : 40 + any() % 1000;
    uint8_t type = begins ? SCTP_INIT : (uint8_t)any();
    crypto_random(out, len);
    if (n % 3 == 0) {
        return len;
    }
    struct wr w = wr_make(out, len);
    wr_u16(&w, RTC_SCTP_PORT);
    wr_u16(&w, RTC_SCTP_PORT);
    wr_u32(&w, begins ? 0 : any());
    wr_u32(&w, 0);
    wr_u8(&w, type == SCTP_ABORT ? UINT8_MAX : type);
    wr_u8(&w, 3);
    wr_u16(&w, (uint16_t)(len - SCTP_HEAD));
    sctp_sign(out, len);
    return len;
}

static void forge(struct vandal *v, struct person *p) {
    if (!is_due(v, p)) {
        return;
    }
    for (unsigned i = 0; i < CROWD; i++) {
        uint8_t bytes[RTC_SCTP_PACKET_MOST];
        size_t len = write_forged(bytes, p->said);
        if (peer_connection_app(p->client.pub.peer, bytes, len)) {
            p->said++;
            p->bytes += len;
        }
    }
}

/* No protobuf: a member that is longer than the message. */
static void babble(struct vandal *v, struct person *p) {
    static const uint8_t bytes[] = { 9 << 3 | 2, 200, 0 };
    if (!has_channels(p) || !is_due(v, p)) {
        return;
    }
    for (unsigned i = 0; i < CROWD; i++) {
        p->said += rtc_channel_send(i % 2 == 0 ? p->lossy : p->reliable, false, bytes,
                       sizeof(bytes), v->shared.now_us) == RTC_SCTP_SENT;
    }
}

static void be_deaf(struct vandal *v, struct person *p) {
    (void)v;
    struct peer_connection *down = p->client.sub.peer;
    struct rtc_channels *channels = down == NULL ? NULL : peer_connection_channels(down);
    if (channels != NULL) {
        rtc_channels_pause(channels, true);
    }
}

/* --- turns --- */

static bool is_up(const struct person *p) {
    return load_client_is_open(&p->client) && !peer_connection_has_failed(p->client.pub.peer) &&
           !peer_connection_has_failed(p->client.sub.peer);
}

static void turn(struct vandal *v, bool acting) {
    const struct timespec t = { .tv_nsec = TURN_NS };
    v->shared.now_us = clock_mono_us();
    load_net_receive(v->shared.net, v->shared.now_us);
    load_signals_turn(v->shared.signals);
    rtc_sctp_tick(v->sctp, v->shared.now_us);
    for (size_t i = 0; i < PEOPLE; i++) {
        struct person *p = &v->people[i];
        load_client_keep(&p->client);
        if (acting && p->role->act != NULL && is_up(p)) {
            p->role->act(v, p);
        }
    }
    load_net_flush(v->shared.net);
    (void)nanosleep(&t, NULL);
}

/* Connected, or turned out, as is due. */
static bool is_ready(const struct person *p) {
    if (p->role->false_name) {
        return p->client.state == LOAD_FAILED;
    }
    return is_up(p) && (p->role->raw || has_channels(p));
}

static enum err connect_all(struct vandal *v) {
    const int64_t end_us = clock_mono_us() + READY_US;
    for (size_t ready = 0; ready < PEOPLE;) {
        turn(v, false);
        ready = 0;
        for (size_t i = 0; i < PEOPLE; i++) {
            struct person *p = &v->people[i];
            TRY(open_channels(v, p));
            ready += is_ready(p);
            if (!is_ready(p) && (p->client.state == LOAD_FAILED || v->shared.now_us > end_us)) {
                return err_set(
                    ERR_TIMEOUT, "%s: is not where it should be: %s", p->role->name, p->client.why);
            }
        }
    }
    return OK;
}

/* Is there a line, or the end, on standard input? */
static bool is_told(bool *ret_end) {
    char line[64];
    struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
    if (poll(&in, 1, 0) <= 0) {
        return false;
    }
    *ret_end = read(STDIN_FILENO, line, sizeof(line)) <= 0;
    return true;
}

static void obey(struct vandal *v) {
    bool end = false, acting = false;
    while (!end) {
        turn(v, acting);
        acting |= is_told(&end);
    }
}

static void print(const struct vandal *v) {
    printf("{");
    for (size_t i = 0; i < PEOPLE; i++) {
        const struct person *p = &v->people[i];
        printf("\"%s\":{\"there\":%s,\"said\":%llu,\"bytes\":%llu},", p->role->name,
            is_up(p) ? "true" : "false", (unsigned long long)p->said, (unsigned long long)p->bytes);
    }
    printf("\"heard\":%llu,\"heard_lossy\":%llu,\"missing\":%llu}\n", (unsigned long long)v->heard,
        (unsigned long long)v->heard_lossy, (unsigned long long)v->missing);
}

static void leave(struct vandal *v) {
    for (size_t i = 0; i < PEOPLE; i++) {
        load_client_leave(&v->people[i].client);
    }
    for (int64_t end_us = clock_mono_us() + GOODBYE_US; clock_mono_us() < end_us;) {
        turn(v, false);
    }
}

/* --- life --- */

static enum err begin(struct vandal *v, const char *url_text, const char *room, char *beside) {
    struct load_shared *s = &v->shared;
    const char *secret = getenv("LOAD_SECRET");
    struct lk_keys_source keys = { .key = "devkey",
        .secret = secret == NULL ? "" : secret,
        .key_from_file = "",
        .secret_from_file = "",
        .key_file = "" };
    struct load_url url;
    TRY(load_url_read(url_text, &url));
    *s = (struct load_shared){ .door = load_door_find("livekit"), .profile = 7, .sample = 1 };
    s->links = mem_zalloc(2 * PEOPLE * sizeof(struct load_link *));
    if (s->links == NULL) {
        return err_set(ERR_NOMEM, "no memory for clients");
    }
    TRY(lk_keys_create(&keys, &s->keys));
    TRY(load_net_create(false, 0, load_intake_take, s, &s->net));
    TRY(load_signals_create(&url, &s->signals));
    TRY(rtc_dtls_ctx_create(&s->dtls));
    TRY(rtc_dtls_ctx_create(&v->other_dtls));
    TRY(rtc_seal_create(NULL, &s->seal));
    TRY(rtc_sctp_door_create(NULL, NULL, &v->sctp));
    s->data = hear;
    s->channel = forget_channel;
    for (size_t i = 0; i < PEOPLE; i++) {
        struct person *p = &v->people[i];
        p->role = &roles[i];
        TRY(load_client_init(&p->client, s, (unsigned)i, false, false));
        snprintf(p->client.name, sizeof(p->client.name), "%s", p->role->name);
        p->client.deaf = true; /* to tracks */
        p->client.sctp = p->role->raw ? NULL : v->sctp;
        p->client.other_dtls = p->role->false_name ? v->other_dtls : NULL;
        s->room = p->role->apart ? beside : room;
        s->now_us = clock_mono_us();
        TRY(load_client_join(&p->client)); /* its token is made here */
    }
    return connect_all(v);
}

static void finish(struct vandal *v) {
    for (size_t i = 0; i < PEOPLE; i++) {
        load_client_finish(&v->people[i].client);
    }
    rtc_sctp_door_destroy(v->sctp);
    load_signals_destroy(v->shared.signals);
    load_net_destroy(v->shared.net);
    rtc_seal_destroy(v->shared.seal);
    rtc_dtls_ctx_destroy(v->other_dtls);
    rtc_dtls_ctx_destroy(v->shared.dtls);
    lk_keys_destroy(v->shared.keys);
    mem_free(v->shared.links);
}

int main(int argc, char **argv) {
    static struct vandal v;
    char beside[128];
    if (argc != 3) {
        fprintf(stderr, "sfu_vandal URL ROOM\n");
        return 2;
    }
    snprintf(beside, sizeof(beside), "%s-beside", argv[2]);
    enum err e = begin(&v, argv[1], argv[2], beside);
    if (e == OK) {
        puts("ready");
        fflush(stdout);
        obey(&v);
        print(&v);
        leave(&v);
    } else {
        fprintf(stderr, "sfu_vandal: %s\n", err_text());
    }
    finish(&v);
    return e == OK ? 0 : 1;
}
