/* Which buffers are large enough for media. */
#include "doctor/media.h"

#include "core/mem.h"
#include "test.h"

TEST(doctor_media, wants_the_buffers_that_media_asks_for) {
    static const struct {
        const char *name;
        struct doctor_limit limit;
        bool enough;
    } rows[] = {
        { "what the kernel has by itself", { "net.core.rmem_max", 212992 }, false },
        { "a byte less", { "net.core.rmem_max", 4 * (long)MIB - 1 }, false },
        { "what is asked for", { "net.core.rmem_max", 4 * (long)MIB }, true },
        { "more", { "net.core.wmem_max", 64 * (long)MIB }, true },
        { "nothing", { "net.core.wmem_max", 0 }, false },
        { "a container does not say", { "net.core.wmem_max", -1 }, true },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK_INT(r->enough, doctor_limit_enough(&r->limit));
    }
}
