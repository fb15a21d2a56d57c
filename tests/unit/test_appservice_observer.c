/* The table of types, and that no field of any event can do harm. */
#include "appservice/observer.h"

#include "appservice_property.h"
#include "appservice_samples.h"
#include "appservice_say.h"

/* Every spelling of matrix-calls 2 and 3, told apart by what its reader makes of an empty content;
 * those that rightly make nothing of it have their own tests. */
TEST(appservice_observer, knows_every_type) {
    static const char no_call[] = "malformed content.call_id: want a string, got nothing";
    static const char no_mark[] = "malformed sticky: want an object, got nothing";
    static const char is_left[] =
        "member_left gen=state slot=m.call#ROOM key=_@a:b_D_m.call state_key=_@a:b_D_m.call "
        "user=@a:b key_user=@a:b device=D reason=left";
    static const char closed[] =
        "slot_closed gen=sticky slot=_@a:b_D_m.call state_key=_@a:b_D_m.call "
        "user=@alice:example.com";
    static const char older[] = "notify start=-2000 end=+28000 older";
    static const struct {
        const char *type;
        const char *want;
    } rows[] = {
        { "m.call.invite", no_call },
        { "m.call.candidates", no_call },
        { "m.call.answer", no_call },
        { "m.call.select_answer", no_call },
        { "m.call.reject", no_call },
        { "m.call.hangup", no_call },
        { "m.call.negotiate", no_call },
        { "m.call.sdp_stream_metadata_changed", no_call },
        { "org.matrix.call.sdp_stream_metadata_changed", no_call },
        { "m.call.asserted_identity", no_call },
        { "org.matrix.call.asserted_identity", no_call },
        { "m.call.replaces", no_call },
        { "org.matrix.call.replaces", no_call },
        { "org.matrix.msc3401.call.member", is_left },
        { "m.call.member", is_left },
        { "com.famedly.call.member",
            "member_list gen=famedly state_key=_@a:b_D_m.call user=@alice:example.com "
            "key_user=@a:b remaining=[]" },
        { "org.matrix.msc4143.rtc.member", no_mark },
        { "m.rtc.member", no_mark },
        { "org.matrix.msc4143.rtc.slot", closed },
        { "m.rtc.slot", closed },
        { "org.matrix.msc4075.call.notify", older },
        { "m.call.notify", older },
        { "m.room.member", "malformed state_key: want a user id, got a string !changed" },
        { "m.room.join_rules", " !changed" },
        { "m.room.redaction", "malformed content.redacts: want a string, got nothing" },
        { "m.room.message", "" },
        { "org.matrix.msc3401.call", "" },
        { "io.element.call.reaction", "" },
        { "io.element.call.encryption_keys", "" },
        { "m.call", "" },
        { "m.call.invite2", "" },
        { "", "" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->type);
        check_content(r->type, "_@a:b_D_m.call", NULL, "{}", r->want);
    }
}

TEST(appservice_observer, passes_over_what_is_no_event) {
    static const char *const rows[] = { "[]", "{}", "{'type':7}", "{'type':null,'content':{}}",
        "{'type':'m.call.invite\\u0000'}", "{'content':{'type':'m.call.invite'}}" };
    FOR_ROWS (rows, r) {
        ROW(*r);
        json_t *event = say_parse(*r);
        check_event(&say_config, event, false, "");
        json_decref(event);
    }
    check_event(&say_config, NULL, false, "");
}

TEST(appservice_observer, reads_every_sample) {
    FOR_ROWS (appservice_samples, s) {
        struct arena arena;
        struct as_reading reading;
        ROW(s->name);
        json_t *event = say_parse(s->event);
        arena_init(&arena);
        CHECK_ERR(OK, as_observer_read(&say_config, event, RECEIVED_MS, false, &arena, &reading));
        CHECK(reading.n_inputs == 0 || reading.inputs[0].type != IN_MALFORMED);
        CHECK_STR(NULL, reading_holds(&reading, RECEIVED_MS));
        arena_finish(&arena);
        json_decref(event);
    }
}

/* --- each field in turn becomes something else --- */

struct mutation {
    json_t *event;
    struct as_observer_config cfg;
    size_t runs;
};

static void run_mutant(struct mutation *m, const char *where, const char *what) {
    struct arena arena;
    struct as_reading reading;
    arena_init(&arena);
    CHECK_ERR(OK, as_observer_read(&m->cfg, m->event, RECEIVED_MS, false, &arena, &reading));
    const char *broken = reading_holds(&reading, RECEIVED_MS);
    if (broken != NULL) {
        test_fail(__FILE__, __LINE__, "%s as %s: %s", where, what, broken);
    }
    m->runs++;
    arena_finish(&arena);
}

static json_t *huge_text(void) {
    struct buf b;
    buf_init(&b, 0);
    for (int i = 0; i < 40000; i++) {
        buf_puts(&b, "\xc3\xa4");
    }
    json_t *text = json_stringn(b.data, b.len);
    buf_finish(&b);
    return text;
}

static json_t *huge_list(void) {
    json_t *list = json_array();
    for (int i = 0; i < 3000; i++) {
        json_array_append_new(list, i % 2 == 0 ? json_string("@u:example.com") : json_object());
    }
    return list;
}

static json_t *deep_list(void) {
    json_t *list = json_array();
    for (int i = 0; i < 1000; i++) {
        json_t *outer = json_array();
        json_array_append_new(outer, list);
        list = outer;
    }
    return list;
}

/* What stands in for a field; the last row, NULL, is its absence. */
static json_t *replacement(size_t i, const char **name) {
    static const char *const texts[] = { "null", "0", "-1", "7", "9007199254740993",
        "-9223372036854775808", "1e300", "-0.5", "true", "false", "''", "'x'", "'a\\u0000b'", "'$'",
        "'@:'", "'1'", "[]", "{}", "[null]", "[{}]", "{'type':'livekit'}" };
    if (i < COUNT_OF(texts)) {
        struct buf b;
        buf_init(&b, 0);
        buf_printf(&b, "[%s]", texts[i]);
        json_t *list = say_parse(buf_str(&b));
        json_t *value = json_incref(json_array_get(list, 0));
        json_decref(list);
        buf_finish(&b);
        *name = texts[i];
        return value;
    }
    static const struct {
        const char *name;
        json_t *(*make)(void);
    } large[] = { { "a huge text", huge_text }, { "a huge list", huge_list },
        { "a deep list", deep_list } };
    i -= COUNT_OF(texts);
    *name = i < COUNT_OF(large) ? large[i].name : i == COUNT_OF(large) ? "nothing" : NULL;
    return i < COUNT_OF(large) ? large[i].make() : NULL;
}

static void mutate_below(struct mutation *m, json_t *json);

static void mutate_member(struct mutation *m, json_t *object, const char *key, json_t *old) {
    const char *name;
    for (size_t i = 0;; i++) {
        json_t *value = replacement(i, &name);
        if (name == NULL) {
            break;
        }
        if (value == NULL) {
            json_object_del(object, key);
        } else {
            json_object_set_new(object, key, value);
        }
        run_mutant(m, key, name);
    }
    json_object_set(object, key, old);
    mutate_below(m, old);
}

static void mutate_entry(struct mutation *m, json_t *list, size_t at, json_t *old) {
    const char *name;
    for (size_t i = 0;; i++) {
        json_t *value = replacement(i, &name);
        if (value == NULL) {
            break;
        }
        json_array_set_new(list, at, value);
        run_mutant(m, "an entry", name);
    }
    json_array_set(list, at, old);
    mutate_below(m, old);
}

static void mutate_below(struct mutation *m, json_t *json) {
    json_t *keys = json_array();
    const char *key;
    json_t *value;
    json_object_foreach(json, key, value) {
        json_array_append_new(keys, json_string(key));
    }
    for (size_t i = 0; i < json_array_size(keys); i++) {
        key = json_string_value(json_array_get(keys, i));
        value = json_incref(json_object_get(json, key));
        mutate_member(m, json, key, value);
        json_decref(value);
    }
    json_decref(keys);
    for (size_t i = 0; i < json_array_size(json); i++) {
        value = json_incref(json_array_get(json, i));
        mutate_entry(m, json, i, value);
        json_decref(value);
    }
}

TEST(appservice_observer, withstands_every_field_being_wrong) {
    FOR_ROWS (appservice_samples, s) {
        ROW(s->name);
        struct mutation m = { .event = say_parse(s->event), .cfg = say_config };
        m.cfg.keep_sdp = true;
        mutate_below(&m, m.event);
        CHECK(m.runs > 200);
        json_decref(m.event);
    }
}

TEST_ALLOC(appservice_observer, survives_no_memory) {
    struct as_observer_config cfg = say_config;
    cfg.keep_sdp = true;
    enum err e = OK;
    FOR_ROWS (appservice_samples, s) {
        struct arena arena;
        struct as_reading reading;
        struct buf quoted;
        json_t *event = NULL;
        buf_init(&quoted, 0);
        buf_puts(&quoted, s->event);
        for (size_t i = 0; i < quoted.len; i++) {
            quoted.data[i] = quoted.data[i] == '\'' ? '"' : quoted.data[i];
        }
        arena_init(&arena);
        e = buf_check(&quoted);
        if (e == OK) {
            event = json_loadb(quoted.data, quoted.len, 0, NULL);
            e = as_observer_read(&cfg, event, RECEIVED_MS, false, &arena, &reading);
        }
        json_decref(event);
        buf_finish(&quoted);
        arena_finish(&arena);
        if (e != OK) {
            break;
        }
    }
    return e;
}
