/*
 * The messages of sfu/control as they lie in a worker's mailbox. Made by sfu/control on main, owned
 * and freed by sfu/worker.
 */
#ifndef SFU_MESSAGE_H
#define SFU_MESSAGE_H

#include "core/mailbox.h"
#include "sfu/control.h"

enum sfu_message_type {
    SFU_OPEN_ROOM,
    SFU_OPEN_PARTICIPANT,
    SFU_OPEN_TRANSPORT,
    SFU_CONNECT_TRANSPORT,
    SFU_RESTART_TRANSPORT,
    SFU_SET_DATA,
    SFU_CARRY_DATA,
    SFU_SEND_DATA,
    SFU_AWAIT_ANSWERS,
    SFU_ASK_SEQUENCE,
    SFU_OPEN_DATA_TRACK,
    SFU_OPEN_DATA_SUBSCRIPTION,
    SFU_OPEN_TRACK,
    SFU_UPDATE_TRACK,
    SFU_MUTE_TRACK,
    SFU_OPEN_SUBSCRIPTION,
    SFU_WANT,
    SFU_CLOSE,     /* any object */
    SFU_CLOSE_ALL, /* every room: the worker is about to stop */
    SFU_MESSAGES
};

struct sfu_message {
    struct mail mail;
    enum sfu_message_type type;
    sfu_id id;    /* the object it is about, or that it makes */
    sfu_id owner; /* when it makes one: what that belongs to */
    union {
        struct {
            struct rtc_ice_cred local;
            struct rtc_ice_params remote;
            struct rtc_dtls_params dtls;
            bool has_remote;
        } transport;
        struct sfu_data_config data;
        struct {
            bool ours, down;
        } channels;
        struct {
            uint8_t *bytes; /* the message's own */
            size_t len;
            bool reliable;
        } send;
        struct {
            sfu_id track; /* of a subscription */
            uint16_t handle;
        } packets;
        struct sfu_track_config track;
        struct rtc_rtp_params params;
        struct sfu_subscription_config subscription;
        struct sfu_wanted wanted;
        unsigned answers; /* more of them are awaited */
        bool muted;
    };
};

#endif
