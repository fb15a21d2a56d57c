/* Whose packets an SSRC carries: as described, or as the first packets say. Track, worker and
 * transport are only notes here. */
#include "rtc/rtpext.h"
#include "sfu/track.h"
#include "sfu/transport.h"
#include "sfu/worker.h"
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

#define MID_ID 3
#define RID_ID 4
#define REP_ID 5

static unsigned reserved; /* SSRCs, by the latest binding */
static struct sfu_event last;
static unsigned told;

enum err media_transport_reserve(struct media_transport *t, size_t ssrcs) {
    (void)t;
    reserved = (unsigned)ssrcs;
    return OK;
}
void sfu_track_bound(struct sfu_track *t, unsigned layer, uint32_t ssrc, bool rtx) {
    *(rtx ? &t->layers[layer].rtx_ssrc : &t->layers[layer].ssrc) = ssrc;
}
struct sfu_event *sfu_worker_event(struct sfu_worker *w, enum sfu_event_type type, sfu_id id) {
    (void)w;
    last = (struct sfu_event){ .type = type, .id = id };
    return &last;
}
void sfu_worker_tell(struct sfu_worker *w, struct sfu_event *event) {
    (void)w;
    (void)event;
    told++;
}

struct desk {
    struct sfu_transport t;
    struct sfu_track camera, mic;
};

static void describe(struct sfu_track *t, const char *mid, unsigned layers, bool rids, bool rtx) {
    struct rtc_rtp_params *p = &t->config.params;
    snprintf(p->mid, sizeof(p->mid), "%s", mid);
    p->n_codecs = 1;
    p->codecs[0].pt = 96;
    p->codecs[0].rtx_pt = rtx ? 97 : RTC_NO_PT;
    p->n_encodings = (uint8_t)layers;
    for (unsigned i = 0; i < layers && rids; i++) {
        p->encodings[i].rid[0] = "qhf"[i];
    }
    p->ext[RTC_EXT_MID] = MID_ID;
    p->ext[RTC_EXT_RID] = RID_ID;
    p->ext[RTC_EXT_REPAIRED_RID] = REP_ID;
    t->n_layers = (uint8_t)layers;
}

static void desk_open(struct desk *d) {
    *d = (struct desk){ 0 };
    told = 0;
    describe(&d->camera, "1", 3, true, true);
    describe(&d->mic, "0", 1, false, false);
    d->mic.config.params.codecs[0].pt = 111;
    DL_APPEND(d->t.tracks, &d->camera);
    DL_APPEND(d->t.tracks, &d->mic);
}

/* The layer, plus 10 for RTX, of the track "0" or "1"; -1 = nobody's. */
static int whose(struct desk *d, uint32_t ssrc, uint8_t pt, const char *mid, const char *rid,
    const char *repaired, const struct sfu_track **ret) {
    uint8_t packet[128];
    uint8_t body[64];
    struct wr b = wr_make(body, sizeof(body));
    const struct {
        uint8_t id;
        const char *text;
    } all[] = { { MID_ID, mid }, { RID_ID, rid }, { REP_ID, repaired } };
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        if (all[i].text != NULL) {
            wr_u8(&b, (uint8_t)(all[i].id << 4 | (strlen(all[i].text) - 1)));
            wr_bytes(&b, all[i].text, strlen(all[i].text));
        }
    }
    while (wr_len(&b) % 4 != 0) {
        wr_u8(&b, 0);
    }
    struct wr w = wr_make(packet, sizeof(packet));
    wr_u8(&w, 0x90);
    wr_u8(&w, pt);
    wr_u16(&w, 1);
    wr_u32(&w, 1000);
    wr_u32(&w, ssrc);
    wr_u16(&w, 0xbede);
    wr_u16(&w, (uint16_t)(wr_len(&b) / 4));
    wr_bytes(&w, body, wr_len(&b));
    wr_u8(&w, 1);
    struct rtc_rtp rtp;
    CHECK(!w.bad && rtc_rtp_parse(cur_make(packet, wr_len(&w)), &rtp));
    const struct sfu_binding *found = sfu_transport_whose(&d->t, packet, &rtp);
    *ret = found == NULL ? NULL : found->track;
    return found == NULL ? -1 : found->layer + (found->rtx ? 10 : 0);
}

TEST(sfu_binding, knows_what_was_described) {
    struct desk d;
    const struct sfu_track *track = NULL;
    desk_open(&d);
    struct rtc_encoding *e = d.camera.config.params.encodings;
    for (unsigned i = 0; i < 3; i++) {
        e[i].ssrc = 100 + i;
        e[i].rtx_ssrc = 200 + i;
    }
    d.mic.config.params.encodings[0].ssrc = 300;
    CHECK_ERR(OK, sfu_transport_bind(&d.t, &d.camera));
    CHECK_ERR(OK, sfu_transport_bind(&d.t, &d.mic));
    CHECK_INT(7, reserved);
    CHECK_INT(1, whose(&d, 101, 96, NULL, NULL, NULL, &track));
    CHECK(track == &d.camera);
    CHECK_INT(12, whose(&d, 202, 97, NULL, NULL, NULL, &track));
    CHECK_INT(0, whose(&d, 300, 111, NULL, NULL, NULL, &track));
    CHECK(track == &d.mic);
    CHECK_INT(-1, whose(&d, 999, 111, NULL, NULL, NULL, &track));
    CHECK_INT(0, told);
    ROW("one SSRC is one track's");
    d.mic.config.params.encodings[0].ssrc = 100;
    CHECK_ERR(ERR_CONFLICT, sfu_transport_bind(&d.t, &d.mic));
    ROW("described anew: the old one is nobody's");
    e[0].ssrc = 400;
    CHECK_ERR(OK, sfu_transport_bind(&d.t, &d.camera));
    CHECK_INT(0, whose(&d, 400, 96, NULL, NULL, NULL, &track));
    CHECK_INT(-1, whose(&d, 100, 96, NULL, NULL, NULL, &track));
    ROW("what a track had goes with it");
    sfu_transport_unbind(&d.t, &d.camera);
    CHECK_INT(-1, whose(&d, 101, 96, NULL, NULL, NULL, &track));
    CHECK_INT(0, whose(&d, 300, 111, NULL, NULL, NULL, &track));
    sfu_transport_unbind(&d.t, &d.mic);
    CHECK_INT(0, d.t.n_ssrcs);
    mem_free(d.t.bindings);
}

TEST(sfu_binding, learns_from_the_first_packets) {
    static const struct {
        const char *name;
        uint32_t ssrc;
        uint8_t pt;
        const char *mid, *rid, *repaired;
        int want;
    } rows[] = {
        { "a layer by its RID", 10, 96, "1", "h", NULL, 1 },
        { "then by its SSRC alone", 10, 96, NULL, NULL, NULL, 1 },
        { "its RTX by the repaired RID", 11, 97, "1", NULL, "h", 11 },
        { "not RTX by the RID", 12, 97, "1", "q", NULL, -1 },
        { "no RID of the track", 13, 96, "1", "x", NULL, -1 },
        { "no RID, of a track with layers", 13, 96, "1", NULL, NULL, -1 },
        { "no MID of ours", 14, 96, "9", "q", NULL, -1 },
        { "a RID without MID", 14, 96, NULL, "q", NULL, -1 },
        { "a type that the track has not", 15, 111, "1", "q", NULL, -1 },
        { "a layer that flows keeps its SSRC", 16, 96, "1", "h", NULL, -1 },
        { "a track of one layer needs no RID", 17, 111, "0", NULL, NULL, 0 },
        { "and has one SSRC", 18, 111, "0", NULL, NULL, -1 },
    };
    struct desk d;
    const struct sfu_track *track = NULL;
    desk_open(&d);
    CHECK_ERR(OK, sfu_transport_bind(&d.t, &d.camera));
    CHECK_ERR(OK, sfu_transport_bind(&d.t, &d.mic));
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK_INT(r->want, whose(&d, r->ssrc, r->pt, r->mid, r->rid, r->repaired, &track));
    }
    ROW("main is told of each once, with all that is known of the layer");
    CHECK_INT(3, told);
    CHECK_INT(SFU_EVENT_LAYER, last.type);
    CHECK_INT(17, last.layer.encoding.ssrc);
    sfu_transport_unbind(&d.t, &d.camera);
    sfu_transport_unbind(&d.t, &d.mic);
    mem_free(d.t.bindings);
}
