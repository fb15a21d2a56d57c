/* Handing over from one audit key to the next. */
#include "store/key_rotation.h"

#include "store/chain.h"

#include <stdio.h>

void store_key_what(int epoch, const char *fingerprint, char ret[STORE_KEY_WHAT_SIZE]) {
    snprintf(ret, STORE_KEY_WHAT_SIZE, "key epoch=%d fingerprint=%s", epoch, fingerprint);
}

void store_key_introduction(struct buf *b, int epoch, const char *fingerprint) {
    store_chain_put_text(b, "parley/key/1");
    store_chain_put_number(b, epoch);
    store_chain_put_text(b, fingerprint);
}
