/* What an association costs, usrsctp's share included: bytes that the C library has given. */
#include "test.h"

#include "sctp_path.h"

#include <malloc.h>
#include <stdio.h>

#define PAIRS     32
#define MOST_16   (14 * KIB) /* decision 7: 10 kB at 16 streams; the C library adds its own heads */
#define MOST_1024 (150 * KIB)

/* Of AddressSanitizer, where it has replaced the C library's heap. */
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t heap(void) {
    struct mallinfo2 all = mallinfo2();
    return __sanitizer_get_current_allocated_bytes != NULL
               ? __sanitizer_get_current_allocated_bytes()
               : all.uordblks + all.hblkhd; /* large blocks are mapped */
}

static size_t measure(uint16_t streams) {
    static struct sctp_path pairs[PAIRS];
    size_t before = heap(), wires = 0;
    for (int i = 0; i < PAIRS; i++) {
        pairs[i] = (struct sctp_path){ .delay_us = 1000, .seed = (uint64_t)i };
        CHECK_ERR(OK, sctp_path_open(&pairs[i], streams, streams));
        sctp_path_run(&pairs[i], 10 * SEC_US);
        CHECK_INT(RTC_SCTP_OPEN, rtc_sctp_state(pairs[i].ends[1].sctp));
        wires += SCTP_WIRE_MAX * sizeof(struct sctp_packet);
    }
    size_t doors = (size_t)PAIRS * 2 * (RTC_SCTP_MESSAGE_MOST + 100);
    size_t each = (heap() - before - wires - doors) / (2 * PAIRS);
    for (int i = 0; i < PAIRS; i++) {
        sctp_path_close(&pairs[i]);
    }
    return each;
}

TEST(rtc_sctp_memory, an_association_is_small) {
    static const struct {
        const char *name;
        uint16_t streams;
        size_t most;
    } rows[] = {
        { "16 streams", RTC_SCTP_STREAMS, MOST_16 },
        { "1,024 streams", RTC_SCTP_STREAMS_MOST, MOST_1024 },
    };
    if (heap() == 0) {
        return; /* under valgrind, which has a heap of its own and tells nothing of it */
    }
    FOR_ROWS (rows, r) {
        ROW(r->name);
        size_t each = measure(r->streams);
        printf("%s: %zu bytes an association\n", r->name, each);
        CHECK(each > 4 * KIB && each <= r->most);
    }
}
