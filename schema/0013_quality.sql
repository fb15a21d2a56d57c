-- How well the embedded SFU served a call and each of its people: what the rows media_quality and media_poor of the audit come to. As views
-- they hold nothing of their own: what is purged or erased there is gone from here too.

CREATE INDEX call_events_quality ON call_events (session_id) WHERE type IN ('media_quality', 'media_poor');

CREATE VIEW media_figures AS
SELECT e.session_id, e.n, e.type, e.at, e.room_id, e.call_id, e.user_id, e.subject AS device, f.*
FROM call_events e
CROSS JOIN LATERAL json_to_record(e.payload) AS f (direction text, track text, media text, source text, path text, span_ms bigint,
    expected bigint, lost bigint, bps bigint, jitter_ms bigint, rtt_ms bigint, mos_hundredths bigint, worst_mos_hundredths bigint,
    layer bigint, freezes bigint, freeze_ms bigint, spoken_ms bigint, loudest_dbov bigint)
WHERE e.type IN ('media_quality', 'media_poor') AND e.payload IS NOT NULL;

COMMENT ON VIEW media_figures IS 'The rows media_quality and media_poor of the audit, with their details as columns; those of media_poor have no figures.';

CREATE VIEW call_quality_by_user AS
SELECT session_id, user_id, device,
       round(sum(mos_hundredths * span_ms) FILTER (WHERE direction = 'sent')
             / nullif(sum(span_ms) FILTER (WHERE direction = 'sent'), 0) / 100, 2) AS sent_mos,
       round(sum(mos_hundredths * span_ms) FILTER (WHERE direction = 'received')
             / nullif(sum(span_ms) FILTER (WHERE direction = 'received'), 0) / 100, 2) AS received_mos,
       round(min(worst_mos_hundredths) / 100.0, 2) AS worst_mos,
       round(100 * sum(lost) FILTER (WHERE direction = 'sent')
             / nullif(sum(expected) FILTER (WHERE direction = 'sent'), 0), 2) AS sent_percent_lost,
       round(100 * sum(lost) FILTER (WHERE direction = 'received')
             / nullif(sum(expected) FILTER (WHERE direction = 'received'), 0), 2) AS received_percent_lost,
       max(jitter_ms) AS jitter_ms, max(nullif(rtt_ms, 0)) AS rtt_ms,
       coalesce(sum(freezes), 0) AS freezes, round(coalesce(sum(freeze_ms), 0) / 1000, 1) AS seconds_frozen,
       round(sum(spoken_ms) / 1000, 1) AS seconds_spoken, max(loudest_dbov) AS loudest_dbov,
       coalesce(bool_or(path = 'relay'), false) AS by_relay,
       count(*) FILTER (WHERE type = 'media_poor') AS times_poor
FROM media_figures
WHERE call_id IS NOT NULL -- else it is the chain of a day
GROUP BY session_id, user_id, device;

COMMENT ON VIEW call_quality_by_user IS 'One row a device in a call that the embedded SFU measured: how well its media came, over the whole call.';
COMMENT ON COLUMN call_quality_by_user.sent_mos IS 'What people would say of what it sent, as it came to the SFU: 1 (bad) to 4.5, on average over time. NULL = it sent nothing.';
COMMENT ON COLUMN call_quality_by_user.received_mos IS 'Likewise of what it got from the SFU.';
COMMENT ON COLUMN call_quality_by_user.worst_mos IS 'The worst few seconds of all that, either way.';
COMMENT ON COLUMN call_quality_by_user.sent_percent_lost IS 'Packets lost on the way to the SFU, before resends.';
COMMENT ON COLUMN call_quality_by_user.received_percent_lost IS 'Packets lost on the way from the SFU, before resends.';
COMMENT ON COLUMN call_quality_by_user.jitter_ms IS 'The longest.';
COMMENT ON COLUMN call_quality_by_user.rtt_ms IS 'The longest way to the SFU and back. NULL = not known.';
COMMENT ON COLUMN call_quality_by_user.freezes IS 'How often a picture on its way to it stood.';
COMMENT ON COLUMN call_quality_by_user.seconds_spoken IS 'How long its sound was speech, by the levels that its client told. NULL = it sent no sound.';
COMMENT ON COLUMN call_quality_by_user.loudest_dbov IS 'The loudest moment of its sound: 0 to -127, which is silence, or that levels were not told. NULL = it sent no sound.';
COMMENT ON COLUMN call_quality_by_user.by_relay IS 'Some of it went through a TURN server.';
COMMENT ON COLUMN call_quality_by_user.times_poor IS 'How often it was badly connected for 15 s or longer.';

CREATE VIEW call_quality AS
SELECT session_id, count(DISTINCT (user_id, device)) AS devices,
       round(sum(mos_hundredths * span_ms) / nullif(sum(span_ms), 0) / 100, 2) AS mos,
       round(min(worst_mos_hundredths) / 100.0, 2) AS worst_mos,
       round(100 * sum(lost) / nullif(sum(expected), 0), 2) AS percent_lost,
       max(jitter_ms) AS jitter_ms, max(nullif(rtt_ms, 0)) AS rtt_ms,
       coalesce(sum(freezes), 0) AS freezes, round(coalesce(sum(freeze_ms), 0) / 1000, 1) AS seconds_frozen,
       count(DISTINCT (user_id, device)) FILTER (WHERE path = 'relay') AS by_relay,
       count(*) FILTER (WHERE type = 'media_poor') AS times_poor
FROM media_figures
WHERE call_id IS NOT NULL
GROUP BY session_id;

COMMENT ON VIEW call_quality IS 'One row a call that the embedded SFU measured: call_quality_by_user of all of its people together. Names nobody.';
COMMENT ON COLUMN call_quality.devices IS 'How many it measured.';
COMMENT ON COLUMN call_quality.mos IS 'What people would say of it: 1 (bad) to 4.5, on average over all that they sent and received.';
COMMENT ON COLUMN call_quality.worst_mos IS 'The worst few seconds that somebody had.';
COMMENT ON COLUMN call_quality.percent_lost IS 'Packets lost on the way to the SFU and from it, before resends.';
COMMENT ON COLUMN call_quality.by_relay IS 'How many devices went through a TURN server.';
COMMENT ON COLUMN call_quality.times_poor IS 'How often somebody was badly connected for 15 s or longer.';
