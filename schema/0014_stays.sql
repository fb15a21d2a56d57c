-- Who is in our own SFU at this moment, and in which rooms: so that what a killed process left open in the audit is ended there.

CREATE TABLE sfu_stays (
    connection        text COLLATE "C" PRIMARY KEY,
    node              text COLLATE "C" NOT NULL,
    run               text NOT NULL,
    alias             text COLLATE "C" NOT NULL,
    identity          text COLLATE "C" NOT NULL,
    is_room           boolean NOT NULL,
    since             timestamptz
);

CREATE INDEX sfu_stays_node ON sfu_stays (node, connection);

COMMENT ON TABLE sfu_stays IS 'Who is in the embedded SFU, and which rooms go on there; a row goes with the media_disconnected or media_room_closed that ends it.';
COMMENT ON COLUMN sfu_stays.connection IS 'The SFU''s id of the participant (PA_...) or the room (RM_...).';
COMMENT ON COLUMN sfu_stays.node IS 'node.name of the Parley that carries it.';
COMMENT ON COLUMN sfu_stays.run IS 'Which process of it: rows of an earlier one are what it left open.';
COMMENT ON COLUMN sfu_stays.alias IS 'The room''s name in the SFU.';
COMMENT ON COLUMN sfu_stays.identity IS 'The participant; of a room, the first one who came.';
COMMENT ON COLUMN sfu_stays.is_room IS 'A room, not somebody in it.';
COMMENT ON COLUMN sfu_stays.since IS 'When it began, our clock.';
