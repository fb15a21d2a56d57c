/* What the words of a failed connection mean: libpq's and the server's, as Debian 12 has them. */
#include "store/probe.h"

#include "test.h"

TEST(store_probe, tells_troubles_apart) {
    static const struct {
        const char *name;
        enum err e;
        const char *sentence;
        enum store_trouble want;
    } rows[] = {
        { "no URL", ERR_INVALID, "database.url is no PostgreSQL connection string",
            STORE_TROUBLE_URL },
        { "name", ERR_DATABASE,
            "could not translate host name \"db\" to address: Name or service not known",
            STORE_TROUBLE_NAME },
        { "refused", ERR_DATABASE,
            "connection to server at \"127.0.0.1\", port 1 failed: Connection refused",
            STORE_TROUBLE_REFUSED },
        { "no socket", ERR_DATABASE,
            "connection to server on socket \"/run/postgresql/.s.PGSQL.5432\" failed: No such file "
            "or directory",
            STORE_TROUBLE_SOCKET },
        { "dropped packets", ERR_DATABASE,
            "connection to server at \"192.0.2.1\", port 5432 failed: timeout expired",
            STORE_TROUBLE_TIMEOUT },
        { "password", ERR_DATABASE,
            "connection to server at \"::1\", port 5432 failed: FATAL:  password authentication "
            "failed for user \"parley\"",
            STORE_TROUBLE_AUTH },
        { "peer", ERR_DATABASE,
            "connection to server on socket \"/run/postgresql/.s.PGSQL.5432\" failed: FATAL:  Peer "
            "authentication failed for user \"parley\"",
            STORE_TROUBLE_AUTH },
        { "pg_hba", ERR_DATABASE,
            "connection to server at \"10.0.0.1\", port 5432 failed: FATAL:  no pg_hba.conf entry "
            "for host \"10.0.0.2\", user \"parley\", database \"parley\", no encryption",
            STORE_TROUBLE_AUTH },
        { "no such role", ERR_DATABASE,
            "connection to server on socket \"/tmp/.s.PGSQL.5432\" failed: FATAL:  role \"parley\" "
            "does not exist",
            STORE_TROUBLE_AUTH },
        { "no such database", ERR_DATABASE,
            "connection to server on socket \"/tmp/.s.PGSQL.5432\" failed: FATAL:  database "
            "\"parley\" does not exist",
            STORE_TROUBLE_DATABASE },
        { "full", ERR_DATABASE,
            "connection to server failed: FATAL:  sorry, too many clients already",
            STORE_TROUBLE_FULL },
        { "reserved", ERR_DATABASE,
            "FATAL:  remaining connection slots are reserved for non-replication superuser "
            "connections",
            STORE_TROUBLE_FULL },
        { "starts", ERR_DATABASE, "FATAL:  the database system is starting up",
            STORE_TROUBLE_NOT_READY },
        { "another language", ERR_DATABASE, "FATAL:  zu viele Verbindungen", STORE_TROUBLE_OTHER },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK_INT(r->want, store_trouble_of(r->e, r->sentence));
    }
}
