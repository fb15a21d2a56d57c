/* The head of anybody's answer: a value is one line of it, and what browsers may read has exactly
 * one header. */
#include "fuzz.h"

#include "core/mem.h"
#include "doctor/head.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    char value[DOCTOR_FIELD_MAX];
    CLEANUP(mem_freep) char *head = mem_zalloc(n + 1);
    if (head == NULL) {
        return 0;
    }
    memcpy(head, data, n);
    size_t found = doctor_head_field(head, "Location", value);
    assert(strlen(value) < DOCTOR_FIELD_MAX && strchr(value, '\n') == NULL);
    assert(found > 0 || value[0] == '\0');
    bool fine = doctor_cors_of(head) == DOCTOR_CORS_FINE;
    assert(!fine || doctor_head_field(head, "Access-Control-Allow-Origin", value) == 1);
    return 0;
}
