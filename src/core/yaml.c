/* The landlord of libyaml: its events become a tree, and whatever we do not need is refused. */
#include "core/yaml.h"

#include "core/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

struct doc {
    char *name;
    struct doc_node *root;
    struct arena arena;
};

/* One reading: a stack of open maps and lists above the event that libyaml gives next. */
struct reader {
    struct doc *d;
    yaml_parser_t parser;
    const char *bytes;
    size_t len;
    unsigned nodes;
    struct doc_node *open[DOC_MAX_DEPTH];
    struct doc_node *last[DOC_MAX_DEPTH]; /* the newest entry of each */
    unsigned depth;
    const char *key; /* waits for its value */
    int key_line;
    bool begun; /* a document has begun */
};

static enum err no_memory(void) {
    return err_set(ERR_NOMEM, "out of memory");
}

__attribute__((format(printf, 4, 0))) static enum err fail_va(
    const struct doc *d, int line, enum err e, const char *fmt, va_list ap) {
    char why[400];
    vsnprintf(why, sizeof(why), fmt, ap);
    return err_set(e, "%.200s:%d: %s", d->name, line, why);
}

__attribute__((format(printf, 4, 5))) static enum err fail_at(
    const struct doc *d, int line, enum err e, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    enum err ret = fail_va(d, line, e, fmt, ap);
    va_end(ap);
    return ret;
}

enum err doc_err(const struct doc *d, const struct doc_node *n, enum err e, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    enum err ret = fail_va(d, n == NULL ? 1 : n->line, e, fmt, ap);
    va_end(ap);
    return ret;
}

void doc_where(const struct doc *d, const struct doc_node *n, char ret[DOC_WHERE_SIZE]) {
    snprintf(ret, DOC_WHERE_SIZE, "%.200s:%d", d->name, n == NULL ? 1 : n->line);
}

/* --- the tree --- */

static void wipe(struct doc_node *n) {
    for (; n != NULL; n = n->next) {
        if (n->text != NULL) {
            explicit_bzero(n->text, strlen(n->text));
        }
        wipe(n->first); /* at most DOC_MAX_DEPTH deep */
    }
}

void doc_destroy(struct doc *d) {
    if (d == NULL) {
        return;
    }
    wipe(d->root);
    arena_finish(&d->arena);
    mem_free(d->name);
    mem_free(d);
}

void doc_destroyp(struct doc **d) {
    doc_destroy(*d);
}

const struct doc_node *doc_root(const struct doc *d) {
    return d->root;
}

const struct doc_node *doc_get(const struct doc_node *map, const char *key) {
    if (map == NULL || map->kind != DOC_MAP) {
        return NULL;
    }
    for (const struct doc_node *n = map->first; n != NULL; n = n->next) {
        if (strcmp(n->key, key) == 0) {
            return n;
        }
    }
    return NULL;
}

bool doc_is_null(const struct doc_node *n) {
    return n->kind == DOC_TEXT && !n->quoted &&
           (n->text[0] == '\0' || strcmp(n->text, "~") == 0 || strcmp(n->text, "null") == 0);
}

/* --- reading --- */

static int line_of(const yaml_event_t *e) {
    return (int)e->start_mark.line + 1;
}

/* Makes a node and hangs it where it belongs. */
static enum err add(
    struct reader *r, const yaml_event_t *e, enum doc_kind kind, struct doc_node **ret) {
    if (++r->nodes > DOC_MAX_NODES) {
        return fail_at(r->d, line_of(e), ERR_TOO_LARGE, "more than %d values", DOC_MAX_NODES);
    }
    struct doc_node *n = arena_alloc(&r->d->arena, sizeof(*n));
    if (n == NULL) {
        return no_memory();
    }
    n->kind = kind;
    n->line = r->key != NULL ? r->key_line : line_of(e);
    n->key = STEAL(r->key);
    if (r->depth == 0) {
        r->d->root = n;
    } else {
        struct doc_node *parent = r->open[r->depth - 1];
        struct doc_node **newest = &r->last[r->depth - 1];
        *(*newest == NULL ? &parent->first : &(*newest)->next) = n;
        *newest = n;
        parent->n++;
    }
    *ret = n;
    return OK;
}

/* Anchors and tags make a file mean something else than what a reader sees. */
static enum err check_plain(const struct reader *r, const yaml_event_t *e,
    const yaml_char_t *anchor, const yaml_char_t *tag) {
    if (anchor != NULL) {
        return fail_at(r->d, line_of(e), ERR_INVALID, "an anchor (&) is not allowed");
    }
    if (tag != NULL) {
        return fail_at(r->d, line_of(e), ERR_INVALID, "a tag (!) is not allowed");
    }
    return OK;
}

static bool key_expected(const struct reader *r) {
    return r->depth > 0 && r->open[r->depth - 1]->kind == DOC_MAP && r->key == NULL;
}

static enum err open_node(struct reader *r, const yaml_event_t *e, enum doc_kind kind) {
    if (key_expected(r)) {
        return fail_at(r->d, line_of(e), ERR_INVALID, "a key must be a text");
    }
    if (r->depth == DOC_MAX_DEPTH) {
        return fail_at(
            r->d, line_of(e), ERR_TOO_LARGE, "nested more than %d levels deep", DOC_MAX_DEPTH);
    }
    struct doc_node *n = NULL;
    TRY(add(r, e, kind, &n));
    r->open[r->depth] = n;
    r->last[r->depth] = NULL;
    r->depth++;
    return OK;
}

static enum err read_key(struct reader *r, const yaml_event_t *e, const char *text) {
    if (text[0] == '\0') {
        return fail_at(r->d, line_of(e), ERR_INVALID, "a key is empty");
    }
    if (doc_get(r->open[r->depth - 1], text) != NULL) {
        return fail_at(r->d, line_of(e), ERR_INVALID, "key %s is there twice", LOG_Q(text));
    }
    r->key = arena_strdup(&r->d->arena, text);
    r->key_line = line_of(e);
    return r->key == NULL ? no_memory() : OK;
}

static enum err read_scalar(struct reader *r, const yaml_event_t *e) {
    const char *text = (const char *)e->data.scalar.value;
    TRY(check_plain(r, e, e->data.scalar.anchor, e->data.scalar.tag));
    if (strlen(text) != e->data.scalar.length) {
        return fail_at(r->d, line_of(e), ERR_INVALID, "a text holds a NUL byte");
    }
    if (key_expected(r)) {
        return read_key(r, e, text);
    }
    char *copy = arena_strdup(&r->d->arena, text);
    if (copy == NULL) {
        return no_memory();
    }
    struct doc_node *n = NULL;
    TRY(add(r, e, DOC_TEXT, &n));
    n->text = copy;
    n->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    return OK;
}

static enum err begin_document(struct reader *r, const yaml_event_t *e) {
    if (r->begun) {
        return fail_at(r->d, line_of(e), ERR_INVALID, "a second document is not allowed");
    }
    if (e->data.document_start.version_directive != NULL ||
        e->data.document_start.tag_directives.start != e->data.document_start.tag_directives.end) {
        return fail_at(r->d, line_of(e), ERR_INVALID, "a directive (%%) is not allowed");
    }
    r->begun = true;
    return OK;
}

static enum err read_event(struct reader *r, const yaml_event_t *e) {
    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT:
        return begin_document(r, e);
    case YAML_ALIAS_EVENT:
        return fail_at(r->d, line_of(e), ERR_INVALID, "an alias (*) is not allowed");
    case YAML_SCALAR_EVENT:
        return read_scalar(r, e);
    case YAML_SEQUENCE_START_EVENT:
        TRY(check_plain(r, e, e->data.sequence_start.anchor, e->data.sequence_start.tag));
        return open_node(r, e, DOC_LIST);
    case YAML_MAPPING_START_EVENT:
        TRY(check_plain(r, e, e->data.mapping_start.anchor, e->data.mapping_start.tag));
        return open_node(r, e, DOC_MAP);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        r->depth--;
        return OK;
    default:
        return OK;
    }
}

/* libyaml's own complaint. A reader error knows only the byte, so its line is counted. */
static enum err syntax_error(const struct reader *r) {
    const yaml_parser_t *p = &r->parser;
    if (p->error == YAML_MEMORY_ERROR) {
        return no_memory();
    }
    int line = (int)p->problem_mark.line + 1;
    if (p->error == YAML_READER_ERROR) {
        line = 1;
        for (size_t i = 0; i < p->problem_offset && i < r->len; i++) {
            line += r->bytes[i] == '\n';
        }
    }
    return fail_at(
        r->d, line, ERR_INVALID, "not YAML: %s", p->problem == NULL ? "unreadable" : p->problem);
}

static enum err read_all(struct reader *r) {
    for (bool end = false; !end;) {
        yaml_event_t e;
        if (!yaml_parser_parse(&r->parser, &e)) {
            return syntax_error(r);
        }
        end = e.type == YAML_STREAM_END_EVENT;
        enum err err = read_event(r, &e);
        yaml_event_delete(&e);
        TRY(err);
    }
    return OK;
}

static enum err read_tree(struct doc *d, const char *bytes, size_t len) {
    if (len > DOC_MAX_BYTES) {
        return fail_at(d, 1, ERR_TOO_LARGE, "larger than %zu bytes", DOC_MAX_BYTES);
    }
    static const char bom[] = "\xEF\xBB\xBF"; /* editors of another system put it there */
    if (len >= 3 && memcmp(bytes, bom, 3) == 0) {
        bytes += 3;
        len -= 3;
    }
    struct reader r = { .d = d, .bytes = bytes, .len = len };
    if (!yaml_parser_initialize(&r.parser)) {
        return no_memory();
    }
    /* Named, so that nothing is guessed to be UTF-16. */
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)bytes, len);
    enum err e = read_all(&r);
    yaml_parser_delete(&r.parser);
    return e;
}

enum err doc_parse(const char *name, const char *bytes, size_t len, struct doc **ret) {
    CLEANUP(doc_destroyp) struct doc *d = mem_zalloc(sizeof(*d));
    if (d == NULL) {
        return no_memory();
    }
    arena_init(&d->arena);
    d->name = mem_strdup(name);
    if (d->name == NULL) {
        return no_memory();
    }
    TRY(read_tree(d, bytes, len));
    *ret = STEAL(d);
    return OK;
}

/* --- files --- */

/* Reads at most `size` bytes; a file that is longer gives `size`, which is over the limit. */
static enum err read_file(const char *path, char *bytes, size_t size, size_t *ret_len) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return err_set(errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot open %.200s: %s", path,
            strerror(errno));
    }
    size_t len = 0;
    ssize_t n = 0;
    do {
        n = read(fd, bytes + len, size - len);
        len += n > 0 ? (size_t)n : 0;
    } while ((n > 0 && len < size) || (n < 0 && errno == EINTR));
    enum err e = n < 0 ? err_set(ERR_IO, "cannot read %.200s: %s", path, strerror(errno)) : OK;
    close(fd);
    if (e == OK) {
        *ret_len = len;
    }
    return e;
}

enum err doc_load(const char *path, struct doc **ret) {
    const size_t size = DOC_MAX_BYTES + 1;
    char *bytes = mem_alloc(size);
    if (bytes == NULL) {
        return no_memory();
    }
    size_t len = 0;
    enum err e = read_file(path, bytes, size, &len);
    if (e == OK) {
        e = doc_parse(path, bytes, len, ret);
    }
    explicit_bzero(bytes, len);
    mem_free(bytes);
    return e;
}
