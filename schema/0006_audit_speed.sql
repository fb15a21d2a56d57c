-- Indexes for what is asked of a year of calls: days, moments, and what is rare in call_heads.

-- A day of call_durations_daily or failure_reasons, as those views write it.
CREATE INDEX call_sessions_day ON call_sessions (((created_at AT TIME ZONE 'UTC')::date)) WHERE status IS NOT NULL;

-- Which calls went on at some time? Only of those that are over: the rest are few, and change. A call that ended by a clock that is behind
-- would have no range, hence greatest().
CREATE INDEX call_sessions_span ON call_sessions USING gist (tstzrange(created_at, greatest(created_at, coalesce(ended_at, closed_at)), '[]'))
    WHERE closed_at IS NOT NULL AND status IS NOT NULL;

-- Tombstones and changes of the key, among heads.
CREATE INDEX call_heads_acts ON call_heads (seq) WHERE kind <> 'head';
