/* Which doors there are. */
#include "door.h"

#include "core/mem.h"

#include <string.h>

const struct load_door *load_door_find(const char *name) {
    static const struct load_door *const rows[] = { &load_livekit, &load_janus };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (strcmp(rows[i]->name, name) == 0) {
            return rows[i];
        }
    }
    return NULL;
}
