/*
 * How good speech sounds, as a number from 1 to 4.5 (MOS), reckoned from what the network did to
 * it.
 *
 *     R = 93.2 - Id(delay) - Ie,eff(codec, loss)        93.2: everything at its default
 *
 * Of the E-model's terms only delay and loss change in a call like ours; jitter costs delay, since
 * the listener's buffer grows by it.  Thread: any; pure.  See: ITU-T G.107 (7.4, 7.5, Annex B).
 */
#ifndef RTC_EMODEL_H
#define RTC_EMODEL_H

/* How the sound is guarded against loss. */
enum rtc_emodel_codec {
    RTC_EMODEL_OPUS,     /* concealment alone */
    RTC_EMODEL_OPUS_FEC, /* in-band FEC */
    RTC_EMODEL_RED,      /* RFC 2198: each packet brings the one before */
    RTC_EMODEL_RED_FEC,
    RTC_EMODEL_CODECS
};

struct rtc_emodel {
    enum rtc_emodel_codec codec;
    double loss;      /* of what was sent, 0 to 1 */
    double rtt_ms;    /* half of it is the way here; negative counts as 0, as do those below */
    double jitter_ms; /* twice of it waits in the listener's buffer */
};

/** R: 0 (nobody would stay) to 93.2. */
double rtc_emodel_r(const struct rtc_emodel *m);
/** The mean opinion score of an R: 1 to 4.5, rising; Annex B's curve dips below 1 and goes beyond
 * 100, which is cut. */
double rtc_emodel_mos(double r);

#endif
