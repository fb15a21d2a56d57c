/* The registration file: what passes, what is refused and with which words, and who may read it. */
#include "appservice/registration.h"

#include "core/secret_file.h"

#include "core/log.h"
#include "core/mem.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define A64    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HEAD   "id: calls\nurl: http://127.0.0.1:8090\nas_token: \"" A64 "\"\nhs_token: \"" B64 "\"\n"
#define SENDER "sender_localpart: _calls\nrate_limited: false\n"
#define ALL    "    - {regex: \"@.*:example\\\\.com\", exclusive: false}\n"
#define SPACES "namespaces:\n  users:\n" ALL "  aliases: []\n  rooms: []\n"
#define GOOD   HEAD SENDER SPACES

static enum err parse(const char *text, struct as_registration **ret) {
    return as_registration_parse("r.yaml", text, strlen(text), "example.com", ret);
}

/* What was logged while `text` was read; the caller frees it. */
static char *log_of(const char *text, enum err *ret) {
    CLEANUP(as_registration_destroyp) struct as_registration *r = NULL;
    char path[] = "/tmp/parley-test-XXXXXX";
    char *lines = mem_zalloc(4096);
    int fd = mkstemp(path);
    CHECK(fd >= 0 && lines != NULL);
    unlink(path);
    log_redirect(fd);
    *ret = parse(text, &r);
    log_redirect(STDERR_FILENO);
    CHECK(pread(fd, lines, 4095, 0) >= 0);
    close(fd);
    return lines;
}

TEST(appservice_registration, reads_every_field) {
    CLEANUP(as_registration_destroyp) struct as_registration *r = NULL;
    CHECK_ERR(OK, parse(GOOD, &r));
    CHECK_STR("calls", r->id);
    CHECK_STR("http://127.0.0.1:8090", r->url);
    CHECK_STR(A64, r->as_token);
    CHECK_STR(B64, r->hs_token);
    CHECK_STR("_calls", r->sender_localpart);
}

TEST(appservice_registration, refuses_with_a_reason) {
    static const struct {
        const char *name;
        const char *text;
        const char *want; /* the sentence begins so */
    } rows[] = {
        { "nothing", "", "r.yaml:1: want a registration" },
        { "a list", "- id\n", "r.yaml:1: want a registration" },
        { "no id", "url: http://x\n", "r.yaml:1: id: this key is missing" },
        { "bar in the id", "id: a|b\nurl: http://x\n", "r.yaml:1: id: want 1 to" },
        { "url null", "id: a\nurl: null\n", "r.yaml:2: url: null means" },
        { "url of no scheme", "id: a\nurl: localhost:80\n", "r.yaml:2: url: want http://" },
        { "url with a query", "id: a\nurl: http://h/?x\n", "r.yaml:2: url: want http://" },
        { "id a map", "id: {a: b}\n", "r.yaml:1: id: want a text" },
        { "short token", "id: a\nurl: http://x\nas_token: short\n", "r.yaml:3: as_token: want 32" },
        { "equal tokens",
            "id: a\nurl: http://x\nas_token: " A64 "\nhs_token: " A64 "\n" SENDER SPACES,
            "r.yaml:4: hs_token: want another" },
        { "large letters in the sender", HEAD "sender_localpart: Calls\n" SPACES,
            "r.yaml:5: sender_localpart: want small" },
        { "no namespaces", HEAD SENDER, "r.yaml:1: namespaces: this key is missing" },
        { "namespaces a text", HEAD SENDER "namespaces: x\n", "r.yaml:7: namespaces: want a map" },
        { "users a text", HEAD SENDER "namespaces:\n  users: x\n",
            "r.yaml:8: namespaces: users: want a list" },
        { "entry a text", HEAD SENDER "namespaces:\n  users:\n    - x\n",
            "r.yaml:9: namespaces: want {regex" },
        { "no exclusive", HEAD SENDER "namespaces:\n  users:\n    - {regex: a}\n",
            "r.yaml:9: namespaces: exclusive: want" },
        { "exclusive a text",
            HEAD SENDER "namespaces:\n  users:\n    - {regex: a, exclusive: \"true\"}\n",
            "r.yaml:9: namespaces: exclusive: want" },
        { "nobody", HEAD SENDER "namespaces:\n  users: []\n",
            "r.yaml:7: namespaces: users: no pattern" },
        { "another server",
            HEAD SENDER
            "namespaces:\n  users:\n    - {regex: '@.*:example\\.org', exclusive: false}\n",
            "r.yaml:7: namespaces: users: no pattern" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CLEANUP(as_registration_destroyp) struct as_registration *got = NULL;
        CHECK_ERR(ERR_INVALID, parse(r->text, &got));
        CHECK(strncmp(r->want, err_text(), strlen(r->want)) == 0);
        CHECK(strstr(err_text(), A64) == NULL);
        CHECK(got == NULL);
    }
}

/* The check that keeps a server alive: exclusive patterns that match people. */
TEST(appservice_registration, never_takes_the_server_from_its_people) {
    static const struct {
        const char *name;
        const char *list;
        const char *regex;
        enum err want;
    } rows[] = {
        { "the sender", "users", "@_calls:example\\.com", OK },
        { "a bridge's users", "users", "@_irc_.*:example\\.com", OK },
        { "a bridge's users, older habit", "users", "@telegram_.*:example\\.com", OK },
        { "everybody", "users", "@.*:example\\.com", ERR_INVALID },
        { "everybody everywhere", "users", ".*", ERR_INVALID },
        { "the sign alone", "users", "@", ERR_INVALID },
        { "people with an l", "users", "@l.*", ERR_INVALID },
        { "people by a set", "users", "@[a-z]+.*:example\\.com", ERR_INVALID },
        { "people by choice", "users", "(@_x|@c.*):example\\.com", ERR_INVALID },
        { "without the dot escaped", "users", "@.*:example.com", ERR_INVALID },
        { "people of another server", "users", "@.*:example\\.org", OK },
        { "Python's own", "users", "@(?:a|b).*", ERR_INVALID },
        { "Python's classes", "users", "@_x\\w+", ERR_INVALID },
        { "counted", "users", "@_x{1,255}", ERR_INVALID },
        { "broken", "users", "@_x(", ERR_INVALID },
        { "all aliases", "aliases", "#.*:example\\.com", ERR_INVALID },
        { "our aliases", "aliases", "#_calls_.*:example\\.com", OK },
        { "rooms", "rooms", "!.*", OK },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CLEANUP(as_registration_destroyp) struct as_registration *got = NULL;
        char text[1024];
        bool users = strcmp(r->list, "users") == 0;
        snprintf(text, sizeof text,
            HEAD SENDER "namespaces:\n%s%s:\n    - {regex: '%s', exclusive: true}\n%s",
            users ? "  " : "  users:\n" ALL "  ", r->list, r->regex, users ? ALL : "");
        CHECK_ERR(r->want, parse(text, &got));
        if (r->want != OK) {
            CHECK(strstr(err_text(), "exclusive: true on a pattern") != NULL);
        }
    }
}

TEST(appservice_registration, warns) {
    static const struct {
        const char *name;
        const char *text;
        const char *want; /* in the log; NULL = nothing there */
    } rows[] = {
        { "nothing to say", GOOD, NULL },
        { "keys of others",
            GOOD "org.matrix.msc3202: true\nio.element.msc4190: true\nprotocols: [x]\n", NULL },
        { "unknown key", GOOD "io.element.msc4512: x\n", "key=io.element.msc4512" },
        { "limits on", HEAD "sender_localpart: _calls\n" SPACES, "key=rate_limited" },
        { "half a proxy", GOOD "io.element.msc4512.proxy_url: http://127.0.0.1:1\n",
            "key=io.element.msc4512.proxy_url" },
        { "another prefix",
            GOOD "io.element.msc4512.proxy_prefix: rtc\nio.element.msc4512.proxy_url: x\n",
            "the only prefix allowed" },
        { "the proxy",
            GOOD "io.element.msc4512.proxy_prefix: rtc/livekit\n"
                 "io.element.msc4512.proxy_url: x\n"
                 "io.element.msc4502.scopes: "
                 "['urn:matrix:client:io.element.msc4502:rooms:is_joined']\n",
            NULL },
        { "a scope that stops Synapse", GOOD "io.element.msc4502.scopes: [rooms]\n",
            "key=io.element.msc4502.scopes" },
        { "ephemeral on", GOOD "receive_ephemeral: true\n", "key=receive_ephemeral" },
        { "some users",
            HEAD SENDER
            "namespaces:\n  users:\n    - {regex: '@[a-m].*:example\\.com', exclusive: false}\n",
            "key=namespaces" },
        { "a pattern we cannot judge",
            HEAD SENDER "namespaces:\n  users:\n    - {regex: '@\\w+:.*', exclusive: false}\n",
            "key=namespaces" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        enum err e = OK;
        CLEANUP(mem_freep) char *lines = log_of(r->text, &e);
        CHECK_INT(OK, e);
        CHECK(r->want != NULL ? strstr(lines, r->want) != NULL : lines[0] == '\0');
        CHECK(strstr(lines, A64) == NULL);
    }
}

TEST(appservice_registration, prints_what_it_reads) {
    static const struct {
        const char *name;
        const char *server;
    } rows[] = {
        { "name", "example.com" },
        { "name and port", "m.ex-ample.com:8448" },
        { "IPv6", "[2001:db8::1]:8448" },
    };
    FOR_ROWS (rows, row) {
        ROW(row->name);
        CLEANUP(as_registration_destroyp) struct as_registration *r = NULL;
        CLEANUP(as_registration_destroyp) struct as_registration *again = NULL;
        CLEANUP(buf_finish) struct buf b;
        buf_init(&b, 0);
        CHECK_ERR(OK, as_registration_generate("calls", "https://h:8090/x", "_calls", &r));
        CHECK_INT(64, strlen(r->as_token));
        CHECK(strcmp(r->as_token, r->hs_token) != 0);
        as_registration_print(r, row->server, &b);
        CHECK_ERR(OK, as_registration_parse("p", buf_str(&b), b.len, row->server, &again));
        if (again != NULL) {
            CHECK_STR(r->id, again->id);
            CHECK_STR(r->url, again->url);
            CHECK_STR(r->as_token, again->as_token);
            CHECK_STR(r->hs_token, again->hs_token);
            CHECK_STR(r->sender_localpart, again->sender_localpart);
        }
    }
}

TEST(appservice_registration, generates_nothing_that_cannot_stand) {
    static const struct {
        const char *name;
        const char *id, *url, *localpart;
    } rows[] = {
        { "id", "a\"b", "http://h", "x" },
        { "url", "a", "h", "x" },
        { "url that ends the text", "a", "http://h\"", "x" },
        { "localpart", "a", "http://h", "x'y" },
        { "empty localpart", "a", "http://h", "" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct as_registration *got = NULL;
        CHECK_ERR(ERR_INVALID, as_registration_generate(r->id, r->url, r->localpart, &got));
    }
}

struct folder {
    char path[32];
    char file[64];
    char old[72];
};

static void folder_make(struct folder *f) {
    strcpy(f->path, "/tmp/parley-test-XXXXXX");
    CHECK(mkdtemp(f->path) != NULL);
    snprintf(f->file, sizeof f->file, "%s/r.yaml", f->path);
    snprintf(f->old, sizeof f->old, "%s.old", f->file);
}

static void folder_remove(struct folder *f) {
    unlink(f->file);
    unlink(f->old);
    CHECK_INT(0, rmdir(f->path)); /* also: no draft was left behind */
}

TEST(appservice_registration, saves_for_our_eyes) {
    struct folder f;
    struct stat st;
    CLEANUP(as_registration_destroyp) struct as_registration *r = NULL;
    CLEANUP(as_registration_destroyp) struct as_registration *again = NULL;
    folder_make(&f);
    CHECK_ERR(OK, as_registration_generate("calls", "http://h", "_calls", &r));
    CHECK_ERR(ERR_INVALID, as_registration_save(r, "exa'mple", f.file));
    CHECK_ERR(OK, as_registration_save(r, "example.com", f.file));
    CHECK_INT(0, stat(f.file, &st));
    CHECK_INT(0600, st.st_mode & 07777);
    CHECK_ERR(OK, as_registration_load(f.file, "example.com", &again));
    CHECK_STR(r->as_token, again->as_token);
    CHECK_ERR(ERR_CONFLICT, as_registration_save(r, "example.com", f.file));
    folder_remove(&f);
}

TEST(appservice_registration, follows_no_link_when_saving) {
    struct folder f;
    char target[64];
    CLEANUP(as_registration_destroyp) struct as_registration *r = NULL;
    folder_make(&f);
    snprintf(target, sizeof target, "%s/elsewhere", f.path);
    CHECK_INT(0, symlink(target, f.file));
    CHECK_ERR(OK, as_registration_generate("calls", "http://h", "_calls", &r));
    CHECK_ERR(ERR_CONFLICT, as_registration_save(r, "example.com", f.file));
    CHECK(access(target, F_OK) != 0);
    folder_remove(&f);
}

TEST(appservice_registration, loads_only_what_others_cannot_read) {
    static const struct {
        const char *name;
        mode_t mode;
        enum err want;
    } rows[] = {
        { "ours", 0600, OK },
        { "the group's too", 0640, OK },
        { "readable by all", 0644, ERR_FORBIDDEN },
        { "writable by all", 0602, ERR_FORBIDDEN },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct folder f;
        CLEANUP(as_registration_destroyp) struct as_registration *got = NULL;
        folder_make(&f);
        int fd = open(f.file, O_WRONLY | O_CREAT, 0600);
        CHECK_INT(strlen(GOOD), write(fd, GOOD, strlen(GOOD)));
        CHECK_INT(0, fchmod(fd, r->mode));
        close(fd);
        CHECK_ERR(r->want, as_registration_load(f.file, "example.com", &got));
        folder_remove(&f);
    }
}

TEST(appservice_registration, loads_only_files) {
    struct as_registration *r = NULL;
    CHECK_ERR(ERR_INVALID, as_registration_load("/tmp", "example.com", &r));
    CHECK_ERR(
        ERR_NOT_FOUND, as_registration_load("/tmp/parley-test-none/r.yaml", "example.com", &r));
}

/* --- new tokens --- */

#define ADMIN_S_OWN "# our proxy needs this\nip_range_whitelist: [127.0.0.1]\n"

static void write_text(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK_INT(strlen(text), write(fd, text, strlen(text)));
    close(fd);
}

static char *read_text(const char *path) {
    char *text = NULL;
    size_t n = 0;
    CHECK_ERR(OK, secret_file_read(path, 10000, &text, &n));
    return text;
}

TEST(appservice_registration, rotates_tokens_and_nothing_else) {
    struct folder f;
    CLEANUP(as_registration_destroyp) struct as_registration *before = NULL;
    CLEANUP(as_registration_destroyp) struct as_registration *after = NULL;
    CLEANUP(as_registration_destroyp) struct as_registration *end = NULL;
    folder_make(&f);
    write_text(f.file, GOOD ADMIN_S_OWN);
    CHECK_ERR(OK, as_registration_load(f.file, "example.com", &before));
    CHECK(before->as_token_old == NULL && before->hs_token_old == NULL);
    CHECK_ERR(OK, as_registration_rotate(f.file, "example.com"));
    CHECK_ERR(OK, as_registration_load(f.file, "example.com", &after));
    CHECK(as_registration_alike(before, after));
    CHECK_STR(before->as_token, after->as_token_old);
    CHECK_STR(before->hs_token, after->hs_token_old);
    CHECK(strcmp(before->as_token, after->as_token) != 0);
    CHECK(strcmp(before->hs_token, after->hs_token) != 0);
    CHECK_INT(64, strlen(after->as_token));
    CLEANUP(mem_freep) char *now = read_text(f.file);
    CLEANUP(mem_freep) char *old = read_text(f.old);
    CHECK_STR(GOOD ADMIN_S_OWN, old);
    CHECK(strstr(now, ADMIN_S_OWN) != NULL && strstr(now, before->as_token) == NULL);
    CHECK_ERR(ERR_CONFLICT, as_registration_rotate(f.file, "example.com"));
    as_registration_swap_tokens(before, after);
    CHECK_STR(before->as_token_old, after->as_token);
    CHECK_ERR(OK, secret_file_drop_old(f.file));
    CHECK_ERR(OK, as_registration_load(f.file, "example.com", &end));
    CHECK_STR(before->as_token, end->as_token);
    CHECK(end->as_token_old == NULL && end->hs_token_old == NULL);
    folder_remove(&f);
}

TEST(appservice_registration, a_rotation_that_broke_off_has_no_old_tokens) {
    struct folder f;
    CLEANUP(as_registration_destroyp) struct as_registration *r = NULL;
    folder_make(&f);
    write_text(f.file, GOOD);
    write_text(f.old, GOOD);
    CHECK_ERR(OK, as_registration_load(f.file, "example.com", &r));
    CHECK(r->as_token_old == NULL && r->hs_token_old == NULL);
    folder_remove(&f);
}

TEST(appservice_registration, an_old_one_that_is_broken_is_told) {
    struct folder f;
    struct as_registration *r = NULL;
    folder_make(&f);
    write_text(f.file, GOOD);
    write_text(f.old, "id: x\n");
    CHECK_ERR(ERR_INVALID, as_registration_load(f.file, "example.com", &r));
    CHECK(strstr(err_text(), "r.yaml.old") != NULL);
    folder_remove(&f);
}

TEST_ALLOC(appservice_registration, rotates_without_memory) {
    struct folder f;
    CLEANUP(as_registration_destroyp) struct as_registration *r = NULL;
    folder_make(&f);
    write_text(f.file, GOOD);
    enum err e = as_registration_rotate(f.file, "example.com");
    CHECK_INT(e == OK ? 0 : -1, access(f.old, F_OK));
    e = e == OK ? as_registration_load(f.file, "example.com", &r) : e;
    folder_remove(&f);
    return e;
}

TEST_ALLOC(appservice_registration, survives_no_memory) {
    struct folder f;
    CLEANUP(as_registration_destroyp) struct as_registration *r = NULL;
    CLEANUP(as_registration_destroyp) struct as_registration *again = NULL;
    folder_make(&f);
    enum err e = as_registration_generate("calls", "http://h", "_calls", &r);
    e = e == OK ? as_registration_save(r, "example.com", f.file) : e;
    e = e == OK ? as_registration_load(f.file, "example.com", &again) : e;
    folder_remove(&f);
    return e;
}
