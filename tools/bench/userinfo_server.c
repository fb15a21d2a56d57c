/*
 * A homeserver as a token service meets it (tools/bench/focus): answers at once whose OpenID token
 * it was asked about. The token itself is the name of its owner, so that every token that was never
 * seen before is a good one.
 *
 *     userinfo_server <https|http> <certificate and key> <address> <port, 0 = any>
 *
 * Prints its port and serves until standard input ends. A thread a connection, which stays open.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ASK_MAX   8192 /* bytes of a request, which has no body */
#define TOKEN_MAX 200

static SSL_CTX *tls; /* NULL = http */
static char server_name[64];

static void die(const char *what) {
    perror(what);
    exit(1);
}

static long receive(SSL *ssl, int fd, char *to, size_t n) {
    return ssl == NULL ? recv(fd, to, n, 0) : SSL_read(ssl, to, (int)n);
}

static bool give(SSL *ssl, int fd, const char *from, size_t n) {
    return (ssl == NULL ? send(fd, from, n, 0) : SSL_write(ssl, from, (int)n)) == (int)n;
}

/* Tokens of this benchmark need no escaping. Anything else is not found here, as on a homeserver
 * without a well-known file. */
static size_t write_answer(const char *ask, char *ret, size_t size) {
    static const char query[] = "access_token=";
    const char *token = strstr(ask, query);
    char body[TOKEN_MAX + 100] = "{\"errcode\":\"M_UNRECOGNIZED\"}";
    if (token != NULL) {
        token += sizeof(query) - 1;
        size_t n = strcspn(token, "& \r\n");
        snprintf(body, sizeof(body), "{\"sub\":\"@%.*s:%s\"}", (int)(n < TOKEN_MAX ? n : TOKEN_MAX),
            token, server_name);
    }
    int n = snprintf(ret, size,
        "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
        token == NULL ? "404 Not Found" : "200 OK", strlen(body), body);
    return (size_t)n;
}

static void serve(SSL *ssl, int fd) {
    char ask[ASK_MAX];
    char answer[1024];
    size_t len = 0;
    for (;;) {
        long n = receive(ssl, fd, ask + len, sizeof(ask) - 1 - len);
        if (n <= 0) {
            return;
        }
        len += (size_t)n;
        ask[len] = '\0';
        if (strstr(ask, "\r\n\r\n") != NULL) {
            len = 0;
            if (!give(ssl, fd, answer, write_answer(ask, answer, sizeof(answer)))) {
                return;
            }
        }
    }
}

static void *run(void *arg) {
    int fd = (int)(intptr_t)arg;
    SSL *ssl = tls == NULL ? NULL : SSL_new(tls);
    if (ssl == NULL) {
        serve(NULL, fd);
    } else if (SSL_set_fd(ssl, fd) == 1 && SSL_accept(ssl) == 1) {
        serve(ssl, fd);
    }
    SSL_free(ssl);
    close(fd);
    return NULL;
}

static void *take_all(void *arg) {
    int listener = (int)(intptr_t)arg;
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        pthread_t thread;
        if (fd < 0) {
            die("accept");
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
        if (pthread_create(&thread, NULL, run, (void *)(intptr_t)fd) != 0) {
            die("thread");
        }
        pthread_detach(thread);
    }
    return NULL;
}

static void open_tls(const char *file) {
    tls = SSL_CTX_new(TLS_server_method());
    if (tls == NULL || SSL_CTX_use_certificate_file(tls, file, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls, file, SSL_FILETYPE_PEM) != 1) {
        fprintf(stderr, "userinfo_server: no certificate and key in %s\n", file);
        exit(1);
    }
}

static int listen_at(const char *address, uint16_t port) {
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
    socklen_t size = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || inet_pton(AF_INET, address, &at.sin_addr) != 1 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)) != 0 ||
        bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, SOMAXCONN) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &size) != 0) {
        die(address);
    }
    snprintf(server_name, sizeof(server_name), "%s:%u", address, ntohs(at.sin_port));
    return fd;
}

int main(int argc, char **argv) {
    if (argc != 5) {
        fprintf(stderr, "usage: userinfo_server <https|http> <certificate> <address> <port>\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    if (strcmp(argv[1], "https") == 0) {
        open_tls(argv[2]);
    }
    int listener = listen_at(argv[3], (uint16_t)strtoul(argv[4], NULL, 10));
    pthread_t thread;
    if (pthread_create(&thread, NULL, take_all, (void *)(intptr_t)listener) != 0) {
        die("thread");
    }
    printf("%s\n", strrchr(server_name, ':') + 1);
    fflush(stdout);
    while (getchar() != EOF) {
    }
    _exit(0); /* the other threads go with the process */
}
