/*
 * The settings table, seen from inside: a row a key, a kind a type. Only core/config* includes
 * this. Thread: main.
 */
#ifndef CORE_CONFIG_ROW_H
#define CORE_CONFIG_ROW_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct buf;
struct config;
struct config_kind;

enum config_flag {
    CONFIG_RELOADABLE = 1,
    CONFIG_SECRET = 2,      /* never shown in a sentence */
    CONFIG_SERVE_NEEDS = 4, /* empty by default, and `serve` refuses that */
};

struct config_row {
    const char *section;
    const char *key;
    const struct config_kind *kind;
    size_t offset;        /* of the slot in struct config */
    const char *fallback; /* the default, as the environment would say it */
    int64_t min;          /* of the number; of the length of a text; of the entries of a list */
    int64_t max;
    const char *const *choices; /* of config_choice, ends with NULL; the value is the index */
    unsigned flags;
    const char *sentence;
};

extern const struct config_row config_rows[];
extern const size_t config_n_rows;

void *config_row_slot(struct config *c, const struct config_row *row);
/** Is row `i` the first of its section? */
bool config_row_begins_section(size_t i);
/** Its name in the environment. */
#define CONFIG_VARIABLE_PREFIX "PARLEY_"
#define CONFIG_VARIABLE_SIZE   64
void config_row_variable(const struct config_row *row, char ret[CONFIG_VARIABLE_SIZE]);
/** Settings with nothing but defaults; node.name is still empty. */
MUST_CHECK enum err config_create_default(struct config **ret);

/* The variables of the token service that Parley replaces: each is a row of ours in another
 * spelling. */
struct config_alias {
    const char *variable;
    const char *section, *key; /* NULL: known, and not needed here */
    /* Writes the value as the row reads it; false: it does not count. NULL = as it is. */
    bool (*translate)(const char *value, struct buf *b);
};
extern const struct config_alias config_aliases[];
extern const size_t config_n_aliases;
/** The value of a variable; NULL when it is not set, or empty, which means the same there. */
const char *config_env_get(char *const *env, const char *name);
/** Where that service listens by default, as http.public reads it. */
void config_alias_listen(struct buf *b);

/* A value as it was written: one text, or several. */
struct config_words {
    const char *const *items;
    size_t n;
    bool list;
};

struct config_kind {
    bool (*entry)(const char *item); /* may this stand in the list? NULL = the kind is no list */
    /* Fills the slot, or leaves it untouched: ERR_INVALID, without a sentence, when the words are
     * not allowed. Texts are copied to the arena. */
    enum err (*read)(
        const struct config_row *row, struct arena *a, struct config_words words, void *slot);
    /* What is allowed, to follow "must be". */
    void (*allowed)(const struct config_row *row, struct buf *b);
    /* As YAML. */
    void (*print)(const struct config_row *row, const void *slot, struct buf *b);
    bool (*equal)(const void *x, const void *y);
    enum err (*copy)(struct arena *a, const void *from, void *to);
};

extern const struct config_kind config_text;     /* const char * */
extern const struct config_kind config_path;     /* const char *, absolute */
extern const struct config_kind config_url;      /* const char *, http or https; "" if min is 0 */
extern const struct config_kind config_bool;     /* bool */
extern const struct config_kind config_int;      /* int */
extern const struct config_kind config_size;     /* size_t, bytes */
extern const struct config_kind config_time_us;  /* int64_t; min and max in ms */
extern const struct config_kind config_time_ms;  /* int64_t; min and max in ms */
extern const struct config_kind config_choice;   /* an enum */
extern const struct config_kind config_listen;   /* struct config_list */
extern const struct config_kind config_users;    /* struct config_list */
extern const struct config_kind config_networks; /* struct config_list */
extern const struct config_kind config_servers;  /* struct config_list, Matrix server names or * */
extern const struct config_kind config_pairs;    /* struct config_list, server=url */
extern const struct config_kind config_hooks;  /* struct config_list, urls that may have a query */
extern const struct config_kind config_events; /* struct config_list, news of calls */
extern const struct config_kind config_announced; /* struct config_list, public or public=private */
extern const struct config_kind config_stun;      /* const char *, "stun:host[:port]" or "" */
extern const struct config_kind config_relays;    /* struct config_list, stun:, turn: and turns: */

#endif
