/* A spool: what was added is there again, whatever came between. */
#include "core/spool.h"

#include "core/buf.h"
#include "core/mem.h"
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BIG INT64_C(1000000)

static char folder[64];
static char path[96];

static void begin(void) {
    snprintf(folder, sizeof(folder), "/tmp/parley-spool-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof(path), "%s/spool", folder);
}

static void end(void) {
    unlink(path);
    rmdir(folder);
}

static struct spool *open_it(int64_t max_bytes) {
    struct spool *s = NULL;
    CHECK_ERR(OK, spool_open(path, max_bytes, &s));
    return s;
}

static enum err add(struct spool *s, const char *text) {
    return spool_add(s, text, strlen(text));
}

/* All that comes, "one two (seal)". */
static void check_all(const char *want, struct spool *s) {
    CLEANUP(buf_finish) struct buf all;
    CLEANUP(buf_finish) struct buf one;
    bool seal = false;
    buf_init(&all, 0);
    buf_init(&one, 0);
    while (spool_next(s, &one, &seal) == OK) {
        buf_printf(&all, seal ? "%s(%s)" : "%s%s", all.len == 0 ? "" : " ", buf_str(&one));
    }
    CHECK_STR(want, buf_str(&all));
}

static int64_t size_of(void) {
    struct stat st;
    return stat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

TEST(core_spool, gives_back_what_was_added_in_order) {
    begin();
    struct spool *s = open_it(BIG);
    CHECK(spool_empty(s));
    check_all("", s);
    CHECK_ERR(OK, add(s, "one"));
    CHECK_ERR(OK, add(s, ""));
    CHECK_ERR(OK, add(s, "three"));
    CHECK_ERR(OK, spool_sync(s));
    const int64_t place = spool_place(s);
    check_all("one  three", s);
    check_all("", s);
    spool_go(s, place);
    check_all("one  three", s);
    CHECK_ERR(OK, add(s, "four"));
    check_all("four", s);
    spool_close(s);
    s = open_it(BIG); /* the next process */
    CHECK(!spool_empty(s));
    CHECK_ERR(OK, add(s, "five"));
    check_all("one  three four five", s);
    CHECK_ERR(OK, spool_clear(s));
    CHECK(spool_empty(s));
    check_all("", s);
    CHECK_ERR(OK, add(s, "six"));
    spool_close(s);
    s = open_it(BIG);
    check_all("six", s);
    spool_close(s);
    end();
}

TEST(core_spool, has_a_bound_and_a_seal) {
    begin();
    struct spool *s = open_it(SPOOL_HEAD_SIZE + 2 * (SPOOL_MARK_SIZE + 4));
    CHECK_ERR(OK, add(s, "1234"));
    CHECK_ERR(OK, add(s, "5678"));
    CHECK_ERR(ERR_LIMIT, add(s, ""));
    CHECK(!spool_sealed(s));
    CHECK_ERR(OK, spool_seal(s, "lost 1", 6));
    CHECK_ERR(OK, spool_seal(s, "lost 2", 6));
    CHECK_ERR(ERR_CONFLICT, spool_seal(s, "lost 10", 7));
    spool_close(s);
    s = open_it(BIG); /* sealed all the same */
    CLEANUP(buf_finish) struct buf seal;
    buf_init(&seal, 0);
    CHECK(spool_sealed(s));
    CHECK_ERR(OK, spool_read_seal(s, &seal));
    CHECK_STR("lost 2", buf_str(&seal));
    CHECK_ERR(ERR_LIMIT, add(s, "9"));
    CHECK_ERR(OK, spool_seal(s, "lost 3", 6));
    check_all("1234 5678 (lost 3)", s);
    CHECK_ERR(OK, spool_clear(s));
    CHECK(!spool_sealed(s));
    CHECK_ERR(ERR_NOT_FOUND, spool_read_seal(s, &seal));
    CHECK_ERR(OK, add(s, "9"));
    spool_close(s);
    end();
}

TEST(core_spool, takes_nothing_longer_than_a_record) {
    begin();
    struct spool *s = open_it(BIG);
    char *big = mem_zalloc(SPOOL_RECORD_MAX + 1);
    memset(big, 'x', SPOOL_RECORD_MAX);
    CHECK_ERR(ERR_TOO_LARGE, spool_add(s, big, SPOOL_RECORD_MAX + 1));
    CHECK_ERR(OK, spool_add(s, big, SPOOL_RECORD_MAX));
    check_all(big, s);
    mem_free(big);
    spool_close(s);
    end();
}

static void cut(int64_t n) {
    CHECK(truncate(path, (off_t)n) == 0);
}

static void flip(int64_t at) {
    const int fd = open(path, O_RDWR);
    char c = 0;
    CHECK(pread(fd, &c, 1, at) == 1);
    c ^= 1;
    CHECK(pwrite(fd, &c, 1, at) == 1);
    close(fd);
}

TEST(core_spool, survives_a_crash_in_the_middle_of_a_record) {
    begin();
    const int64_t one = SPOOL_HEAD_SIZE + SPOOL_MARK_SIZE + 3;
    const int64_t two = one + SPOOL_MARK_SIZE + 3;
    for (int64_t n = two; n >= 0; n--) {
        unlink(path);
        struct spool *s = open_it(BIG);
        CHECK_ERR(OK, add(s, "one"));
        CHECK_ERR(OK, add(s, "two"));
        spool_close(s);
        cut(n);
        s = open_it(BIG);
        CHECK_ERR(OK, add(s, "new"));
        check_all(n == two ? "one two new" : n >= one ? "one new" : "new", s);
        spool_close(s);
    }
    end();
}

TEST(core_spool, gives_nothing_that_was_changed) {
    begin();
    struct spool *s = open_it(BIG);
    CHECK_ERR(OK, add(s, "one"));
    spool_close(s);
    const int64_t size = size_of();
    for (int64_t at = sizeof("parley spool 1\n"); at < size; at++) {
        flip(at);
        s = open_it(BIG);
        check_all("", s);
        CHECK_ERR(OK, spool_clear(s));
        CHECK_ERR(OK, add(s, "one"));
        spool_close(s);
    }
    end();
}

TEST(core_spool, finds_no_record_of_before_it_was_emptied) {
    begin();
    struct spool *s = open_it(BIG);
    CHECK_ERR(OK, add(s, "aaa"));
    CHECK_ERR(OK, add(s, "bbb"));
    spool_close(s);
    char old[256];
    int fd = open(path, O_RDONLY);
    const ssize_t n = read(fd, old, sizeof(old));
    close(fd);
    s = open_it(BIG);
    CHECK_ERR(OK, spool_clear(s));
    CHECK_ERR(OK, add(s, "ccc"));
    spool_close(s);
    fd = open(path, O_RDWR); /* the old second record behind the new first one */
    CHECK(pwrite(fd, old + SPOOL_HEAD_SIZE + 15, (size_t)n - SPOOL_HEAD_SIZE - 15,
              SPOOL_HEAD_SIZE + 15) > 0);
    close(fd);
    s = open_it(BIG);
    check_all("ccc", s);
    spool_close(s);
    end();
}

TEST(core_spool, belongs_to_one_process_and_to_nobody_else) {
    begin();
    struct spool *s = open_it(BIG);
    struct spool *other = NULL;
    struct stat st;
    CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    CHECK_ERR(ERR_CONFLICT, spool_open(path, BIG, &other));
    spool_close(s);
    CHECK(chmod(path, 0644) == 0);
    CHECK_ERR(ERR_FORBIDDEN, spool_open(path, BIG, &other));
    CHECK(chmod(path, 0600) == 0);
    flip(0);
    CHECK_ERR(ERR_INVALID, spool_open(path, BIG, &other));
    CHECK_ERR(ERR_NOT_FOUND, spool_open("/no/such/folder/spool", BIG, &other));
    CHECK(other == NULL);
    end();
}

TEST_ALLOC(core_spool, survives_no_memory) {
    struct spool *s = NULL;
    CLEANUP(buf_finish) struct buf one;
    bool seal = false;
    buf_init(&one, 0);
    begin();
    enum err e = spool_open(path, BIG, &s);
    if (e == OK) {
        e = add(s, "one");
    }
    if (e == OK) {
        e = spool_next(s, &one, &seal);
    }
    spool_close(s);
    end();
    return e;
}
