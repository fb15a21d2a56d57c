/* A ring of bits. */
#include "sfu/seen.h"

#include <string.h>

static uint64_t *word_of(struct sfu_seen *s, int64_t seq) {
    return &s->bits[seq / 64 % (SFU_SEEN_WINDOW / 64)];
}

static uint64_t bit_of(int64_t seq) {
    return UINT64_C(1) << (seq % 64);
}

static void move_to(struct sfu_seen *s, int64_t seq) {
    if (!s->any || seq - s->newest >= SFU_SEEN_WINDOW) {
        memset(s->bits, 0, sizeof(s->bits));
    } else {
        for (int64_t i = s->newest + 1; i <= seq; i++) {
            *word_of(s, i) &= ~bit_of(i);
        }
    }
    s->newest = seq;
    s->any = true;
}

bool sfu_seen_note(struct sfu_seen *s, int64_t seq) {
    if (!s->any || seq > s->newest) {
        move_to(s, seq);
    } else if (s->newest - seq >= SFU_SEEN_WINDOW || (*word_of(s, seq) & bit_of(seq)) != 0) {
        return false;
    }
    *word_of(s, seq) |= bit_of(seq);
    return true;
}
