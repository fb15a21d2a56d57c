/*
 * The head of an HTTP answer, as doctor_fetch keeps it: lines "Name: value".  Pure, any thread.
 */
#ifndef DOCTOR_HEAD_H
#define DOCTOR_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#define DOCTOR_FIELD_MAX 1024 /* bytes of a value we look at; longer ones are cut */

/** How often the header is there; the first value goes to `ret` ("" when there is none). The name
 * in any case. */
size_t doctor_head_field(const char *head, const char *name, char ret[DOCTOR_FIELD_MAX]);

/* May a page of another site read this answer? Browsers take the header only when there is exactly
 * one with one value. */
enum doctor_cors {
    DOCTOR_CORS_FINE,
    DOCTOR_CORS_MISSING,
    DOCTOR_CORS_DOUBLED, /* two headers, or one with two values */
    DOCTOR_CORS_NARROW,  /* allows some other site only */
};
/** Of Access-Control-Allow-Origin. */
enum doctor_cors doctor_cors_of(const char *head);
/** "has no Access-Control-Allow-Origin header" and so on; to follow what was asked. */
const char *doctor_cors_text(enum doctor_cors c);

#endif
