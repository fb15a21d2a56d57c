/* What /readyz says of each part. */
#include "api/health.h"

#include "core/buf.h"
#include "test.h"

struct world {
    bool database, homeserver;
};

static bool database_up(const void *arg) {
    return ((const struct world *)arg)->database;
}

static bool homeserver_up(const void *arg) {
    return ((const struct world *)arg)->homeserver;
}

static const struct api_health_part parts[] = {
    { "database", database_up, "not reachable" },
    { "homeserver", homeserver_up, "does not answer" },
};

TEST(api_health, is_ready_when_every_part_is) {
    static const struct {
        const char *name;
        struct world world;
        bool ready;
        const char *want;
    } rows[] = {
        { "all", { true, true }, true,
            "{\"status\":\"ok\",\"database\":\"ok\",\"homeserver\":\"ok\"}" },
        { "no database", { false, true }, false,
            "{\"status\":\"unavailable\",\"database\":\"not reachable\",\"homeserver\":\"ok\"}" },
        { "nothing", { false, false }, false,
            "{\"status\":\"unavailable\",\"database\":\"not reachable\",\"homeserver\":\"does not "
            "answer\"}" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CLEANUP(buf_finish) struct buf b;
        buf_init(&b, 0);
        struct api_health h = { parts, COUNT_OF(parts), &r->world };
        CHECK_INT(r->ready, api_health_print(&h, &b));
        CHECK_STR(r->want, buf_str(&b));
    }
}

TEST(api_health, tells_prometheus_part_by_part) {
    static const struct world world = { true, false };
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    struct api_health h = { parts, COUNT_OF(parts), &world };
    api_health_print_metrics(&h, &b);
    CHECK_STR("# HELP parley_ready What /readyz says of each part: 1 = well.\n"
              "# TYPE parley_ready gauge\n"
              "parley_ready{part=\"database\"} 1\nparley_ready{part=\"homeserver\"} 0\n",
        buf_str(&b));
}

TEST_ALLOC(api_health, survives_no_memory) {
    static const struct world world = { true, true };
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    struct api_health h = { parts, COUNT_OF(parts), &world };
    (void)api_health_print(&h, &b);
    return buf_check(&b);
}
