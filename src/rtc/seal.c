/* Which kinds this build has, and the choice among them. */
#include "rtc/seal.h"

#include "core/mem.h"
#include "rtc/seal_evp.h"
#ifdef RTC_WITH_MB
#include "rtc/seal_mb.h"
#endif
#ifdef RTC_WITH_SRTP2
#include "rtc/seal_srtp2.h"
#endif

#include <string.h>

static const struct rtc_seal_kind *const kinds[] = {
#ifdef RTC_WITH_MB
    &rtc_seal_mb,
#endif
    &rtc_seal_evp,
#ifdef RTC_WITH_SRTP2
    &rtc_seal_srtp2,
#endif
};

const struct rtc_seal_kind *rtc_seal_kind_at(size_t i) {
    return i < COUNT_OF(kinds) ? kinds[i] : NULL;
}

enum err rtc_seal_create_kind(const struct rtc_seal_kind *kind, struct rtc_seal **ret) {
    if (!kind->usable()) {
        return err_set(
            ERR_CONFLICT, "SRTP by %s: its library or this CPU lacks what it needs", kind->name);
    }
    struct rtc_seal *s = mem_alloc(sizeof(*s));
    if (s == NULL) {
        return err_set(ERR_NOMEM, "no memory for SRTP");
    }
    s->kind = kind;
    enum err e = kind->create(&s->engine);
    if (e != OK) {
        mem_free(s);
        return e;
    }
    *ret = s;
    return OK;
}

enum err rtc_seal_create(const char *name, struct rtc_seal **ret) {
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (name == NULL ? kinds[i]->usable() : strcmp(name, kinds[i]->name) == 0) {
            return rtc_seal_create_kind(kinds[i], ret);
        }
    }
    return err_set(
        ERR_NOT_FOUND, "SRTP by %s: not in this build", name == NULL ? "anything" : name);
}

void rtc_seal_destroy(struct rtc_seal *s) {
    if (s != NULL) {
        s->kind->destroy(s->engine);
        mem_free(s);
    }
}

const char *rtc_seal_name(const struct rtc_seal *s) {
    return s->kind->name;
}

enum err rtc_seal_key_init(
    struct rtc_seal *s, void *key, const struct rtc_srtp_master *master, enum rtc_srtp_way way) {
    struct rtc_srtp_derived d;
    enum err e = rtc_srtp_derive(master, &d);
    if (e == OK) {
        e = s->kind->key_init(s->engine, key, master, &d, way);
    }
    explicit_bzero(&d, sizeof(d));
    return e;
}
