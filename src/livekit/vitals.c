/* speakers_changed and connection_quality. Main. */
#include "livekit/vitals.h"

#include "livekit/session.h"

#define EIGHTHS           8.0F
#define LOST_SINCE        10 /* livekit-protocol 2.5: older clients do not know of it */
#define LEVEL_OF(eighths) ((float)(eighths) / EIGHTHS)

void lk_vitals_voices(void *arg, const struct room_voice *voices, size_t n) {
    Lk__SignalResponse m = LK__SIGNAL_RESPONSE__INIT;
    Lk__SpeakersChanged changed = LK__SPEAKERS_CHANGED__INIT;
    Lk__SpeakerInfo infos[ROOM_VITALS_TOLD];
    Lk__SpeakerInfo *list[ROOM_VITALS_TOLD];
    for (size_t i = 0; i < n; i++) {
        lk__speaker_info__init(&infos[i]);
        infos[i].sid = (char *)voices[i].who->sid;
        infos[i].level = LEVEL_OF(voices[i].eighths);
        infos[i].active = voices[i].eighths > 0;
        list[i] = &infos[i];
    }
    changed.speakers = list;
    changed.n_speakers = n;
    m.message_case = LK__SIGNAL_RESPONSE__MESSAGE_SPEAKERS_CHANGED;
    m.speakers_changed = &changed;
    lk_session_say(arg, &m);
}

/* LOST is for the others: a browser that hears it of itself for ten seconds begins all over again
 * (section 9, trap 20), and of that our own silence timer decides. */
static Lk__ConnectionQuality quality_for(const struct lk_session *s, const struct room_member *of) {
    const bool poor =
        of->quality == SFU_QUALITY_LOST && (of == s->member || s->entry->protocol < LOST_SINCE);
    static const Lk__ConnectionQuality names[] = {
        [SFU_QUALITY_POOR] = LK__CONNECTION_QUALITY__POOR,
        [SFU_QUALITY_GOOD] = LK__CONNECTION_QUALITY__GOOD,
        [SFU_QUALITY_EXCELLENT] = LK__CONNECTION_QUALITY__EXCELLENT,
        [SFU_QUALITY_LOST] = LK__CONNECTION_QUALITY__LOST,
    };
    return poor ? LK__CONNECTION_QUALITY__POOR : names[of->quality];
}

void lk_vitals_qualities(void *arg, const struct room_member *const *of, size_t n) {
    Lk__SignalResponse m = LK__SIGNAL_RESPONSE__INIT;
    Lk__ConnectionQualityUpdate update = LK__CONNECTION_QUALITY_UPDATE__INIT;
    Lk__ConnectionQualityInfo infos[ROOM_VITALS_TOLD];
    Lk__ConnectionQualityInfo *list[ROOM_VITALS_TOLD];
    for (size_t i = 0; i < n; i++) {
        lk__connection_quality_info__init(&infos[i]);
        infos[i].participant_sid = (char *)of[i]->sid;
        infos[i].quality = quality_for(arg, of[i]);
        infos[i].score = of[i]->mos;
        list[i] = &infos[i];
    }
    update.updates = list;
    update.n_updates = n;
    m.message_case = LK__SIGNAL_RESPONSE__MESSAGE_CONNECTION_QUALITY;
    m.connection_quality = &update;
    lk_session_say(arg, &m);
}
