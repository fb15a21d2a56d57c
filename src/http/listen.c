/* Opens and closes listening sockets. */
#include "http/listen.h"

#include "http/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG     1024 /* the kernel cuts it to net.core.somaxconn */
#define UNIX_PREFIX "unix:"
#define UNIX_MODE   0660 /* a reverse proxy gets in by its group */

static enum err system_error(const char *name, const char *what) {
    return err_set(ERR_IO, "cannot listen on %s: %s: %s", name, what, strerror(errno));
}

static enum err open_socket(const char *name, int family, int *ret) {
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return system_error(name, "socket");
    }
    *ret = fd;
    return OK;
}

/* Splits "1.2.3.4:80" or "[::1]:80". */
static enum err read_name(const char *name, struct sockaddr_storage *ret, socklen_t *ret_len) {
    char host[HTTP_ADDRESS_TEXT_SIZE];
    const char *colon = strrchr(name, ':');
    bool six = name[0] == '[';
    const char *end = six ? strchr(name, ']') : colon;
    const char *from = six ? name + 1 : name;
    if (colon == NULL || end == NULL || (six && end + 1 != colon) ||
        end - from >= (int)sizeof(host)) {
        return err_set(ERR_INVALID, "\"%s\" is no listening address like 127.0.0.1:8090", name);
    }
    snprintf(host, sizeof(host), "%.*s", (int)(end - from), from);
    char *rest = NULL;
    unsigned long port = strtoul(colon + 1, &rest, 10);
    bool digits = colon[1] >= '0' && colon[1] <= '9' && *rest == '\0';
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
    bool fine = digits && port <= 65535 &&
                inet_pton(six ? AF_INET6 : AF_INET, host,
                    six ? (void *)&in6.sin6_addr : (void *)&in.sin_addr) == 1;
    if (!fine) {
        return err_set(ERR_INVALID, "\"%s\" is no listening address like 127.0.0.1:8090", name);
    }
    *ret_len = six ? sizeof(in6) : sizeof(in);
    memcpy(ret, six ? (void *)&in6 : (void *)&in, *ret_len);
    return OK;
}

static enum err listen_tcp(const char *name, struct http_listen *l) {
    struct sockaddr_storage at;
    socklen_t len;
    TRY(read_name(name, &at, &len));
    TRY(open_socket(name, at.ss_family, &l->fd));
    int on = 1;
    setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(l->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)); /* accepted sockets inherit it */
    if (at.ss_family == AF_INET6) {
        setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
            sizeof(on)); /* "[::]" and "0.0.0.0" may stand together */
    }
    if (bind(l->fd, (struct sockaddr *)&at, len) != 0) {
        return system_error(name, "bind");
    }
    if (listen(l->fd, BACKLOG) != 0) {
        return system_error(name, "listen");
    }
    len = sizeof(at);
    if (getsockname(l->fd, (struct sockaddr *)&at, &len) != 0) {
        return system_error(name, "getsockname");
    }
    struct sockaddr_in in; /* sin_port and sin6_port lie at the same place */
    memcpy(&in, &at, sizeof(in));
    l->port = ntohs(in.sin_port);
    return OK;
}

/* Does anybody answer on it? A refused connection is what a socket left by a dead process gives. */
static bool is_stale(const struct sockaddr_un *at) {
    struct stat st;
    if (lstat(at->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode)) {
        return false;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool refused = fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof(*at)) != 0 &&
                   errno == ECONNREFUSED;
    if (fd >= 0) {
        close(fd);
    }
    return refused;
}

static enum err listen_unix(const char *name, struct http_listen *l) {
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    const char *path = name + strlen(UNIX_PREFIX);
    if (path[0] == '\0' || strlen(path) >= sizeof(at.sun_path)) {
        return err_set(ERR_INVALID, "\"%s\": a unix socket's path has 1 to %zu bytes", name,
            sizeof(at.sun_path) - 1);
    }
    snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
    TRY(open_socket(name, AF_UNIX, &l->fd));
    fchmod(l->fd, UNIX_MODE); /* so that nobody gets in between bind and chmod */
    if (is_stale(&at)) {
        unlink(path);
    }
    if (bind(l->fd, (struct sockaddr *)&at, sizeof(at)) != 0) {
        return system_error(name, "bind");
    }
    struct stat st;
    if (chmod(path, UNIX_MODE) != 0 || lstat(path, &st) != 0) {
        return system_error(name, "chmod");
    }
    snprintf(l->path, sizeof(l->path), "%s", path);
    l->device = st.st_dev;
    l->inode = st.st_ino;
    return listen(l->fd, BACKLOG) == 0 ? OK : system_error(name, "listen");
}

enum err http_listen_open(const char *name, struct http_listen *ret) {
    struct http_listen l = { .fd = -1 };
    bool local = strncmp(name, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0;
    enum err e = local ? listen_unix(name, &l) : listen_tcp(name, &l);
    if (e != OK) {
        http_listen_close(&l);
        return e;
    }
    *ret = l;
    return OK;
}

void http_listen_close(struct http_listen *l) {
    struct stat st;
    if (l->fd < 0) {
        return;
    }
    close(l->fd);
    l->fd = -1;
    if (l->path[0] != '\0' && lstat(l->path, &st) == 0 && st.st_dev == l->device &&
        st.st_ino == l->inode) {
        unlink(l->path);
    }
}
