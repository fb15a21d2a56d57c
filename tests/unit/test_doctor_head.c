/* Headers of an answer, and what a browser makes of Access-Control-Allow-Origin. */
#include "doctor/head.h"

#include "test.h"

#include <string.h>

TEST(doctor_head, finds_headers_by_name) {
    static const struct {
        const char *name, *head, *field;
        size_t n;
        const char *value;
    } rows[] = {
        { "nothing", "", "A", 0, "" },
        { "one", "A: 1\n", "A", 1, "1" },
        { "in any case", "content-TYPE:x\n", "Content-Type", 1, "x" },
        { "the first of two", "A: 1\nB: 2\na:  3\n", "A", 2, "1" },
        { "not the beginning of another", "AB: 1\n", "A", 0, "" },
        { "not inside a value", "B: A: 1\n", "A", 0, "" },
        { "an empty value", "A:\nB: 1\n", "A", 1, "" },
        { "without a line end", "A: 1", "A", 1, "1" },
    };
    FOR_ROWS (rows, r) {
        char value[DOCTOR_FIELD_MAX];
        ROW(r->name);
        CHECK_INT(r->n, doctor_head_field(r->head, r->field, value));
        CHECK_STR(r->value, value);
    }
}

TEST(doctor_head, cuts_values_of_any_length) {
    static char head[4 * DOCTOR_FIELD_MAX];
    char value[DOCTOR_FIELD_MAX];
    memset(head, 'x', sizeof(head) - 1);
    head[1] = ':';
    CHECK_INT(1, doctor_head_field(head, "x", value));
    CHECK_INT(DOCTOR_FIELD_MAX - 1, strlen(value));
}

TEST(doctor_head, reads_cors_as_browsers_do) {
#define FIELD "Access-Control-Allow-Origin: "
    static const struct {
        const char *head;
        enum doctor_cors want;
    } rows[] = {
        { FIELD "*\n", DOCTOR_CORS_FINE },
        { "", DOCTOR_CORS_MISSING },
        { "Access-Control-Allow-Methods: *\n", DOCTOR_CORS_MISSING },
        { FIELD "*\n" FIELD "*\n", DOCTOR_CORS_DOUBLED },
        { FIELD "*, *\n", DOCTOR_CORS_DOUBLED },
        { FIELD "https://app.example.com\n", DOCTOR_CORS_NARROW },
        { FIELD "\n", DOCTOR_CORS_NARROW },
    };
    FOR_ROWS (rows, r) {
        ROW(r->head);
        CHECK_INT(r->want, doctor_cors_of(r->head));
        CHECK(doctor_cors_text(r->want)[0] != '\0');
    }
}
