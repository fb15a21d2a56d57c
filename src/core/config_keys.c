/* What is done with loaded settings as a whole: compare, reload, print. */
#include "core/buf.h"
#include "core/config.h"
#include "core/config_row.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* --- rows --- */

void *config_row_slot(struct config *c, const struct config_row *row) {
    return (char *)c + row->offset;
}

static const void *slot_in(const struct config *c, const struct config_row *row) {
    return (const char *)c + row->offset;
}

bool config_row_begins_section(size_t i) {
    return i == 0 || strcmp(config_rows[i].section, config_rows[i - 1].section) != 0;
}

void config_row_variable(const struct config_row *row, char ret[CONFIG_VARIABLE_SIZE]) {
    snprintf(ret, CONFIG_VARIABLE_SIZE, CONFIG_VARIABLE_PREFIX "%s_%s", row->section, row->key);
    for (char *p = ret; *p != '\0'; p++) {
        *p = (char)toupper((unsigned char)*p);
    }
}

/* --- two loaded ones --- */

bool config_equal(const struct config *a, const struct config *b) {
    for (size_t i = 0; i < config_n_rows; i++) {
        const struct config_row *row = &config_rows[i];
        if (!row->kind->equal(slot_in(a, row), slot_in(b, row))) {
            return false;
        }
    }
    return true;
}

enum err config_apply_reloadable(
    struct config *c, const struct config *next, struct buf *applied, struct buf *restart) {
    for (size_t i = 0; i < config_n_rows; i++) {
        const struct config_row *row = &config_rows[i];
        if (row->kind->equal(slot_in(c, row), slot_in(next, row))) {
            continue;
        }
        bool now = row->flags & CONFIG_RELOADABLE;
        if (now) {
            TRY(row->kind->copy(&c->arena, slot_in(next, row), config_row_slot(c, row)));
        }
        struct buf *b = now ? applied : restart;
        buf_printf(b, "%s%s.%s", b->len == 0 ? "" : " ", row->section, row->key);
    }
    TRY(buf_check(applied));
    return buf_check(restart);
}

/* --- what `serve` needs --- */

static bool embedded(const struct config *c) {
    return c->rtc.sfu == RTC_SFU_EMBEDDED;
}

static bool external(const struct config *c) {
    return c->rtc.sfu == RTC_SFU_EXTERNAL && c->livekit.url[0] != '\0';
}

bool config_alone(const struct config *c) {
    return c->homeserver.name[0] == '\0' && (external(c) || embedded(c));
}

bool config_gives_tokens(const struct config *c) {
    bool for_somebody = c->homeserver.name[0] != '\0' || c->rtc.full_access.n > 0;
    return external(c) || (embedded(c) && for_somebody);
}

unsigned config_workers(const struct config *c, unsigned cores) {
    unsigned ports = c->rtc.udp_port_last > 0
                         ? (unsigned)(c->rtc.udp_port_last - c->rtc.udp_port + 1)
                         : UINT16_MAX;
    unsigned wanted = c->rtc.workers > 0 ? (unsigned)c->rtc.workers : cores;
    unsigned n = wanted < ports ? wanted : ports;
    return n > 0 ? n : 1;
}

static enum err check_ports(const struct config *c) {
    int first = c->rtc.udp_port;
    int last = c->rtc.udp_port_last;
    int workers = c->rtc.workers > 0 ? c->rtc.workers : 1;
    if (last > 0 && (first == 0 || last < first)) {
        return err_set(ERR_INVALID, "rtc.udp_port_last must not be below rtc.udp_port (%d); got %d",
            first, last);
    }
    if (first > 0 && first + workers - 1 > (last > 0 ? last : 65535)) {
        return err_set(ERR_INVALID, "rtc.workers: %d workers do not fit the UDP ports %d to %d",
            workers, first, last > 0 ? last : 65535);
    }
    if (c->rtc.tcp_port > 0 && c->rtc.tcp_port + workers - 1 > 65535) {
        return err_set(ERR_INVALID, "rtc.workers: %d workers do not fit the TCP ports from %d on",
            workers, c->rtc.tcp_port);
    }
    return OK;
}

/* Of a LiveKit server somewhere else, its own settings say who is told. */
static enum err check_room_webhooks(const struct config *c) {
    return c->rtc.webhooks.n == 0 || embedded(c)
               ? OK
               : err_set(ERR_INVALID, "rtc.webhooks is for rtc.sfu: embedded; a LiveKit server "
                                      "has webhook.urls in its own settings");
}

/* Nobody relays for strangers: without a secret a client would be refused there. */
static enum err check_turn(const struct config *c) {
    bool secret = c->turn.secret[0] != '\0' || c->turn.secret_file[0] != '\0';
    for (size_t i = 0; i < c->turn.urls.n && !secret; i++) {
        if (strncmp(c->turn.urls.items[i], "stun:", 5) != 0) {
            return err_set(ERR_INVALID,
                "turn.secret_file is not set: %s needs the secret that the TURN server has",
                c->turn.urls.items[i]);
        }
    }
    return OK;
}

static enum err check_embedded(const struct config *c) {
    if (config_gives_tokens(c) && c->rtc.public_url[0] == '\0' && c->livekit.url[0] == '\0') {
        return err_set(ERR_INVALID,
            "rtc.public_url is not set: with rtc.sfu: embedded clients are sent there");
    }
    if (c->rtc.discover[0] != '\0' && c->rtc.announced_ips.n > 0) {
        return err_set(ERR_INVALID,
            "rtc.discover_ip asks for what rtc.announced_ips says: take one of them out");
    }
    TRY(check_turn(c));
    return check_ports(c);
}

enum err config_check_serve(const struct config *c) {
    TRY(check_room_webhooks(c));
    if (embedded(c)) {
        TRY(check_embedded(c));
    }
    if (config_alone(c)) {
        return embedded(c) || c->rtc.full_access.n > 0
                   ? OK
                   : err_set(ERR_INVALID,
                         "rtc.full_access is not set: without a homeserver of our own, say whose "
                         "users may open calls (LIVEKIT_FULL_ACCESS_HOMESERVERS)");
    }
    for (size_t i = 0; i < config_n_rows; i++) {
        const struct config_row *row = &config_rows[i];
        if (row->flags & CONFIG_SERVE_NEEDS && (*(const char *const *)slot_in(c, row))[0] == '\0') {
            char variable[CONFIG_VARIABLE_SIZE];
            config_row_variable(row, variable);
            return err_set(ERR_INVALID,
                "%s.%s is not set: write it into the settings file or set %s", row->section,
                row->key, variable);
        }
    }
    return OK;
}

/* --- printing --- */

void config_print(const struct config *c, bool with_secrets, struct buf *b) {
    for (size_t i = 0; i < config_n_rows; i++) {
        const struct config_row *row = &config_rows[i];
        if (config_row_begins_section(i)) {
            buf_printf(b, "%s:\n", row->section);
        }
        if (row->flags & CONFIG_SECRET && !with_secrets) {
            buf_printf(b, "  # %s: a secret, left out\n", row->key);
            continue;
        }
        buf_printf(b, "  %s: ", row->key);
        row->kind->print(row, slot_in(c, row), b);
        buf_putc(b, '\n');
    }
}

static void print_sample_row(
    const struct config *defaults, const struct config_row *row, struct buf *b) {
    char variable[CONFIG_VARIABLE_SIZE];
    config_row_variable(row, variable);
    buf_printf(b, "\n  # %s\n  # Allowed: ", row->sentence);
    row->kind->allowed(row, b);
    buf_printf(b, ". %s%s\n  # %s: ", variable,
        row->flags & CONFIG_RELOADABLE ? "; a reload suffices" : "", row->key);
    row->kind->print(row, slot_in(defaults, row), b);
    buf_putc(b, '\n');
}

enum err config_print_sample(struct buf *b) {
    CLEANUP(config_destroyp) struct config *defaults = NULL;
    TRY(config_create_default(&defaults));
    buf_puts(b,
        "# Settings of Parley. Every key is shown with its default; remove the # to change one.\n"
        "# The variable named with a key wins over this file; entries of a list stand between "
        "commas.\n");
    for (size_t i = 0; i < config_n_rows; i++) {
        if (config_row_begins_section(i)) {
            buf_printf(b, "\n%s:\n", config_rows[i].section);
        }
        print_sample_row(defaults, &config_rows[i], b);
    }
    return buf_check(b);
}
