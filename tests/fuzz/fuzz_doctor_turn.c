/* TURN addresses: what is taken names a host and a port. The same bytes are no answer to a question
 * that was not asked, whatever they are. */
#include "doctor/turn.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char uri[600];
    size_t n = size < sizeof(uri) - 1 ? size : sizeof(uri) - 1;
    memcpy(uri, data, n);
    uri[n] = '\0';
    struct doctor_turn t;
    if (doctor_turn_read(uri, &t) == OK) {
        size_t len = strnlen(t.host, sizeof(t.host));
        if (len == 0 || len == sizeof(t.host) || t.port == 0 || strchr(t.host, '?') != NULL) {
            abort();
        }
    }
    uint8_t id[DOCTOR_STUN_ID_SIZE] = { 0 };
    if (doctor_stun_answers(id, data, size) &&
        (size < DOCTOR_STUN_SIZE || memcmp(data + 8, id, sizeof(id)) != 0)) {
        abort();
    }
    return 0;
}
