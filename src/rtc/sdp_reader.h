/* What the reading of lines (sdp_read) and of attributes (sdp_attrs) share. Nobody else's. */
#ifndef RTC_SDP_READER_H
#define RTC_SDP_READER_H

#include "rtc/sdp.h"

struct rtc_sdp_reader {
    struct arena *arena;
    struct rtc_sdp *sdp;
    struct rtc_sdp_section session;  /* what stands before the first m= line: defaults */
    struct rtc_sdp_section *section; /* that is being read; the one above at first */
    char *bundle;                    /* value of the first a=group:BUNDLE, NULL = none */
    char *simulcast;                 /* of the section: its rids may come later */
    uint8_t codec_at[128];           /* index + 1 in the section's codecs, by payload type */
    size_t line;                     /* number of the line, from 1 */
};

/** ERR_INVALID, with the line's number. */
MUST_CHECK enum err rtc_sdp_wrong(const struct rtc_sdp_reader *r, const char *what);
/**
 * Room for one more behind the `n` items: the array, maybe moved. NULL when there are `max` already
 * or memory is gone: then *e says which.
 */
void *rtc_sdp_room(
    struct rtc_sdp_reader *r, void *items, size_t n, size_t size, size_t max, enum err *e);
/** Cuts the next word off, behind any blanks; "" at the end. */
char *rtc_sdp_word(char **text);
/** Decimal digits and nothing else. */
bool rtc_sdp_number(const char *text, uint64_t max, uint64_t *ret);

/** The whole word is a number up to `max`, or it is wrong. */
MUST_CHECK enum err rtc_sdp_u32(
    const struct rtc_sdp_reader *r, const char *text, uint64_t max, uint32_t *ret);

/** Reads the text behind "a=". */
MUST_CHECK enum err rtc_sdp_attribute(struct rtc_sdp_reader *r, char *text);
/* Rows of its table: `value` is what stands behind the colon. */
enum err rtc_sdp_read_rtpmap(struct rtc_sdp_reader *r, char *value);
enum err rtc_sdp_read_fmtp(struct rtc_sdp_reader *r, char *value);
enum err rtc_sdp_read_feedback(struct rtc_sdp_reader *r, char *value);
enum err rtc_sdp_read_extmap(struct rtc_sdp_reader *r, char *value);
enum err rtc_sdp_read_ssrc(struct rtc_sdp_reader *r, char *value);
enum err rtc_sdp_read_ssrc_group(struct rtc_sdp_reader *r, char *value);
enum err rtc_sdp_read_rid(struct rtc_sdp_reader *r, char *value);
enum err rtc_sdp_read_simulcast(struct rtc_sdp_reader *r, char *value);

/** At the end of a section: puts its rids into the order of its simulcast line. */
MUST_CHECK enum err rtc_sdp_order_rids(struct rtc_sdp_reader *r);

#endif
