/* State keys of call members. Pure. */
#include "appservice/rtc_key.h"

#include "matrix/ids.h"

#include <string.h>

static enum err kept(const char *text, const char **ret) {
    if (text == NULL) {
        return err_set(ERR_NOMEM, "no memory for a state key");
    }
    *ret = text;
    return OK;
}

enum err as_rtc_slot_of(
    const char *application, const char *call_id, struct arena *a, const char **ret) {
    bool room = call_id[0] == '\0' && strcmp(application, "m.call") == 0;
    return kept(arena_printf(a, "%s#%s", application, room ? "ROOM" : call_id), ret);
}

static const char *last_of(const char *text, const char *part) {
    const char *last = NULL;
    for (const char *p = strstr(text, part); p != NULL; p = strstr(p + 1, part)) {
        last = p;
    }
    return last;
}

/* DEVICE or DEVICE_m.call<call id>. */
static enum err read_rest(const char *rest, struct arena *a, struct as_rtc_key *key) {
    static const char cut[] = "_m.call";
    const char *application = last_of(rest, cut);
    size_t len = application == NULL ? strlen(rest) : (size_t)(application - rest);
    if (len > 0) {
        TRY(kept(arena_strndup(a, rest, len), &key->device));
    }
    return application == NULL ? OK
                               : as_rtc_slot_of("m.call", application + strlen(cut), a, &key->slot);
}

enum err as_rtc_key_read(const char *state_key, struct arena *a, struct as_rtc_key *ret) {
    struct as_rtc_key key = { 0 };
    *ret = key;
    const char *user = state_key + (state_key[0] == '_');
    const char *colon = strchr(user, ':');
    if (colon == NULL) {
        return OK;
    }
    /* Server names hold no underscore; localparts and devices may. */
    const char *under = strchr(colon, '_');
    TRY(kept(
        arena_strndup(a, user, under == NULL ? strlen(user) : (size_t)(under - user)), &key.user));
    if (!mx_user_id_valid(key.user)) {
        return OK;
    }
    if (under != NULL) {
        TRY(read_rest(under + 1, a, &key));
    }
    *ret = key;
    return OK;
}
