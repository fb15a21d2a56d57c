/* What is remembered of tokens and of servers, under a clock of the test's own. */
#include "matrix/openid_kept.h"

#include "core/clock.h"
#include "matrix/openid_servers.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

static struct mx_openid_key key_of(int i) {
    struct mx_openid_key k = { .bytes = { 0 } };
    memcpy(k.bytes, &i, sizeof(i));
    return k;
}

TEST(matrix_openid_kept, lives_as_long_as_it_may) {
    static const struct {
        const char *name, *user;
        int64_t claimed_ms, want_us;
    } rows[] = {
        { "an owner", "@u:a.org", 0, 300 * SEC_US },
        { "an owner for an hour", "@u:a.org", HOUR_MS, 300 * SEC_US },
        { "an owner for a minute", "@u:a.org", MIN_MS, 60 * SEC_US },
        { "an owner for less than nothing", "@u:a.org", -5, 300 * SEC_US },
        { "a refusal", "", 0, 60 * SEC_US },
        { "a refusal for a second", "", SEC_MS, 60 * SEC_US },
    };
    FOR_ROWS (rows, r) {
        struct mx_openid_kept *k = NULL;
        struct mx_openid_key key = key_of(1);
        ROW(r->name);
        CHECK_ERR(OK, mx_openid_kept_create(&k));
        mx_openid_kept_add(k, &key, r->user, mx_openid_kept_until(r->user, 7, r->claimed_ms));
        CHECK_STR(r->user, mx_openid_kept_find(k, &key, 7 + r->want_us - 1));
        CHECK(mx_openid_kept_find(k, &key, 7 + r->want_us) == NULL);
        CHECK_INT(0, mx_openid_kept_count(k));
        mx_openid_kept_destroy(k);
    }
}

TEST(matrix_openid_kept, is_bounded_and_keeps_what_is_used) {
    struct mx_openid_kept *k = NULL;
    struct mx_openid_key first = key_of(0);
    struct mx_openid_key second = key_of(1);
    CHECK_ERR(OK, mx_openid_kept_create(&k));
    for (int i = 0; i < MX_OPENID_KEPT_MAX + 100; i++) {
        struct mx_openid_key key = key_of(i);
        mx_openid_kept_add(k, &key, "@u:a.org", 10);
        CHECK(mx_openid_kept_find(k, &first, 1) != NULL);
    }
    CHECK_INT(MX_OPENID_KEPT_MAX, mx_openid_kept_count(k));
    CHECK(mx_openid_kept_find(k, &second, 1) == NULL);
    mx_openid_kept_add(k, &first, "@v:a.org", 10);
    CHECK_STR("@v:a.org", mx_openid_kept_find(k, &first, 1));
    mx_openid_kept_destroy(k);
}

TEST_ALLOC(matrix_openid_kept, survives_no_memory) {
    struct mx_openid_kept *k = NULL;
    struct mx_openid_key key = key_of(1);
    TRY(mx_openid_kept_create(&k));
    mx_openid_kept_add(k, &key, "@u:a.org", 10);
    CHECK(mem_failed() || mx_openid_kept_find(k, &key, 1) != NULL);
    mx_openid_kept_destroy(k);
    return OK;
}

/* --- servers --- */

static struct mx_openid_line *placed[8];
static size_t n_placed;

static void on_placed(struct mx_openid_line *l) {
    if (n_placed < COUNT_OF(placed)) {
        placed[n_placed] = l;
        n_placed++;
    }
}

TEST(matrix_openid_servers, gives_places_in_the_order_of_asking) {
    static struct mx_openid_line lines[MX_OPENID_PLACES + MX_OPENID_LINE_MAX + 1];
    static struct mx_openid_line other;
    const size_t n = MX_OPENID_PLACES + MX_OPENID_LINE_MAX;
    struct mx_openid_servers *s = NULL;
    memset(lines, 0, sizeof(lines));
    n_placed = 0;
    CHECK_ERR(OK, mx_openid_servers_create(on_placed, &s));
    for (size_t i = 0; i < n; i++) {
        CHECK_ERR(OK, mx_openid_servers_enter(s, "a.org", false, &lines[i]));
        CHECK_INT(i < MX_OPENID_PLACES, lines[i].placed);
    }
    CHECK_ERR(ERR_LIMIT, mx_openid_servers_enter(s, "a.org", false, &lines[n]));
    CHECK(lines[n].server == NULL);
    CHECK_ERR(OK, mx_openid_servers_enter(s, "b.org", false, &other));
    CHECK(other.placed);
    /* One who waits goes away; then one with a place. */
    mx_openid_servers_leave(s, &lines[MX_OPENID_PLACES]);
    CHECK_INT(0, n_placed);
    mx_openid_servers_leave(s, &lines[0]);
    CHECK_INT(1, n_placed);
    CHECK(placed[0] == &lines[MX_OPENID_PLACES + 1] && placed[0]->placed);
    for (size_t i = 0; i < n; i++) {
        if (lines[i].server != NULL) {
            mx_openid_servers_leave(s, &lines[i]);
        }
    }
    mx_openid_servers_leave(s, &other);
    mx_openid_servers_destroy(s);
}

TEST(matrix_openid_servers, remembers_for_a_while_who_is_down) {
    struct mx_openid_servers *s = NULL;
    enum mx_openid_outcome how = MX_OPENID_VALID;
    CHECK_ERR(OK, mx_openid_servers_create(on_placed, &s));
    CHECK(!mx_openid_servers_down(s, "a.org", 1, &how));
    mx_openid_servers_set_down(s, "a.org", MX_OPENID_TIMEOUT, 100);
    CHECK(mx_openid_servers_down(s, "a.org", 99, &how));
    CHECK_INT(MX_OPENID_TIMEOUT, how);
    mx_openid_servers_set_down(s, "a.org", MX_OPENID_UNREACHABLE, 200);
    CHECK(mx_openid_servers_down(s, "a.org", 199, &how));
    CHECK_INT(MX_OPENID_UNREACHABLE, how);
    CHECK(!mx_openid_servers_down(s, "a.org", 200, &how));
    for (int i = 0; i < MX_OPENID_SERVERS_MAX + 1; i++) {
        char name[32];
        snprintf(name, sizeof(name), "s%d.org", i);
        mx_openid_servers_set_down(s, name, MX_OPENID_TIMEOUT, 100);
    }
    CHECK(!mx_openid_servers_down(s, "s0.org", 1, &how));
    CHECK(mx_openid_servers_down(s, "s1.org", 1, &how));
    mx_openid_servers_destroy(s);
}

TEST_ALLOC(matrix_openid_servers, survives_no_memory) {
    struct mx_openid_servers *s = NULL;
    struct mx_openid_line l = { .placed = false };
    TRY(mx_openid_servers_create(on_placed, &s));
    enum err e = mx_openid_servers_enter(s, "a.org", false, &l);
    if (e == OK) {
        mx_openid_servers_set_down(s, "b.org", MX_OPENID_TIMEOUT, 100);
        mx_openid_servers_leave(s, &l);
    }
    mx_openid_servers_destroy(s);
    return e;
}
