/* The embedded SFU: can clients reach what we announce, are its ports ours, do its buffers hold? */
#include "doctor/media.h"
#include "core/config.h"
#include "doctor/checks.h"
#include "media/discover.h"
#include "media/path.h"
#include "media/places.h"
#include "media/udp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define SAID_MOST 3 /* ports that are named; the others are likely the same story */

static bool embedded(struct doctor *d) {
    if (d->config->rtc.sfu != RTC_SFU_EMBEDDED) {
        doctor_say(d, DOCTOR_SKIPPED, NULL, "rtc.sfu is not embedded: Parley carries no media");
        return false;
    }
    return true;
}

static bool choose(struct doctor *d, struct media_places *ret) {
    const struct config_list *items = &d->config->rtc.announced_ips;
    const char *server = d->config->rtc.discover;
    enum err e = server[0] != '\0' ? media_discover(server, ret)
                                   : media_places_choose(items->items, items->n, ret);
    if (e != OK) {
        doctor_say(d, DOCTOR_FAIL,
            server[0] == '\0' ? "ip -brief address"
                              : "rtc:\n  announced_ips: [\"<the public address>\"]   # instead of "
                                "discover_ip",
            "%s", err_text());
    }
    return e == OK;
}

/* --- addresses --- */

static struct rtc_addr address_of(const char *text) {
    struct rtc_addr a = { 0 };
    (void)rtc_addr_read_ip(text, strlen(text), &a); /* media/places has written it */
    return a;
}

static const char *nat_advice(struct doctor *d, const char *local) {
    return arena_printf(&d->arena, "rtc:\n  announced_ips: [\"<the public address>=%s\"]", local);
}

/* Binds and closes at once; gives errno, 0 = it is ours to have. */
static int try(const char *address, int port, bool tcp) {
    struct rtc_ice_path path = { .peer = address_of(address) };
    struct sockaddr_storage at;
    int one = 1;
    path.peer.port = (uint16_t)port;
    socklen_t len = media_path_sockaddr(&path, &at);
    int fd = socket(at.ss_family, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return errno;
    }
    if (tcp) { /* connections that have just ended are no obstacle */
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    }
    int e = bind(fd, (struct sockaddr *)&at, len) == 0 ? 0 : errno;
    if (e == 0 && tcp) {
        e = listen(fd, 1) == 0 ? 0 : errno;
    }
    close(fd);
    return e;
}

/* False: it was said that clients cannot get there. */
static bool look_at_place(struct doctor *d, const struct media_place *p) {
    struct rtc_addr a = address_of(p->announced);
    enum media_reach reach = media_reach_of(&a);
    int e = try(p->local, 0, false);
    if (e != 0) {
        doctor_say(d, DOCTOR_FAIL, "ip -brief address",
            "media cannot listen on %s, for which %s is announced: %s", p->local, p->announced,
            strerror(e));
    } else if (reach == MEDIA_REACH_NONE || reach == MEDIA_REACH_LINK) {
        doctor_say(d, DOCTOR_FAIL, nat_advice(d, p->local),
            "clients are told to send media to %s, where nobody can be reached", p->announced);
    } else if (reach == MEDIA_REACH_HOST) {
        doctor_say(d, DOCTOR_WARN, nat_advice(d, p->local),
            "clients are told to send media to %s: only programs on this machine can",
            p->announced);
    } else {
        return true;
    }
    return false;
}

static void say_reach(struct doctor *d, const struct media_places *p) {
    size_t public = 0;
    for (size_t i = 0; i < p->n; i++) {
        struct rtc_addr a = address_of(p->at[i].announced);
        public += media_reach_of(&a) == MEDIA_REACH_ALL;
    }
    if (public == 0) {
        doctor_say(d, DOCTOR_WARN, nat_advice(d, p->at[0].local),
            "clients are told to send media to %s: who is outside of that network hears and sees "
            "nothing",
            p->at[0].announced);
    } else {
        doctor_say(d, DOCTOR_OK, NULL, "clients send media to %s%s", p->at[0].announced,
            p->n > 1 ? " and others of ours" : "");
    }
}

/* A client that reaches us by one family only must find an address of it. */
static void look_at_families(struct doctor *d, const struct media_places *p) {
    bool has[2] = { false, false };
    for (size_t i = 0; i < p->n; i++) {
        struct rtc_addr a = address_of(p->at[i].announced);
        has[rtc_addr_is_v4(&a) ? 0 : 1] = true;
    }
    if (!has[0]) {
        doctor_say(d, DOCTOR_WARN, nat_advice(d, "<the IPv4 address here>"),
            "no IPv4 address is announced for media: clients without IPv6 hear and see nothing");
    }
}

void doctor_check_media_addresses(struct doctor *d) {
    struct media_places places = { 0 };
    size_t fine = 0;
    if (!embedded(d) || !choose(d, &places)) {
        return;
    }
    for (size_t i = 0; i < places.n; i++) {
        fine += look_at_place(d, &places.at[i]);
    }
    if (fine == places.n) {
        say_reach(d, &places);
    }
    look_at_families(d, &places);
    if (places.cut) {
        doctor_say(d, DOCTOR_NOTE, "rtc:\n  announced_ips: [\"<address>\"]",
            "this machine has more than %d addresses; media uses the first", MEDIA_PLACES_MAX);
    }
}

/* --- ports --- */

/* True: it was said. */
static bool say_taken(struct doctor *d, const char *address, int port, bool tcp, int e) {
    const char *kind = tcp ? "TCP" : "UDP";
    if (e == EADDRINUSE && doctor_state_of(d, "service") == DOCTOR_OK) {
        return false; /* Parley runs: it has them */
    }
    const char *paste =
        e == EADDRINUSE ? arena_printf(&d->arena, "ss -%snp 'sport = :%d'   # who has it",
                              tcp ? "lt" : "lu", port)
        : e == EACCES
            ? arena_printf(&d->arena, "rtc:\n  %s: 7882   # ports from 1024 on are free to all",
                  tcp ? "tcp_port" : "udp_port")
            : NULL;
    doctor_say(d, DOCTOR_FAIL, paste, "media cannot have %s port %d of %s: %s", kind, port, address,
        e == EADDRINUSE ? "another program has it" : strerror(e));
    return true;
}

static size_t look_at_ports(struct doctor *d, const struct media_places *p, int first, bool tcp) {
    int workers = (int)config_workers(d->config, uv_available_parallelism());
    size_t said = 0;
    for (int i = 0; i < workers && first > 0; i++) {
        for (size_t k = 0; k < p->n && said < SAID_MOST; k++) {
            int e = try(p->at[k].local, first + i, tcp);
            /* What is no address of ours has been said by the check before. */
            said += e != 0 && e != EADDRNOTAVAIL && say_taken(d, p->at[k].local, first + i, tcp, e);
        }
    }
    return said;
}

void doctor_check_media_ports(struct doctor *d) {
    const struct config *c = d->config;
    struct media_places places = { 0 };
    if (!embedded(d)) {
        return;
    }
    if (c->rtc.discover[0] != '\0' && doctor_state_of(d, "media-addresses") == DOCTOR_FAIL) {
        doctor_say(d, DOCTOR_SKIPPED, NULL, "it is not known on which addresses");
        return;
    }
    if (!choose(d, &places)) {
        return;
    }
    int workers = (int)config_workers(c, uv_available_parallelism());
    size_t said = look_at_ports(d, &places, c->rtc.udp_port, false) +
                  look_at_ports(d, &places, c->rtc.tcp_port, true);
    if (c->rtc.udp_port == 0) {
        doctor_say(d, DOCTOR_WARN, "rtc:\n  udp_port: 7882",
            "rtc.udp_port is 0: the ports of media are others after each start, and no firewall "
            "can be opened for them");
    } else if (said == 0) {
        doctor_say(d, DOCTOR_OK, NULL, "UDP ports %d to %d are there for media; open them to all",
            c->rtc.udp_port, c->rtc.udp_port + workers - 1);
    }
}

/* --- buffers --- */

bool doctor_limit_enough(const struct doctor_limit *l) {
    return l->bytes < 0 || l->bytes >= MEDIA_UDP_BUFFER;
}

static long read_limit(const char *path) {
    char text[24];
    FILE *f = fopen(path, "re");
    long bytes = f != NULL && fgets(text, sizeof(text), f) != NULL ? strtol(text, NULL, 10) : -1;
    if (f != NULL) {
        (void)fclose(f);
    }
    return bytes;
}

void doctor_check_media_buffers(struct doctor *d) {
    const struct doctor_limit limits[] = {
        { "net.core.rmem_max", read_limit("/proc/sys/net/core/rmem_max") },
        { "net.core.wmem_max", read_limit("/proc/sys/net/core/wmem_max") },
    };
    bool enough = true;
    if (!embedded(d)) {
        return;
    }
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        if (!doctor_limit_enough(&limits[i])) {
            enough = false;
            doctor_say(d, DOCTOR_WARN,
                arena_printf(&d->arena,
                    "echo '%s = %d' >> /etc/sysctl.d/60-parley.conf\nsysctl --system",
                    limits[i].name, MEDIA_UDP_BUFFER),
                "%s is %ld bytes: packets are lost when many come at once; media asks for %d",
                limits[i].name, limits[i].bytes, MEDIA_UDP_BUFFER);
        }
    }
    if (enough) {
        doctor_say(d, DOCTOR_OK, NULL, "the kernel gives media the buffers it asks for");
    }
}
