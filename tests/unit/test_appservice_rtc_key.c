/* State keys of call members, to the letter of matrix-calls 3.2. */
#include "appservice/rtc_key.h"

#include "test.h"

TEST(appservice_rtc_key, reads_every_form) {
    static const struct {
        const char *key;
        const char *user;
        const char *device;
        const char *slot;
    } rows[] = {
        { "_@alice:example.com_DEVICE_m.call", "@alice:example.com", "DEVICE", "m.call#ROOM" },
        { "@alice:example.com_DEVICE_m.call", "@alice:example.com", "DEVICE", "m.call#ROOM" },
        { "_@alice:example.com_DEVICE_m.callXYZ", "@alice:example.com", "DEVICE", "m.call#XYZ" },
        { "_@alice:example.com_DEVICE", "@alice:example.com", "DEVICE", NULL },
        { "@alice:example.com", "@alice:example.com", NULL, NULL },
        { "_@a_b_:example.com_D_E_V_m.call", "@a_b_:example.com", "D_E_V", "m.call#ROOM" },
        { "_@a:[2001:db8::1]:8448_D_m.call", "@a:[2001:db8::1]:8448", "D", "m.call#ROOM" },
        { "_@a:b_D_m.call_m.call", "@a:b", "D_m.call", "m.call#ROOM" },
        { "_@a:b_D_org.app1", "@a:b", "D_org.app1", NULL },
        { "_@a:b_", "@a:b", NULL, NULL },
        { "_@a:b__m.call", "@a:b", NULL, "m.call#ROOM" },
        { "__@a:b_D_m.call", NULL, NULL, NULL },
        { "@a", NULL, NULL, NULL },
        { "@a:_D", NULL, NULL, NULL },
        { "a:b_D", NULL, NULL, NULL },
        { "_", NULL, NULL, NULL },
        { "", NULL, NULL, NULL },
    };
    struct arena arena;
    arena_init(&arena);
    FOR_ROWS (rows, r) {
        struct as_rtc_key key;
        ROW(r->key);
        CHECK_ERR(OK, as_rtc_key_read(r->key, &arena, &key));
        CHECK_STR(r->user, key.user);
        CHECK_STR(r->device, key.device);
        CHECK_STR(r->slot, key.slot);
    }
    arena_finish(&arena);
}

TEST(appservice_rtc_key, names_slots) {
    static const struct {
        const char *application;
        const char *call_id;
        const char *want;
    } rows[] = {
        { "m.call", "", "m.call#ROOM" },
        { "m.call", "ROOM", "m.call#ROOM" },
        { "m.call", "x", "m.call#x" },
        { "org.game", "", "org.game#" },
    };
    struct arena arena;
    arena_init(&arena);
    FOR_ROWS (rows, r) {
        const char *slot;
        ROW(r->want);
        CHECK_ERR(OK, as_rtc_slot_of(r->application, r->call_id, &arena, &slot));
        CHECK_STR(r->want, slot);
    }
    arena_finish(&arena);
}

TEST_ALLOC(appservice_rtc_key, survives_no_memory) {
    CLEANUP(arena_finish) struct arena arena;
    struct as_rtc_key key;
    arena_init(&arena);
    return as_rtc_key_read("_@alice:example.com_DEVICE_m.call", &arena, &key);
}
