-- Events of the token service and of the SFU have an id of their own, so that none is written twice when they had to wait.

COMMENT ON COLUMN call_events.source_event_id IS 'What caused it: a Matrix event, or parley:… for an event of the token service or the SFU. NULL = none (timer).';
COMMENT ON TABLE appservice_events IS 'Events that were taken: one that comes again, in whatever transaction or from the spool file, is skipped.';
COMMENT ON COLUMN appservice_events.event_id IS 'Matrix event id, or our own of an event of the token service or the SFU (parley:…).';
