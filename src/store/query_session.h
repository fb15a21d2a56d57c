/*
 * What a connection that waits is made of, for store/query_wait and store/query_copy only.
 */
#ifndef STORE_QUERY_SESSION_H
#define STORE_QUERY_SESSION_H

struct pg_conn; /* libpq's, by its tag, so that only its landlords include its header */

struct store_session {
    struct pg_conn *pg;
};

#endif
