/* Homeservers of the settings.  Thread: one owner. */
#include "matrix/openid_homes.h"

#include "core/mem.h"
#include "matrix/server_name.h"

#include <string.h>

struct home {
    char name[MX_SERVER_NAME_SIZE];
    char *url;
};

struct mx_openid_homes {
    size_t n;
    struct home items[];
};

static enum err add(struct mx_openid_homes *h, const char *name, size_t len, const char *url) {
    struct mx_server_name read;
    struct home *home = &h->items[h->n];
    if (mx_server_name_read(name, len, &read) != OK) {
        return err_set(ERR_INVALID, "\"%.*s\" is no server name", (int)len, name);
    }
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) {
        return err_set(ERR_INVALID, "%s is to be asked at \"%s\", which is no http(s) address",
            read.text, url);
    }
    home->url = mem_strdup(url);
    if (home->url == NULL) {
        return err_set(ERR_NOMEM, "no memory for the addresses of servers");
    }
    for (size_t i = strlen(url); i > 0 && home->url[i - 1] == '/'; i--) {
        home->url[i - 1] = '\0';
    }
    memcpy(home->name, read.text, sizeof(home->name));
    h->n++;
    return OK;
}

static enum err fill(struct mx_openid_homes *h, const char *own_name, const char *own_url,
    const char *const *overrides, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const char *equals = strchr(overrides[i], '=');
        if (equals == NULL) {
            return err_set(ERR_INVALID, "\"%s\" is not of the form name=url", overrides[i]);
        }
        TRY(add(h, overrides[i], (size_t)(equals - overrides[i]), equals + 1));
    }
    return own_name[0] == '\0' ? OK : add(h, own_name, strlen(own_name), own_url);
}

enum err mx_openid_homes_create(const char *own_name, const char *own_url,
    const char *const *overrides, size_t n, struct mx_openid_homes **ret) {
    struct mx_openid_homes *h = mem_zalloc(sizeof(*h) + (n + 1) * sizeof(h->items[0]));
    if (h == NULL) {
        return err_set(ERR_NOMEM, "no memory for the addresses of servers");
    }
    enum err e = fill(h, own_name, own_url, overrides, n);
    if (e != OK) {
        mx_openid_homes_destroy(h);
        return e;
    }
    *ret = h;
    return OK;
}

void mx_openid_homes_destroy(struct mx_openid_homes *h) {
    for (size_t i = 0; h != NULL && i < h->n; i++) {
        mem_free(h->items[i].url);
    }
    mem_free(h);
}

const char *mx_openid_homes_find(
    const struct mx_openid_homes *h, const struct mx_server_name *name) {
    for (size_t i = 0; i < h->n; i++) {
        if (strcmp(h->items[i].name, name->text) == 0) {
            return h->items[i].url;
        }
    }
    return NULL;
}
