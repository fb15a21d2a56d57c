/*
 * The JSON of an answer. What a room holds is written by strangers: one state event with a NUL in a
 * key or a number of a thousand digits, both of which the library refuses, must not hide all
 * others. So a list is read value by value when it cannot be read as one. Pure, any thread.
 */
#ifndef MATRIX_BODY_H
#define MATRIX_BODY_H

#include <jansson.h>
#include <stddef.h>

/** Gives the value, or NULL when `bytes` are no JSON. *ret_dropped is how many values of a list
 * could not be read and are not in it. */
json_t *mx_body_read(const char *bytes, size_t len, size_t *ret_dropped);

#endif
