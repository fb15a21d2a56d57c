/* Windows and their scores. */
#include "sfu/quality.h"
#include "test.h"

#define AUDIO .guard = RTC_EMODEL_OPUS
#define VIDEO .video = true

TEST(sfu_quality, scores_what_was_lost_late_and_left_out) {
    static const struct {
        const char *name;
        struct sfu_window w;
        int64_t first; /* hundredths: four fifths of what it costs; the smoothing */
        enum sfu_quality settled;
    } rows[] = {
        { "all there", { AUDIO, .expected = 250 }, 10000, SFU_QUALITY_EXCELLENT },
        { "nothing was sent", { VIDEO }, 10000, SFU_QUALITY_EXCELLENT },
        { "2 % of Opus", { AUDIO, .expected = 250, .lost = 5 }, 8720, SFU_QUALITY_EXCELLENT },
        { "4 % of Opus", { AUDIO, .expected = 250, .lost = 10 }, 7440, SFU_QUALITY_GOOD },
        { "8 % of Opus", { AUDIO, .expected = 250, .lost = 20 }, 4880, SFU_QUALITY_POOR },
        { "8 %, FEC", { .guard = RTC_EMODEL_OPUS_FEC, .expected = 250, .lost = 20 }, 6587,
            SFU_QUALITY_GOOD },
        { "8 %, RED", { .guard = RTC_EMODEL_RED, .expected = 250, .lost = 20 }, 7440,
            SFU_QUALITY_GOOD },
        { "8 %, both", { .guard = RTC_EMODEL_RED_FEC, .expected = 250, .lost = 20 }, 8293,
            SFU_QUALITY_GOOD },
        { "3 % of video", { VIDEO, .expected = 1000, .lost = 30 }, 7600, SFU_QUALITY_GOOD },
        { "10 % of video", { VIDEO, .expected = 1000, .lost = 100 }, 2000, SFU_QUALITY_POOR },
        { "all lost", { VIDEO, .expected = 1000, .lost = 1000 }, 2000, SFU_QUALITY_POOR },
        { "more than all", { VIDEO, .expected = 10, .lost = 4000000000 }, 2000, SFU_QUALITY_POOR },
        { "a bearable delay", { AUDIO, .expected = 250, .rtt_ms = 200, .jitter_ms = 30 }, 9680,
            SFU_QUALITY_EXCELLENT },
        { "a long one", { AUDIO, .expected = 250, .rtt_ms = 600, .jitter_ms = 50 }, 7760,
            SFU_QUALITY_GOOD },
        { "one layer too low", { VIDEO, .expected = 1000, .missing_layers = 1 }, 7200,
            SFU_QUALITY_GOOD },
        { "two", { VIDEO, .expected = 1000, .missing_layers = 2 }, 4400, SFU_QUALITY_POOR },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct sfu_score s = { 0 };
        CHECK_INT(r->first, (int64_t)(sfu_score_add(&s, &r->w) * 100 + 0.5));
        double score = 0;
        for (int i = 0; i < 20; i++) {
            score = sfu_score_add(&s, &r->w);
        }
        CHECK_INT(r->settled, sfu_quality_of(score));
        CHECK(score >= 0 && score <= 100);
        double mos = sfu_quality_mos(&r->w, score);
        CHECK(mos >= 1 && mos <= 4.5);
    }
}

TEST(sfu_quality, falls_fast_and_rises_slowly) {
    const struct sfu_window good = { AUDIO, .expected = 250 };
    const struct sfu_window bad = { AUDIO, .expected = 250, .lost = 125 };
    struct sfu_score s = { 0 };
    CHECK_INT(SFU_QUALITY_POOR, sfu_quality_of(sfu_score_add(&s, &bad)));
    CHECK_INT(SFU_QUALITY_GOOD, sfu_quality_of(sfu_score_add(&s, &good)));
    CHECK_INT(SFU_QUALITY_GOOD, sfu_quality_of(sfu_score_add(&s, &good)));
    CHECK_INT(SFU_QUALITY_EXCELLENT, sfu_quality_of(sfu_score_add(&s, &good)));
}

TEST(sfu_quality, is_never_lost_by_mistake) {
    for (int score = -100; score <= 200; score++) {
        CHECK(sfu_quality_of(score) != SFU_QUALITY_LOST);
    }
}

TEST(sfu_quality, asks_the_e_model_about_voices_only) {
    const struct sfu_window voice = { AUDIO, .expected = 100, .lost = 10 };
    const struct sfu_window video = { VIDEO, .expected = 100, .lost = 10 };
    CHECK_INT(341, (int64_t)(sfu_quality_mos(&voice, 100) * 100 + 0.5));
    CHECK_INT(450, (int64_t)(sfu_quality_mos(&video, 100) * 100 + 0.5));
    CHECK_INT(100, (int64_t)(sfu_quality_mos(&video, 0) * 100 + 0.5));
}
