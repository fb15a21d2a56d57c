/* The lite agent against a client that is a few lines here, in a time that is told. */
#include "test.h"

#include "rtc/icelite.h"
#include "rtc/stun.h"

#include <stdio.h>
#include <string.h>

#define SEC ((int64_t)1000000)

static const struct rtc_ice_cred first = { "firstufrag01", "first-password-of-24-chr" };
static const struct rtc_ice_cred second = { "secondufrag2", "second-password-of-24-ch" };

/* Path n: 0 to 9 by UDP, 10 and more by TCP. */
static struct rtc_ice_path path(unsigned n) {
    uint8_t ip[4] = { 203, 0, 113, (uint8_t)n };
    return (struct rtc_ice_path){ rtc_addr_v4(ip, (uint16_t)(1000 + n), n >= 10), n >= 10 ? n : 0 };
}

static unsigned selected(const struct rtc_icelite *a) {
    const struct rtc_ice_path *p = rtc_icelite_selected(a);
    return p == NULL ? 99 : p->peer.port - 1000U;
}

struct check {
    const struct rtc_ice_cred *to; /* NULL = first */
    const char *from;              /* NULL = "them" */
    unsigned by;
    bool nominate, controlled;
    const char *password; /* NULL = the right one */
    uint32_t priority;    /* 0 = 100 */
};

static struct rtc_ice_outcome send_check(struct rtc_icelite *a, struct check c, int64_t now_us) {
    const struct rtc_ice_cred *to = c.to == NULL ? &first : c.to;
    struct rtc_stun_ask ask = { .id = { 1 },
        .remote = to->ufrag,
        .local = c.from == NULL ? "them" : c.from,
        .password = c.password == NULL ? to->pwd : c.password,
        .role = c.controlled ? RTC_STUN_CONTROLLED : RTC_STUN_CONTROLLING,
        .priority = c.priority == 0 ? 100 : c.priority,
        .use_candidate = c.nominate };
    uint8_t wire[RTC_STUN_MOST];
    uint8_t answer[RTC_STUN_ANSWER_MOST];
    size_t len = rtc_stun_write_request(&ask, wire, sizeof(wire));
    struct rtc_ice_path from = path(c.by);
    struct rtc_ice_outcome ret;
    rtc_icelite_take(a, wire, len, &from, now_us, answer, sizeof(answer), &ret);
    struct rtc_stun_response said;
    if (ret.result == RTC_ICE_ANSWERED) {
        CHECK(rtc_stun_read_response(answer, ret.answer_len, ask.id, to->pwd, &said));
        struct rtc_addr seen = from.peer;
        seen.tcp = 0;
        CHECK(said.success && rtc_addr_equal(&seen, &said.mapped));
    } else if (ret.answer_len > 0) {
        CHECK(rtc_stun_read_response(answer, ret.answer_len, ask.id, to->pwd, &said));
        CHECK(!said.success);
    }
    return ret;
}

static struct rtc_icelite *agent(void) {
    struct rtc_icelite *a = NULL;
    CHECK_ERR(OK, rtc_icelite_create(&first, 0, &a));
    CHECK_ERR(OK, rtc_icelite_set_remote(a, "them", 0));
    return a;
}

TEST(rtc_icelite, answers_or_refuses) {
    static const struct {
        const char *name;
        struct check check;
        enum rtc_ice_result want;
        bool answer;
    } rows[] = {
        { "a sound check", { .by = 1 }, RTC_ICE_ANSWERED, true },
        { "for somebody else", { .to = &second }, RTC_ICE_DROPPED, false },
        { "from somebody else", { .from = "thex" }, RTC_ICE_UNAUTHORIZED, true },
        { "with another password", { .password = "guess" }, RTC_ICE_UNAUTHORIZED, true },
        { "from who wants to be controlled", { .controlled = true }, RTC_ICE_CONFLICT, true },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct rtc_icelite *a = agent();
        struct rtc_ice_outcome got = send_check(a, r->check, 1);
        CHECK_INT(r->want, got.result);
        CHECK_INT(r->answer, got.answer_len > 0);
        bool good = r->want == RTC_ICE_ANSWERED;
        CHECK_INT(good, got.added);
        CHECK_INT(good ? 1 : 99, selected(a));
        CHECK_INT(good ? RTC_ICE_CONNECTED : RTC_ICE_WAITING, rtc_icelite_tick(a, 2));
        rtc_icelite_destroy(a);
    }
}

TEST(rtc_icelite, drops_what_is_no_check) {
    static const uint8_t indication[20] = { 0, 0x11, 0, 0, 0x21, 0x12, 0xA4, 0x42 };
    static const uint8_t response[20] = { 1, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42 };
    static const uint8_t nameless[20] = { 0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42 };
    static const struct {
        const char *name;
        const uint8_t *data;
    } rows[] = {
        { "an indication", indication },
        { "a response", response },
        { "a request without a name", nameless },
    };
    struct rtc_icelite *a = agent();
    FOR_ROWS (rows, r) {
        ROW(r->name);
        uint8_t answer[RTC_STUN_ANSWER_MOST];
        struct rtc_ice_path from = path(1);
        struct rtc_ice_outcome got;
        rtc_icelite_take(a, r->data, 20, &from, 1, answer, sizeof(answer), &got);
        CHECK_INT(RTC_ICE_DROPPED, got.result);
        CHECK_INT(0, got.answer_len);
    }
    rtc_icelite_destroy(a);
}

TEST(rtc_icelite, checks_may_come_before_the_answer) {
    struct rtc_icelite *a = NULL;
    CHECK_ERR(OK, rtc_icelite_create(&first, 0, &a));
    CHECK_INT(RTC_ICE_ANSWERED, send_check(a, (struct check){ .from = "anybody" }, 1).result);
    CHECK_ERR(OK, rtc_icelite_set_remote(a, "them", 0));
    CHECK_INT(RTC_ICE_UNAUTHORIZED, send_check(a, (struct check){ .from = "anybody" }, 1).result);
    rtc_icelite_destroy(a);
}

TEST(rtc_icelite, reads_the_fragment_of_the_client) {
    char longest[258];
    memset(longest, '+', 256);
    longest[256] = '\0';
    char longer[258];
    memset(longer, '/', 257);
    longer[257] = '\0';
    const struct {
        const char *name, *ufrag;
        enum err want;
    } rows[] = {
        { "shortest", "a0+/", OK },
        { "longest", longest, OK },
        { "too short", "abc", ERR_INVALID },
        { "too long", longer, ERR_INVALID },
        { "other characters", "abc:", ERR_INVALID },
        { "empty", "", ERR_INVALID },
    };
    struct rtc_icelite *a = agent();
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK_ERR(r->want, rtc_icelite_set_remote(a, r->ufrag, 0));
        const char *from = r->want == OK ? r->ufrag : longest; /* the last good one stays */
        CHECK_INT(RTC_ICE_ANSWERED, send_check(a, (struct check){ .from = from }, 1).result);
    }
    rtc_icelite_destroy(a);
}

TEST(rtc_icelite, follows_nominations) {
    static const struct {
        const char *name;
        struct check a, b; /* b comes `after_us` behind a */
        int64_t after_us;
        unsigned want;
        bool moved;
    } rows[] = {
        { "the first path is used before a nomination", { .by = 1 }, { .by = 2 }, 1, 1, false },
        { "the first nomination moves", { .by = 1 }, { .by = 2, .nominate = true }, 1, 2, true },
        { "an address change moves", { .by = 1, .nominate = true },
            { .by = 2, .nominate = true, .priority = 50 }, RTC_ICE_HOLD_US, 2, true },
        { "not back to a worse one at once", { .by = 1, .nominate = true },
            { .by = 2, .nominate = true, .priority = 50 }, RTC_ICE_HOLD_US - 1, 1, false },
        { "to an equal one at once", { .by = 1, .nominate = true }, { .by = 2, .nominate = true },
            1, 2, true },
        { "to a better one at once", { .by = 1, .nominate = true },
            { .by = 2, .nominate = true, .priority = 101 }, 1, 2, true },
        { "from UDP to TCP not at once", { .by = 1, .nominate = true },
            { .by = 10, .nominate = true, .priority = 200 }, 1, 1, false },
        { "from UDP to TCP in time", { .by = 1, .nominate = true },
            { .by = 10, .nominate = true, .priority = 50 }, RTC_ICE_HOLD_US, 10, true },
        { "from TCP to UDP at once", { .by = 10, .nominate = true },
            { .by = 1, .nominate = true, .priority = 50 }, 1, 1, true },
        { "again changes nothing", { .by = 1, .nominate = true }, { .by = 1, .nominate = true }, 1,
            1, false },
        { "a plain check moves nothing", { .by = 1, .nominate = true }, { .by = 2 }, 2 * SEC, 1,
            false },
        { "a forged one moves nothing", { .by = 1, .nominate = true },
            { .by = 2, .nominate = true, .password = "guess" }, 2 * SEC, 1, false },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct rtc_icelite *a = agent();
        CHECK(send_check(a, r->a, SEC).moved);
        struct rtc_ice_outcome got = send_check(a, r->b, SEC + r->after_us);
        CHECK_INT(r->moved, got.moved);
        CHECK_INT(r->want, selected(a));
        rtc_icelite_destroy(a);
    }
}

TEST(rtc_icelite, same_address_on_another_connection_is_another_path) {
    struct rtc_icelite *a = agent();
    send_check(a, (struct check){ .by = 10, .nominate = true }, 1);
    struct rtc_ice_path other = path(10);
    CHECK(rtc_icelite_knows(a, &other));
    other.via++;
    CHECK(!rtc_icelite_knows(a, &other));
    rtc_icelite_destroy(a);
}

TEST(rtc_icelite, knows_a_bounded_number_of_paths) {
    struct rtc_icelite *a = agent();
    for (unsigned i = 0; i < RTC_ICE_PATHS_MAX; i++) {
        struct rtc_ice_outcome got =
            send_check(a, (struct check){ .by = i, .nominate = i == 0 }, i);
        CHECK(got.added && !got.forgot);
        CHECK(!send_check(a, (struct check){ .by = i }, i).added);
    }
    /* The selected one is the oldest, and stays. */
    struct rtc_ice_outcome got = send_check(a, (struct check){ .by = 50 }, 60);
    CHECK(got.added && got.forgot && !got.moved);
    CHECK_INT(1001, got.forgotten.peer.port);
    CHECK(!rtc_icelite_knows(a, &got.forgotten));
    CHECK_INT(0, selected(a));
    rtc_icelite_destroy(a);
}

TEST(rtc_icelite, a_closed_connection_gives_way) {
    static const struct {
        const char *name;
        unsigned close, want;
        bool was_selected;
    } rows[] = {
        { "the selected one: the latest nominated takes over", 12, 10, true },
        { "another one", 10, 12, false },
        { "the first one", 1, 12, false },
        { "nobody's", 13, 12, false },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct rtc_icelite *a = agent();
        send_check(a, (struct check){ .by = 1 }, 1);
        send_check(a, (struct check){ .by = 10, .nominate = true }, 2);
        send_check(a, (struct check){ .by = 11 }, 3);
        send_check(a, (struct check){ .by = 12, .nominate = true }, 4);
        struct rtc_ice_path gone = path(r->close);
        CHECK_INT(r->was_selected, rtc_icelite_close_path(a, &gone));
        CHECK(!rtc_icelite_knows(a, &gone));
        CHECK_INT(r->want, selected(a));
        rtc_icelite_destroy(a);
    }
    ROW("the only one, and a new one");
    struct rtc_icelite *a = agent();
    send_check(a, (struct check){ .by = 10 }, 1);
    struct rtc_ice_path gone = path(10);
    CHECK(rtc_icelite_close_path(a, &gone));
    CHECK_INT(99, selected(a));
    CHECK(send_check(a, (struct check){ .by = 11 }, 2).moved);
    CHECK_INT(11, selected(a));
    rtc_icelite_destroy(a);
}

TEST(rtc_icelite, restarts_without_a_gap) {
    struct rtc_icelite *a = agent();
    send_check(a, (struct check){ .by = 1, .nominate = true }, 1);
    CHECK(rtc_icelite_old(a) == NULL);
    rtc_icelite_restart(a, &second, 2);
    CHECK_STR(second.ufrag, rtc_icelite_ours(a)->ufrag);
    CHECK_STR(first.ufrag, rtc_icelite_old(a)->ufrag);
    CHECK_INT(1, selected(a));
    struct rtc_ice_outcome got = send_check(a, (struct check){ .by = 1 }, 3);
    CHECK(got.result == RTC_ICE_ANSWERED && !got.renewed);
    CHECK_ERR(OK, rtc_icelite_set_remote(a, "they", 4));
    got = send_check(
        a, (struct check){ .by = 1 }, 5); /* theirs of before belongs to ours of before */
    CHECK(got.result == RTC_ICE_ANSWERED && !got.renewed);
    got = send_check(a, (struct check){ .to = &second, .from = "them", .by = 2 }, 6);
    CHECK(got.result == RTC_ICE_UNAUTHORIZED && !got.renewed);
    got = send_check(
        a, (struct check){ .to = &second, .from = "they", .by = 2, .nominate = true }, SEC);
    CHECK(got.result == RTC_ICE_ANSWERED && got.renewed && got.moved);
    CHECK_INT(2, selected(a));
    CHECK(rtc_icelite_old(a) == NULL);
    CHECK_INT(RTC_ICE_DROPPED, send_check(a, (struct check){ .by = 1 }, SEC).result);
    CHECK(!send_check(a, (struct check){ .to = &second, .from = "they", .by = 2 }, SEC).renewed);
    rtc_icelite_destroy(a);
}

TEST(rtc_icelite, a_second_restart_forgets_the_first) {
    static const struct rtc_ice_cred third = { "thirdufrag03", "third-password-of-24-chr" };
    struct rtc_icelite *a = agent();
    rtc_icelite_restart(a, &second, 2);
    rtc_icelite_restart(a, &third, 3);
    CHECK_STR(second.ufrag, rtc_icelite_old(a)->ufrag);
    CHECK_INT(RTC_ICE_DROPPED, send_check(a, (struct check){ .by = 1 }, 4).result);
    CHECK_INT(RTC_ICE_ANSWERED, send_check(a, (struct check){ .to = &second }, 5).result);
    rtc_icelite_destroy(a);
}

TEST(rtc_icelite, silence_ends_it) {
    static const struct {
        const char *name;
        bool check;       /* a check at 0 s */
        int64_t heard_us; /* 0 = nothing more */
        int64_t at_us;
        enum rtc_ice_state want;
        int64_t next_us;
    } rows[] = {
        { "waiting", false, 0, RTC_ICE_FIRST_US - 1, RTC_ICE_WAITING, RTC_ICE_FIRST_US },
        { "never came", false, 0, RTC_ICE_FIRST_US, RTC_ICE_ENDED, INT64_MAX },
        { "just connected", true, 0, 1, RTC_ICE_CONNECTED, RTC_ICE_LOST_US },
        { "nearly lost", true, 0, RTC_ICE_LOST_US - 1, RTC_ICE_CONNECTED, RTC_ICE_LOST_US },
        { "lost", true, 0, RTC_ICE_LOST_US, RTC_ICE_LOST, RTC_ICE_ENDED_US },
        { "nearly ended", true, 0, RTC_ICE_ENDED_US - 1, RTC_ICE_LOST, RTC_ICE_ENDED_US },
        { "ended", true, 0, RTC_ICE_ENDED_US, RTC_ICE_ENDED, INT64_MAX },
        { "heard meanwhile", true, 5 * SEC, RTC_ICE_LOST_US, RTC_ICE_CONNECTED,
            RTC_ICE_LOST_US + 5 * SEC },
        { "heard, then silent", true, 5 * SEC, RTC_ICE_LOST_US + 5 * SEC, RTC_ICE_LOST,
            RTC_ICE_ENDED_US + 5 * SEC },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct rtc_icelite *a = agent();
        struct rtc_ice_path way = path(1);
        if (r->check) {
            send_check(a, (struct check){ .by = 1 }, 0);
        }
        if (r->heard_us > 0) {
            rtc_icelite_heard(a, &way, r->heard_us);
        }
        CHECK_INT(r->want, rtc_icelite_tick(a, r->at_us));
        CHECK(r->next_us == rtc_icelite_next_us(a));
        rtc_icelite_destroy(a);
    }
}

TEST(rtc_icelite, comes_back_when_lost_but_not_when_ended) {
    struct rtc_icelite *a = agent();
    send_check(a, (struct check){ .by = 1 }, 0);
    CHECK_INT(RTC_ICE_LOST, rtc_icelite_tick(a, RTC_ICE_LOST_US));
    struct rtc_ice_path stranger = path(7);
    rtc_icelite_heard(a, &stranger, RTC_ICE_LOST_US); /* no path of ours */
    CHECK_INT(RTC_ICE_LOST, rtc_icelite_tick(a, RTC_ICE_LOST_US));
    send_check(a, (struct check){ .by = 2 }, RTC_ICE_LOST_US + 1);
    CHECK_INT(RTC_ICE_CONNECTED, rtc_icelite_tick(a, RTC_ICE_LOST_US + 1));
    CHECK_INT(RTC_ICE_ENDED, rtc_icelite_tick(a, 100 * SEC));
    struct rtc_ice_path way = path(1);
    rtc_icelite_heard(a, &way, 100 * SEC);
    CHECK_INT(RTC_ICE_DROPPED, send_check(a, (struct check){ .by = 1 }, 100 * SEC).result);
    CHECK_INT(RTC_ICE_ENDED, rtc_icelite_tick(a, 100 * SEC));
    rtc_icelite_destroy(a);
}

/* A client comes back in the last moment before the end. */
TEST(rtc_icelite, a_restart_gives_time) {
    struct rtc_icelite *a = agent();
    send_check(a, (struct check){ .by = 1 }, 0);
    CHECK_INT(RTC_ICE_LOST, rtc_icelite_tick(a, RTC_ICE_ENDED_US - 1));
    rtc_icelite_restart(a, &second, RTC_ICE_ENDED_US - 1);
    CHECK_INT(RTC_ICE_LOST, rtc_icelite_tick(a, RTC_ICE_ENDED_US + RTC_ICE_LOST_US));
    CHECK_INT(2 * RTC_ICE_ENDED_US - 1, rtc_icelite_next_us(a));
    struct rtc_ice_outcome got =
        send_check(a, (struct check){ .to = &second, .by = 2 }, RTC_ICE_ENDED_US + RTC_ICE_LOST_US);
    CHECK_INT(RTC_ICE_ANSWERED, got.result);
    CHECK_INT(RTC_ICE_CONNECTED, rtc_icelite_tick(a, RTC_ICE_ENDED_US + RTC_ICE_LOST_US));
    rtc_icelite_destroy(a);
}

TEST(rtc_icelite, makes_credentials_nobody_made_before) {
    struct rtc_ice_cred a;
    struct rtc_ice_cred b;
    rtc_ice_cred_make(&a);
    rtc_ice_cred_make(&b);
    CHECK_INT(RTC_ICE_OUR_UFRAG, strlen(a.ufrag));
    CHECK_INT(RTC_ICE_OUR_PWD, strlen(a.pwd));
    CHECK(strcmp(a.ufrag, b.ufrag) != 0 && strcmp(a.pwd, b.pwd) != 0);
    CHECK(strncmp(a.pwd, a.ufrag, RTC_ICE_OUR_UFRAG) != 0);
}

TEST_ALLOC(rtc_icelite, survives_no_memory) {
    struct rtc_icelite *a = NULL;
    TRY(rtc_icelite_create(&first, 0, &a));
    enum err e = rtc_icelite_set_remote(a, "them", 0);
    if (e == OK) {
        e = rtc_icelite_set_remote(a, "they", 0);
    }
    rtc_icelite_destroy(a);
    rtc_icelite_destroy(NULL);
    return e;
}
