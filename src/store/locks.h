/*
 * The advisory locks of PostgreSQL that we take. The same numbers on all nodes and in all commands.
 *
 * Who takes several takes them in this order, so that nobody waits in a circle:
 *
 *     removal   purges, erasures and key rotation, one at a time
 *     rooms     a unit of work, in the order of their numbers
 *     heads     whoever adds to call_heads; held until the commit, so taken as late as possible
 *
 * Two numbers each, "parl" and a small one; a room's lock is one large number, another name space.
 */
#ifndef STORE_LOCKS_H
#define STORE_LOCKS_H

#define STORE_LOCK_SPACE "1885430124" /* 0x7061726C, "parl" */

/** Inside a statement: until the transaction ends. */
#define STORE_HEADS_LOCK   "pg_advisory_xact_lock(" STORE_LOCK_SPACE ", 1)"
#define STORE_REMOVAL_LOCK "pg_advisory_xact_lock(" STORE_LOCK_SPACE ", 3)"
/** Until the connection closes. */
#define STORE_MIGRATE_LOCK "pg_advisory_lock(" STORE_LOCK_SPACE ", 2)"

/** The number of a room's lock; `room` is an expression of SQL. */
#define STORE_ROOM_LOCK(room) "hashtextextended(" room ", 0)"

#endif
