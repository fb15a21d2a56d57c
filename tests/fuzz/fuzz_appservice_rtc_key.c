/* A state key: whom it names is a user id that stands in it, and so is the device. */
#include "fuzz.h"

#include "appservice/rtc_key.h"
#include "matrix/ids.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct arena arena;
    struct as_rtc_key key;
    arena_init(&arena);
    char *text = arena_strndup(&arena, (const char *)data, len);
    assert(as_rtc_key_read(text, &arena, &key) == OK);
    if (key.user == NULL) {
        assert(key.device == NULL && key.slot == NULL);
    } else {
        assert(mx_user_id_valid(key.user));
        assert(strncmp(text + (text[0] == '_'), key.user, strlen(key.user)) == 0);
    }
    assert(key.device == NULL || (key.device[0] != '\0' && strstr(text, key.device) != NULL));
    assert(key.slot == NULL || strncmp(key.slot, "m.call#", strlen("m.call#")) == 0);
    arena_finish(&arena);
    return 0;
}
