/* A libwebsockets client each, in one context. */
#include "signal.h"

#include "core/buf.h"
#include "core/mem.h"

#include <libwebsockets.h>
#include <stdio.h>
#include <string.h>

#define PATIENCE_SECONDS 30        /* with a server that is busy: libwebsockets' own is 5 */
#define MESSAGE_MAX      (2 * MIB) /* livekit-protocol 2.4; Janus has none */

struct waiting {
    struct waiting *next;
    size_t len;
    uint8_t bytes[]; /* LWS_PRE of headroom, then the message */
};

struct load_signal {
    struct load_signals *all;
    struct load_signal_config cfg;
    struct lws *wsi;
    struct buf in;
    struct waiting *first, **last;
};

struct load_signals {
    struct lws_context *context;
    struct load_url url;
};

enum err load_url_read(const char *text, struct load_url *ret) {
    static const struct {
        const char *scheme;
        int port, tls;
    } rows[] = { { "ws://", 80, 0 }, { "http://", 80, 0 }, { "wss://", 443, 1 },
        { "https://", 443, 1 } };
    *ret = (struct load_url){ 0 };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        size_t n = strlen(rows[i].scheme);
        if (strncmp(text, rows[i].scheme, n) == 0) {
            ret->port = rows[i].port;
            ret->tls = rows[i].tls;
            if (sscanf(text + n, "%255[^:/]:%d%255s", ret->host, &ret->port, ret->path) == 1) {
                (void)sscanf(text + n, "%255[^/]%255s", ret->host, ret->path);
            }
        }
    }
    size_t n = strlen(ret->path);
    if (n > 0 && ret->path[n - 1] == '/') {
        ret->path[n - 1] = '\0';
    }
    return ret->host[0] == '\0' || ret->port < 1 || ret->port > 65535
               ? err_set(ERR_INVALID, "'%s' is no URL like ws://127.0.0.1:7880", text)
               : OK;
}

/* --- one socket --- */

static void lost(struct load_signal *s, const char *why) {
    s->wsi = NULL;
    s->cfg.lost(s->cfg.arg, why);
}

static void take(struct load_signal *s, const uint8_t *data, size_t len, int last) {
    buf_put(&s->in, data, len);
    if (!last) {
        return;
    }
    if (buf_check(&s->in) == OK) {
        s->cfg.message(s->cfg.arg, buf_str(&s->in), s->in.len);
    }
    buf_clear(&s->in);
}

static int write_next(struct load_signal *s) {
    struct waiting *w = s->first;
    if (w == NULL) {
        return 0;
    }
    int sent = lws_write(
        s->wsi, w->bytes + LWS_PRE, w->len, s->cfg.text ? LWS_WRITE_TEXT : LWS_WRITE_BINARY);
    if (sent < (int)w->len) {
        return -1;
    }
    s->first = w->next;
    s->last = s->first == NULL ? &s->first : s->last;
    mem_free(w);
    if (s->first != NULL) {
        lws_callback_on_writable(s->wsi);
    }
    return 0;
}

static int callback(
    struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len) {
    struct load_signal *s = user;
    if (s == NULL) {
        return 0; /* forgotten: see load_signal_close */
    }
    switch (reason) {
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        lws_callback_on_writable(wsi);
        break;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        lost(s, in == NULL ? "no connection" : (const char *)in);
        break;
    case LWS_CALLBACK_CLIENT_CLOSED:
        lost(s, "the server closed the WebSocket");
        break;
    case LWS_CALLBACK_WSI_DESTROY:
        lost(s, "the WebSocket is gone"); /* some ends are told by nothing else */
        break;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        take(s, in, len, lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0);
        break;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return write_next(s);
    default:
        break;
    }
    return 0;
}

enum err load_signal_open(
    struct load_signals *all, const struct load_signal_config *cfg, struct load_signal **ret) {
    struct load_signal *s = mem_zalloc(sizeof(*s));
    if (s == NULL) {
        return err_set(ERR_NOMEM, "no memory for a WebSocket");
    }
    s->all = all;
    s->cfg = *cfg;
    s->last = &s->first;
    buf_init(&s->in, MESSAGE_MAX);
    struct buf path;
    buf_init(&path, 0);
    buf_printf(&path, "%s%s", all->url.path, cfg->path);
    struct lws_client_connect_info info = { .context = all->context,
        .address = all->url.host,
        .port = all->url.port,
        .ssl_connection = all->url.tls ? LCCSCF_USE_SSL : 0,
        .path = buf_str(&path),
        .host = all->url.host,
        .origin = all->url.host,
        .protocol = cfg->protocol,
        .local_protocol_name = "signal",
        .ietf_version_or_minus_one = -1,
        .userdata = s,
        .pwsi = &s->wsi };
    bool begun = lws_client_connect_via_info(&info) != NULL;
    buf_finish(&path);
    if (!begun) {
        load_signal_close(s);
        return err_set(ERR_UNREACHABLE, "%s:%d is not reached", all->url.host, all->url.port);
    }
    *ret = s;
    return OK;
}

void load_signal_send(struct load_signal *s, const void *bytes, size_t len) {
    struct waiting *w = mem_alloc(sizeof(*w) + LWS_PRE + len);
    if (w == NULL) {
        return;
    }
    w->next = NULL;
    w->len = len;
    memcpy(w->bytes + LWS_PRE, bytes, len);
    *s->last = w;
    s->last = &w->next;
    if (s->wsi != NULL) {
        lws_callback_on_writable(s->wsi);
    }
}

void load_signal_close(struct load_signal *s) {
    if (s == NULL) {
        return;
    }
    /* Closed with all others when the context goes. To kill one at once trips an assertion of
     * libwebsockets 4.1 when the server is closing it too. */
    if (s->wsi != NULL) {
        lws_set_wsi_user(s->wsi, NULL);
    }
    while (s->first != NULL) {
        struct waiting *w = s->first;
        s->first = w->next;
        mem_free(w);
    }
    buf_finish(&s->in);
    mem_free(s);
}

/* --- all --- */

enum err load_signals_create(const struct load_url *url, struct load_signals **ret) {
    static const struct lws_protocols protocols[] = {
        { .name = "signal", .callback = callback, .rx_buffer_size = 65536 }, { .name = NULL }
    };
    struct load_signals *s = mem_zalloc(sizeof(*s));
    if (s == NULL) {
        return err_set(ERR_NOMEM, "no memory for WebSockets");
    }
    s->url = *url;
    struct lws_context_creation_info info = { .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .timeout_secs = PATIENCE_SECONDS,
        .options = url->tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0,
        .gid = (gid_t)-1,
        .uid = (uid_t)-1 };
    lws_set_log_level(LLL_ERR, NULL);
    s->context = lws_create_context(&info);
    if (s->context == NULL) {
        mem_free(s);
        return err_set(ERR_NOMEM, "libwebsockets did not start");
    }
    *ret = s;
    return OK;
}

void load_signals_destroy(struct load_signals *s) {
    if (s != NULL) {
        lws_context_destroy(s->context);
        mem_free(s);
    }
}

void load_signals_turn(struct load_signals *s) {
    (void)lws_service(s->context, -1);
}
