/* The three forms of what was found. */
#include "doctor/report.h"

#include "core/buf.h"
#include "test.h"

#include <jansson.h>
#include <string.h>

static void fine(struct doctor *d) {
    doctor_say(d, DOCTOR_OK, NULL, "it answers");
}

static void noted(struct doctor *d) {
    doctor_say(d, DOCTOR_NOTE, NULL, "it could be \"newer\"");
}

static void doubtful(struct doctor *d) {
    doctor_say(d, DOCTOR_WARN, "key: value\n\nother: value",
        "a sentence that is so long that it does not fit into one line and goes on in the next, "
        "aligned with the first");
}

static void broken(struct doctor *d) {
    doctor_say(d, DOCTOR_FAIL, "systemctl start it", "it is gone");
}

static const struct doctor_check table[] = {
    { "fine", "first", { NULL }, fine },
    { "noted", "second", { "fine" }, noted },
    { "doubtful", "third", { NULL }, doubtful },
    { "broken", "fourth", { NULL }, broken },
    { "after", "fifth", { "broken" }, fine },
};

static enum err examine(size_t n, struct doctor **ret) {
    TRY(doctor_create(NULL, NULL, ret));
    return doctor_run(*ret, table, n);
}

TEST(doctor_report, ends_with_the_severity) {
    static const struct {
        const char *name;
        size_t n;
        int want;
    } rows[] = {
        { "nothing", 0, 0 },
        { "fine", 1, 0 },
        { "note", 2, 0 },
        { "warning", 3, 1 },
        { "failure", 4, 2 },
        { "failure and skipped", 5, 2 },
    };
    FOR_ROWS (rows, r) {
        CLEANUP(doctor_destroyp) struct doctor *d = NULL;
        ROW(r->name);
        CHECK_ERR(OK, examine(r->n, &d));
        CHECK_INT(r->want, doctor_report_exit(d));
    }
}

TEST(doctor_report, prints_a_page) {
    static const struct {
        const char *name;
        size_t n;
        const char *want;
    } rows[] = {
        { "all is well", 2,
            "ok    first               it answers\n"
            "note  second              it could be \"newer\"\n"
            "\nNothing is broken: 2 checks.\n" },
        { "all of it", 5,
            "ok    first               it answers\n"
            "note  second              it could be \"newer\"\n"
            "warn  third               a sentence that is so long that it does not fit into one "
            "line and goes on\n"
            "                          in the next, aligned with the first\n"
            "                              key: value\n"
            "\n"
            "                              other: value\n"
            "FAIL  fourth              it is gone\n"
            "                              systemctl start it\n"
            "-     fifth               not looked at: fourth comes first\n"
            "\n1 broken, 1 in part, of 5 checks, 1 not looked at. Begin with the first FAIL.\n" },
    };
    FOR_ROWS (rows, r) {
        CLEANUP(doctor_destroyp) struct doctor *d = NULL;
        CLEANUP(buf_finish) struct buf b;
        buf_init(&b, 0);
        ROW(r->name);
        CHECK_ERR(OK, examine(r->n, &d));
        doctor_report_text(d, &b);
        CHECK_STR(r->want, buf_str(&b));
    }
}

TEST(doctor_report, prints_what_to_paste) {
    CLEANUP(doctor_destroyp) struct doctor *d = NULL;
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    CHECK_ERR(OK, examine(COUNT_OF(table), &d));
    doctor_report_fixes(d, &b);
    CHECK_STR("# doubtful: a sentence that is so long that it does not fit into one line and goes "
              "on in the next, aligned with the first\n"
              "key: value\n\nother: value\n\n"
              "# broken: it is gone\nsystemctl start it\n\n",
        buf_str(&b));
}

TEST(doctor_report, prints_one_document) {
    CLEANUP(doctor_destroyp) struct doctor *d = NULL;
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    CHECK_ERR(OK, examine(COUNT_OF(table), &d));
    doctor_report_json(d, &b);
    json_t *o = json_loads(buf_str(&b), JSON_REJECT_DUPLICATES, NULL);
    CHECK(o != NULL);
    CHECK_STR("fail", json_string_value(json_object_get(o, "severity")));
    CHECK_INT(2, json_integer_value(json_object_get(o, "exit")));
    json_t *checks = json_object_get(o, "checks");
    CHECK_INT(COUNT_OF(table), json_array_size(checks));
    json_t *last = json_array_get(checks, 4);
    CHECK_STR("skipped", json_string_value(json_object_get(last, "severity")));
    json_t *third = json_array_get(json_object_get(json_array_get(checks, 2), "findings"), 0);
    CHECK_STR("key: value\n\nother: value", json_string_value(json_object_get(third, "paste")));
    json_decref(o);
}
