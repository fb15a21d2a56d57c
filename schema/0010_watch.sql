-- Where Matrix and the SFU may tell different stories (matrix-calls 3.5, 3.7): members whose media is looked for, and participants of the SFU
-- whose membership is. Both survive a restart, and one node at a time looks at each.

CREATE TABLE rtc_watches (
    session_id        uuid NOT NULL,
    n                 integer NOT NULL,
    look_at           timestamptz NOT NULL,
    seen_at           timestamptz,
    absent_at         timestamptz,
    stale_at          timestamptz,
    tries             integer NOT NULL DEFAULT 0 CHECK (tries >= 0),
    PRIMARY KEY (session_id, n),
    FOREIGN KEY (session_id, n) REFERENCES call_participants ON DELETE CASCADE
);

CREATE INDEX rtc_watches_due ON rtc_watches (look_at);

COMMENT ON TABLE rtc_watches IS 'Members of calls whose media is on our SFU, as long as they are in: whether they are there, is looked after.';
COMMENT ON COLUMN rtc_watches.session_id IS 'The call.';
COMMENT ON COLUMN rtc_watches.n IS 'The stay in the call (call_participants.n).';
COMMENT ON COLUMN rtc_watches.look_at IS 'When to look next; while a node looks, until when it may take.';
COMMENT ON COLUMN rtc_watches.seen_at IS 'When they were in the SFU, by the latest look that found them. NULL = never yet.';
COMMENT ON COLUMN rtc_watches.absent_at IS 'Since when each look has missed them. NULL = the latest found them.';
COMMENT ON COLUMN rtc_watches.stale_at IS 'When membership_stale was written. NULL = not.';
COMMENT ON COLUMN rtc_watches.tries IS 'How often ending the membership was begun.';

ALTER TABLE rtc_identities ADD look_at timestamptz;
CREATE INDEX rtc_identities_look ON rtc_identities (look_at) WHERE look_at IS NOT NULL;
COMMENT ON COLUMN rtc_identities.look_at IS 'When to look whether the participant is in the SFU without being in the call. NULL = nothing asks for it.';

-- Whose delayed leave is with us, asked for each member that seems to be gone.
CREATE INDEX rtc_delegations_user ON rtc_delegations (user_id);
