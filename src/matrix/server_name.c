/* Server names.  Thread: any; pure. */
#include "matrix/server_name.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define LABEL_MAX 63 /* RFC 1035 */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* 1..65535, up to five digits. */
static bool read_port(const char *s, size_t n, uint16_t *ret) {
    unsigned long port = 0;
    if (n == 0 || n > 5) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!is_digit(s[i])) {
            return false;
        }
        port = port * 10 + (unsigned long)(s[i] - '0');
    }
    if (port == 0 || port > UINT16_MAX) {
        return false;
    }
    *ret = (uint16_t)port;
    return true;
}

static bool label_sound(const char *s, size_t n) {
    if (n == 0 || n > LABEL_MAX || s[0] == '-' || s[n - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!is_alnum(s[i]) && s[i] != '-') {
            return false;
        }
    }
    return true;
}

/* "7", "0x7f" */
static bool label_number(const char *s, size_t n) {
    static const char hex[] = "0123456789abcdefABCDEF";
    if (n >= 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
        size_t i = 2;
        while (i < n && memchr(hex, s[i], sizeof(hex) - 1) != NULL) {
            i++;
        }
        return i == n;
    }
    for (size_t i = 0; i < n; i++) {
        if (!is_digit(s[i])) {
            return false;
        }
    }
    return true;
}

static bool name_sound(const char *s, size_t n) {
    size_t at = 0;
    for (;;) {
        const char *dot = memchr(s + at, '.', n - at);
        size_t len = dot == NULL ? n - at : (size_t)(dot - s) - at;
        if (!label_sound(s + at, len)) {
            return false;
        }
        if (dot == NULL) {
            return !label_number(s + at, len);
        }
        at += len + 1;
    }
}

/* With its brackets. */
static bool ipv6_sound(const char *s, size_t n) {
    char text[INET6_ADDRSTRLEN];
    unsigned char bytes[16];
    if (n < 4 || n - 2 >= sizeof(text) || s[n - 1] != ']') {
        return false;
    }
    memcpy(text, s + 1, n - 2);
    text[n - 2] = '\0';
    return inet_pton(AF_INET6, text, bytes) == 1;
}

static bool ipv4_sound(const char *host) {
    unsigned char bytes[4];
    return inet_pton(AF_INET, host, bytes) == 1;
}

static void to_lower(char *s) {
    for (; *s != '\0'; s++) {
        *s = (char)(*s >= 'A' && *s <= 'Z' ? *s - 'A' + 'a' : *s);
    }
}

enum err mx_server_name_read(const char *text, size_t len, struct mx_server_name *ret) {
    struct mx_server_name n = { .port = 0 };
    if (len == 0 || len >= MX_SERVER_NAME_SIZE || memchr(text, '\0', len) != NULL) {
        return err_set(ERR_INVALID, "a server name has 1 to %d bytes", MX_SERVER_NAME_SIZE - 1);
    }
    const char *bracket = text[0] == '[' ? memchr(text, ']', len) : NULL;
    const char *from = bracket == NULL ? text : bracket;
    const char *colon = memchr(from, ':', len - (size_t)(from - text));
    size_t host = colon == NULL ? len : (size_t)(colon - text);
    if (colon != NULL && !read_port(colon + 1, len - host - 1, &n.port)) {
        return err_set(ERR_INVALID, "a server name has an unsound port");
    }
    memcpy(n.text, text, len);
    memcpy(n.host, text, host);
    to_lower(n.text);
    to_lower(n.host);
    n.literal = text[0] == '[' ? ipv6_sound(text, host) : ipv4_sound(n.host);
    if (!n.literal && !name_sound(n.host, host)) {
        return err_set(ERR_INVALID, "a server name is neither a DNS name nor an address");
    }
    *ret = n;
    return OK;
}

bool mx_server_name_dotted(const struct mx_server_name *n) {
    return strchr(n->host, '.') != NULL;
}

enum err mx_https_url_read(const char *text, struct mx_https_url *ret) {
    static const char scheme[] = "https://";
    struct mx_https_url u;
    if (strncasecmp(text, scheme, sizeof(scheme) - 1) != 0) {
        return err_set(ERR_INVALID, "a URL does not begin with https://");
    }
    for (const char *p = text; *p != '\0'; p++) {
        if (*p <= ' ' || *p >= 0x7f || *p == '\\') {
            return err_set(ERR_INVALID, "a URL holds characters that belong encoded");
        }
    }
    const char *host = text + sizeof(scheme) - 1;
    size_t n = strcspn(host, "/?#");
    TRY(mx_server_name_read(host, n, &u.at));
    u.path = host + n;
    u.path_len = strcspn(u.path, "#");
    if (u.path_len > 0 && u.path[0] == '?') {
        return err_set(ERR_INVALID, "a URL has no path");
    }
    *ret = u;
    return OK;
}
