/* Tracks find sections, on connections that we offer and on those that the client offers. */
#include "rtc/sdp_places.h"

#include "rtc_sdp_texts.h"

#include <stdio.h>

static struct rtc_sdp_places *create(enum rtc_sdp_places_kind kind) {
    struct rtc_sdp_places *p = NULL;
    CHECK_ERR(OK, rtc_sdp_places_create(kind, &p));
    return p;
}

/* "1:a7 2:v0": mid, kind and track of each section. */
static const char *said(const struct rtc_sdp_places *p, char text[200]) {
    size_t n = 0;
    size_t len = 0;
    const struct rtc_sdp_place *all = rtc_sdp_places_all(p, &n);
    text[0] = '\0';
    for (size_t i = 0; i < n && len < 180; i++) {
        len += (size_t)snprintf(text + len, 200 - len, "%s%s:%c%u", i == 0 ? "" : " ", all[i].mid,
            all[i].media == RTC_AUDIO ? 'a' : 'v', all[i].track);
    }
    return text;
}

TEST(rtc_sdp_places, uses_our_sections_again) {
    enum { UNTOLD, TOLD, DOUBTED };
    static const struct {
        const char *name;
        enum rtc_sdp_places_kind kind;
        int free;
        const char *want;
    } rows[] = {
        { "again", RTC_SDP_PLACES_OURS, TOLD, "1:a9 2:v0 3:v8" },
        { "once", RTC_SDP_PLACES_OURS_ONCE, TOLD, "1:a0 2:v0 3:v8 4:a9" },
        { "the client still sees another", RTC_SDP_PLACES_OURS, UNTOLD, "1:a0 2:v0 3:v8 4:a9" },
        { "the client may still see it", RTC_SDP_PLACES_OURS, DOUBTED, "1:a0 2:v0 3:v8 4:a9" },
    };
    FOR_ROWS (rows, r) {
        char text[200];
        ROW(r->name);
        struct rtc_sdp_places *p = create(r->kind);
        CHECK(!rtc_sdp_places_changed(p));
        CHECK_ERR(OK, rtc_sdp_places_want(p, 6, RTC_AUDIO));
        CHECK_ERR(OK, rtc_sdp_places_want(p, 7, RTC_VIDEO));
        CHECK_ERR(OK, rtc_sdp_places_want(p, 8, RTC_VIDEO));
        CHECK_ERR(OK, rtc_sdp_places_want(p, 8, RTC_VIDEO));
        CHECK_STR("1:a6 2:v7 3:v8", said(p, text));
        CHECK(rtc_sdp_places_changed(p));
        rtc_sdp_places_told(p);
        rtc_sdp_places_drop(p, 99);
        CHECK(!rtc_sdp_places_changed(p));
        rtc_sdp_places_drop(p, 6);
        rtc_sdp_places_drop(p, 7);
        CHECK(rtc_sdp_places_changed(p));
        if (r->free != UNTOLD) {
            rtc_sdp_places_told(p);
            CHECK(!rtc_sdp_places_changed(p));
        }
        if (r->free == DOUBTED) {
            rtc_sdp_places_doubt(p);
        }
        CHECK_ERR(OK, rtc_sdp_places_want(p, 9, RTC_AUDIO));
        CHECK_STR(r->want, said(p, text));
        CHECK_INT(8, rtc_sdp_places_track(p, "3"));
        CHECK_INT(0, rtc_sdp_places_track(p, "2"));
        CHECK_INT(0, rtc_sdp_places_track(p, "77"));
        CHECK_INT(0, rtc_sdp_places_missing(p, RTC_AUDIO));
        rtc_sdp_places_destroy(p);
    }
}

static void offered(struct rtc_sdp_places *p, const char *text) {
    struct arena a;
    const struct rtc_sdp *offer = NULL;
    arena_init(&a);
    CHECK_ERR(OK, read_text(text, &a, &offer));
    CHECK_ERR(OK, rtc_sdp_places_offered(p, offer));
    arena_finish(&a);
}

#define SECTION(media, mid, direction)                                                             \
    "m=" media " 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:" mid "\r\na=" direction "\r\n"

/* As in the recorded first call: one section too few, a requirement, and an offer with one more. */
TEST(rtc_sdp_places, waits_for_the_clients_sections) {
    char text[200];
    struct rtc_sdp_places *p = create(RTC_SDP_PLACES_THEIRS);
    CHECK_ERR(OK, rtc_sdp_places_want(p, 6, RTC_AUDIO));
    CHECK_ERR(OK, rtc_sdp_places_want(p, 7, RTC_VIDEO));
    CHECK_ERR(OK, rtc_sdp_places_want(p, 8, RTC_VIDEO));
    CHECK_ERR(OK, rtc_sdp_places_want(p, 8, RTC_VIDEO));
    CHECK_INT(2, rtc_sdp_places_missing(p, RTC_VIDEO));
    offered(p, "v=0\r\n" SECTION("audio", "0", "recvonly") SECTION("video", "1", "recvonly")
                   SECTION("video", "s", "sendonly") DATA("d"));
    CHECK_STR("0:a6 1:v7", said(p, text));
    CHECK_INT(0, rtc_sdp_places_missing(p, RTC_AUDIO));
    CHECK_INT(1, rtc_sdp_places_missing(p, RTC_VIDEO));
    rtc_sdp_places_told(p);
    offered(p, "v=0\r\n" SECTION("audio", "0", "recvonly") SECTION("video", "1", "recvonly")
                   SECTION("video", "s", "sendonly") DATA("d") SECTION("video", "2", "recvonly"));
    CHECK_STR("0:a6 1:v7 2:v8", said(p, text));
    CHECK(rtc_sdp_places_changed(p));
    /* A track ends while another waits, and the client takes a section back. */
    CHECK_ERR(OK, rtc_sdp_places_want(p, 9, RTC_VIDEO));
    CHECK_INT(1, rtc_sdp_places_missing(p, RTC_VIDEO));
    rtc_sdp_places_drop(p, 7);
    rtc_sdp_places_told(p);
    CHECK(rtc_sdp_places_changed(p)); /* that there is a section for it now */
    offered(p, "v=0\r\n" SECTION("audio", "0", "inactive") SECTION("video", "1", "recvonly")
                   SECTION("video", "2", "recvonly"));
    CHECK_STR("0:a0 1:v9 2:v8", said(p, text));
    CHECK_INT(1, rtc_sdp_places_missing(p, RTC_AUDIO));
    rtc_sdp_places_drop(p, 6);
    CHECK_INT(0, rtc_sdp_places_missing(p, RTC_AUDIO));
    rtc_sdp_places_destroy(p);
}

TEST(rtc_sdp_places, keeps_its_limit) {
    struct rtc_sdp_places *p = create(RTC_SDP_PLACES_OURS);
    for (uint32_t i = 1; i <= RTC_SDP_PLACES_MAX; i++) {
        CHECK_ERR(OK, rtc_sdp_places_want(p, i, RTC_AUDIO));
    }
    CHECK_ERR(ERR_LIMIT, rtc_sdp_places_want(p, RTC_SDP_PLACES_MAX + 1, RTC_AUDIO));
    rtc_sdp_places_drop(p, 5);
    CHECK_ERR(OK, rtc_sdp_places_want(p, RTC_SDP_PLACES_MAX + 1, RTC_AUDIO));
    rtc_sdp_places_destroy(p);
}

static void destroyp(struct rtc_sdp_places **p) {
    rtc_sdp_places_destroy(*p);
}

TEST_ALLOC(rtc_sdp_places, survives_no_memory) {
    CLEANUP(arena_finish) struct arena a;
    CLEANUP(destroyp) struct rtc_sdp_places *ours_ = NULL;
    CLEANUP(destroyp) struct rtc_sdp_places *theirs = NULL;
    const struct rtc_sdp *offer = NULL;
    arena_init(&a);
    TRY(rtc_sdp_places_create(RTC_SDP_PLACES_OURS, &ours_));
    TRY(rtc_sdp_places_want(ours_, 1, RTC_AUDIO));
    TRY(rtc_sdp_places_create(RTC_SDP_PLACES_THEIRS, &theirs));
    TRY(rtc_sdp_places_want(theirs, 1, RTC_AUDIO));
    TRY(read_text(BEGIN("0 1") AUDIO("0", "recvonly") VIDEO("1", "recvonly"), &a, &offer));
    return rtc_sdp_places_offered(theirs, offer);
}
