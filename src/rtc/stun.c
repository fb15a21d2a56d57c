/* STUN on libnice's codec. An agent of that library is used as a bag of flags for one message. */
#include "rtc/stun.h"

#include "core/crypto.h"
#include "core/cur.h"
#include "core/mem.h"

#include <assert.h>
#include <netinet/in.h>
#include <string.h>
#include <stun/stunagent.h>

#define MAC_SIZE    20 /* HMAC-SHA1 */
#define CRC_SIZE    4
#define ATTR_HEAD   4
#define COOKIE_SIZE 4

/* --- reading with libnice --- */

/* A view for stun_message_find…; nothing is written through it. */
static StunMessage view(const uint8_t *data, size_t len) {
    return (StunMessage){ .buffer = (uint8_t *)data, .buffer_len = len };
}

/* Whole, with the cookie, a binding: then every attribute lies inside. */
static bool sound(const uint8_t *data, size_t len, StunMessage *ret) {
    if (len > RTC_STUN_MOST || stun_message_validate_buffer_length(data, len, true) != (int)len) {
        return false;
    }
    *ret = view(data, len);
    return stun_message_has_cookie(ret) && stun_message_get_method(ret) == STUN_BINDING;
}

static void copy_id(const uint8_t *data, uint8_t ret[RTC_STUN_ID_SIZE]) {
    memcpy(ret, data + STUN_MESSAGE_TRANS_ID_POS + COOKIE_SIZE, RTC_STUN_ID_SIZE);
}

/* An attribute's value of exactly `size` bytes, or NULL. */
static const uint8_t *find_sized(const StunMessage *m, StunAttribute type, size_t size) {
    uint16_t len = 0;
    const uint8_t *value = stun_message_find(m, type, &len);
    return value != NULL && len == size ? value : NULL;
}

bool rtc_stun_peek(const uint8_t *data, size_t len, struct rtc_stun_head *ret) {
    static const enum rtc_stun_class classes[] = {
        [STUN_REQUEST] = RTC_STUN_REQUEST,
        [STUN_INDICATION] = RTC_STUN_INDICATION,
        [STUN_RESPONSE] = RTC_STUN_SUCCESS,
        [STUN_ERROR] = RTC_STUN_FAILURE,
    };
    StunMessage m;
    if (!sound(data, len, &m)) {
        return false;
    }
    *ret = (struct rtc_stun_head){ .class = classes[stun_message_get_class(&m)] };
    copy_id(data, ret->id);
    uint16_t name_len = 0;
    const char *name = stun_message_find(&m, STUN_ATTRIBUTE_USERNAME, &name_len);
    const char *colon = name == NULL ? NULL : memchr(name, ':', name_len);
    if (colon != NULL) {
        ret->ufrag = name;
        ret->ufrag_len = (size_t)(colon - name);
    }
    return true;
}

/* --- sealing with libnice --- */

/* An agent that serves one message: stun_agent_init would write all over its 12.8 kB, one free slot
 * for the id of a request is enough. */
static void one_shot(StunAgent *a, StunAgentUsageFlags flags) {
    a->compatibility = STUN_COMPATIBILITY_RFC5389;
    a->usage_flags = flags;
    a->known_attributes = NULL;
    a->software_attribute = NULL;
    a->ms_ice2_send_legacy_connchecks = false;
    a->sent_ids[0].valid = false;
}

/* Adds MESSAGE-INTEGRITY where there is a password, and FINGERPRINT where wanted. */
static size_t finish(StunMessage *m, const char *password, bool fingerprint) {
    StunAgent agent;
    one_shot(&agent, STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS |
                         (fingerprint ? STUN_AGENT_USAGE_USE_FINGERPRINT : 0));
    m->agent = &agent;
    m->key = NULL;
    m->long_term_valid = false;
    size_t n = stun_agent_finish_message(
        &agent, m, (const uint8_t *)password, password == NULL ? 0 : strlen(password));
    m->agent = NULL;
    return n;
}

/* Does the attribute whose value is at `value` say what we would have written there? */
static bool sealed(const StunMessage *m, const uint8_t *value, size_t size, const char *password) {
    uint8_t copy[RTC_STUN_MOST + ATTR_HEAD + MAC_SIZE];
    size_t before = (size_t)(value - m->buffer) - ATTR_HEAD;
    memcpy(copy, m->buffer, before);
    be16_put(copy + STUN_MESSAGE_LENGTH_POS, (uint16_t)(before - STUN_MESSAGE_HEADER_LENGTH));
    StunMessage mine = view(copy, sizeof(copy));
    return finish(&mine, password, password == NULL) == before + ATTR_HEAD + size &&
           crypto_equal_bytes(copy + before + ATTR_HEAD, value, size);
}

/* FINGERPRINT is there, the last thing, and right. */
static bool fingerprinted(const StunMessage *m) {
    const uint8_t *crc = find_sized(m, STUN_ATTRIBUTE_FINGERPRINT, CRC_SIZE);
    return crc != NULL && crc + CRC_SIZE == m->buffer + m->buffer_len &&
           sealed(m, crc, CRC_SIZE, NULL);
}

/* --- requests that come in --- */

static bool named(const StunMessage *m, const struct rtc_stun_cred *cred) {
    uint16_t len = 0;
    const char *name = stun_message_find(m, STUN_ATTRIBUTE_USERNAME, &len);
    size_t local = strlen(cred->local);
    if (len < local + 1 || memcmp(name, cred->local, local) != 0 || name[local] != ':') {
        return false;
    }
    return cred->remote == NULL ||
           (len - local - 1 == strlen(cred->remote) &&
               memcmp(name + local + 1, cred->remote, len - local - 1) == 0);
}

static bool understood(uint16_t type) {
    static const uint16_t known[] = {
        STUN_ATTRIBUTE_USERNAME,
        STUN_ATTRIBUTE_MESSAGE_INTEGRITY,
        STUN_ATTRIBUTE_PRIORITY,
        STUN_ATTRIBUTE_USE_CANDIDATE,
        STUN_ATTRIBUTE_MAPPED_ADDRESS, /* these three mean nothing in a request, and do no harm */
        STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS,
        STUN_ATTRIBUTE_ERROR_CODE,
    };
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (known[i] == type) {
            return true;
        }
    }
    return type >= 0x8000; /* RFC 8489, 14: comprehension-optional */
}

/* What lies behind MESSAGE-INTEGRITY is ignored (RFC 8489, 14.5). */
static void note_unknown(const uint8_t *data, size_t len, struct rtc_stun_request *r) {
    struct cur c = cur_make(data, len);
    cur_skip(&c, STUN_MESSAGE_HEADER_LENGTH);
    uint16_t type = 0;
    while (cur_left(&c) > 0 && type != STUN_ATTRIBUTE_MESSAGE_INTEGRITY) {
        type = cur_u16(&c);
        size_t size = cur_u16(&c);
        cur_skip(&c, (size + 3) & ~(size_t)3);
        if (!understood(type) && r->n_unknown < RTC_STUN_UNKNOWN_MOST) {
            r->unknown[r->n_unknown++] = type;
        }
    }
}

/* Reads the attributes of ICE. False when PRIORITY is missing or one of them has a wrong length. */
static bool read_ice(const StunMessage *m, struct rtc_stun_request *r) {
    static const struct {
        StunAttribute attribute;
        enum rtc_stun_role role;
    } roles[] = {
        { STUN_ATTRIBUTE_ICE_CONTROLLING, RTC_STUN_CONTROLLING },
        { STUN_ATTRIBUTE_ICE_CONTROLLED, RTC_STUN_CONTROLLED },
    };
    for (size_t i = 0; i < COUNT_OF(roles); i++) {
        StunMessageReturn found = stun_message_find64(m, roles[i].attribute, &r->tie_breaker);
        if (found == STUN_MESSAGE_RETURN_INVALID) {
            return false;
        }
        if (found == STUN_MESSAGE_RETURN_SUCCESS) {
            r->role = roles[i].role;
            break;
        }
    }
    StunMessageReturn flag = stun_message_find_flag(m, STUN_ATTRIBUTE_USE_CANDIDATE);
    r->use_candidate = flag == STUN_MESSAGE_RETURN_SUCCESS;
    return flag != STUN_MESSAGE_RETURN_INVALID && stun_message_find32(m, STUN_ATTRIBUTE_PRIORITY,
                                                      &r->priority) == STUN_MESSAGE_RETURN_SUCCESS;
}

enum rtc_stun_verdict rtc_stun_check(const uint8_t *data, size_t len,
    const struct rtc_stun_cred *cred, struct rtc_stun_request *ret) {
    StunMessage m;
    if (!sound(data, len, &m) || stun_message_get_class(&m) != STUN_REQUEST || !fingerprinted(&m)) {
        return RTC_STUN_DROP;
    }
    *ret = (struct rtc_stun_request){ .role = RTC_STUN_NO_ROLE };
    copy_id(data, ret->id);
    const uint8_t *mac = find_sized(&m, STUN_ATTRIBUTE_MESSAGE_INTEGRITY, MAC_SIZE);
    if (mac == NULL || !stun_message_has_attribute(&m, STUN_ATTRIBUTE_USERNAME)) {
        return RTC_STUN_BAD_REQUEST;
    }
    if (!named(&m, cred) || !sealed(&m, mac, MAC_SIZE, cred->password)) {
        return RTC_STUN_UNAUTHORIZED;
    }
    note_unknown(data, len, ret);
    if (ret->n_unknown > 0) {
        return RTC_STUN_UNKNOWN;
    }
    return read_ice(&m, ret) ? RTC_STUN_OK : RTC_STUN_BAD_REQUEST;
}

/* --- writing --- */

/* A message with nothing in it. libnice pads without asking whether there is room; in a capacity
 * of whole words there is. */
static bool begin(
    StunMessage *m, StunClass class, const uint8_t id[RTC_STUN_ID_SIZE], uint8_t *to, size_t cap) {
    StunTransactionId full;
    be32_put(full, STUN_MAGIC_COOKIE);
    memcpy(full + COOKIE_SIZE, id, RTC_STUN_ID_SIZE);
    *m = view(to, cap & ~(size_t)3);
    return stun_message_init(m, class, STUN_BINDING, full);
}

static bool append_mapped(StunMessage *m, const struct rtc_addr *a) {
    struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
    socklen_t len = 0;
    if (rtc_addr_is_v4(a)) {
        struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(a->port) };
        memcpy(&in.sin_addr, a->ip + 12, sizeof(in.sin_addr));
        memcpy(&ss, &in, len = sizeof(in));
    } else {
        struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(a->port) };
        memcpy(&in6.sin6_addr, a->ip, sizeof(in6.sin6_addr));
        memcpy(&ss, &in6, len = sizeof(in6));
    }
    return stun_message_append_xor_addr(m, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS, &ss, len) ==
           STUN_MESSAGE_RETURN_SUCCESS;
}

size_t rtc_stun_write_success(const struct rtc_stun_request *r, const struct rtc_addr *mapped,
    const char *password, uint8_t *ret, size_t cap) {
    StunMessage m;
    if (cap < RTC_STUN_ANSWER_MOST || !begin(&m, STUN_RESPONSE, r->id, ret, cap) ||
        !append_mapped(&m, mapped)) {
        return 0;
    }
    return finish(&m, password, true);
}

size_t rtc_stun_write_error(const struct rtc_stun_request *r, unsigned code, const char *password,
    uint8_t *ret, size_t cap) {
    StunMessage m;
    if (cap < RTC_STUN_ANSWER_MOST || !begin(&m, STUN_ERROR, r->id, ret, cap) ||
        stun_message_append_error(&m, (StunError)code) != STUN_MESSAGE_RETURN_SUCCESS) {
        return 0;
    }
    if (code == STUN_ERROR_UNKNOWN_ATTRIBUTE) {
        uint8_t list[RTC_STUN_UNKNOWN_MOST * sizeof(uint16_t)];
        struct wr w = wr_make(list, sizeof(list));
        for (size_t i = 0; i < r->n_unknown; i++) {
            wr_u16(&w, r->unknown[i]);
        }
        if (stun_message_append_bytes(&m, STUN_ATTRIBUTE_UNKNOWN_ATTRIBUTES, list, wr_len(&w)) !=
            STUN_MESSAGE_RETURN_SUCCESS) {
            return 0;
        }
    }
    return finish(&m, password, true);
}

/* --- the client --- */

static bool append_name(StunMessage *m, const char *remote, const char *local) {
    char name[RTC_STUN_NAME_MOST];
    size_t r = strlen(remote);
    size_t l = strlen(local);
    if (r + 1 + l > sizeof(name)) {
        return false;
    }
    memcpy(name, remote, r);
    name[r] = ':';
    memcpy(name + r + 1, local, l);
    return stun_message_append_bytes(m, STUN_ATTRIBUTE_USERNAME, name, r + 1 + l) ==
           STUN_MESSAGE_RETURN_SUCCESS;
}

static bool append_ice(StunMessage *m, const struct rtc_stun_ask *a) {
    StunAttribute role = a->role == RTC_STUN_CONTROLLED ? STUN_ATTRIBUTE_ICE_CONTROLLED
                                                        : STUN_ATTRIBUTE_ICE_CONTROLLING;
    return append_name(m, a->remote, a->local) &&
           stun_message_append32(m, STUN_ATTRIBUTE_PRIORITY, a->priority) ==
               STUN_MESSAGE_RETURN_SUCCESS &&
           (a->role == RTC_STUN_NO_ROLE ||
               stun_message_append64(m, role, a->tie_breaker) == STUN_MESSAGE_RETURN_SUCCESS) &&
           (!a->use_candidate || stun_message_append_flag(m, STUN_ATTRIBUTE_USE_CANDIDATE) ==
                                     STUN_MESSAGE_RETURN_SUCCESS);
}

size_t rtc_stun_write_request(const struct rtc_stun_ask *a, uint8_t *ret, size_t cap) {
    StunMessage m;
    if (!begin(&m, STUN_REQUEST, a->id, ret, cap) || (a->remote != NULL && !append_ice(&m, a))) {
        return 0;
    }
    return finish(&m, a->password, true);
}

static bool read_mapped(const StunMessage *m, struct rtc_addr *ret) {
    struct sockaddr_storage ss;
    socklen_t len = sizeof(ss);
    if (stun_message_find_xor_addr(m, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS, &ss, &len) !=
        STUN_MESSAGE_RETURN_SUCCESS) {
        return false;
    }
    if (ss.ss_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, &ss, sizeof(in));
        *ret = rtc_addr_v4((const uint8_t *)&in.sin_addr, ntohs(in.sin_port), false);
    } else {
        struct sockaddr_in6 in6;
        memcpy(&in6, &ss, sizeof(in6));
        *ret = rtc_addr_v6(in6.sin6_addr.s6_addr, ntohs(in6.sin6_port), false);
    }
    return true;
}

/* A failure may come without MESSAGE-INTEGRITY where the server could not know the password: 400
 * and 401 (RFC 8489, 9.1.4). */
static bool proved(const StunMessage *m, const char *password, unsigned code) {
    const uint8_t *mac = find_sized(m, STUN_ATTRIBUTE_MESSAGE_INTEGRITY, MAC_SIZE);
    if (password == NULL || (mac == NULL && (code == 400 || code == 401))) {
        return true;
    }
    return mac != NULL && sealed(m, mac, MAC_SIZE, password);
}

bool rtc_stun_read_response(const uint8_t *data, size_t len, const uint8_t id[RTC_STUN_ID_SIZE],
    const char *password, struct rtc_stun_response *ret) {
    StunMessage m;
    if (!sound(data, len, &m) ||
        memcmp(data + STUN_MESSAGE_TRANS_ID_POS + COOKIE_SIZE, id, RTC_STUN_ID_SIZE) != 0) {
        return false;
    }
    /* ICE requires FINGERPRINT; plain STUN servers may leave it out. */
    if (!fingerprinted(&m) &&
        (password != NULL || stun_message_has_attribute(&m, STUN_ATTRIBUTE_FINGERPRINT))) {
        return false;
    }
    struct rtc_stun_response r = { .success = stun_message_get_class(&m) == STUN_RESPONSE };
    int code = 0;
    if (r.success) {
        if (!read_mapped(&m, &r.mapped)) {
            return false;
        }
    } else if (stun_message_get_class(&m) != STUN_ERROR) {
        return false;
    } else if (stun_message_find_error(&m, &code) == STUN_MESSAGE_RETURN_SUCCESS) {
        r.code = (unsigned)code;
    }
    if (!proved(&m, password, r.code)) {
        return false;
    }
    *ret = r;
    return true;
}
