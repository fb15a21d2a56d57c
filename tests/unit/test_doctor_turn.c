/* TURN addresses, and the question that a TURN server answers. */
#include "doctor/turn.h"

#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TEST(doctor_turn, reads_addresses) {
    static const struct {
        const char *name, *uri;
        enum err want;
        const char *host;
        int port;
        bool tcp;
    } rows[] = {
        { "as Synapse's sample", "turn:turn.example.com?transport=udp", OK, "turn.example.com",
            3478, false },
        { "no transport", "turn:t:1234", OK, "t", 1234, false },
        { "TCP", "turn:t:1234?transport=tcp", OK, "t", 1234, true },
        { "TLS", "turns:t", OK, "t", 5349, true },
        { "TLS with a port", "turns:t:443?transport=tcp", OK, "t", 443, true },
        { "DTLS", "turns:t?transport=udp", OK, "t", 5349, false },
        { "IPv4", "turn:192.0.2.1:3478", OK, "192.0.2.1", 3478, false },
        { "IPv6", "turn:[2001:db8::1]", OK, "2001:db8::1", 3478, false },
        { "IPv6 with a port", "turn:[::1]:99?transport=tcp", OK, "::1", 99, true },
        { "stun", "stun:t", ERR_INVALID, "", 0, false },
        { "with slashes", "turn://t", ERR_INVALID, "", 0, false },
        { "empty", "", ERR_INVALID, "", 0, false },
        { "no host", "turn:", ERR_INVALID, "", 0, false },
        { "no host but a port", "turn::3478", ERR_INVALID, "", 0, false },
        { "no port", "turn:t:", ERR_INVALID, "", 0, false },
        { "port 0", "turn:t:0", ERR_INVALID, "", 0, false },
        { "port too large", "turn:t:65536", ERR_INVALID, "", 0, false },
        { "port and more", "turn:t:1x", ERR_INVALID, "", 0, false },
        { "an open bracket", "turn:[::1", ERR_INVALID, "", 0, false },
        { "another transport", "turn:t?transport=sctp", ERR_INVALID, "", 0, false },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct doctor_turn t;
        CHECK_ERR(r->want, doctor_turn_read(r->uri, &t));
        if (r->want == OK) {
            CHECK_STR(r->host, t.host);
            CHECK_INT(r->port, t.port);
            CHECK_INT(r->tcp, t.tcp);
        }
    }
}

TEST(doctor_turn, knows_its_answer) {
    static const uint8_t id[DOCTOR_STUN_ID_SIZE] = "abcdefghijk";
    static const struct {
        const char *name;
        size_t at; /* byte changed in the answer; 99 = none */
        uint8_t to;
        size_t n;
        bool want;
    } rows[] = {
        { "success", 99, 0, 20, true },
        { "with attributes", 99, 0, 32, true },
        { "error", 1, 0x11, 20, true },
        { "our own question", 0, 0x00, 20, false },
        { "another method", 1, 0x03, 20, false },
        { "no STUN", 4, 0x00, 20, false },
        { "another's answer", 19, 0x00, 19, false },
        { "cut off", 99, 0, 19, false },
        { "another id", 8, 'x', 20, false },
        { "nothing", 99, 0, 0, false },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        uint8_t bytes[32] = { 0 };
        doctor_stun_ask(id, bytes);
        CHECK(!doctor_stun_answers(id, bytes, DOCTOR_STUN_SIZE));
        bytes[0] = 0x01;
        if (r->at < sizeof(bytes)) {
            bytes[r->at] = r->to;
        }
        CHECK_INT(r->want, doctor_stun_answers(id, bytes, r->n));
    }
}

/* A port of the loopback where nobody answers: silent while `fd` holds it, refused after. */
TEST(doctor_turn, tells_silence_from_refusal) {
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_INT(0, bind(fd, (struct sockaddr *)&at, len));
    CHECK_INT(0, getsockname(fd, (struct sockaddr *)&at, &len));
    struct doctor_turn t = { .port = ntohs(at.sin_port), .host = "127.0.0.1" };
    enum doctor_dial dial = DOCTOR_DIAL_OK;
    CHECK_ERR(OK, doctor_turn_reach(&t, 50000, &dial));
    CHECK_INT(DOCTOR_DIAL_SILENT, dial);
    close(fd);
    CHECK_ERR(OK, doctor_turn_reach(&t, 5000000, &dial));
    CHECK_INT(DOCTOR_DIAL_REFUSED, dial);
    t.tcp = true;
    CHECK_ERR(OK, doctor_turn_reach(&t, 5000000, &dial));
    CHECK_INT(DOCTOR_DIAL_REFUSED, dial);
    strcpy(t.host, "nobody.invalid");
    CHECK_ERR(ERR_NOT_FOUND, doctor_turn_reach(&t, 50000, &dial));
}
