-- Several nodes with an SFU each: who they are, and on which of them each room of the SFU lives.

CREATE TABLE sfu_nodes (
    name              text COLLATE "C" PRIMARY KEY,
    run               text NOT NULL,
    url               text NOT NULL,
    inner_url         text NOT NULL,
    version           text NOT NULL,
    workers           integer NOT NULL CHECK (workers > 0),
    members           integer NOT NULL,
    draining          boolean NOT NULL,
    started_at        timestamptz NOT NULL,
    clock_at          timestamptz NOT NULL,
    seen_at           timestamptz NOT NULL,
    expires_at        timestamptz NOT NULL
);

COMMENT ON TABLE sfu_nodes IS 'The nodes with an embedded SFU that share this database. Each renews its row every few seconds; one that stopped in good order has none.';
COMMENT ON COLUMN sfu_nodes.name IS 'node.name.';
COMMENT ON COLUMN sfu_nodes.run IS 'The process: another one of the same name is another run.';
COMMENT ON COLUMN sfu_nodes.url IS 'Where clients are sent for the rooms of this node.';
COMMENT ON COLUMN sfu_nodes.inner_url IS 'Where the other nodes reach its private listener (node.url); empty: nowhere.';
COMMENT ON COLUMN sfu_nodes.version IS 'Of the program.';
COMMENT ON COLUMN sfu_nodes.workers IS 'How many threads carry its media: its share of the rooms.';
COMMENT ON COLUMN sfu_nodes.members IS 'How many people are in its rooms.';
COMMENT ON COLUMN sfu_nodes.draining IS 'It is about to stop, and gets no new rooms.';
COMMENT ON COLUMN sfu_nodes.started_at IS 'When the process began, its own clock.';
COMMENT ON COLUMN sfu_nodes.clock_at IS 'Its own clock at seen_at: the difference is how far the two are apart.';
COMMENT ON COLUMN sfu_nodes.seen_at IS 'When it last renewed the row, the database''s clock.';
COMMENT ON COLUMN sfu_nodes.expires_at IS 'From then on it counts as dead, the database''s clock.';

CREATE TABLE sfu_rooms (
    alias             text COLLATE "C" PRIMARY KEY,
    node              text COLLATE "C" NOT NULL REFERENCES sfu_nodes (name) ON DELETE CASCADE,
    claimed_at        timestamptz NOT NULL
);

CREATE INDEX sfu_rooms_node ON sfu_rooms (node);

COMMENT ON TABLE sfu_rooms IS 'On which node each room of the SFU lives. A row counts as long as its node is not dead, and goes with the room.';
COMMENT ON COLUMN sfu_rooms.alias IS 'The room''s name in the SFU.';
COMMENT ON COLUMN sfu_rooms.node IS 'Its node.';
COMMENT ON COLUMN sfu_rooms.claimed_at IS 'Since when, the database''s clock.';
