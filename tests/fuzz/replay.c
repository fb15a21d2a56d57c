/*
 * Runs one fuzz target without libFuzzer: over every file of its corpus, then over a bounded number
 * of mutations of them. The same seed gives the same inputs, so a failure repeats.
 *
 *     fuzz_core_config [--mutations N] corpus-directory
 *
 * An input that breaks the target is written to crash-<pid> in the working directory.
 */
#include "fuzz.h"

#include "core/mem.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEEDS_MAX  4096
#define SEED_MAX   (2 * MIB) /* bytes of one file */
#define MUTANT_MAX (64 * KIB)
#define MUTATIONS  2000
#define EDITS_MAX  6

struct seed {
    char *name;
    uint8_t *bytes;
    size_t len;
};

static struct seed seeds[SEEDS_MAX];
static size_t n_seeds;

/* --- what runs now, for the note behind a crash --- */

static const char *now_name = "";
static const uint8_t *now_bytes;
static size_t now_len;

static void keep_crash(void) {
    char path[32];
    snprintf(path, sizeof(path), "crash-%d", (int)getpid());
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t n = fd < 0 ? -1 : write(fd, now_bytes, now_len);
    dprintf(STDERR_FILENO, "broken by %s%s%s\n", now_name, n < 0 ? "" : ", kept as ",
        n < 0 ? "" : path);
}

static void on_signal(int sig) {
    keep_crash();
    signal(sig, SIG_DFL);
    raise(sig);
}

/* Of the sanitizers' runtime, where there is one. */
extern void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void watch(void) {
    signal(SIGABRT, on_signal);
    if (__sanitizer_set_death_callback != NULL) {
        __sanitizer_set_death_callback(keep_crash);
    } else {
        signal(SIGSEGV, on_signal);
    }
}

/* The target gets a block of exactly its size, so that a sanitizer sees one byte too far. */
static void run(const char *name, const uint8_t *bytes, size_t len) {
    uint8_t *copy = mem_alloc(len);
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, bytes, len);
    now_name = name;
    now_bytes = copy;
    now_len = len;
    LLVMFuzzerTestOneInput(copy, len);
    mem_free(copy);
}

/* --- the corpus --- */

static bool read_seed(const char *dir, const char *name, struct seed *ret) {
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *f = fopen(path, "rb");
    uint8_t *bytes = mem_alloc(SEED_MAX);
    bool fine = f != NULL && bytes != NULL;
    if (fine) {
        *ret = (struct seed){ mem_strdup(name), bytes, fread(bytes, 1, SEED_MAX, f) };
        ret->bytes = mem_realloc(bytes, ret->len);
        fine = !ferror(f);
    }
    if (f != NULL) {
        fclose(f);
    }
    return fine;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct seed *)a)->name, ((const struct seed *)b)->name);
}

static bool read_corpus(const char *dir) {
    DIR *d = opendir(dir);
    bool fine = d != NULL;
    for (struct dirent *e; fine && (e = readdir(d)) != NULL;) {
        if (e->d_name[0] != '.') {
            fine = n_seeds < SEEDS_MAX && read_seed(dir, e->d_name, &seeds[n_seeds]);
            n_seeds += fine;
        }
    }
    if (d != NULL) {
        closedir(d);
    }
    qsort(seeds, n_seeds, sizeof(seeds[0]), by_name); /* directories come in any order */
    return fine && n_seeds > 0;
}

/* --- mutations --- */

static uint64_t state = 0x9E3779B97F4A7C15;

/* xorshift64*; not 0 ever. */
static size_t below(size_t n) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return n == 0 ? 0 : (size_t)((state * 0x2545F4914F6CDD1D) >> 33) % n;
}

static void flip_bit(uint8_t *m, size_t *len) {
    if (*len > 0) {
        m[below(*len)] ^= (uint8_t)(1U << below(8));
    }
}

static void put_byte(uint8_t *m, size_t *len) {
    static const uint8_t telling[] = { 0, 1, 0x7F, 0x80, 0xFF, '\r', '\n', ' ', ':', '"', '{', '[',
        '%', '-', '0', '9' };
    if (*len > 0) {
        m[below(*len)] = telling[below(sizeof(telling))];
    }
}

static void cut_out(uint8_t *m, size_t *len) {
    size_t from = below(*len);
    size_t n = below(*len - from + 1);
    memmove(m + from, m + from + n, *len - from - n);
    *len -= n;
}

static void cut_off(uint8_t *m, size_t *len) {
    (void)m;
    *len = below(*len + 1);
}

/* Puts a piece of some seed somewhere: repeats, joins, doubles. */
static void put_piece(uint8_t *m, size_t *len) {
    const struct seed *s = &seeds[below(n_seeds)];
    size_t from = below(s->len);
    size_t n = below(s->len - from + 1);
    size_t at = below(*len + 1);
    if (*len + n <= MUTANT_MAX) {
        memmove(m + at + n, m + at, *len - at);
        memcpy(m + at, s->bytes + from, n);
        *len += n;
    }
}

static void run_mutant(void) {
    static void (*const edits[])(
        uint8_t *, size_t *) = { flip_bit, put_byte, cut_out, cut_off, put_piece, put_piece };
    static uint8_t mutant[MUTANT_MAX];
    const struct seed *s = &seeds[below(n_seeds)];
    size_t len = s->len < MUTANT_MAX ? s->len : MUTANT_MAX;
    memcpy(mutant, s->bytes, len);
    for (size_t i = 0, n = 1 + below(EDITS_MAX); i < n; i++) {
        edits[below(COUNT_OF(edits))](mutant, &len);
    }
    char name[300];
    snprintf(name, sizeof(name), "a mutation of %.255s", s->name);
    run(name, mutant, len);
}

int main(int argc, char **argv) {
    long mutations = MUTATIONS;
    if (argc == 4 && strcmp(argv[1], "--mutations") == 0) {
        mutations = strtol(argv[2], NULL, 10);
    } else if (argc != 2) {
        fprintf(stderr, "usage: %s [--mutations N] corpus-directory\n", argv[0]);
        return 2;
    }
    if (!read_corpus(argv[argc - 1])) {
        fprintf(stderr, "no corpus can be read in %s\n", argv[argc - 1]);
        return 1;
    }
    watch();
    for (size_t i = 0; i < n_seeds; i++) {
        run(seeds[i].name, seeds[i].bytes, seeds[i].len);
    }
    for (long i = 0; i < mutations; i++) {
        run_mutant();
    }
    printf("%ld mutations of %zu seeds\n%zu passed, 0 failed\n", mutations, n_seeds, n_seeds);
    return 0;
}
