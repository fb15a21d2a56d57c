-- Delayed leaves that clients left with us (matrix-calls 4.9): they survive a restart, and one node at a time looks after each.

CREATE TABLE rtc_delegations (
    alias             text COLLATE "C" NOT NULL,
    identity          text COLLATE "C" NOT NULL,
    delay_id          text COLLATE "C" NOT NULL,
    delay_ms          bigint NOT NULL CHECK (delay_ms > 0),
    user_id           text COLLATE "C" NOT NULL,
    room_id           text COLLATE "C" NOT NULL,
    state             text NOT NULL CHECK (state IN ('waiting', 'connected', 'departing', 'disconnected')),
    created_at        timestamptz NOT NULL,
    restarted_at      timestamptz NOT NULL,
    node              text COLLATE "C" NOT NULL,
    held_until        timestamptz NOT NULL,
    PRIMARY KEY (alias, identity)
);

CREATE INDEX rtc_delegations_held ON rtc_delegations (held_until);
CREATE INDEX rtc_delegations_node ON rtc_delegations (node);

COMMENT ON TABLE rtc_delegations IS 'Delayed leaves that clients left with us: restarted while the client is in the SFU, sent when it is gone. A row goes when nothing is left to do.';
COMMENT ON COLUMN rtc_delegations.alias IS 'The room in the SFU.';
COMMENT ON COLUMN rtc_delegations.identity IS 'The participant in the SFU. A newer delegation of the same participant takes the row over.';
COMMENT ON COLUMN rtc_delegations.delay_id IS 'The delayed event at the user''s homeserver (MSC4140). Whoever knows it can send or cancel that one event.';
COMMENT ON COLUMN rtc_delegations.delay_ms IS 'How long after a restart the homeserver sends it by itself.';
COMMENT ON COLUMN rtc_delegations.user_id IS 'Whose leave it is.';
COMMENT ON COLUMN rtc_delegations.room_id IS 'The Matrix room.';
COMMENT ON COLUMN rtc_delegations.state IS 'As in src/calls/delegation.h.';
COMMENT ON COLUMN rtc_delegations.created_at IS 'When the client asked.';
COMMENT ON COLUMN rtc_delegations.restarted_at IS 'When the homeserver last began to count.';
COMMENT ON COLUMN rtc_delegations.node IS 'The node that looks after it (node.name).';
COMMENT ON COLUMN rtc_delegations.held_until IS 'Until when; the node renews it, another may take it over after that.';
