/* The sender of news over a database, receivers and a homeserver made of sand: what is claimed,
 * what is sent, what is written down of it. */
#include "hooks/sender.h"

#include "core/log.h"
#include "http/client.h"
#include "matrix/client.h"
#include "store/news.h"
#include "test.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- the world --- */

#define POSTS_MAX 16
static struct {
    store_news_claimed *claimed;
    void *claim_arg;
    struct store_claim claims[STORE_CLAIMS_MAX];
    size_t n_claims;
    bool counting;
    int64_t lease_ms;
    int looks;
    struct store_news_outcome outcome; /* the latest */
    char problem[200];
    int ends;
    store_news_done *ended;
    void *end_arg;
    struct {
        char url[64];
        char body[200];
        http_client_done *done;
        void *arg;
    } posts[POSTS_MAX];
    size_t n_posts;
    enum err refuse; /* http_client_send gives this at once */
    char asked[200]; /* of the homeserver */
    mx_done *answered;
    void *mx_arg;
    int forgotten;
} w;
static char something; /* its address stands for what is only handed on */

enum err store_news_claim(
    struct store *s, const struct store_claiming *c, store_news_claimed *claimed, void *arg) {
    (void)s;
    w.looks++;
    w.claimed = claimed;
    w.claim_arg = arg;
    w.n_claims = c->n;
    w.counting = c->count;
    w.lease_ms = c->until_ms - c->now_ms;
    memcpy(w.claims, c->claims, c->n * sizeof(*w.claims));
    return OK;
}

enum err store_news_end(
    struct store *s, const struct store_news_outcome *o, store_news_done *done, void *arg) {
    (void)s;
    w.ends++;
    w.outcome = *o;
    snprintf(w.problem, sizeof(w.problem), "%s", o->problem == NULL ? "-" : o->problem);
    w.ended = done;
    w.end_arg = arg;
    return OK;
}

enum err http_client_create_guarded(
    uv_loop_t *loop, const struct http_client_guard *guard, struct http_client **ret) {
    (void)loop;
    CHECK(guard->allows == NULL);
    *ret = (struct http_client *)(void *)&something;
    return OK;
}

void http_client_destroy(struct http_client *c) {
    const struct http_client_answer gone = { .err = ERR_GONE, .text = "" };
    for (size_t i = 0; c != NULL && i < w.n_posts; i++) {
        if (w.posts[i].done != NULL) {
            w.posts[i].done(w.posts[i].arg, &gone);
        }
    }
}

enum err http_client_send(struct http_client *c, const struct http_client_spec *spec,
    http_client_done *done, void *arg, struct http_client_call **ret_call) {
    (void)c;
    (void)ret_call;
    if (w.refuse != OK) {
        return err_set(w.refuse, "refused");
    }
    CHECK(w.n_posts < POSTS_MAX);
    CHECK_STR("POST", spec->method);
    snprintf(w.posts[w.n_posts].url, sizeof(w.posts[0].url), "%s", spec->url);
    snprintf(w.posts[w.n_posts].body, sizeof(w.posts[0].body), "%s", spec->body);
    w.posts[w.n_posts].done = done;
    w.posts[w.n_posts].arg = arg;
    w.n_posts++;
    return OK;
}

enum err mx_client_room_state_event(struct mx_client *c, const char *room_id, const char *type,
    const char *state_key, const char *as_user, mx_done *done, void *arg) {
    (void)c;
    CHECK(as_user == NULL);
    snprintf(w.asked, sizeof(w.asked), "state %s %s%s", room_id, type, state_key);
    w.answered = done;
    w.mx_arg = arg;
    return OK;
}

enum err mx_client_send(struct mx_client *c, const struct mx_message *m, const char *as_user,
    mx_done *done, void *arg) {
    (void)c;
    CHECK(as_user == NULL);
    snprintf(
        w.asked, sizeof(w.asked), "send %s %s %s %s", m->room_id, m->type, m->txn_id, m->content);
    w.answered = done;
    w.mx_arg = arg;
    return OK;
}

void mx_client_forget(struct mx_client *c, const void *arg) {
    (void)c;
    w.forgotten += arg == w.mx_arg ? 1 : 0;
}

/* --- the rig --- */

#define URL_A "http://a/x?secret"
#define URL_B "http://b"

struct rig {
    uv_loop_t loop;
    struct hooks *hooks;
    char secret[40];
    char names[2][STORE_RECEIVER_SIZE];
};

static enum err rig_start(struct rig *r, bool notices) {
    static const char *const urls[] = { URL_A, URL_B };
    memset(&w, 0, sizeof(w));
    *r = (struct rig){ .secret = "/tmp/parley-hooks-XXXXXX" };
    int fd = mkstemp(r->secret);
    CHECK(fd >= 0 && write(fd, "0123456789abcdef", 16) == 16);
    close(fd);
    uv_loop_init(&r->loop);
    for (size_t i = 0; i < COUNT_OF(urls); i++) {
        store_news_receiver(urls[i], r->names[i]);
    }
    const struct hooks_config cfg = { .store = (struct store *)(void *)&something,
        .client = (struct mx_client *)(void *)&something,
        .urls = urls,
        .n_urls = 2,
        .secret_file = r->secret,
        .ca_file = "",
        .timeout_us = 3 * SEC_US,
        .give_up_ms = HOUR_MS,
        .notices = notices };
    TRY(hooks_create(&r->loop, &cfg, &r->hooks));
    hooks_start(r->hooks);
    uv_run(&r->loop, UV_RUN_NOWAIT);
    return OK;
}

static void rig_finish(struct rig *r) {
    hooks_destroy(r->hooks);
    if (w.claimed != NULL) {
        w.claimed(w.claim_arg, ERR_DATABASE, NULL, 0, NULL);
    }
    if (w.ended != NULL) {
        w.ended(w.end_arg, ERR_DATABASE);
    }
    uv_run(&r->loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&r->loop));
    unlink(r->secret);
}

static struct store_claimed_news row(const char *receiver, int64_t seq) {
    return (struct store_claimed_news){ .seq = seq,
        .id = "n1",
        .receiver = receiver,
        .session_id = "s1",
        .room_id = "!r:hs",
        .type = "call.missed",
        .at = clock_wall_ms(),
        .attempts = 1,
        .body = "{\"call\":{\"caller\":\"@a:hs\",\"media\":\"video\"}}" };
}

static void give(const struct store_claimed_news *rows, size_t n) {
    store_news_claimed *claimed = w.claimed;
    CHECK(claimed != NULL);
    w.claimed = NULL;
    const struct store_news_count count = { .waiting = 5 };
    claimed(w.claim_arg, OK, rows, n, w.counting ? &count : NULL);
}

static void answer(size_t i, const struct http_client_answer *a) {
    http_client_done *done = w.posts[i].done;
    CHECK(done != NULL);
    w.posts[i].done = NULL;
    done(w.posts[i].arg, a);
}

static void homeserver_says(enum err e, const char *text) {
    mx_done *done = w.answered;
    CHECK(done != NULL);
    w.answered = NULL;
    done(w.mx_arg, &(struct mx_answer){ .err = e, .text = text, .errcode = "" });
}

static void write_down(void) {
    store_news_done *ended = w.ended;
    CHECK(ended != NULL);
    w.ended = NULL;
    ended(w.end_arg, OK);
}

/* --- webhooks --- */

TEST(hooks_sender, claims_for_each_receiver_what_it_has_room_for) {
    struct rig r;
    CHECK_ERR(OK, rig_start(&r, false));
    CHECK_INT(2, w.n_claims);
    CHECK_STR(r.names[0], w.claims[0].receiver);
    CHECK_INT(HOOKS_AT_ONCE, w.claims[0].most);
    CHECK(w.counting);
    CHECK_INT(3000 + HOOKS_MARGIN_MS, w.lease_ms);
    const struct store_claimed_news rows[] = { row(r.names[0], 1), row(r.names[0], 2),
        row(r.names[1], 3), row("of no settings", 4) };
    give(rows, 4);
    CHECK_INT(3, w.n_posts);
    CHECK_STR(URL_A, w.posts[0].url);
    CHECK_STR(URL_B, w.posts[2].url);
    CHECK_STR(rows[0].body, w.posts[0].body);
    hooks_wake(r.hooks);
    uv_run(&r.loop, UV_RUN_NOWAIT);
    CHECK_INT(2, w.looks);
    CHECK_INT(HOOKS_AT_ONCE - 2, w.claims[0].most);
    CHECK_INT(HOOKS_AT_ONCE - 1, w.claims[1].most);
    CHECK(!w.counting);
    rig_finish(&r);
}

TEST(hooks_sender, writes_down_what_became_of_it) {
    static const struct {
        const char *name;
        struct http_client_answer answer;
        int64_t age_ms;
        enum store_news_fate fate;
        const char *problem;
    } rows[] = {
        { "taken", { .status = 200 }, 0, STORE_NEWS_TOLD_IT, "-" },
        { "taken, no content", { .status = 204 }, 0, STORE_NEWS_TOLD_IT, "-" },
        { "refused", { .status = 500 }, 0, STORE_NEWS_RETRY, "it answered 500" },
        { "sent away", { .status = 302, .location = "http://c" }, 0, STORE_NEWS_RETRY,
            "it answered 302" },
        { "not modified", { .status = 304 }, 0, STORE_NEWS_RETRY, "it answered 304" },
        { "hangs", { .err = ERR_TIMEOUT, .text = "slow" }, 0, STORE_NEWS_RETRY, "timeout: slow" },
        { "away", { .err = ERR_UNREACHABLE, .text = "x" }, 0, STORE_NEWS_RETRY, "unreachable: x" },
        { "away for long", { .err = ERR_UNREACHABLE, .text = "x" }, HOUR_MS, STORE_NEWS_DEAD,
            "unreachable: x" },
        { "taken after long", { .status = 200 }, 2 * HOUR_MS, STORE_NEWS_TOLD_IT, "-" },
    };
    FOR_ROWS (rows, k) {
        struct rig r;
        ROW(k->name);
        CHECK_ERR(OK, rig_start(&r, false));
        struct store_claimed_news one = row(r.names[0], 7);
        one.at -= k->age_ms;
        one.attempts = 3;
        give(&one, 1);
        int64_t before_ms = clock_wall_ms();
        answer(0, &k->answer);
        CHECK_INT(1, w.ends);
        CHECK_INT(7, w.outcome.seq);
        CHECK_INT(k->fate, w.outcome.fate);
        CHECK_STR(k->problem, w.problem);
        if (k->fate == STORE_NEWS_RETRY) {
            CHECK_INT(3, w.outcome.attempts);
            CHECK(w.outcome.due_at >= before_ms + 2000);
            CHECK(w.outcome.due_at <= clock_wall_ms() + 4000);
        }
        write_down();
        uv_run(&r.loop, UV_RUN_NOWAIT);
        CHECK_INT(2, w.looks); /* there may be more of that call */
        rig_finish(&r);
    }
}

TEST(hooks_sender, tries_again_what_could_not_even_be_sent) {
    struct rig r;
    CHECK_ERR(OK, rig_start(&r, false));
    const struct store_claimed_news one = row(r.names[0], 1);
    w.refuse = ERR_LIMIT;
    give(&one, 1);
    CHECK_INT(STORE_NEWS_RETRY, w.outcome.fate);
    CHECK_STR("refused", w.problem);
    rig_finish(&r);
}

TEST(hooks_sender, lets_go_of_what_is_under_way) {
    struct rig r;
    CHECK_ERR(OK, rig_start(&r, true));
    const struct store_claimed_news rows[] = { row(r.names[0], 1), row(STORE_NEWS_ROOM, 2) };
    give(rows, 2);
    CHECK_INT(1, w.n_posts);
    rig_finish(&r);
    CHECK_INT(1, w.forgotten);
    CHECK_INT(0, w.ends);
}

TEST_ALLOC(hooks_sender, survives_no_memory) {
    struct rig r;
    enum err e = rig_start(&r, true);
    if (e == OK) {
        const struct store_claimed_news one = row(r.names[0], 1);
        give(&one, 1);
        e = w.n_posts == 1 ? OK : ERR_NOMEM;
    }
    if (r.hooks != NULL) {
        rig_finish(&r);
    } else {
        uv_run(&r.loop, UV_RUN_DEFAULT);
        uv_loop_close(&r.loop);
        unlink(r.secret);
    }
    return e == OK ? OK : err_set(e, "out of memory");
}

/* --- notices --- */

TEST(hooks_sender, says_it_only_in_rooms_in_the_clear_that_we_are_in) {
    static const struct {
        const char *name;
        enum err encryption, sending; /* ERR_COUNT: not asked */
        int64_t age_ms;
        enum store_news_fate fate;
        const char *problem;
    } rows[] = {
        { "said", ERR_NOT_FOUND, OK, 0, STORE_NEWS_OVER, "-" },
        { "encrypted", OK, ERR_COUNT, 0, STORE_NEWS_OVER, "the room is encrypted" },
        { "not in it", ERR_FORBIDDEN, ERR_COUNT, 0, STORE_NEWS_OVER,
            "Parley's user is not in the room" },
        { "no power", ERR_NOT_FOUND, ERR_FORBIDDEN, 0, STORE_NEWS_OVER,
            "Parley's user may not write in the room" },
        { "homeserver away", ERR_UNREACHABLE, ERR_COUNT, 0, STORE_NEWS_RETRY, "why" },
        { "away in between", ERR_NOT_FOUND, ERR_TIMEOUT, 0, STORE_NEWS_RETRY, "why" },
        { "away for long", ERR_UNREACHABLE, ERR_COUNT, HOOKS_NOTICE_GIVE_UP_MS - 1, STORE_NEWS_DEAD,
            "why" },
        { "we were away for long", ERR_COUNT, ERR_COUNT, HOOKS_NOTICE_GIVE_UP_MS + SEC_MS,
            STORE_NEWS_DEAD, "it was too late for it" },
    };
    FOR_ROWS (rows, k) {
        struct rig r;
        ROW(k->name);
        CHECK_ERR(OK, rig_start(&r, true));
        CHECK_INT(3, w.n_claims);
        CHECK(w.lease_ms >= HOOKS_NOTICE_TAKES_MS);
        struct store_claimed_news one = row(STORE_NEWS_ROOM, 7);
        one.at -= k->age_ms;
        give(&one, 1);
        if (k->encryption != ERR_COUNT) {
            CHECK_STR("state !r:hs m.room.encryption", w.asked);
            homeserver_says(k->encryption, "why");
        }
        if (k->sending != ERR_COUNT) {
            CHECK_STR("send !r:hs m.room.message parley-missed-s1 {\"msgtype\":\"m.notice\","
                      "\"body\":\"Missed video call from @a:hs\",\"m.mentions\":{}}",
                w.asked);
            homeserver_says(k->sending, "why");
        }
        CHECK_INT(1, w.ends);
        CHECK_INT(k->fate, w.outcome.fate);
        CHECK_STR(k->problem, w.problem);
        rig_finish(&r);
    }
}
