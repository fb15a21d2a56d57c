/*
 * Owns libcurl: its multi interface tells which sockets and which timer to watch, the loop does so.
 * Name look-ups run on libcurl's own threads; nothing here waits.
 */
#include "http/client.h"

#include "core/buf.h"
#include "core/clock.h"
#include "core/mem.h"
#include "http/address.h"
#include "http/client_head.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define TIMEOUT_US        (10 * SEC_US)
#define ANSWER_MAX        (8 * MIB)
#define CALLS_MAX         1024 /* under way at once; a stuck homeserver must not eat our memory */
#define HOST_CONNECTIONS  16L
#define IDLE_CONNECTIONS  32L
#define RETRY_AFTER_MAX_S INT64_C(86400) /* nobody waits longer than a day on a stranger's word */
#define JSON_LINE         "Content-Type: application/json"

struct http_client_call {
    struct http_client_call *prev, *next;
    struct http_client *client;
    CURL *easy;
    struct curl_slist *headers;
    struct curl_slist *connect_to; /* of a pin, as libcurl wants it */
    struct curl_slist *resolve;
    struct buf answer;
    struct http_client_head head;
    bool forbidden; /* an address was not allowed */
    char reason[CURL_ERROR_SIZE];
    http_client_done *done;
    void *arg;
};

struct http_client {
    CURLM *multi;
    uv_loop_t *loop;
    uv_timer_t timer;
    struct http_client_call *calls;
    unsigned n;
    bool ending;
    bool guarded;
    struct http_client_guard guard;
    char *ca_file; /* NULL = none */
};

struct poller { /* one of libcurl's sockets */
    uv_poll_t poll;
    curl_socket_t fd;
    struct http_client *client;
};

/* --- calls --- */

static void free_call(struct http_client_call *call) {
    struct http_client *c = call->client;
    if (call->easy != NULL) {
        curl_multi_remove_handle(c->multi, call->easy);
        curl_easy_cleanup(call->easy);
    }
    for (struct curl_slist *h = call->headers; h != NULL; h = h->next) {
        explicit_bzero(h->data, strlen(h->data)); /* one of them may be a token */
    }
    curl_slist_free_all(call->headers);
    curl_slist_free_all(call->connect_to);
    curl_slist_free_all(call->resolve);
    http_client_head_finish(&call->head);
    buf_finish(&call->answer);
    mem_free(call);
}

static void unlink_call(struct http_client_call *call) {
    *(call->prev == NULL ? &call->client->calls : &call->prev->next) = call->next;
    if (call->next != NULL) {
        call->next->prev = call->prev;
    }
    call->client->n--;
}

static void end_call(struct http_client_call *call, const struct http_client_answer *a) {
    unlink_call(call);
    call->done(call->arg, a);
    free_call(call);
}

static const char *reason_of(const struct http_client_call *call, CURLcode code) {
    return call->reason[0] == '\0' ? curl_easy_strerror(code) : call->reason;
}

static enum err cause_of(const struct http_client_call *call, CURLcode code) {
    switch (code) {
    case CURLE_OK:
        return OK;
    case CURLE_OPERATION_TIMEDOUT:
        return ERR_TIMEOUT;
    case CURLE_OUT_OF_MEMORY:
        return ERR_NOMEM;
    case CURLE_WRITE_ERROR:
        return call->answer.bad && !call->answer.over ? ERR_NOMEM : ERR_TOO_LARGE;
    case CURLE_FILESIZE_EXCEEDED:
        return ERR_TOO_LARGE;
    case CURLE_COULDNT_CONNECT:
        return call->forbidden ? ERR_FORBIDDEN : ERR_UNREACHABLE;
    default:
        return ERR_UNREACHABLE;
    }
}

static void finish_call(struct http_client_call *call, CURLcode code) {
    long status = 0;
    curl_off_t retry_s = 0;
    char *location = NULL;
    curl_easy_getinfo(call->easy, CURLINFO_REDIRECT_URL, &location);
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &retry_s);
    struct http_client_answer a = {
        .err = cause_of(call, code), .text = "", .head = "", .cache_control = "", .location = ""
    };
    if (a.err == OK) {
        a.status = (int)status;
        a.head = buf_str(&call->head.lines);
        a.body = buf_str(&call->answer);
        a.len = call->answer.len;
        a.date_ms = call->head.date_ms;
        a.expires_ms = call->head.expires_ms;
        a.cache_control = call->head.cache_control;
        a.location = location == NULL ? "" : location;
        a.retry_after_ms = (retry_s > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : retry_s) * SEC_MS;
    } else {
        a.text = a.err == ERR_TOO_LARGE   ? "the answer is too large"
                 : a.err == ERR_FORBIDDEN ? "its address is not allowed"
                                          : reason_of(call, code);
        a.body = "";
    }
    end_call(call, &a);
}

static void reap(struct http_client *c) {
    int left;
    CURLMsg *m;
    while ((m = curl_multi_info_read(c->multi, &left)) != NULL) {
        if (m->msg == CURLMSG_DONE) {
            CURLcode code = m->data.result;
            struct http_client_call *call = NULL;
            curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &call);
            finish_call(call, code);
        }
    }
}

/* --- sockets and timer --- */

static void on_socket_ready(uv_poll_t *poll, int status, int events) {
    struct poller *p = poll->data;
    struct http_client *c = p->client;
    int flags = status < 0 ? CURL_CSELECT_ERR : 0;
    flags |= (events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0;
    flags |= (events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0;
    int running;
    curl_multi_socket_action(c->multi, p->fd, flags, &running);
    reap(c);
}

static void free_poller(uv_handle_t *h) {
    mem_free(h->data);
}

static struct poller *new_poller(struct http_client *c, curl_socket_t fd) {
    struct poller *p = mem_zalloc(sizeof(*p));
    if (p == NULL || uv_poll_init_socket(c->loop, &p->poll, fd) != 0) {
        mem_free(p);
        return NULL;
    }
    p->poll.data = p;
    p->fd = fd;
    p->client = c;
    curl_multi_assign(c->multi, fd, p);
    return p;
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known) {
    (void)easy;
    struct poller *p = known;
    if (what == CURL_POLL_REMOVE) {
        if (p != NULL) {
            uv_poll_stop(&p->poll);
            uv_close((uv_handle_t *)&p->poll, free_poller);
        }
        return 0;
    }
    p = p == NULL ? new_poller(arg, fd) : p;
    if (p == NULL) {
        return -1;
    }
    int events = ((what & CURL_POLL_IN) != 0 ? UV_READABLE : 0) |
                 ((what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0);
    uv_poll_start(&p->poll, events, on_socket_ready);
    return 0;
}

static void on_timer(uv_timer_t *timer) {
    struct http_client *c = timer->data;
    int running;
    curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    reap(c);
}

static int watch_timer(CURLM *multi, long ms, void *arg) {
    (void)multi;
    struct http_client *c = arg;
    if (ms < 0) {
        uv_timer_stop(&c->timer);
    } else if (!c->ending) {
        uv_timer_start(&c->timer, on_timer, (uint64_t)ms, 0);
    }
    return 0;
}

/* --- sending --- */

static size_t take_answer(char *bytes, size_t size, size_t n, void *arg) {
    struct http_client_call *call = arg;
    buf_put(&call->answer, bytes, size * n);
    return call->answer.bad ? 0 : size * n;
}

static size_t take_header(char *line, size_t size, size_t n, void *arg) {
    struct http_client_call *call = arg;
    return http_client_head_take(&call->head, line, size * n) ? size * n : 0;
}

static bool add_line(struct curl_slist **list, const char *line) {
    struct curl_slist *more = curl_slist_append(*list, line);
    if (more != NULL) {
        *list = more;
    }
    return more != NULL;
}

static bool add_header(struct http_client_call *call, const char *line) {
    return add_line(&call->headers, line);
}

static bool set_headers(struct http_client_call *call, const struct http_client_spec *spec) {
    bool fine = add_header(call, "Accept: application/json") && add_header(call, "Expect:");
    if (spec->body != NULL) {
        fine = fine && add_header(call, spec->type_line != NULL ? spec->type_line : JSON_LINE);
    }
    for (size_t i = 0; i < spec->n_fields && fine; i++) {
        CLEANUP(buf_finish) struct buf b;
        buf_init(&b, 0);
        buf_printf(&b, "%s: %s", spec->fields[i].name, spec->fields[i].value);
        fine = !b.bad && add_header(call, buf_str(&b));
    }
    if (spec->bearer != NULL) {
        CLEANUP(buf_finish) struct buf b;
        buf_init(&b, 0);
        buf_printf(&b, "Authorization: Bearer %s", spec->bearer);
        fine = fine && !b.bad && add_header(call, buf_str(&b));
        if (b.data != NULL) {
            explicit_bzero(b.data, b.len);
        }
    }
    return fine;
}

/* The very address that the socket is made for. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to) {
    struct http_client_call *call = arg;
    const struct http_client_guard *guard = &call->client->guard;
    struct http_address a;
    (void)purpose;
    http_address_of(&to->addr, &a);
    if (!guard->allows(guard->arg, &a)) {
        call->forbidden = true;
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static void set_guard(struct http_client_call *call) {
    const struct http_client *c = call->client;
    curl_easy_setopt(call->easy, CURLOPT_PROXY, "");
    curl_easy_setopt(call->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (c->guard.allows != NULL) {
        curl_easy_setopt(call->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
        curl_easy_setopt(call->easy, CURLOPT_OPENSOCKETDATA, call);
    }
    if (c->ca_file != NULL) {
        curl_easy_setopt(call->easy, CURLOPT_CAINFO, c->ca_file);
    }
    if (c->guard.insecure_tls) {
        curl_easy_setopt(call->easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(call->easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

/* "+": the entry leaves libcurl's table after a minute, else strangers' names would fill it. */
static bool set_pin(struct http_client_call *call, const struct http_client_pin *pin) {
    char text[HTTP_ADDRESS_TEXT_SIZE];
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    buf_printf(&b, "::%s:%u", pin->host, pin->port);
    bool fine = !b.bad && add_line(&call->connect_to, buf_str(&b));
    buf_clear(&b);
    buf_printf(&b, "+%s:%u:", pin->host, pin->port);
    for (size_t i = 0; i < pin->n; i++) {
        http_address_write(&pin->addresses[i], text);
        buf_printf(&b, strchr(text, ':') == NULL ? "%s%s" : "%s[%s]", i == 0 ? "" : ",", text);
    }
    fine = fine && !b.bad && (pin->n == 0 || add_line(&call->resolve, buf_str(&b)));
    curl_easy_setopt(call->easy, CURLOPT_CONNECT_TO, call->connect_to);
    curl_easy_setopt(call->easy, CURLOPT_RESOLVE, call->resolve);
    return fine;
}

static bool set_options(struct http_client_call *call, const struct http_client_spec *spec) {
    CURL *e = call->easy;
    int64_t timeout_us = spec->timeout_us > 0 ? spec->timeout_us : TIMEOUT_US;
    bool fine = curl_easy_setopt(e, CURLOPT_URL, spec->url) == CURLE_OK &&
                curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, spec->method) == CURLE_OK &&
                curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
    if (spec->unix_socket != NULL) {
        fine = fine && curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH, spec->unix_socket) == CURLE_OK;
    }
    curl_easy_setopt(
        e, CURLOPT_FOLLOWLOCATION, 0L); /* a redirect must not carry a token elsewhere */
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    /* After a time-out libcurl would wait for its look-up's thread, and the loop with it. */
    curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)((timeout_us + 999) / 1000));
    curl_easy_setopt(e, CURLOPT_PRIVATE, call);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, call->reason);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, call->headers);
    curl_easy_setopt(e, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)call->answer.max);
    if (strcmp(spec->method, "HEAD") == 0) {
        curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
    }
    if (spec->body != NULL) {
        size_t len = spec->body_len > 0 ? spec->body_len : strlen(spec->body);
        curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
        fine = fine && curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, spec->body) == CURLE_OK;
    }
    if (call->client->guarded) {
        set_guard(call);
    }
    return fine && (spec->pin == NULL || set_pin(call, spec->pin));
}

static enum err no_memory(struct http_client_call *call) {
    free_call(call);
    return err_set(ERR_NOMEM, "no memory for an HTTP request");
}

static enum err check_spec(const struct http_client *c, const struct http_client_spec *spec) {
    bool web =
        strncasecmp(spec->url, "http://", 7) == 0 || strncasecmp(spec->url, "https://", 8) == 0;
    if (!web) {
        return err_set(ERR_INVALID, "only http and https URLs are requested");
    }
    if (spec->bearer != NULL && strpbrk(spec->bearer, "\r\n") != NULL) {
        return err_set(ERR_INVALID, "a token holds a line end");
    }
    for (size_t i = 0; i < spec->n_fields; i++) {
        if (strpbrk(spec->fields[i].value, "\r\n") != NULL) {
            return err_set(ERR_INVALID, "a header holds a line end");
        }
    }
    if (c->ending) {
        return err_set(ERR_GONE, "the HTTP client is going away");
    }
    if (c->n >= CALLS_MAX) {
        return err_set(ERR_LIMIT, "%d HTTP requests are under way already", CALLS_MAX);
    }
    return OK;
}

enum err http_client_send(struct http_client *c, const struct http_client_spec *spec,
    http_client_done *done, void *arg, struct http_client_call **ret_call) {
    TRY(check_spec(c, spec));
    struct http_client_call *call = mem_zalloc(sizeof(*call));
    if (call == NULL) {
        return err_set(ERR_NOMEM, "no memory for an HTTP request");
    }
    call->client = c;
    call->done = done;
    call->arg = arg;
    http_client_head_init(&call->head, spec->wants_head);
    buf_init(&call->answer, spec->answer_max > 0 ? spec->answer_max : ANSWER_MAX);
    if (!set_headers(call, spec)) {
        return no_memory(call);
    }
    call->easy = curl_easy_init();
    if (call->easy == NULL || !set_options(call, spec)) {
        return no_memory(call);
    }
    if (curl_multi_add_handle(c->multi, call->easy) != CURLM_OK) {
        return no_memory(call);
    }
    call->next = c->calls;
    if (c->calls != NULL) {
        c->calls->prev = call;
    }
    c->calls = call;
    c->n++;
    if (ret_call != NULL) {
        *ret_call = call;
    }
    return OK;
}

void http_client_cancel(struct http_client_call *call) {
    unlink_call(call);
    free_call(call);
}

/* --- life --- */

enum err http_client_create(uv_loop_t *loop, struct http_client **ret) {
    struct http_client *c = mem_zalloc(sizeof(*c));
    if (c == NULL) {
        return err_set(ERR_NOMEM, "no memory for an HTTP client");
    }
    curl_global_init(CURL_GLOBAL_DEFAULT); /* counted by libcurl; given back in destroy */
    c->multi = curl_multi_init();
    if (c->multi == NULL) {
        mem_free(c);
        curl_global_cleanup();
        return err_set(ERR_NOMEM, "libcurl did not start");
    }
    c->loop = loop;
    uv_timer_init(loop, &c->timer);
    c->timer.data = c;
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, watch_timer);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS, HOST_CONNECTIONS);
    curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, IDLE_CONNECTIONS);
    *ret = c;
    return OK;
}

enum err http_client_create_guarded(
    uv_loop_t *loop, const struct http_client_guard *guard, struct http_client **ret) {
    bool named = guard->ca_file != NULL && guard->ca_file[0] != '\0';
    CLEANUP(mem_freep) char *ca_file = named ? mem_strdup(guard->ca_file) : NULL;
    struct http_client *c = NULL;
    if (named && ca_file == NULL) {
        return err_set(ERR_NOMEM, "no memory for an HTTP client");
    }
    TRY(http_client_create(loop, &c));
    c->guarded = true;
    c->guard = *guard;
    c->ca_file = STEAL(ca_file);
    *ret = c;
    return OK;
}

static void free_client(uv_handle_t *h) {
    struct http_client *c = h->data;
    mem_free(c->ca_file);
    mem_free(c);
}

void http_client_destroy(struct http_client *c) {
    if (c == NULL) {
        return;
    }
    c->ending = true;
    const struct http_client_answer gone = { .err = ERR_GONE,
        .text = "the HTTP client is going away",
        .head = "",
        .body = "",
        .cache_control = "",
        .location = "" };
    while (c->calls != NULL) {
        end_call(c->calls, &gone);
    }
    curl_multi_cleanup(c->multi);
    uv_timer_stop(&c->timer);
    uv_close((uv_handle_t *)&c->timer, free_client);
    curl_global_cleanup();
}
