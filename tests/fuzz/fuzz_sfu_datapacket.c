/* What is forwarded can be read again, is for the same people, has the same number, and forwarding
 * it once more changes nothing but the order of fields: so nothing of the sender's is left to be
 * replaced. */
#include "fuzz.h"

#include "sfu/datapacket.h"

#include <assert.h>

#define MOST 262144

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static const struct sfu_datapacket_sender sender = { "@a:hs:DEV", "PA_1234567890", true };
    static uint8_t once[MOST], twice[MOST];
    struct sfu_datapacket p, q;
    if (!sfu_datapacket_read(data, len, &p)) {
        return 0;
    }
    size_t n = sfu_datapacket_write(&p, &sender, once, sizeof(once));
    if (n == 0) {
        assert(len > MOST / 4); /* destinations are doubled at most, and the user packet is one */
        return 0;
    }
    assert(sfu_datapacket_read(once, n, &q));
    assert(p.sequence == q.sequence && p.n_sids == q.n_sids && p.for_nobody == q.for_nobody);
    assert(
        sfu_datapacket_is_for(&p, "alice", "PA_1") == sfu_datapacket_is_for(&q, "alice", "PA_1"));
    assert(!sfu_datapacket_is_for_server(&p) || sfu_datapacket_is_for_server(&q));
    assert(sfu_datapacket_write(&q, &sender, twice, sizeof(twice)) == n);
    assert(sfu_datapacket_write(&q, &sender, twice, n - 1) == 0);
    return 0;
}
