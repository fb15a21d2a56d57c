/* The secret of webhooks: which files are good, and what is signed how. */
#include "hooks/secret.h"

#include "core/buf.h"
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY "0123456789abcdef"

static void put(const char *folder, const char *name, const char *text, mode_t mode) {
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    chmod(path, mode);
}

static void drop(const char *folder) {
    char path[256];
    snprintf(path, sizeof(path), "%s/s", folder);
    unlink(path);
    snprintf(path, sizeof(path), "%s/s.old", folder);
    unlink(path);
    rmdir(folder);
}

static enum err load(const char *folder, struct hooks_secret **ret) {
    char path[256];
    snprintf(path, sizeof(path), "%s/s", folder);
    return hooks_secret_load(path, ret);
}

TEST(hooks_secret, is_a_file_for_us_alone) {
    static const struct {
        const char *name, *text, *old;
        mode_t mode;
        enum err want;
        size_t signatures;
    } rows[] = {
        { "good", KEY, NULL, 0600, OK, 1 },
        { "a line", KEY "\n", NULL, 0640, OK, 1 },
        { "with the one before", KEY " \r\n", "another secret, older\n", 0600, OK, 2 },
        { "the one before is short", KEY, "short", 0600, ERR_INVALID, 0 },
        { "short", "0123456789abcde\n", NULL, 0600, ERR_INVALID, 0 },
        { "empty", "", NULL, 0600, ERR_INVALID, 0 },
        { "strangers may read it", KEY, NULL, 0644, ERR_FORBIDDEN, 0 },
        { "not there", NULL, NULL, 0600, ERR_NOT_FOUND, 0 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        char folder[] = "/tmp/parley-secret-XXXXXX";
        CHECK(mkdtemp(folder) != NULL);
        CLEANUP(hooks_secret_destroyp) struct hooks_secret *s = NULL;
        struct hooks_head head;
        size_t n = 0;
        if (r->text != NULL) {
            put(folder, "s", r->text, r->mode);
        }
        if (r->old != NULL) {
            put(folder, "s.old", r->old, 0600);
        }
        CHECK_ERR(r->want, load(folder, &s));
        const struct hooks_message m = { "id", "call.ended", "{}" };
        if (s != NULL && hooks_head_make(s, &m, 1, &head) == OK) {
            for (const char *p = head.signature; (p = strstr(p, ",v1=")) != NULL; p++) {
                n++;
            }
        }
        CHECK_INT(r->signatures, n);
        drop(folder);
    }
}

TEST(hooks_secret, signs_the_time_and_the_body) {
    char folder[] = "/tmp/parley-secret-XXXXXX";
    CHECK(mkdtemp(folder) != NULL);
    put(folder, "s", KEY "\n", 0600);
    CLEANUP(hooks_secret_destroyp) struct hooks_secret *s = NULL;
    struct hooks_head head;
    const struct hooks_message m = { "id", "call.ended", "{}" };
    CHECK_ERR(OK, load(folder, &s));
    CHECK_ERR(OK, hooks_head_make(s, &m, 1763719200, &head));
    /* printf "1763719200.{}" | openssl dgst -sha256 -hmac KEY */
    CHECK_STR("t=1763719200,v1=e900d61f2a8b1df63fb719a218b35d6bf842ef9f57c4c336f22d064533313e3a",
        head.signature);
    CHECK_STR("Parley-Event", head.fields[1].name);
    CHECK_STR("call.ended", head.fields[1].value);
    CHECK_STR("Parley-Id", head.fields[2].name);
    CHECK_STR("id", head.fields[2].value);
    CHECK_STR(head.signature, head.fields[3].value);
    drop(folder);
}

TEST(hooks_secret, shows_no_more_of_a_url_than_its_host) {
    static const struct {
        const char *name, *url, *want;
    } rows[] = {
        { "path", "https://example.com/secret", "https://example.com" },
        { "query", "http://[::1]:9?secret", "http://[::1]:9" },
        { "host alone", "http://a", "http://a" },
    };
    FOR_ROWS (rows, r) {
        char text[64];
        ROW(r->name);
        snprintf(text, sizeof(text), "%.*s", (int)hooks_url_shown(r->url), r->url);
        CHECK_STR(r->want, text);
    }
}

TEST(hooks_secret, pings_with_the_members_of_all_messages) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    hooks_ping_write(&b, "n1", INT64_C(1763719200000));
    CHECK_STR("{\"version\":1,\"id\":\"n1\",\"type\":\"ping\",\"at\":\"2025-11-21T10:00:00.000Z\"}",
        buf_str(&b));
}
