-- Finding what is old, for purges and retention, in the order in which it gets old.

CREATE INDEX call_sessions_closed ON call_sessions (closed_at, id) WHERE closed_at IS NOT NULL;

-- One entry a chain: a chain is at least as young as its first row.
CREATE INDEX call_events_begun ON call_events (recorded_at, session_id) WHERE n = 1;

COMMENT ON COLUMN node_tasks.task IS 'Name of the work: reconcile = compare live calls with the rooms'' state; retention = purge what is old.';
