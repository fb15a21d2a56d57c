/* Keys that both sides have agreed on, cut into theirs and ours; wiped when the sessions have them.
 */
#include "media/sessions.h"

#include <string.h>

enum err media_sessions_make(struct rtc_dtls *dtls, bool client, struct rtc_seal *seal,
    size_t ssrcs, const struct media_sessions *into) {
    struct rtc_dtls_keys keys;
    enum rtc_srtp_suite suite;
    struct rtc_srtp_master theirs, ours;
    TRY(rtc_dtls_keys(dtls, &keys));
    if (!rtc_srtp_suite_of(keys.profile, &suite)) {
        return err_set(ERR_INVALID, "SRTP profile %u is none of ours", keys.profile);
    }
    rtc_srtp_material_cut(suite, keys.material, client ? &ours : &theirs, client ? &theirs : &ours);
    enum err e = rtc_srtp_in_create(seal, &theirs, ssrcs, into->in);
    if (e == OK) {
        e = rtc_srtp_out_create(seal, &ours, into->out);
    }
    explicit_bzero(&keys, sizeof(keys));
    explicit_bzero(&theirs, sizeof(theirs));
    explicit_bzero(&ours, sizeof(ours));
    *into->profile = rtc_srtp_sizes(suite)->name;
    return e;
}
