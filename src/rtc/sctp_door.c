/* One machine, several threads: who drives its timers, and where its packets go. */
#include "rtc/sctp_door.h"

#include <usrsctp.h>

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#define ID_BITS 48 /* of a number; the door's slot is above, plus one */
#define LEAP_MOST_US                                                                               \
    ((int64_t)3600 * SEC_US)  /* nobody ticked for longer: it makes no difference                  \
                               */
#define BACK_US (10 * SEC_US) /* further back than threads' clocks differ: a test's new world */

/* A packet, or nothing but a sign, for an association of another thread. */
struct note {
    struct mail mail;
    uint64_t id;
    size_t len;
    uint8_t bytes[];
};

static_assert(sizeof(uintptr_t) == sizeof(uint64_t), "a number is handed over as a pointer");

static struct rtc_sctp_door *doors[RTC_SCTP_DOORS_MOST]; /* changes while no thread runs */
static unsigned n_doors;
static _Thread_local struct rtc_sctp_door *here;
static atomic_flag driving = ATOMIC_FLAG_INIT;
static _Atomic int64_t driven_us; /* up to when timers have run */

/* --- what usrsctp calls --- */

static struct rtc_sctp_door *door_of(uint64_t id) {
    return doors[(id >> ID_BITS) - 1];
}

static struct rtc_sctp *find(struct rtc_sctp_door *door, uint64_t id) {
    struct rtc_sctp *s = NULL;
    HASH_FIND(hh, door->associations, &id, sizeof(id), s);
    return s;
}

/* Without memory a packet is lost, as packets are; a sign is made up for by the next. */
static void post(uint64_t id, const void *data, size_t len) {
    struct note *n = mem_alloc(sizeof(*n) + len);
    if (n != NULL) {
        n->id = id;
        n->len = len;
        if (len > 0) {
            memcpy(n->bytes, data, len);
        }
        mailbox_post(&door_of(id)->inbox, &n->mail);
    }
}

static void send_packet(struct rtc_sctp_door *door, uint64_t id, const uint8_t *data, size_t len) {
    struct rtc_sctp *s = find(door, id);
    if (s != NULL) {
        door->busy_until_us = door->now_us + RTC_SCTP_BUSY_US;
        s->hooks->packet(s->arg, data, len);
    }
}

static int put_out(void *addr, void *data, size_t len, uint8_t tos, uint8_t set_df) {
    (void)tos;
    (void)set_df;
    uint64_t id = (uint64_t)(uintptr_t)addr;
    if (here == door_of(id)) {
        send_packet(here, id, data, len);
    } else {
        post(id, data, len);
    }
    return 0;
}

static void make_ready(struct rtc_sctp_door *door, uint64_t id) {
    struct rtc_sctp *s = find(door, id);
    if (s == NULL || s->ready) {
        return;
    }
    s->ready = true;
    s->next_ready = NULL;
    if (door->ready == NULL) {
        door->ready = s;
    } else {
        door->ready_last->next_ready = s;
    }
    door->ready_last = s;
}

void rtc_sctp_door_changed(struct socket *socket, void *arg, int flags) {
    (void)socket;
    (void)flags;
    uint64_t id = (uint64_t)(uintptr_t)arg;
    if (here == door_of(id)) {
        make_ready(here, id);
    } else {
        post(id, NULL, 0);
    }
}

/* --- time --- */

static void drive(int64_t now_us) {
    int64_t since = now_us - atomic_load(&driven_us);
    if ((since < RTC_SCTP_TICK_US && since > -BACK_US) ||
        atomic_flag_test_and_set_explicit(&driving, memory_order_acquire)) {
        return;
    }
    since = now_us - atomic_load(&driven_us);
    if (since <= -BACK_US || since > LEAP_MOST_US) {
        atomic_store(&driven_us, now_us);
    } else if (since >= RTC_SCTP_TICK_US) {
        int64_t ms = since / 1000;
        atomic_fetch_add(&driven_us, ms * 1000);
        usrsctp_handle_timers((uint32_t)ms);
    }
    atomic_flag_clear_explicit(&driving, memory_order_release);
}

static void collect(struct rtc_sctp_door *door) {
    struct mail *next;
    for (struct mail *m = mailbox_collect(&door->inbox); m != NULL; m = next) {
        next = m->next;
        struct note *n = (struct note *)m;
        if (n->len > 0) {
            send_packet(door, n->id, n->bytes, n->len);
        } else {
            make_ready(door, n->id);
        }
        mem_free(n);
    }
}

void rtc_sctp_door_touch(struct rtc_sctp_door *door) {
    here = door;
    door->busy_until_us = door->now_us + RTC_SCTP_BUSY_US;
}

void rtc_sctp_door_enter(struct rtc_sctp_door *door, int64_t now_us) {
    here = door;
    door->now_us = now_us;
    drive(now_us);
    collect(door);
}

int64_t rtc_sctp_next_us(const struct rtc_sctp_door *door) {
    return door->associations == NULL           ? INT64_MAX
           : door->ready != NULL                ? door->now_us
           : door->now_us < door->busy_until_us ? door->now_us + RTC_SCTP_TICK_US
                                                : INT64_MAX;
}

/* --- lists --- */

uint64_t rtc_sctp_door_id(struct rtc_sctp_door *door) {
    return (uint64_t)(door->slot + 1) << ID_BITS | ++door->made;
}

struct rtc_sctp *rtc_sctp_door_ready(struct rtc_sctp_door *door) {
    struct rtc_sctp *s = door->ready;
    if (s != NULL) {
        door->ready = s->next_ready;
        s->ready = false;
    }
    return s;
}

void rtc_sctp_door_forget(struct rtc_sctp *s) {
    struct rtc_sctp_door *door = s->door;
    struct rtc_sctp *last = NULL;
    for (struct rtc_sctp *r = door->ready, *next; r != NULL; r = next) {
        next = r->next_ready;
        if (r != s) {
            last = r;
        } else if (last == NULL) {
            door->ready = next;
        } else {
            last->next_ready = next;
        }
    }
    door->ready_last = last;
    s->ready = false;
    if (s->hh.tbl != NULL) {
        HASH_DEL(door->associations, s);
    }
}

/* --- life --- */

/* What is the same for every association. */
static void start_machine(void) {
    atomic_store(&driven_us, INT64_MIN / 2); /* whatever time it is when somebody ticks */
    usrsctp_tunable_set_sctp_pcbtblsize(1);  /* of each socket: it has one association */
    usrsctp_init_nothreads(0, put_out, NULL);
    usrsctp_sysctl_set_sctp_blackhole(2);  /* strangers get no answer */
    usrsctp_sysctl_set_sctp_ecn_enable(0); /* DTLS shows no marks */
    usrsctp_sysctl_set_sctp_asconf_enable(0);
    usrsctp_sysctl_set_sctp_auto_asconf(0);
    usrsctp_sysctl_set_sctp_auth_enable(0); /* DTLS has done it */
    usrsctp_sysctl_set_sctp_nrsack_enable(0);
    usrsctp_sysctl_set_sctp_pktdrop_enable(0);
    usrsctp_sysctl_set_sctp_max_chunks_on_queue(RTC_SCTP_CHUNKS_MOST);
    usrsctp_sysctl_set_sctp_vtag_time_wait(0);       /* an address is never used again */
    usrsctp_sysctl_set_sctp_asoc_free_resc_limit(0); /* keeps nothing for later */
    usrsctp_sysctl_set_sctp_system_free_resc_limit(0);
}

/* The sockets of associations that a timer held a moment ago go by a timer. */
static void stop_machine(void) {
    for (int i = 0; i < 100 && usrsctp_finish() != 0; i++) {
        usrsctp_handle_timers(100);
    }
}

enum err rtc_sctp_door_create(mailbox_wake_fn *wake, void *arg, struct rtc_sctp_door **ret) {
    uint8_t slot = 0;
    while (slot < RTC_SCTP_DOORS_MOST && doors[slot] != NULL) {
        slot++;
    }
    if (slot == RTC_SCTP_DOORS_MOST) {
        return err_set(ERR_LIMIT, "more than %d threads with SCTP", RTC_SCTP_DOORS_MOST);
    }
    struct rtc_sctp_door *door = mem_zalloc(sizeof(*door));
    if (door == NULL) {
        return err_set(ERR_NOMEM, "no memory for SCTP");
    }
    mailbox_init(&door->inbox, wake, arg);
    door->slot = slot;
    if (n_doors++ == 0) {
        start_machine();
    }
    doors[slot] = door;
    *ret = door;
    return OK;
}

void rtc_sctp_door_destroy(struct rtc_sctp_door *door) {
    if (door == NULL) {
        return;
    }
    assert(door->associations == NULL);
    if (--n_doors == 0) {
        stop_machine();
    }
    struct mail *next;
    for (struct mail *m = mailbox_collect(&door->inbox); m != NULL; m = next) {
        next = m->next;
        mem_free(m);
    }
    doors[door->slot] = NULL;
    if (here == door) {
        here = NULL;
    }
    mem_free(door);
}
