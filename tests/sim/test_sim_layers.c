/* Streams with their layers within: who gets fewer of them gets a stream that a decoder can show.
 */
#include "layered.h"
#include "sfu/track.h"
#include "sfu/worker.h"
#include "unit/test.h"
#define SECOND 1000000

static const struct {
    const char *name;
    struct layered_kind kind;
} kinds[] = {
    { "VP9 L3T3", { RTC_VP9, 3, false, false } },
    { "VP9 L3T3, descriptors", { RTC_VP9, 3, false, true } },
    { "VP9 L3T3_KEY, descriptors", { RTC_VP9, 3, true, true } },
    { "VP9 L2T3", { RTC_VP9, 2, false, false } },
    { "AV1 L3T3", { RTC_AV1, 3, false, true } },
    { "AV1 L3T3_KEY", { RTC_AV1, 3, true, true } },
    { "AV1 L1T3", { RTC_AV1, 1, false, true } },
};

struct stage {
    struct world *w;
    struct layered_source source;
    struct layered_sink sink, other; /* the other one always gets all */
};

static void begin(struct stage *s, const struct layered_kind *kind, uint64_t seed) {
    s->w = world_create(seed);
    for (unsigned i = 0; i < 3; i++) {
        (void)world_join(s->w, i);
    }
    world_run(s->w, SECOND);
    layered_publish(&s->source, &s->w->clients[0], kind);
    layered_subscribe(&s->sink, &s->w->clients[1], &s->source);
    layered_subscribe(&s->other, &s->w->clients[2], &s->source);
    layered_run(s->w, &s->source, 2 * SECOND);
}

static void check_whole(const struct layered_sink *k) {
    CHECK_INT(0, k->gaps);
    CHECK_INT(0, k->undecodable);
    CHECK(k->unended <= k->lost);
    CHECK_INT(0, k->strange);
}

static void end(struct stage *s) {
    check_whole(&s->sink);
    check_whole(&s->other);
    CHECK_INT((int)s->source.sent_spatial - 1, s->other.spatial);
    CHECK_INT(0, s->w->reused);
    CHECK_INT(0, s->other.told);
    world_destroy(s->w);
}

static void want(struct stage *s, unsigned spatial, unsigned fps) {
    struct sfu_wanted wanted = { .spatial = (uint8_t)spatial, .fps = (uint8_t)fps };
    sfu_subscription_want(s->w->sfu, s->sink.id, &wanted);
}

TEST(sim_layers, are_taken_out_and_come_back) {
    FOR_ROWS (kinds, r) {
        ROW(r->name);
        struct stage s;
        begin(&s, &r->kind, 900 + (uint64_t)(r - kinds));
        CHECK_INT(r->kind.spatial - 1, s.sink.spatial);
        for (unsigned i = 0; i < 12; i++) {
            unsigned layer = (i * 2 + 1) % r->kind.spatial;
            want(&s, layer, 0);
            layered_run(s.w, &s.source, SECOND);
            CHECK_INT(layer, s.sink.spatial);
        }
        CHECK(s.sink.ended > 350); /* no picture is missing, whatever becomes of its layers */
        CHECK(r->kind.spatial == 1 || !r->kind.descriptor || s.sink.told > 100);
        end(&s);
    }
}

TEST(sim_layers, fewer_pictures_are_asked_for) {
    FOR_ROWS (kinds, r) {
        ROW(r->name);
        struct stage s;
        begin(&s, &r->kind, 930 + (uint64_t)(r - kinds));
        unsigned keys = s.source.keys;
        for (unsigned i = 0; i < 8; i++) {
            static const unsigned fps[4] = { 0, 5, 15, 5 };
            want(&s, 2, fps[i % 4]);
            layered_run(s.w, &s.source, SECOND / 2);
            unsigned before = s.sink.ended;
            layered_run(s.w, &s.source, 2 * SECOND);
            unsigned came = s.sink.ended - before;
            unsigned most = fps[i % 4] == 0 ? 60 : fps[i % 4] == 15 ? 30 : 15;
            CHECK(came >= most - 3 && came <= most + 3);
        }
        CHECK_INT(keys, s.source.keys); /* temporal layers need none */
        end(&s);
    }
}

TEST(sim_layers, changes_at_any_time) {
    FOR_ROWS (kinds, r) {
        ROW(r->name);
        struct stage s;
        begin(&s, &r->kind, 960 + (uint64_t)(r - kinds));
        for (unsigned i = 0; i < 60; i++) {
            want(&s, (unsigned)net_random(&s.w->net, 3), (unsigned)net_random(&s.w->net, 3) * 10);
            layered_run(s.w, &s.source, 30000 + (int64_t)net_random(&s.w->net, 900000));
        }
        end(&s);
    }
}

/* On both ways, while layers come and go: what was lost comes again as what it was, and nothing
 * goes to a decoder that it cannot show. */
TEST(sim_layers, loss_is_mended_in_each_of_them) {
    FOR_ROWS (kinds, r) {
        ROW(r->name);
        struct stage s;
        begin(&s, &r->kind, 860 + (uint64_t)(r - kinds));
        struct layered_sink *sinks[] = { &s.sink, &s.other };
        layered_mend(&s.source, sinks, COUNT_OF(sinks));
        s.w->net.up = s.w->net.down = (struct net_way){ 20000, 20000, 50 };
        for (unsigned i = 0; i < 40; i++) {
            want(&s, (unsigned)net_random(&s.w->net, 3), (unsigned)net_random(&s.w->net, 3) * 10);
            layered_run(s.w, &s.source, 30000 + (int64_t)net_random(&s.w->net, 900000));
        }
        s.w->net.up = s.w->net.down = (struct net_way){ 20000, 0, 0 };
        want(&s, 2, 0);
        layered_run(s.w, &s.source, 4 * SECOND);
        CHECK(s.sink.lost + s.other.lost <= 6); /* of 3,000 or so, a twentieth lost on each way */
        CHECK(s.other.ended > 500);
        CHECK_INT(r->kind.spatial - 1, s.sink.spatial);
        layered_give_up(&s.source, sinks, COUNT_OF(sinks));
        end(&s);
    }
}

TEST(sim_layers, room_is_shared_by_them_too) {
    FOR_ROWS (kinds, r) {
        if (r->kind.spatial != 3) {
            continue;
        }
        ROW(r->name);
        struct stage s;
        begin(&s, &r->kind, 990 + (uint64_t)(r - kinds));
        layered_run(s.w, &s.source, 3 * SECOND);
        CHECK_INT(2, s.sink.spatial);
        for (unsigned i = 0; i < 5; i++) {
            layered_remb(&s.sink, 150000); /* a packet a picture is 160,000 */
            layered_run(s.w, &s.source, SECOND);
        }
        CHECK_INT(0, s.sink.spatial);
        uint64_t before = s.sink.bytes;
        layered_run(s.w, &s.source, 3 * SECOND);
        CHECK((s.sink.bytes - before) * 8 / 3 < 150000);
        for (unsigned i = 0; i < 10; i++) {
            layered_remb(&s.sink, 50000000);
            layered_run(s.w, &s.source, SECOND);
        }
        CHECK_INT(2, s.sink.spatial);
        end(&s);
    }
}

TEST(sim_layers, who_comes_late_begins_with_all_layers) {
    FOR_ROWS (kinds, r) {
        ROW(r->name);
        struct stage s;
        begin(&s, &r->kind, 800 + (uint64_t)(r - kinds));
        sfu_subscription_close(s.w->sfu, s.sink.id);
        check_whole(&s.sink);
        layered_run(s.w, &s.source, SECOND);
        layered_subscribe(&s.sink, &s.w->clients[1], &s.source);
        layered_run(s.w, &s.source, 2 * SECOND);
        CHECK_INT(r->kind.spatial - 1, s.sink.spatial);
        CHECK(s.sink.ended > 40);
        end(&s);
    }
}
