/* A row an option. */
#include "options.h"

#include "core/mem.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { TEXT, NUMBER, FLAG };

static const struct row {
    const char *name;
    enum kind kind;
    size_t at;
    unsigned least, most;
    const char *help;
} rows[] = {
#define AT(member) offsetof(struct load_options, member)
    { "door", TEXT, AT(door), 0, 0,
        "livekit: its servers and Parley; or janus: a videoroom; livekit" },
    { "url", TEXT, AT(url), 0, 0, "the server, ws://127.0.0.1:7880" },
    { "key", TEXT, AT(key), 0, 0, "API key, devkey" },
    { "secret-file", TEXT, AT(secret_file), 0, 0,
        "file with the API secret; else it is in " LOAD_SECRET_VARIABLE },
    { "room", TEXT, AT(room), 0, 0,
        "name of the room, load; Janus must have it, and may know it by a number" },
    { "publishers", NUMBER, AT(publishers), 0, 1000, "who only sends, 0" },
    { "subscribers", NUMBER, AT(subscribers), 0, 1000, "who only listens, 0" },
    { "members", NUMBER, AT(members), 0, 1000, "who sends and listens, 0" },
    { "audio", FLAG, AT(audio), 0, 0, "a voice each: Opus, 50 packets a second" },
    { "video", FLAG, AT(video), 0, 0, "a camera each: VP8, one layer" },
    { "audio-payload", NUMBER, AT(audio_payload), 20, 1200, "bytes of a packet, 100" },
    { "video-payload", NUMBER, AT(video_payload), 20, 1200, "bytes of a packet, 1150" },
    { "video-packets", NUMBER, AT(video_packets), 1, 64, "packets of a frame, 9: 2.5 Mbit/s" },
    { "frame-us", NUMBER, AT(frame_us), 5000, 1000000, "between frames, 33333" },
    { "burst", FLAG, AT(burst), 0, 0, "a frame's packets leave at once, not spread over its time" },
    { "seconds", NUMBER, AT(seconds), 1, 3600, "how long to measure, 10" },
    { "settle-ms", NUMBER, AT(settle_ms), 0, 60000, "between the last join and measuring, 2000" },
    { "drain-ms", NUMBER, AT(drain_ms), 0, 60000, "for resends at the end, 700" },
    { "wait", NUMBER, AT(wait_s), 1, 600, "seconds until everybody must hear everybody, 30" },
    { "join-every-ms", NUMBER, AT(join_every_ms), 0, 10000, "between two joins, 50" },
    { "sample", NUMBER, AT(sample), 1, 100000, "one of so many packets is opened, 16" },
    { "profile", NUMBER, AT(profile), 1, 8, "of SRTP: 7 GCM 128, 8 GCM 256, 1 CM with SHA-1; 7" },
    { "lose", NUMBER, AT(lose), 0, 1000000,
        "one of so many datagrams gets lost, each way; 0 = none" },
    { "gro", FLAG, AT(gro), 0, 0, "take runs of packets uncut (see net.h)" },
    { "pid", NUMBER, AT(pid), 1, 1U << 30, "the server's process: its time and memory" },
#undef AT
};

static void print_help(void) {
    puts("Clients of a media server on this machine, as many as are wanted: joins them to a room,\n"
         "checks all that arrives and prints one line of JSON.\n");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        printf("  --%-14s %s\n", rows[i].name, rows[i].help);
    }
}

static enum err set(const struct row *row, const char *value, struct load_options *o) {
    char *member = (char *)o + row->at;
    if (row->kind == TEXT) {
        memcpy(member, &value, sizeof(value));
        return OK;
    }
    char *end = NULL;
    unsigned long n = strtoul(value, &end, 10);
    if (*value == '\0' || *end != '\0' || n < row->least || n > row->most) {
        return err_set(
            ERR_INVALID, "--%s: %u to %u, not '%s'", row->name, row->least, row->most, value);
    }
    unsigned number = (unsigned)n;
    memcpy(member, &number, sizeof(number));
    return OK;
}

static const struct row *find(const char *argument) {
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (strncmp(argument, "--", 2) == 0 && strcmp(argument + 2, rows[i].name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

enum err load_options_read(int argc, char **argv, struct load_options *ret, bool *ret_help) {
    struct load_options o = { .door = "livekit",
        .url = "ws://127.0.0.1:7880",
        .key = "devkey",
        .room = "load",
        .audio_payload = 100,
        .video_payload = 1150,
        .video_packets = 9,
        .frame_us = 33333,
        .seconds = 10,
        .settle_ms = 2000,
        .drain_ms = 700,
        .wait_s = 30,
        .join_every_ms = 50,
        .sample = 16,
        .profile = 7 };
    *ret_help = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            print_help();
            *ret_help = true;
            return OK;
        }
        const struct row *row = find(argv[i]);
        if (row == NULL) {
            return err_set(ERR_INVALID, "'%s' is no option; see --help", argv[i]);
        }
        if (row->kind == FLAG) {
            *((bool *)((char *)&o + row->at)) = true;
        } else if (i + 1 == argc) {
            return err_set(ERR_INVALID, "--%s needs a value", row->name);
        } else {
            TRY(set(row, argv[++i], &o));
        }
    }
    if (o.publishers + o.subscribers + o.members == 0) {
        return err_set(ERR_INVALID, "nobody joins: --publishers, --subscribers or --members");
    }
    *ret = o;
    return OK;
}
