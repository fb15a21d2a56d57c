-- Who is to be taken out of the SFU: written with the leave itself, so that a crash between the two loses nothing (matrix-calls 3.5, 4.7).

CREATE TABLE rtc_removals (
    room_id           text COLLATE "C" NOT NULL,
    user_id           text COLLATE "C" NOT NULL,
    device_id         text COLLATE "C" NOT NULL,
    reason            text NOT NULL,
    actor             text COLLATE "C",
    left_at           timestamptz NOT NULL,
    held_until        timestamptz NOT NULL,
    PRIMARY KEY (room_id, user_id, device_id)
);

CREATE INDEX rtc_removals_held ON rtc_removals (held_until);

COMMENT ON TABLE rtc_removals IS 'Who is to be taken out of the SFU: somebody who left the room and once got a token for it, or whom an admin kicked. A row goes when it is done.';
COMMENT ON COLUMN rtc_removals.room_id IS 'The Matrix room.';
COMMENT ON COLUMN rtc_removals.user_id IS 'Who is to go.';
COMMENT ON COLUMN rtc_removals.device_id IS 'Which device of theirs; empty: all.';
COMMENT ON COLUMN rtc_removals.reason IS 'left_room, kicked, banned, kicked_by_admin, ended_by_admin.';
COMMENT ON COLUMN rtc_removals.actor IS 'Who made them leave; NULL: themselves.';
COMMENT ON COLUMN rtc_removals.left_at IS 'Since when; whoever got a token later stays.';
COMMENT ON COLUMN rtc_removals.held_until IS 'Until when the node that does it is left alone with it; after that another does it.';
