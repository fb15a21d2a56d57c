/* Names and numbers. */
#include "result.h"

static double per_packet(int64_t from_ns, int64_t to_ns, uint64_t packets) {
    return from_ns < 0 || to_ns < 0 || packets == 0 ? -1
                                                    : (double)(to_ns - from_ns) / (double)packets;
}

static void write_times(struct buf *out, const char *name, struct load_samples *s) {
    buf_json_key(out, name);
    buf_printf(out, "{\"n\":%zu,\"p50\":%u,\"p90\":%u,\"p99\":%u,\"max\":%u}", s->n,
        load_samples_at(s, 50), load_samples_at(s, 90), load_samples_at(s, 99),
        load_samples_at(s, 100));
}

/* A server may leave packets out and renumber the rest, so that none seems missing. */
static bool is_clean(const struct load_result *r) {
    const struct load_mark *from = &r->from, *last = &r->last;
    return last->missing <= from->missing && last->faults == from->faults && r->forged == 0 &&
           last->net.dropped == from->net.dropped && last->net.refused == from->net.refused &&
           last->received - from->received >= r->to.expected - from->expected;
}

static double per_receive(const struct load_result *r) {
    uint64_t calls = r->to.net.receives - r->from.net.receives;
    return calls == 0 ? 0 : (double)(r->to.net.received - r->from.net.received) / (double)calls;
}

void load_result_write(struct load_result *r, const struct load_options *o, struct buf *out) {
    uint64_t expected = r->to.expected - r->from.expected;
    uint64_t received = r->to.received - r->from.received;
    double seconds = (double)(r->to.at_us - r->from.at_us) / 1e6;
    const struct {
        const char *name;
        int64_t value;
    } rows[] = {
        { "publishers", o->publishers },
        { "members", o->members },
        { "subscribers", o->subscribers },
        { "streams", (int64_t)r->streams },
        { "expected", (int64_t)expected },
        { "received", (int64_t)received },
        { "received_at_last", (int64_t)(r->last.received - r->from.received) },
        { "missing", (int64_t)r->last.missing - (int64_t)r->from.missing },
        { "missing_before", (int64_t)r->from.missing },
        { "faults", (int64_t)r->last.faults },
        { "wrong", (int64_t)r->wrong },
        { "back", (int64_t)r->back },
        { "picture_back", (int64_t)r->picture_back },
        { "not_key", (int64_t)r->not_key },
        { "forged", (int64_t)r->forged },
        { "strangers", (int64_t)r->strangers },
        { "recovered", (int64_t)r->recovered },
        { "duplicates", (int64_t)r->duplicates },
        { "resent", (int64_t)r->resent },
        { "keys_asked", (int64_t)r->keys_asked },
        { "sender_reports", (int64_t)r->reports },
        { "rtcp", (int64_t)r->rtcp },
        { "opened", (int64_t)r->opened },
        { "own_dropped", (int64_t)r->last.net.dropped },
        { "own_refused", (int64_t)r->last.net.refused },
        { "stall_us", r->stall_us },
        { "kib_before", r->kib_before },
        { "kib_joined", r->kib_joined },
        { "kib_end", r->kib_end },
    };
    buf_putc(out, '{');
    buf_json_bool_field(out, "clean", is_clean(r));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        buf_json_int_field(out, rows[i].name, rows[i].value);
    }
    buf_json_key(out, "seconds");
    buf_printf(out, "%.3f", seconds);
    buf_json_key(out, "packets_per_second");
    buf_printf(out, "%.0f", (double)received / seconds);
    buf_json_key(out, "per_receive");
    buf_printf(out, "%.1f", per_receive(r));
    buf_json_key(out, "server_ns");
    buf_printf(out, "%.0f", per_packet(r->from.server_ns, r->to.server_ns, received));
    buf_json_key(out, "own_ns");
    buf_printf(out, "%.0f", per_packet(r->from.own_ns, r->to.own_ns, received));
    write_times(out, "late_us", &r->late);
    write_times(out, "join_us", &r->join);
    buf_puts(out, "}\n");
}
