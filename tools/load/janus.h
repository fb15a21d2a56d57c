/* What a client remembers of its talk with Janus' videoroom (door.h). */
#ifndef TOOLS_LOAD_JANUS_H
#define TOOLS_LOAD_JANUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOAD_JANUS_FEEDS 128 /* as many as a client has sinks, LOAD_SINKS_MAX */

struct load_janus {
    uint64_t session, publisher, subscriber; /* Janus' ids; 0 = not there yet */
    uint64_t private_id;                     /* says whose subscriptions they are */
    uint64_t feeds[LOAD_JANUS_FEEDS];        /* publishers that it is to listen to next */
    size_t n_feeds;
    bool busy;       /* the answer to what was asked last of the subscriber is still to come */
    bool subscribed; /* to the first feed: others are added */
};

#endif
