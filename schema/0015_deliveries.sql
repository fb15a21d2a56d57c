-- Whose picture stood for whom: the rows media_delivery of the audit as views, like those of 0013. A row names who got the track; who sent it
-- is asked of the row that says that it was published, so that one name stands in one row, and is gone when that is erased.

CREATE INDEX call_events_delivery ON call_events (session_id) WHERE type = 'media_delivery';
CREATE INDEX call_events_track ON call_events ((payload->>'track')) WHERE type = 'track_published';

CREATE VIEW media_deliveries AS
SELECT e.session_id, e.n, e.at, e.room_id, e.call_id, e.user_id, e.subject AS device, p.user_id AS from_user, p.subject AS from_device, f.*
FROM call_events e
CROSS JOIN LATERAL json_to_record(e.payload) AS f (track text, media text, source text, path text, span_ms bigint, came_ms bigint,
    expected bigint, lost bigint, bps bigint, jitter_ms bigint, rtt_ms bigint, mos_hundredths bigint, worst_mos_hundredths bigint,
    layer bigint, layer_hundredths bigint, least_layer bigint, most_layer bigint, freezes bigint, freeze_ms bigint, paused_ms bigint)
LEFT JOIN LATERAL (SELECT user_id, subject FROM call_events
    WHERE type = 'track_published' AND payload->>'track' = f.track LIMIT 1) p ON true
WHERE e.type = 'media_delivery' AND e.payload IS NOT NULL;

COMMENT ON VIEW media_deliveries IS 'The rows media_delivery of the audit, with their details as columns, and who sent the track.';
COMMENT ON COLUMN media_deliveries.from_user IS 'Who sent it; NULL = that row is not there (any more).';

CREATE VIEW call_quality_by_pair AS
SELECT session_id, user_id, device, from_user, from_device, media, source, min(at - span_ms * interval '1 ms') AS since,
       round(sum(span_ms) / 1000, 1) AS seconds, round(sum(came_ms) / 1000, 1) AS seconds_received,
       round(sum(bps * came_ms) / nullif(sum(came_ms), 0) / 1000) AS kbps,
       round(sum(mos_hundredths * span_ms) / nullif(sum(span_ms), 0) / 100, 2) AS mos,
       round(min(worst_mos_hundredths) / 100.0, 2) AS worst_mos,
       round(100 * sum(lost) / nullif(sum(expected), 0), 2) AS percent_lost,
       max(jitter_ms) AS jitter_ms, max(nullif(rtt_ms, 0)) AS rtt_ms,
       round(sum(layer_hundredths * came_ms) FILTER (WHERE layer_hundredths >= 0)
             / nullif(sum(came_ms) FILTER (WHERE layer_hundredths >= 0), 0) / 100, 2) AS layer,
       min(nullif(least_layer, -1)) AS least_layer, max(nullif(most_layer, -1)) AS most_layer,
       sum(freezes) AS freezes, round(sum(freeze_ms) / 1000, 1) AS seconds_frozen, round(sum(paused_ms) / 1000, 1) AS seconds_paused,
       bool_or(path = 'relay') AS by_relay
FROM media_deliveries
WHERE call_id IS NOT NULL -- else it is the chain of a day
GROUP BY session_id, user_id, device, from_user, from_device, media, source;

COMMENT ON VIEW call_quality_by_pair IS 'One row a device in a call, and a device and source that it got from the embedded SFU: how well that came.';
COMMENT ON COLUMN call_quality_by_pair.from_user IS 'Who sent it. NULL = not known, or erased.';
COMMENT ON COLUMN call_quality_by_pair.seconds IS 'How long it was there to be received.';
COMMENT ON COLUMN call_quality_by_pair.seconds_received IS 'How long packets came: not while it was muted, paused, or not looked at.';
COMMENT ON COLUMN call_quality_by_pair.kbps IS 'Of payload, while packets came.';
COMMENT ON COLUMN call_quality_by_pair.mos IS 'What people would say of it: 1 (bad) to 4.5, on average over time.';
COMMENT ON COLUMN call_quality_by_pair.percent_lost IS 'Packets lost on the way from the SFU, before resends.';
COMMENT ON COLUMN call_quality_by_pair.rtt_ms IS 'The longest way from the SFU to it and back. NULL = not known.';
COMMENT ON COLUMN call_quality_by_pair.layer IS 'Of a video: which layer it got on average, 0 being the lowest. NULL = none, or no video.';
COMMENT ON COLUMN call_quality_by_pair.seconds_paused IS 'How long nothing of it was sent, since there was no room even for the lowest layer.';
COMMENT ON COLUMN call_quality_by_pair.by_relay IS 'Some of it went through a TURN server.';
