/*
 * The SQL of store/stays, for the table in store/statements. Only src/store includes this.
 */
#ifndef STORE_STAY_SQL_H
#define STORE_STAY_SQL_H

/* As store_stay_columns has them. */
#define STORE_STAY_NAMES "connection, node, run, alias, identity, is_room, since"

#define STORE_SAVE_STAYS_SQL                                                                       \
    "INSERT INTO sfu_stays (" STORE_STAY_NAMES ") SELECT u.* FROM unnest($1::text[], $2::text[],"  \
    " $3::text[], $4::text[], $5::text[], $6::boolean[], $7::timestamptz[])"                       \
    " AS u(" STORE_STAY_NAMES ") ON CONFLICT (connection) DO NOTHING"

#define STORE_END_STAYS_SQL "DELETE FROM sfu_stays WHERE connection = ANY($1::text[])"

/* $1 node, $2 run, $3 behind which, $4 how many */
#define STORE_FIND_STAYS_SQL                                                                       \
    "SELECT " STORE_STAY_NAMES " FROM sfu_stays AS s WHERE CASE WHEN node = $1::text"              \
    " THEN run <> $2::text ELSE NOT EXISTS (SELECT FROM sfu_nodes AS n WHERE n.name = s.node) END" \
    " AND connection > $3::text COLLATE \"C\" ORDER BY connection LIMIT $4::bigint"

#endif
