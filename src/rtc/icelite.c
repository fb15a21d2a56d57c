/* The lite agent: two generations of credentials, a few paths, one of them selected. */
#include "rtc/icelite.h"

#include "core/crypto.h"
#include "core/mem.h"
#include "rtc/params.h"
#include "rtc/stun.h"

#include <assert.h>
#include <string.h>

struct generation {
    struct rtc_ice_cred ours; /* ufrag "" = there is no such generation */
    char *theirs;             /* NULL until they have said it */
};

struct path {
    struct rtc_ice_path at;
    uint32_t priority; /* the latest check's: what their candidate would be worth to us */
    int64_t heard_us;
    int64_t nominated_us; /* NEVER = not yet */
};

struct rtc_icelite {
    struct generation now, old;
    struct path paths[RTC_ICE_PATHS_MAX];
    uint8_t n_paths;
    uint8_t selected; /* index; n_paths 0 = none */
    uint8_t state;    /* enum rtc_ice_state */
    int64_t heard_us; /* by any path; in RTC_ICE_WAITING the time since which we wait */
};
_Static_assert(sizeof(struct rtc_icelite) <= RTC_ICELITE_BYTES, "its header says what it weighs");

#define NEVER INT64_MIN

/* --- credentials --- */

void rtc_ice_cred_make(struct rtc_ice_cred *ret) {
    uint8_t bytes[RTC_ICE_OUR_PWD / 4 * 3];
    _Static_assert(CRYPTO_BASE64_SIZE(sizeof(bytes)) == sizeof(ret->pwd), "ice-chars are base64's");
    crypto_random(bytes, sizeof(bytes));
    crypto_base64(bytes, sizeof(bytes), ret->pwd);
    crypto_random(bytes, sizeof(bytes));
    crypto_base64(bytes, RTC_ICE_OUR_UFRAG / 4 * 3, ret->ufrag);
}

static void end_generation(struct generation *g) {
    mem_free(g->theirs);
    memset(g, 0, sizeof(*g));
}

enum err rtc_icelite_create(
    const struct rtc_ice_cred *ours, int64_t now_us, struct rtc_icelite **ret) {
    struct rtc_icelite *a = mem_zalloc(sizeof(*a));
    if (a == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    a->now.ours = *ours;
    a->heard_us = now_us;
    *ret = a;
    return OK;
}

void rtc_icelite_destroy(struct rtc_icelite *a) {
    if (a != NULL) {
        end_generation(&a->now);
        end_generation(&a->old);
        mem_free(a);
    }
}

/* From now on there is reason to wait for a check. */
static void wait_from(struct rtc_icelite *a, int64_t now_us) {
    if (a->state == RTC_ICE_WAITING) {
        a->heard_us = now_us;
    }
}

enum err rtc_icelite_set_remote(struct rtc_icelite *a, const char *ufrag, int64_t now_us) {
    static const char ice_chars[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = strlen(ufrag);
    if (n < 4 || n > RTC_ICE_UFRAG_MAX || strspn(ufrag, ice_chars) != n) {
        return err_set(
            ERR_INVALID, "ice-ufrag: must be 4 to %d of A-Z a-z 0-9 + /", RTC_ICE_UFRAG_MAX);
    }
    char *copy = mem_strdup(ufrag);
    if (copy == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    mem_free(a->now.theirs);
    a->now.theirs = copy;
    wait_from(a, now_us);
    return OK;
}

void rtc_icelite_restart(struct rtc_icelite *a, const struct rtc_ice_cred *ours, int64_t now_us) {
    end_generation(&a->old);
    a->old = a->now;
    a->now = (struct generation){ .ours = *ours };
    a->heard_us = now_us;
}

const struct rtc_ice_cred *rtc_icelite_ours(const struct rtc_icelite *a) {
    return &a->now.ours;
}

const struct rtc_ice_cred *rtc_icelite_old(const struct rtc_icelite *a) {
    return a->old.ours.ufrag[0] == '\0' ? NULL : &a->old.ours;
}

/* --- paths --- */

static bool same_path(const struct rtc_ice_path *a, const struct rtc_ice_path *b) {
    return a->via == b->via && rtc_addr_equal(&a->peer, &b->peer);
}

/* Its index, or n_paths. */
static size_t find_path(const struct rtc_icelite *a, const struct rtc_ice_path *p) {
    if (a->n_paths > 0 && same_path(&a->paths[a->selected].at, p)) {
        return a->selected; /* nearly always */
    }
    size_t i = 0;
    while (i < a->n_paths && !same_path(&a->paths[i].at, p)) {
        i++;
    }
    return i;
}

/* The one that was silent for longest and is not in use; there are two at least. */
static size_t stalest_path(const struct rtc_icelite *a) {
    size_t found = a->selected == 0;
    for (size_t i = 0; i < a->n_paths; i++) {
        if (i != a->selected && a->paths[i].heard_us < a->paths[found].heard_us) {
            found = i;
        }
    }
    return found;
}

static size_t enter_path(
    struct rtc_icelite *a, const struct rtc_ice_path *from, struct rtc_ice_outcome *ret) {
    size_t i = find_path(a, from);
    if (i < a->n_paths) {
        return i;
    }
    ret->added = true;
    if (i == RTC_ICE_PATHS_MAX) {
        i = stalest_path(a);
        ret->forgot = true;
        ret->forgotten = a->paths[i].at;
    } else {
        a->n_paths++;
        ret->moved = a->n_paths == 1; /* until one is nominated */
    }
    a->paths[i] = (struct path){ .at = *from, .nominated_us = NEVER };
    return i;
}

/* Is `to` nominated while the selected path still holds, and worth less? */
static bool holds(const struct rtc_icelite *a, const struct path *to, int64_t now_us) {
    const struct path *is = &a->paths[a->selected];
    if (is->nominated_us == NEVER || now_us - is->nominated_us >= RTC_ICE_HOLD_US) {
        return false;
    }
    return is->at.peer.tcp != to->at.peer.tcp ? to->at.peer.tcp != 0 : to->priority < is->priority;
}

static void nominate(struct rtc_icelite *a, size_t i, int64_t now_us, struct rtc_ice_outcome *ret) {
    if (i != a->selected && holds(a, &a->paths[i], now_us)) {
        return;
    }
    a->paths[i].nominated_us = now_us;
    ret->moved = ret->moved || i != a->selected;
    a->selected = (uint8_t)i;
}

bool rtc_icelite_knows(const struct rtc_icelite *a, const struct rtc_ice_path *from) {
    return find_path(a, from) < a->n_paths;
}

static void hear(struct rtc_icelite *a, size_t i, int64_t now_us) {
    a->paths[i].heard_us = now_us;
    a->heard_us = now_us;
    a->state = RTC_ICE_CONNECTED;
}

void rtc_icelite_heard(struct rtc_icelite *a, const struct rtc_ice_path *from, int64_t now_us) {
    size_t i = find_path(a, from);
    if (i < a->n_paths && a->state != RTC_ICE_ENDED) {
        hear(a, i, now_us);
    }
}

/* Later nominated, or else later heard. */
static bool better(const struct path *a, const struct path *b) {
    return a->nominated_us != b->nominated_us ? a->nominated_us > b->nominated_us
                                              : a->heard_us > b->heard_us;
}

bool rtc_icelite_close_path(struct rtc_icelite *a, const struct rtc_ice_path *path) {
    size_t i = find_path(a, path);
    if (i == a->n_paths) {
        return false;
    }
    bool was_selected = i == a->selected;
    size_t last = --a->n_paths;
    a->paths[i] = a->paths[last];
    if (was_selected) {
        a->selected = 0;
        for (size_t k = 1; k < a->n_paths; k++) {
            a->selected = better(&a->paths[k], &a->paths[a->selected]) ? (uint8_t)k : a->selected;
        }
    } else if (a->selected == last) {
        a->selected = (uint8_t)i;
    }
    return was_selected;
}

const struct rtc_ice_path *rtc_icelite_selected(const struct rtc_icelite *a) {
    return a->n_paths == 0 ? NULL : &a->paths[a->selected].at;
}

/* --- checks --- */

static struct generation *generation_of(struct rtc_icelite *a, const struct rtc_stun_head *head) {
    struct generation *both[] = { &a->now, &a->old };
    for (size_t i = 0; i < COUNT_OF(both) && head->ufrag != NULL; i++) {
        if (head->ufrag_len == RTC_ICE_OUR_UFRAG &&
            memcmp(head->ufrag, both[i]->ours.ufrag, RTC_ICE_OUR_UFRAG) == 0) {
            return both[i];
        }
    }
    return NULL;
}

static void accept_check(struct rtc_icelite *a, const struct generation *g,
    const struct rtc_stun_request *r, const struct rtc_ice_path *from, int64_t now_us,
    struct rtc_ice_outcome *ret) {
    size_t i = enter_path(a, from, ret);
    a->paths[i].priority = r->priority;
    hear(a, i, now_us);
    if (r->use_candidate) {
        nominate(a, i, now_us, ret);
    }
    if (g == &a->now && rtc_icelite_old(a) != NULL) {
        end_generation(&a->old);
        ret->renewed = true;
    }
}

/* Refusals: what the check says, what is told, and whether it can be signed. */
static const struct refusal {
    enum rtc_stun_verdict verdict;
    enum rtc_ice_result result;
    unsigned code;
    bool sign;
} refusals[] = {
    { RTC_STUN_BAD_REQUEST, RTC_ICE_BAD_REQUEST, 400, false },
    { RTC_STUN_UNAUTHORIZED, RTC_ICE_UNAUTHORIZED, 401, false },
    { RTC_STUN_UNKNOWN, RTC_ICE_UNKNOWN, 420, true },
    { RTC_STUN_OK, RTC_ICE_CONFLICT, 487, true },
};

static void refuse(enum rtc_stun_verdict verdict, const struct rtc_stun_request *r,
    const char *password, uint8_t *answer, size_t cap, struct rtc_ice_outcome *ret) {
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        const struct refusal *f = &refusals[i];
        if (f->verdict == verdict) {
            ret->result = f->result;
            ret->answer_len =
                rtc_stun_write_error(r, f->code, f->sign ? password : NULL, answer, cap);
        }
    }
}

void rtc_icelite_take(struct rtc_icelite *a, const uint8_t *data, size_t len,
    const struct rtc_ice_path *from, int64_t now_us, uint8_t *answer, size_t cap,
    struct rtc_ice_outcome *ret) {
    assert(cap >= RTC_STUN_ANSWER_MOST);
    *ret = (struct rtc_ice_outcome){ .result = RTC_ICE_DROPPED };
    struct rtc_stun_head head;
    if (a->state == RTC_ICE_ENDED || !rtc_stun_peek(data, len, &head) ||
        head.class != RTC_STUN_REQUEST) {
        return;
    }
    const struct generation *g = generation_of(a, &head);
    if (g == NULL) {
        return;
    }
    struct rtc_stun_cred cred = { g->ours.ufrag, g->theirs, g->ours.pwd };
    struct rtc_stun_request r;
    enum rtc_stun_verdict verdict = rtc_stun_check(data, len, &cred, &r);
    if (verdict != RTC_STUN_OK || r.role == RTC_STUN_CONTROLLED) {
        refuse(verdict, &r, g->ours.pwd, answer, cap, ret);
        return;
    }
    ret->result = RTC_ICE_ANSWERED;
    ret->answer_len = rtc_stun_write_success(&r, &from->peer, g->ours.pwd, answer, cap);
    accept_check(a, g, &r, from, now_us, ret); /* may end `g` */
}

/* --- time --- */

enum rtc_ice_state rtc_icelite_tick(struct rtc_icelite *a, int64_t now_us) {
    int64_t silent_us = now_us - a->heard_us;
    if (a->state == RTC_ICE_WAITING && silent_us >= RTC_ICE_FIRST_US) {
        a->state = RTC_ICE_ENDED;
    } else if (a->state != RTC_ICE_WAITING && silent_us >= RTC_ICE_ENDED_US) {
        a->state = RTC_ICE_ENDED;
    } else if (a->state == RTC_ICE_CONNECTED && silent_us >= RTC_ICE_LOST_US) {
        a->state = RTC_ICE_LOST;
    }
    return (enum rtc_ice_state)a->state;
}

int64_t rtc_icelite_silent_us(const struct rtc_icelite *a, int64_t now_us) {
    return now_us - a->heard_us;
}

int64_t rtc_icelite_next_us(const struct rtc_icelite *a) {
    static const int64_t limits[] = {
        [RTC_ICE_WAITING] = RTC_ICE_FIRST_US,
        [RTC_ICE_CONNECTED] = RTC_ICE_LOST_US,
        [RTC_ICE_LOST] = RTC_ICE_ENDED_US,
    };
    return a->state == RTC_ICE_ENDED ? INT64_MAX : a->heard_us + limits[a->state];
}
