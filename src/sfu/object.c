/* One map for objects of all types. */
#include "sfu/object.h"

bool sfu_registry_add(struct sfu_registry *r, struct sfu_object *o, enum sfu_type type, sfu_id id) {
    struct sfu_object *other = NULL;
    HASH_FIND(hh, r->objects, &id, sizeof(id), other);
    if (other != NULL) {
        return false;
    }
    o->id = id;
    o->type = type;
    HASH_ADD(hh, r->objects, id, sizeof(o->id), o);
    if (o->hh.tbl == NULL) {
        o->id = 0;
        return false;
    }
    r->counts[type]++;
    return true;
}

void *sfu_registry_find(const struct sfu_registry *r, enum sfu_type type, sfu_id id) {
    struct sfu_object *o = NULL;
    HASH_FIND(hh, r->objects, &id, sizeof(id), o);
    return o != NULL && o->type == type ? o : NULL;
}

void sfu_registry_remove(struct sfu_registry *r, struct sfu_object *o) {
    if (o->id == 0) {
        return;
    }
    HASH_DEL(r->objects, o);
    r->counts[o->type]--;
    o->id = 0;
}
