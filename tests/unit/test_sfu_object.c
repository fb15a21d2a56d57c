/* The map of objects. */
#include "sfu/object.h"
#include "test.h"

TEST(sfu_object, is_found_by_id_and_type) {
    struct sfu_registry r = { 0 };
    struct sfu_object a = { 0 }, b = { 0 }, c = { 0 };
    CHECK(sfu_registry_add(&r, &a, SFU_ROOM, 5));
    CHECK(sfu_registry_add(&r, &b, SFU_TRACK, 6));
    CHECK(!sfu_registry_add(&r, &c, SFU_TRACK, 5)); /* taken, whatever its type */
    CHECK(sfu_registry_find(&r, SFU_ROOM, 5) == &a);
    CHECK(sfu_registry_find(&r, SFU_TRACK, 5) == NULL);
    CHECK(sfu_registry_find(&r, SFU_TRACK, 6) == &b);
    CHECK(sfu_registry_find(&r, SFU_TRACK, 7) == NULL);
    sfu_registry_remove(&r, &c); /* never added */
    CHECK_INT(1, r.counts[SFU_TRACK]);
    sfu_registry_remove(&r, &a);
    sfu_registry_remove(&r, &a);
    CHECK_INT(0, r.counts[SFU_ROOM]);
    CHECK(sfu_registry_find(&r, SFU_ROOM, 5) == NULL);
    sfu_registry_remove(&r, &b);
}

static void remove_two(struct sfu_registry *r, struct sfu_object *o) {
    sfu_registry_remove(r, &o[0]);
    sfu_registry_remove(r, &o[1]);
}

TEST_ALLOC(sfu_object, adds_all_or_nothing) {
    struct sfu_registry r = { 0 };
    struct sfu_object o[2] = { 0 };
    bool added =
        sfu_registry_add(&r, &o[0], SFU_ROOM, 1) && sfu_registry_add(&r, &o[1], SFU_TRACK, 2);
    CHECK_INT(o[0].id != 0, r.counts[SFU_ROOM]);
    CHECK_INT(o[1].id != 0, r.counts[SFU_TRACK]);
    remove_two(&r, o);
    return added ? OK : err_set(ERR_NOMEM, "no memory");
}
