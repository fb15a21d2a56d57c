/* What a participant is told of STUN and TURN servers, and for how long. */
#include "livekit/ice_servers.h"

#include "core/clock.h"
#include "test.h"

#include <string.h>

#define NOW_MS INT64_C(1700000000999)

static const char *const both[] = { "turn:a:3478?transport=udp", "stun:b", "turns:a:443" };

/* "urls user password" of each row, with " | " between. */
static void check(const struct lk_ice *ice, const char *want) {
    struct arena a;
    char got[512] = "";
    size_t n = 0;
    arena_init(&a);
    Lk__ICEServer **rows = lk_ice_servers(ice, "PA_x", NOW_MS, &a, &n);
    CHECK(rows != NULL);
    for (size_t i = 0; i < n; i++) {
        strcat(got, i == 0 ? "" : " | ");
        for (size_t k = 0; k < rows[i]->n_urls; k++) {
            strcat(strcat(got, k == 0 ? "" : " "), rows[i]->urls[k]);
        }
        strcat(strcat(got, ","), rows[i]->username);
        strcat(strcat(got, ","), rows[i]->credential);
    }
    CHECK_STR(want, got);
    arena_finish(&a);
}

TEST(livekit_ice_servers, has_a_row_for_those_with_a_password_and_one_for_those_without) {
    /* The password: openssl dgst -sha1 -hmac secret -binary | base64 */
    static const struct {
        const char *name;
        struct lk_ice ice;
        const char *want;
    } rows[] = {
        { "none", { 0 }, "" },
        { "STUN alone", { both + 1, 1, "", 0 }, "stun:b,," },
        { "TURN alone", { both, 1, "secret", 3600 * SEC_US },
            "turn:a:3478?transport=udp,1700003600:PA_x,nNKHWZzQoUGCvuFT62Ns+hmKy3E=" },
        { "both", { both, 3, "secret", 60 * SEC_US },
            "stun:b,, | turn:a:3478?transport=udp "
            "turns:a:443,1700000060:PA_x,L14eTPCZt3X0FGJl8nysqR+qzak=" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        check(&r->ice, r->want);
    }
}

TEST_ALLOC(livekit_ice_servers, survives_no_memory) {
    const struct lk_ice ice = { both, 3, "secret", SEC_US };
    struct arena a;
    size_t n = 0;
    arena_init(&a);
    bool made = lk_ice_servers(&ice, "PA_x", NOW_MS, &a, &n) != NULL;
    CHECK_INT(!a.failed, made);
    arena_finish(&a);
    return made ? OK : ERR_NOMEM;
}
