-- What people ask about calls, as views over the rows. A filter on user_id, day or room_id reaches the indexes below.

CREATE VIEW calls_by_user AS
SELECT r.user_id, r.session_id, s.kind, s.room_id, s.call_id, s.status, s.media, s.is_group,
       CASE min(r.rank) WHEN 1 THEN 'caller' WHEN 2 THEN 'callee' ELSE 'member' END AS role,
       bool_or(r.took_part) AS took_part,
       CASE s.kind
           WHEN 'rtc' THEN coalesce(sum(r.stay_ms), 0)::bigint
           ELSE CASE WHEN bool_or(r.took_part) AND (min(r.rank) = 1 OR r.user_id = coalesce(s.selected_user, r.user_id))
                     THEN coalesce(s.duration_ms, 0) ELSE 0 END
       END AS talking_ms,
       s.created_at, s.answered_at, s.ended_at
FROM (
    SELECT caller_user AS user_id, id AS session_id, 1 AS rank, answered_at IS NOT NULL AS took_part, 0::numeric AS stay_ms
    FROM call_sessions WHERE caller_user IS NOT NULL
    UNION ALL
    SELECT callee_user, id, 2, false, 0 FROM call_sessions WHERE callee_user IS NOT NULL
    UNION ALL
    SELECT p.user_id, p.session_id, CASE p.role WHEN 'caller' THEN 1 WHEN 'callee' THEN 2 ELSE 3 END,
           CASE p.role WHEN 'caller' THEN false WHEN 'callee' THEN p.answered_at IS NOT NULL ELSE true END,
           CASE p.role WHEN 'member'
               THEN greatest(0, extract(epoch FROM coalesce(p.left_at, now()) - p.joined_at) * 1000) ELSE 0 END
    FROM call_participants p
) r
JOIN call_sessions s ON s.id = r.session_id
WHERE s.status IS NOT NULL
GROUP BY r.user_id, r.session_id, s.id;

COMMENT ON VIEW calls_by_user IS 'One row a user and call: role, whether the user talked, and for how long. Calls nobody is shown yet (stubs) are left out.';
COMMENT ON COLUMN calls_by_user.role IS 'caller, callee, or member (somebody else in a group call).';
COMMENT ON COLUMN calls_by_user.took_part IS 'The user was in the call: answered it, was answered, or was a member.';
COMMENT ON COLUMN calls_by_user.talking_ms IS 'Milliseconds: of a legacy call its talking time, of a group call the sum of the user''s stays (until now while in).';

CREATE VIEW missed_calls AS
SELECT callee_user AS user_id, id AS session_id, room_id, call_id, kind, media, status, caller_user, created_at, ended_at
FROM call_sessions
WHERE callee_user IS NOT NULL AND status IN ('missed', 'cancelled');

COMMENT ON VIEW missed_calls IS 'The callee''s view: calls that rang out (missed) and calls the caller gave up (cancelled) both count as missed.';

CREATE VIEW call_durations_daily AS
SELECT (created_at AT TIME ZONE 'UTC')::date AS day, kind, coalesce(media, 'audio') AS media, count(*) AS calls,
       sum(duration_ms)::bigint AS total_ms, avg(duration_ms)::bigint AS mean_ms,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY duration_ms) AS median_ms,
       percentile_disc(0.95) WITHIN GROUP (ORDER BY duration_ms) AS p95_ms, max(duration_ms) AS longest_ms
FROM call_sessions
WHERE status = 'ended' AND duration_ms IS NOT NULL
GROUP BY 1, 2, 3;

COMMENT ON VIEW call_durations_daily IS 'Talking time a UTC day, kind and media, of the calls that ended; milliseconds. A call belongs to the day it began.';

CREATE VIEW failure_reasons AS
SELECT (created_at AT TIME ZONE 'UTC')::date AS day, kind, coalesce(failed_reason, end_reason, 'unknown') AS reason, status, count(*) AS calls
FROM call_sessions
WHERE status = 'failed' OR (status IS NOT NULL AND failed_reason IS NOT NULL)
GROUP BY 1, 2, 3, 4;

COMMENT ON VIEW failure_reasons IS 'Why calls failed, a UTC day: those that never connected (failed) and those that broke right after the answer (ended, with a failed_reason).';

CREATE VIEW concurrent_calls AS
SELECT at, sum(sum(step)) OVER (ORDER BY at)::bigint AS calls
FROM (
    SELECT created_at AS at, 1 AS step FROM call_sessions WHERE status IS NOT NULL AND created_at IS NOT NULL
    UNION ALL
    SELECT greatest(coalesce(ended_at, closed_at), created_at), -1 FROM call_sessions
    WHERE status IS NOT NULL AND created_at IS NOT NULL AND coalesce(ended_at, closed_at) IS NOT NULL
) steps
GROUP BY at;

COMMENT ON VIEW concurrent_calls IS 'How many calls there were, as a step function: from each `at` on, `calls` of them, until the next row. A call counts from its beginning (ringing too) to its end.';
