/*
 * The SQL of store/nodes that is made of no columns. Only store/statements and store/node_report
 * include this.
 */
#ifndef STORE_NODE_SQL_H
#define STORE_NODE_SQL_H

/* Of a row of sfu_nodes. A question to the database's clock. */
#define STORE_NODE_ALIVE "expires_at > now()"

/* $1 for how long the dead are kept. One that somebody else sweeps, or that is just coming back, is
 * left alone: who beats holds his own row, and no two may wait for each other. */
#define STORE_SWEEP_NODES_SQL                                                                      \
    "DELETE FROM sfu_nodes WHERE name IN (SELECT name FROM sfu_nodes"                              \
    " WHERE expires_at < now() - $1::bigint * interval '1 millisecond' FOR UPDATE SKIP LOCKED)"

/* $1 name, $2 run. */
#define STORE_DROP_NODE_SQL "DELETE FROM sfu_nodes WHERE name = $1::text AND run = $2::text"

/* $1 node, $2 aliases. In one order, so that no two wait for each other. Who waits for another's
 * claim looks at the row as that one left it. A node that is leaving keeps its row until it has
 * been claimed for, or is gone before that. Whether the holder lives is judged by what had been
 * committed when the claim began: who comes back from the dead in that very moment can lose a room
 * that it has just been told it has, and hears so when it next claims it (livekit/node_claims). */
#define STORE_CLAIM_ROOMS_SQL                                                                      \
    "INSERT INTO sfu_rooms AS known (alias, node, claimed_at)"                                     \
    " SELECT a.alias, n.name, now() FROM unnest($2::text[]) AS a(alias), sfu_nodes n"              \
    " WHERE n.name = $1::text AND n." STORE_NODE_ALIVE " AND NOT n.draining ORDER BY a.alias"      \
    " FOR KEY SHARE OF n"                                                                          \
    " ON CONFLICT (alias) DO UPDATE SET node = excluded.node, claimed_at = excluded.claimed_at"    \
    " WHERE NOT EXISTS (SELECT FROM sfu_nodes h WHERE h.name = known.node"                         \
    " AND h." STORE_NODE_ALIVE ")"

/* $1 aliases. */
#define STORE_FIND_ROOMS_SQL                                                                       \
    "SELECT r.alias, r.node, n.url, n.inner_url FROM sfu_rooms r"                                  \
    " JOIN sfu_nodes n ON n.name = r.node AND n." STORE_NODE_ALIVE                                 \
    " WHERE r.alias = ANY($1::text[])"

/* $1 node, $2 aliases. */
#define STORE_RELEASE_ROOMS_SQL                                                                    \
    "DELETE FROM sfu_rooms WHERE node = $1::text AND alias = ANY($2::text[])"

/* $1 node, $2 aliases that stay, $3 younger ones stay too. */
#define STORE_RELEASE_OTHER_ROOMS_SQL                                                              \
    "DELETE FROM sfu_rooms WHERE node = $1::text AND alias <> ALL($2::text[])"                     \
    " AND claimed_at <= now() - $3::bigint * interval '1 millisecond'"

#endif
