-- Who is who in the SFU (matrix-calls 4.3): names there are hashes, and this is the only way back from them to people.

CREATE TABLE rtc_identities (
    alias             text COLLATE "C" NOT NULL,
    identity          text COLLATE "C" NOT NULL,
    room_id           text COLLATE "C" NOT NULL,
    slot_id           text COLLATE "C" NOT NULL,
    user_id           text COLLATE "C" NOT NULL,
    device_id         text COLLATE "C" NOT NULL,
    member_id         text COLLATE "C" NOT NULL,
    dialect           text NOT NULL CHECK (dialect IN ('old', 'hashed', 'proxied', 'federated')),
    minted_at         timestamptz NOT NULL,
    barred_at         timestamptz,
    PRIMARY KEY (alias, identity)
);

CREATE INDEX rtc_identities_person ON rtc_identities (room_id, user_id);
CREATE INDEX rtc_identities_minted ON rtc_identities (minted_at);

COMMENT ON TABLE rtc_identities IS 'Whom a participant of the SFU stands for: a row for each that got a token, for two days after the latest one.';
COMMENT ON COLUMN rtc_identities.alias IS 'The room in the SFU.';
COMMENT ON COLUMN rtc_identities.identity IS 'The participant in the SFU. A newer token of the same participant takes the row over.';
COMMENT ON COLUMN rtc_identities.room_id IS 'The Matrix room.';
COMMENT ON COLUMN rtc_identities.slot_id IS 'The call in the room: m.call#ROOM …';
COMMENT ON COLUMN rtc_identities.user_id IS 'Who was verified.';
COMMENT ON COLUMN rtc_identities.device_id IS 'As claimed: nobody can verify it; empty when it was not said.';
COMMENT ON COLUMN rtc_identities.member_id IS 'As claimed; empty in the old dialect.';
COMMENT ON COLUMN rtc_identities.dialect IS 'How the token was asked for, as in src/livekit/ask.h.';
COMMENT ON COLUMN rtc_identities.minted_at IS 'When the latest token was made.';
COMMENT ON COLUMN rtc_identities.barred_at IS 'When the user left the room: since then a connection with that token is ended. A new token clears it.';
