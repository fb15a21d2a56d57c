/* Which addresses strangers may make us connect to. */
#include "http/inner.h"

#include "http/address.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

struct row {
    const char *name; /* the address */
    bool inner;
};

static void check_row(const struct row *r) {
    char text[64];
    struct http_address a;
    ROW(r->name);
    snprintf(text, sizeof(text), "[%s]", r->name);
    CHECK(http_address_read(text, strlen(text), &a));
    CHECK_INT(r->inner, http_address_inner(&a));
}

TEST(http_inner, knows_what_lies_inside_of_ipv4) {
    static const struct row rows[] = {
        { "0.0.0.0", true },
        { "0.255.255.255", true },
        { "1.1.1.1", false },
        { "9.255.255.255", false },
        { "10.0.0.0", true },
        { "10.255.255.255", true },
        { "11.0.0.0", false },
        { "100.63.255.255", false },
        { "100.64.0.0", true },
        { "100.127.255.255", true },
        { "100.128.0.0", false },
        { "126.255.255.255", false },
        { "127.0.0.1", true },
        { "127.255.255.255", true },
        { "128.0.0.0", false },
        { "169.253.255.255", false },
        { "169.254.169.254", true },
        { "169.255.0.0", false },
        { "172.15.255.255", false },
        { "172.16.0.0", true },
        { "172.31.255.255", true },
        { "172.32.0.0", false },
        { "192.0.0.192", true },
        { "192.0.1.0", false },
        { "192.0.2.1", true },
        { "192.31.196.1", true },
        { "192.52.193.1", true },
        { "192.88.99.1", true },
        { "192.167.255.255", false },
        { "192.168.0.0", true },
        { "192.168.255.255", true },
        { "192.169.0.0", false },
        { "192.175.48.1", true },
        { "198.17.255.255", false },
        { "198.18.0.0", true },
        { "198.19.255.255", true },
        { "198.20.0.0", false },
        { "198.51.100.7", true },
        { "203.0.113.7", true },
        { "223.255.255.255", false },
        { "224.0.0.1", true },
        { "239.255.255.255", true },
        { "240.0.0.1", true },
        { "255.255.255.255", true },
    };
    FOR_ROWS (rows, r) {
        check_row(r);
    }
    ROW("a unix socket");
    CHECK(http_address_inner(&(struct http_address){ .local = true }));
}

TEST(http_inner, knows_what_lies_inside_of_ipv6) {
    static const struct row rows[] = {
        { "::", true },
        { "::1", true },
        { "::2", true },
        { "::7f00:1", true },           /* compatible: ::127.0.0.1 */
        { "::8.8.8.8", true },          /* compatible, given up */
        { "::ffff:8.8.8.8", false },    /* mapped */
        { "::ffff:127.0.0.1", true },   /* mapped */
        { "::ffff:10.1.2.3", true },    /* mapped */
        { "::ffff:0:8.8.8.8", true },   /* translated, RFC 2765 */
        { "64:ff9b::8.8.8.8", false },  /* NAT64 */
        { "64:ff9b::10.0.0.1", true },  /* NAT64 */
        { "64:ff9b::7f00:1", true },    /* NAT64 */
        { "64:ff9b::a9fe:a9fe", true }, /* NAT64 of the metadata service */
        { "64:ff9b:0:0:0:1::1", true }, /* beyond the /96 */
        { "64:ff9b:1::8.8.8.8", true }, /* NAT64 of a site, RFC 8215 */
        { "100::1", true },             /* discard */
        { "1fff:ffff::1", true },       /* below global */
        { "2000::1", false },
        { "2001::1", true },          /* Teredo */
        { "2001:1ff:ffff::1", true }, /* IETF protocols */
        { "2001:200::1", false },
        { "2001:db8::1", true }, /* documentation */
        { "2001:db9::1", false },
        { "2002:7f00:1::1", true },  /* 6to4 of 127.0.0.1 */
        { "2002:808:808::1", true }, /* 6to4 of a public one */
        { "2003::1", false },
        { "2606:4700:4700::1111", false },
        { "2620:4f:8000::1", true }, /* AS112 */
        { "3ffd::1", false },
        { "3ffe::1", true },          /* 6bone */
        { "3fff:fff:ffff::1", true }, /* documentation */
        { "3fff:1000::1", false },
        { "4000::1", true },
        { "5f00::1", true }, /* segment routing */
        { "fc00::1", true }, /* unique local */
        { "fd12:3456::1", true },
        { "fd00:ec2::254", true }, /* metadata service */
        { "fe80::1", true },       /* link-local */
        { "febf::1", true },
        { "fec0::1", true }, /* site-local, given up */
        { "ff02::1", true }, /* multicast */
        { "ffff::1", true },
    };
    FOR_ROWS (rows, r) {
        check_row(r);
    }
}
