/*
 * A small bounded YAML reader for files that people write: settings and the registration file.
 *
 * It gives a tree of maps, lists and texts, each with its line. Refused, each with a sentence
 * `file:line: why`: anchors, aliases, tags, directives, a second document, a key twice or without
 * text, a NUL, and whatever is over the limits below.  Thread: any; one owner.
 *
 * The names begin with doc_ because libyaml owns yaml_.  See: YAML 1.1, as libyaml reads it.
 */
#ifndef CORE_YAML_H
#define CORE_YAML_H

#include "core/err.h"
#include "core/mem.h"

#include <stdbool.h>
#include <stddef.h>

#define DOC_MAX_BYTES MIB   /* of the file */
#define DOC_MAX_NODES 10000 /* maps, lists and texts */
#define DOC_MAX_DEPTH 8     /* maps and lists inside one another */

enum doc_kind { DOC_TEXT, DOC_LIST, DOC_MAP };

struct doc_node {
    enum doc_kind kind;
    int line;        /* from 1; of the value, or of its key inside a map */
    bool quoted;     /* a text in quotes or a block: never null, never a number */
    const char *key; /* inside a map; else NULL */
    char *text;      /* of DOC_TEXT, without NUL bytes inside; else NULL */
    size_t n;        /* entries of a list or map */
    struct doc_node *first;
    struct doc_node *next;
};

struct doc;

/** Reads `len` bytes; `name` is what sentences call the file. Borrows nothing after the return.
 *  Errors: ERR_INVALID, ERR_TOO_LARGE (limits), ERR_NOMEM. */
MUST_CHECK enum err doc_parse(const char *name, const char *bytes, size_t len, struct doc **ret);
/** Reads a file. Also ERR_NOT_FOUND and ERR_IO. Blocks. */
MUST_CHECK enum err doc_load(const char *path, struct doc **ret);
/** Overwrites the texts before it frees them: they may be tokens. */
void doc_destroy(struct doc *d);
void doc_destroyp(struct doc **d);

/** The outermost node, or NULL when the file holds nothing but comments. Borrowed, like all nodes.
 */
const struct doc_node *doc_root(const struct doc *d);
/** The entry of a map, or NULL; also NULL when `map` is NULL or no map. */
const struct doc_node *doc_get(const struct doc_node *map, const char *key);
/** Is it "no value": `key:`, `key: ~` or `key: null`? */
bool doc_is_null(const struct doc_node *n);
/** Writes "file:line" of a node (NULL: the first line). A long file name is cut. */
#define DOC_WHERE_SIZE 256
void doc_where(const struct doc *d, const struct doc_node *n, char ret[DOC_WHERE_SIZE]);
/** err_set with `file:line: ` before the sentence. */
__attribute__((format(printf, 4, 5))) enum err doc_err(
    const struct doc *d, const struct doc_node *n, enum err e, const char *fmt, ...);

#endif
