/* Random letters without a bias: bytes that would favour some are thrown away. */
#include "rooms/id.h"

#include "core/crypto.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

static const char letters[] = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
#define LETTERS (sizeof(letters) - 1)
#define FAIR    (256 / LETTERS * LETTERS)

void room_id_make(const char *prefix, char ret[ROOM_SID_SIZE]) {
    const size_t n = strlen(prefix);
    size_t at = n;
    assert(n + ROOM_ID_LETTERS < ROOM_SID_SIZE);
    memcpy(ret, prefix, n);
    while (at < n + ROOM_ID_LETTERS) {
        uint8_t bytes[ROOM_ID_LETTERS];
        crypto_random(bytes, sizeof(bytes));
        for (size_t i = 0; i < sizeof(bytes) && at < n + ROOM_ID_LETTERS; i++) {
            if (bytes[i] < FAIR) {
                ret[at++] = letters[bytes[i] % LETTERS];
            }
        }
    }
    ret[at] = '\0';
}
