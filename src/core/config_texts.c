/* The kinds of settings that are text: one, or a list of addresses. */
#include "core/buf.h"
#include "core/config.h"
#include "core/config_row.h"
#include "core/utf8.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define HOOK_MAX        2048 /* bytes of a webhook's URL */
#define NAME_MOST       253  /* RFC 1035: characters of a host's name */
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"

/* Characters that no setting needs and that would break a log line or the printed file: controls,
 * the separators U+2028 and U+2029, the byte order mark and the two non-characters beside it. */
static bool printable(const char *s) {
    static const char *const refused[] = { "\xE2\x80\xA8", "\xE2\x80\xA9", "\xEF\xBB\xBF",
        "\xEF\xBF\xBE", "\xEF\xBF\xBF" };
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        if (strstr(s, refused[i]) != NULL) {
            return false;
        }
    }
    for (const unsigned char *p = (const unsigned char *)s; *p != '\0'; p++) {
        if (*p < 0x20 || *p == 0x7F || (*p == 0xC2 && p[1] < 0xA0)) {
            return false;
        }
    }
    return utf8_valid(s, strlen(s));
}

static bool text_fits(const struct config_row *row, struct config_words w) {
    return w.n == 1 && !w.list && (int64_t)strlen(w.items[0]) >= row->min &&
           (int64_t)strlen(w.items[0]) <= row->max && printable(w.items[0]);
}

static enum err keep_text(struct arena *a, const char *s, void *slot) {
    const char *copy = arena_strdup(a, s);
    if (copy == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    *(const char **)slot = copy;
    return OK;
}

static enum err text_read(
    const struct config_row *row, struct arena *a, struct config_words w, void *slot) {
    return text_fits(row, w) ? keep_text(a, w.items[0], slot) : ERR_INVALID;
}

static void text_allowed(const struct config_row *row, struct buf *b) {
    buf_printf(
        b, "a text of %d..%d bytes without control characters", (int)row->min, (int)row->max);
}

static void text_print(const struct config_row *row, const void *slot, struct buf *b) {
    (void)row;
    buf_json_str(b, *(const char *const *)slot);
}

static bool text_equal(const void *x, const void *y) {
    return strcmp(*(const char *const *)x, *(const char *const *)y) == 0;
}

static enum err text_copy(struct arena *a, const void *from, void *to) {
    return keep_text(a, *(const char *const *)from, to);
}

const struct config_kind config_text = { NULL, text_read, text_allowed, text_print, text_equal,
    text_copy };

/* --- paths --- */

static enum err path_read(
    const struct config_row *row, struct arena *a, struct config_words w, void *slot) {
    /* A relative path would mean another file for the service than for the shell. */
    bool fine = text_fits(row, w) && w.items[0][0] == '/';
    return fine ? keep_text(a, w.items[0], slot) : ERR_INVALID;
}

static void path_allowed(const struct config_row *row, struct buf *b) {
    (void)row;
    buf_puts(b, "an absolute path");
}

const struct config_kind config_path = { NULL, path_read, path_allowed, text_print, text_equal,
    text_copy };

/* --- URLs of a server --- */

static bool is_url(const char *s) {
    size_t scheme = strncmp(s, "http://", 7) == 0 ? 7 : strncmp(s, "https://", 8) == 0 ? 8 : 0;
    size_t n = strlen(s);
    return scheme > 0 && n > scheme && s[scheme] != '/' && s[n - 1] != '/' &&
           strpbrk(s, " \"<>\\^`{|}?#@") == NULL;
}

static enum err url_read(
    const struct config_row *row, struct arena *a, struct config_words w, void *slot) {
    bool none = row->min == 0 && w.items[0][0] == '\0';
    bool fine = text_fits(row, w) && (none || is_url(w.items[0]));
    return fine ? keep_text(a, w.items[0], slot) : ERR_INVALID;
}

static void url_allowed(const struct config_row *row, struct buf *b) {
    (void)row;
    buf_puts(b, "an http:// or https:// address without query and without a slash at the end");
}

const struct config_kind config_url = { NULL, url_read, url_allowed, text_print, text_equal,
    text_copy };

/* --- lists --- */

static enum err list_read(
    const struct config_row *row, struct arena *a, struct config_words w, void *slot) {
    if ((int64_t)w.n < row->min || (int64_t)w.n > row->max) {
        return ERR_INVALID;
    }
    const char **items = arena_array(a, w.n, sizeof(*items));
    for (size_t i = 0; i < w.n; i++) {
        if (!row->kind->entry(w.items[i])) {
            return ERR_INVALID;
        }
        if (items != NULL) {
            items[i] = arena_strdup(a, w.items[i]);
        }
    }
    if (a->failed) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    *(struct config_list *)slot = (struct config_list){ w.n, items };
    return OK;
}

static void list_print(const struct config_row *row, const void *slot, struct buf *b) {
    (void)row;
    const struct config_list *l = slot;
    buf_putc(b, '[');
    for (size_t i = 0; i < l->n; i++) {
        buf_puts(b, i == 0 ? "" : ", ");
        buf_json_str(b, l->items[i]);
    }
    buf_putc(b, ']');
}

static bool list_equal(const void *x, const void *y) {
    const struct config_list *l = x;
    const struct config_list *m = y;
    bool equal = l->n == m->n;
    for (size_t i = 0; i < l->n && equal; i++) {
        equal = strcmp(l->items[i], m->items[i]) == 0;
    }
    return equal;
}

static bool any_item(const char *item) {
    (void)item;
    return true;
}

static enum err list_copy(struct arena *a, const void *from, void *to) {
    const struct config_list *l = from;
    const struct config_kind anything = { .entry = any_item };
    const struct config_row any = { .kind = &anything, .max = INT64_MAX };
    return list_read(&any, a, (struct config_words){ l->items, l->n, true }, to);
}

static bool is_number(const char *s, size_t n, long max) {
    return n >= 1 && n <= 5 && strspn(s, "0123456789") == n && s[n] == '\0' &&
           strtol(s, NULL, 10) <= max;
}

static bool is_ip(const char *s, size_t n, int *ret_bits) {
    char text[INET6_ADDRSTRLEN];
    unsigned char bytes[sizeof(struct in6_addr)];
    if (n >= sizeof(text)) {
        return false;
    }
    memcpy(text, s, n);
    text[n] = '\0';
    bool four = inet_pton(AF_INET, text, bytes) == 1;
    *ret_bits = four ? 32 : 128;
    return four || inet_pton(AF_INET6, text, bytes) == 1;
}

/* "127.0.0.1:80", "[::1]:80" or "unix:/path". */
static bool is_listen(const char *s) {
    enum { UNIX_PATH_MAX = 107 }; /* bytes: sun_path of Linux, less its NUL */
    if (strncmp(s, "unix:", 5) == 0) {
        return s[5] == '/' && strlen(s + 5) <= UNIX_PATH_MAX && printable(s);
    }
    const char *colon = strrchr(s, ':');
    int bits = 0;
    if (colon == NULL || !is_number(colon + 1, strlen(colon + 1), 65535)) {
        return false;
    }
    size_t n = (size_t)(colon - s);
    if (s[0] == '[') {
        return n > 2 && s[n - 1] == ']' && is_ip(s + 1, n - 2, &bits) && bits == 128;
    }
    return is_ip(s, n, &bits) && bits == 32;
}

static void listen_allowed(const struct config_row *row, struct buf *b) {
    buf_printf(b, "%d..%d addresses such as 127.0.0.1:8089, [::1]:8089 or unix:/run/parley/socket",
        (int)row->min, (int)row->max);
}

const struct config_kind config_listen = { is_listen, list_read, listen_allowed, list_print,
    list_equal, list_copy };

/* "10.0.0.1", "10.0.0.0/8", "fd00::/8". */
static bool is_network(const char *s) {
    const char *slash = strchr(s, '/');
    int bits = 0;
    size_t n = slash == NULL ? strlen(s) : (size_t)(slash - s);
    return is_ip(s, n, &bits) && (slash == NULL || is_number(slash + 1, strlen(slash + 1), bits));
}

static void networks_allowed(const struct config_row *row, struct buf *b) {
    buf_printf(b, "%d..%d addresses or networks such as 10.0.0.1, 10.0.0.0/8 or fd00::/8",
        (int)row->min, (int)row->max);
}

const struct config_kind config_networks = { is_network, list_read, networks_allowed, list_print,
    list_equal, list_copy };

/* "203.0.113.5", or behind NAT "203.0.113.5=10.0.0.5"; both of one family. */
static bool is_announced(const char *s) {
    const char *equals = strchr(s, '=');
    int public = 0;
    int private = 0;
    if (equals == NULL) {
        return is_ip(s, strlen(s), &public);
    }
    return is_ip(s, (size_t)(equals - s), &public) &&
           is_ip(equals + 1, strlen(equals + 1), &private) && public == private;
}

static void announced_allowed(const struct config_row *row, struct buf *b) {
    buf_printf(b,
        "%d..%d addresses such as 203.0.113.5, 2001:db8::5 or 203.0.113.5=10.0.0.5 "
        "(public=private)",
        (int)row->min, (int)row->max);
}

const struct config_kind config_announced = { is_announced, list_read, announced_allowed,
    list_print, list_equal, list_copy };

/* --- STUN and TURN (RFC 7064, RFC 7065) --- */

/* "host", "host:3478", "[2001:db8::5]:3478"; `n` bytes. */
static bool is_host(const char *s, size_t n) {
    const char *end = s[0] == '[' ? memchr(s, ']', n) : memchr(s, ':', n);
    size_t host = end == NULL ? n : (size_t)(end - s) + (s[0] == '[' ? 1 : 0);
    char port[sizeof("65535")] = "";
    int bits = 0;
    if (host == 0 || host > NAME_MOST || (s[0] == '[' && end == NULL) || n - host > sizeof(port) ||
        (s[0] == '[' ? !is_ip(s + 1, host - 2, &bits) || bits != 128
                     : strspn(s, NAME_CHARACTERS) < host)) {
        return false;
    }
    if (host == n) {
        return true;
    }
    memcpy(port, s + host + 1, n - host - 1);
    return s[host] == ':' && is_number(port, strlen(port), 65535);
}

static bool is_relay(const char *s) {
    static const char *const schemes[] = { "stun:", "turn:", "turns:" };
    for (size_t i = 0; i < COUNT_OF(schemes); i++) {
        const char *host = s + strlen(schemes[i]);
        if (strncmp(s, schemes[i], strlen(schemes[i])) == 0) {
            size_t n = strcspn(host, "?");
            return is_host(host, n) &&
                   (host[n] == '\0' || (i > 0 && (strcmp(host + n, "?transport=udp") == 0 ||
                                                     strcmp(host + n, "?transport=tcp") == 0)));
        }
    }
    return false;
}

static void relays_allowed(const struct config_row *row, struct buf *b) {
    buf_printf(b,
        "%d..%d addresses such as turn:turn.example.com:3478?transport=udp, "
        "turns:turn.example.com:443 or stun:stun.example.com",
        (int)row->min, (int)row->max);
}

const struct config_kind config_relays = { is_relay, list_read, relays_allowed, list_print,
    list_equal, list_copy };

static enum err stun_read(
    const struct config_row *row, struct arena *a, struct config_words w, void *slot) {
    bool fine =
        text_fits(row, w) &&
        (w.items[0][0] == '\0' || (strncmp(w.items[0], "stun:", 5) == 0 && is_relay(w.items[0])));
    return fine ? keep_text(a, w.items[0], slot) : ERR_INVALID;
}

static void stun_allowed(const struct config_row *row, struct buf *b) {
    (void)row;
    buf_puts(b, "an address such as stun:stun.example.com:3478");
}

const struct config_kind config_stun = { NULL, stun_read, stun_allowed, text_print, text_equal,
    text_copy };

/* --- Matrix servers --- */

/* matrix/ has the grammar for names that strangers send; here a typing error is to be found. */
static bool is_server(const char *s, size_t n) {
    return n > 0 && n <= 230 &&
           strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-:[]") >= n;
}

static bool is_server_or_all(const char *s) {
    return strcmp(s, "*") == 0 || (is_server(s, strlen(s)) && printable(s));
}

static void servers_allowed(const struct config_row *row, struct buf *b) {
    buf_printf(
        b, "%d..%d server names such as example.com, or * alone", (int)row->min, (int)row->max);
}

const struct config_kind config_servers = { is_server_or_all, list_read, servers_allowed,
    list_print, list_equal, list_copy };

static bool is_pair(const char *s) {
    const char *equals = strchr(s, '=');
    return equals != NULL && is_server(s, (size_t)(equals - s)) && is_url(equals + 1) &&
           printable(s);
}

static void pairs_allowed(const struct config_row *row, struct buf *b) {
    buf_printf(b, "%d..%d entries such as example.com=https://matrix.example.com", (int)row->min,
        (int)row->max);
}

const struct config_kind config_pairs = { is_pair, list_read, pairs_allowed, list_print, list_equal,
    list_copy };

/* --- Matrix users --- */

/* "@who:example.com"; the homeserver says who it is, so anything else would simply never match. */
static bool is_user(const char *s) {
    enum { USER_MAX = 255 }; /* bytes of a user id, Matrix appendices */
    const char *colon = strchr(s, ':');
    return s[0] == '@' && colon != NULL && colon > s + 1 && colon[1] != '\0' &&
           strlen(s) <= USER_MAX && strpbrk(s, " \t") == NULL && printable(s);
}

static void users_allowed(const struct config_row *row, struct buf *b) {
    buf_printf(b, "%d..%d user ids such as @admin:example.com", (int)row->min, (int)row->max);
}

const struct config_kind config_users = { is_user, list_read, users_allowed, list_print, list_equal,
    list_copy };

/* --- webhooks --- */

/* User and password in a URL would be sent as a header; a fragment is never sent. */
static bool is_hook(const char *s) {
    size_t scheme = strncmp(s, "http://", 7) == 0 ? 7 : strncmp(s, "https://", 8) == 0 ? 8 : 0;
    return scheme > 0 && s[scheme] != '\0' && s[scheme] != '/' && s[scheme] != '?' &&
           strlen(s) <= HOOK_MAX && printable(s) && strpbrk(s, " \"<>\\^`{|}#@") == NULL;
}

static void hooks_allowed(const struct config_row *row, struct buf *b) {
    buf_printf(b, "%d..%d addresses such as https://example.com/calls, without user and password",
        (int)row->min, (int)row->max);
}

const struct config_kind config_hooks = { is_hook, list_read, hooks_allowed, list_print, list_equal,
    list_copy };

static bool is_event(const char *s) {
    static const char *const events[] = { "started", "answered", "missed", "declined", "ended" };
    for (size_t i = 0; i < COUNT_OF(events); i++) {
        if (strcmp(s, events[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void events_allowed(const struct config_row *row, struct buf *b) {
    (void)row;
    buf_puts(b, "some of started, answered, missed, declined, ended");
}

const struct config_kind config_events = { is_event, list_read, events_allowed, list_print,
    list_equal, list_copy };
