-- The calls, their people, their audit trail, and what was already taken from the homeserver.
--
-- Times are timestamptz, written from Unix milliseconds and read back without loss. Identifiers are COLLATE "C": they are compared byte for
-- byte, and an index over them survives an upgrade of the system's locales.

CREATE TABLE call_sessions (
    id                uuid PRIMARY KEY,
    kind              text NOT NULL CHECK (kind IN ('legacy', 'rtc')),
    room_id           text COLLATE "C" NOT NULL,
    call_id           text COLLATE "C" NOT NULL,
    natural_key       text COLLATE "C" NOT NULL,
    slot              text COLLATE "C",
    state             text NOT NULL CHECK (state IN ('none', 'stub', 'ringing', 'answered', 'active', 'ended', 'rejected', 'missed',
                                                     'cancelled', 'failed')),
    status            text CHECK (status IN ('initiated', 'ringing', 'active', 'ended', 'rejected', 'missed', 'cancelled', 'failed')),
    media             text CHECK (media IN ('audio', 'video')),
    is_group          boolean NOT NULL,
    historic          boolean NOT NULL,
    partial           boolean NOT NULL,
    rings             boolean NOT NULL,
    caller_user       text COLLATE "C",
    caller_party      text COLLATE "C",
    callee_user       text COLLATE "C",
    selected_user     text COLLATE "C",
    selected_party    text COLLATE "C",
    first_event_id    text COLLATE "C",
    ring_event_id     text COLLATE "C",
    voip_version      integer NOT NULL CHECK (voip_version IN (0, 1)),
    created_at        timestamptz,
    ringing_at        timestamptz,
    answered_at       timestamptz,
    ended_at          timestamptz,
    duration_ms       bigint CHECK (duration_ms >= 0),
    deadline_at       timestamptz,
    due_at            timestamptz,
    last_event_at     timestamptz,
    closed_at         timestamptz,
    final_origin_at   timestamptz,
    end_reason        text,
    failed_reason     text,
    ended_by          text COLLATE "C",
    superseded_by     uuid,
    linked_call_id    text COLLATE "C",
    peak_users        integer NOT NULL CHECK (peak_users >= 0),
    chain_rows        integer NOT NULL CHECK (chain_rows >= 0),
    chain_mac         bytea NOT NULL CHECK (octet_length(chain_mac) = 32),
    CONSTRAINT call_sessions_natural UNIQUE (room_id, kind, natural_key),
    CONSTRAINT call_sessions_closed CHECK ((closed_at IS NULL) = (state IN ('none', 'stub', 'ringing', 'answered', 'active')))
) WITH (fillfactor = 60); -- a call is updated a few times while it lives: leave room on the page for it

CREATE INDEX call_sessions_live ON call_sessions (room_id) WHERE closed_at IS NULL;
CREATE INDEX call_sessions_recent ON call_sessions (room_id, closed_at) WHERE closed_at IS NOT NULL AND kind = 'rtc';
CREATE INDEX call_sessions_due ON call_sessions (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX call_sessions_created ON call_sessions (created_at DESC NULLS LAST);
CREATE INDEX call_sessions_room ON call_sessions (room_id, created_at DESC NULLS LAST);
CREATE INDEX call_sessions_caller ON call_sessions (caller_user, created_at DESC NULLS LAST);
CREATE INDEX call_sessions_callee ON call_sessions (callee_user, created_at DESC NULLS LAST);
CREATE INDEX call_sessions_status ON call_sessions (status, created_at DESC NULLS LAST);
CREATE INDEX call_sessions_call ON call_sessions (call_id);

COMMENT ON TABLE call_sessions IS 'One row a call, as the state machine holds it. Source: appservice transactions and timers.';
COMMENT ON COLUMN call_sessions.id IS 'Our name of the call, a UUID of version 7 (sorts by creation).';
COMMENT ON COLUMN call_sessions.kind IS 'legacy = m.call.* events between two parties; rtc = MatrixRTC memberships.';
COMMENT ON COLUMN call_sessions.room_id IS 'Matrix room the call is in.';
COMMENT ON COLUMN call_sessions.call_id IS 'legacy: the call_id the client chose (unique only in its room); rtc: the slot id as first seen.';
COMMENT ON COLUMN call_sessions.natural_key IS 'What makes the call unique in its room: legacy the call_id; rtc slot in lower case / first event id.';
COMMENT ON COLUMN call_sessions.slot IS 'rtc: slot id in lower case. NULL for legacy calls.';
COMMENT ON COLUMN call_sessions.state IS 'State of the machine (calls/machine).';
COMMENT ON COLUMN call_sessions.status IS 'What users are shown. NULL = a stub nobody is shown yet.';
COMMENT ON COLUMN call_sessions.media IS 'audio or video: from the offer''s SDP, or from the intent of the members.';
COMMENT ON COLUMN call_sessions.is_group IS 'More than two people may take part.';
COMMENT ON COLUMN call_sessions.historic IS 'Written from replayed history: it never rang here.';
COMMENT ON COLUMN call_sessions.partial IS 'Its beginning was not seen.';
COMMENT ON COLUMN call_sessions.rings IS 'False where clients ignore the invite (publicly joinable room).';
COMMENT ON COLUMN call_sessions.caller_user IS 'Matrix user who began the call.';
COMMENT ON COLUMN call_sessions.caller_party IS 'The caller''s party_id (legacy) or device id (rtc).';
COMMENT ON COLUMN call_sessions.callee_user IS 'Matrix user who was called. NULL = unknown or several.';
COMMENT ON COLUMN call_sessions.selected_user IS 'legacy: user whose answer the caller took.';
COMMENT ON COLUMN call_sessions.selected_party IS 'legacy: party_id of the answer the caller took.';
COMMENT ON COLUMN call_sessions.first_event_id IS 'The invite, or the first member event.';
COMMENT ON COLUMN call_sessions.ring_event_id IS 'rtc: the notification event that rings.';
COMMENT ON COLUMN call_sessions.voip_version IS 'legacy: version of the VoIP events, 0 or 1. 0 for rtc.';
COMMENT ON COLUMN call_sessions.created_at IS 'Time of the invite or of the first member.';
COMMENT ON COLUMN call_sessions.ringing_at IS 'When it began to ring.';
COMMENT ON COLUMN call_sessions.answered_at IS 'When it was answered: the start of talking.';
COMMENT ON COLUMN call_sessions.ended_at IS 'When it ended, by the clock of the event that ended it.';
COMMENT ON COLUMN call_sessions.duration_ms IS 'Talking time in milliseconds. NULL = unknown or never talked.';
COMMENT ON COLUMN call_sessions.deadline_at IS 'What the present state waits for: the end of ringing, of waiting for a selection, of a stub.';
COMMENT ON COLUMN call_sessions.due_at IS 'When the timer must look next: the earliest of deadline_at and the members'' expiry. NULL = never.';
COMMENT ON COLUMN call_sessions.last_event_at IS 'When the latest input arrived, our clock.';
COMMENT ON COLUMN call_sessions.closed_at IS 'When the call became final, our clock.';
COMMENT ON COLUMN call_sessions.final_origin_at IS 'origin_server_ts of the event that made it final: decides between contradicting finals.';
COMMENT ON COLUMN call_sessions.end_reason IS 'Why it ended: a hangup reason, left_room, expired, slot_closed and the like.';
COMMENT ON COLUMN call_sessions.failed_reason IS 'Technical cause when it failed: the hangup reason of class error.';
COMMENT ON COLUMN call_sessions.ended_by IS 'Matrix user who ended it. NULL = nobody (timer).';
COMMENT ON COLUMN call_sessions.superseded_by IS 'The call that won glare or replaced this one (call_sessions.id; that row may be gone).';
COMMENT ON COLUMN call_sessions.linked_call_id IS 'A client''s call_id that a transfer named.';
COMMENT ON COLUMN call_sessions.peak_users IS 'Most different users at the same time.';
COMMENT ON COLUMN call_sessions.chain_rows IS 'Rows of its audit chain so far: the highest call_events.n.';
COMMENT ON COLUMN call_sessions.chain_mac IS 'MAC of the last row of its audit chain, 32 bytes; all zero before the first.';

CREATE TABLE call_participants (
    session_id        uuid NOT NULL REFERENCES call_sessions ON DELETE CASCADE,
    n                 integer NOT NULL CHECK (n >= 1),
    user_id           text COLLATE "C" NOT NULL,
    party             text COLLATE "C",
    role              text CHECK (role IN ('caller', 'callee', 'member')),
    generation        text CHECK (generation IN ('state', 'array', 'famedly', 'sticky')),
    entry_key         text COLLATE "C",
    membership_id     text COLLATE "C",
    event_id          text COLLATE "C",
    last_event_id     text COLLATE "C",
    last_origin_at    timestamptz,
    joined_at         timestamptz,
    answered_at       timestamptz,
    expires_at        timestamptz,
    left_at           timestamptz,
    leave_reason      text,
    actor             text COLLATE "C",
    focus_url         text,
    focus_selection   text,
    focus_ours        boolean NOT NULL,
    intent            text,
    audio_muted       boolean NOT NULL,
    video_muted       boolean NOT NULL,
    screen_shared     boolean NOT NULL,
    refreshes         integer NOT NULL CHECK (refreshes >= 0),
    candidates_host   integer NOT NULL CHECK (candidates_host >= 0),
    candidates_srflx  integer NOT NULL CHECK (candidates_srflx >= 0),
    candidates_prflx  integer NOT NULL CHECK (candidates_prflx >= 0),
    candidates_relay  integer NOT NULL CHECK (candidates_relay >= 0),
    candidates_tcp    integer NOT NULL CHECK (candidates_tcp >= 0),
    PRIMARY KEY (session_id, n)
) WITH (fillfactor = 60);

CREATE INDEX call_participants_user ON call_participants (user_id, joined_at);

COMMENT ON TABLE call_participants IS 'One row a stay of one device in one call. Source: answers (legacy), member events (rtc).';
COMMENT ON COLUMN call_participants.session_id IS 'The call.';
COMMENT ON COLUMN call_participants.n IS 'Number within the call, from 1, in order of appearance.';
COMMENT ON COLUMN call_participants.user_id IS 'Matrix user, the sender of the event.';
COMMENT ON COLUMN call_participants.party IS 'party_id (legacy) or device id (rtc).';
COMMENT ON COLUMN call_participants.role IS 'caller, callee (legacy) or member (rtc).';
COMMENT ON COLUMN call_participants.generation IS 'rtc: form of the member event (state, array, famedly, sticky). NULL for legacy calls.';
COMMENT ON COLUMN call_participants.entry_key IS 'rtc: what identifies the entry: the state key, or sender and sticky key.';
COMMENT ON COLUMN call_participants.membership_id IS 'rtc: membershipID or member.id as the client wrote it.';
COMMENT ON COLUMN call_participants.event_id IS 'The event that began the stay: the invite, answer or join.';
COMMENT ON COLUMN call_participants.last_event_id IS 'The latest event of this entry.';
COMMENT ON COLUMN call_participants.last_origin_at IS 'origin_server_ts of the latest event of this entry.';
COMMENT ON COLUMN call_participants.joined_at IS 'When the stay began.';
COMMENT ON COLUMN call_participants.answered_at IS 'legacy callee: when this device answered.';
COMMENT ON COLUMN call_participants.expires_at IS 'rtc: when the entry stops counting unless it is refreshed.';
COMMENT ON COLUMN call_participants.left_at IS 'When the stay ended. NULL = still in.';
COMMENT ON COLUMN call_participants.leave_reason IS 'Why the stay ended: left, kicked, left_room, expired, answered_elsewhere, slot_closed and the like.';
COMMENT ON COLUMN call_participants.actor IS 'Matrix user who ended the stay, when it was somebody else.';
COMMENT ON COLUMN call_participants.focus_url IS 'rtc: service URL of the SFU this member prefers.';
COMMENT ON COLUMN call_participants.focus_selection IS 'rtc: multi_sfu or oldest_membership, as the client wrote it.';
COMMENT ON COLUMN call_participants.focus_ours IS 'rtc: that SFU is this service.';
COMMENT ON COLUMN call_participants.intent IS 'rtc: audio or video, as announced.';
COMMENT ON COLUMN call_participants.audio_muted IS 'Latest announced state of the microphone.';
COMMENT ON COLUMN call_participants.video_muted IS 'Latest announced state of the camera.';
COMMENT ON COLUMN call_participants.screen_shared IS 'Is or was sharing the screen, as latest announced.';
COMMENT ON COLUMN call_participants.refreshes IS 'rtc: how often the entry was sent again unchanged.';
COMMENT ON COLUMN call_participants.candidates_host IS 'legacy: ICE candidates of type host this party sent.';
COMMENT ON COLUMN call_participants.candidates_srflx IS 'legacy: candidates of type srflx.';
COMMENT ON COLUMN call_participants.candidates_prflx IS 'legacy: candidates of type prflx.';
COMMENT ON COLUMN call_participants.candidates_relay IS 'legacy: candidates of type relay.';
COMMENT ON COLUMN call_participants.candidates_tcp IS 'legacy: how many of all candidates were TCP.';

CREATE TABLE call_kept_inputs (
    session_id        uuid NOT NULL REFERENCES call_sessions ON DELETE CASCADE,
    n                 integer NOT NULL,
    input             integer NOT NULL,
    event_id          text COLLATE "C",
    sender            text COLLATE "C",
    party             text COLLATE "C",
    voip_version      integer NOT NULL,
    origin_at         timestamptz,
    sent_at           timestamptz,
    received_at       timestamptz,
    reason            text,
    selected_party    text COLLATE "C",
    text              text,
    PRIMARY KEY (session_id, n)
);

COMMENT ON TABLE call_kept_inputs IS 'What a stub keeps until its beginning comes (federation may deliver an answer before its invite); at most 64 a call, for a minute.';
COMMENT ON COLUMN call_kept_inputs.session_id IS 'The stub.';
COMMENT ON COLUMN call_kept_inputs.n IS 'Order of arrival.';
COMMENT ON COLUMN call_kept_inputs.input IS 'Kind of input (enum call_input_type of calls/input.h).';
COMMENT ON COLUMN call_kept_inputs.event_id IS 'Matrix event it came from.';
COMMENT ON COLUMN call_kept_inputs.sender IS 'Matrix user who sent it.';
COMMENT ON COLUMN call_kept_inputs.party IS 'party_id of the sender.';
COMMENT ON COLUMN call_kept_inputs.voip_version IS 'Version of the VoIP event, 0 or 1.';
COMMENT ON COLUMN call_kept_inputs.origin_at IS 'origin_server_ts of the event.';
COMMENT ON COLUMN call_kept_inputs.sent_at IS 'When the homeserver had it: arrival minus its age.';
COMMENT ON COLUMN call_kept_inputs.received_at IS 'When it arrived here, our clock.';
COMMENT ON COLUMN call_kept_inputs.reason IS 'Hangup or reject reason.';
COMMENT ON COLUMN call_kept_inputs.selected_party IS 'party_id that a select_answer named.';
COMMENT ON COLUMN call_kept_inputs.text IS 'What else the input needs, in a form its reader in calls/ knows.';

-- The audit trail. It repeats room, user and call in each row and hangs on no other table, so that it outlives the calls it tells of.
CREATE TABLE call_events (
    session_id        uuid NOT NULL,
    n                 integer NOT NULL CHECK (n >= 1),
    type              text COLLATE "C" NOT NULL,
    room_id           text COLLATE "C",
    call_id           text COLLATE "C",
    user_id           text COLLATE "C",
    subject           text COLLATE "C" NOT NULL,
    source_event_id   text COLLATE "C",
    at                timestamptz,
    recorded_at       timestamptz NOT NULL,
    late              boolean NOT NULL,
    inferred          boolean NOT NULL,
    ignored           boolean NOT NULL,
    partial           boolean NOT NULL,
    salt              bytea CHECK (octet_length(salt) = 16),
    payload           json,
    erasable_sha256   bytea NOT NULL CHECK (octet_length(erasable_sha256) = 32),
    mac               bytea NOT NULL CHECK (octet_length(mac) = 32),
    key_epoch         smallint NOT NULL,
    PRIMARY KEY (session_id, n),
    -- One kick can end two devices of a call, and one event can move two calls: hence subject and session_id beside the event and the type.
    CONSTRAINT call_events_once UNIQUE (source_event_id, type, subject, session_id)
);

CREATE INDEX call_events_at ON call_events (at);
CREATE INDEX call_events_room ON call_events (room_id, at);
CREATE INDEX call_events_user ON call_events (user_id, at);
CREATE INDEX call_events_call ON call_events (call_id);

COMMENT ON TABLE call_events IS 'The audit trail: one row a thing that happened, in a keyed chain a call (src/store/chain.h). Append-only: see the trigger.';
COMMENT ON COLUMN call_events.session_id IS 'The chain: the call (call_sessions.id; that row may be gone), or for an event of no call its day (audit_strays.id).';
COMMENT ON COLUMN call_events.n IS 'Number within the chain, from 1 without gaps.';
COMMENT ON COLUMN call_events.type IS 'What happened: call_invited, participant_left and so on.';
COMMENT ON COLUMN call_events.room_id IS 'Matrix room. NULL for an event that named none.';
COMMENT ON COLUMN call_events.call_id IS 'The client''s call_id or the slot id.';
COMMENT ON COLUMN call_events.user_id IS 'Matrix user who did it. NULL = nobody (timer), or erased.';
COMMENT ON COLUMN call_events.subject IS 'Whom or which device it is about; empty when that is the same. erased:n in an erased row n.';
COMMENT ON COLUMN call_events.source_event_id IS 'Matrix event that caused it. NULL = none (timer).';
COMMENT ON COLUMN call_events.at IS 'When it happened, by the best clock we have.';
COMMENT ON COLUMN call_events.recorded_at IS 'When it was written, our clock.';
COMMENT ON COLUMN call_events.late IS 'It was learned too late to ring, send or push anything.';
COMMENT ON COLUMN call_events.inferred IS 'Concluded from what an encrypted room leaves readable, not read.';
COMMENT ON COLUMN call_events.ignored IS 'Seen, but it moved nothing (soft-failed or refused by a policy server).';
COMMENT ON COLUMN call_events.partial IS 'The call''s beginning was not seen.';
COMMENT ON COLUMN call_events.salt IS '16 random bytes of this row, so that the digest tells nothing once they are gone. NULL = the row is erased.';
COMMENT ON COLUMN call_events.payload IS 'Details, as the very bytes that were digested (hence json, not jsonb). NULL = erased.';
COMMENT ON COLUMN call_events.erasable_sha256 IS 'SHA-256 over salt, user_id, subject and payload; stays when they are erased.';
COMMENT ON COLUMN call_events.mac IS 'HMAC-SHA256 over the MAC of the row before and this row.';
COMMENT ON COLUMN call_events.key_epoch IS 'Which key made the MAC (audit_keys.epoch).';

CREATE TABLE call_heads (
    seq               bigint PRIMARY KEY CHECK (seq >= 1),
    kind              text NOT NULL CHECK (kind IN ('head', 'tombstone')),
    session_id        uuid,
    rows              bigint NOT NULL CHECK (rows >= 0),
    last_mac          bytea CHECK (octet_length(last_mac) = 32),
    at                timestamptz NOT NULL,
    what              text,
    reason            text,
    actor             text,
    mac               bytea NOT NULL CHECK (octet_length(mac) = 32),
    key_epoch         smallint NOT NULL,
    CHECK (CASE kind WHEN 'head' THEN session_id IS NOT NULL AND last_mac IS NOT NULL
                     ELSE what IS NOT NULL AND reason IS NOT NULL AND actor IS NOT NULL END)
);

CREATE INDEX call_heads_session ON call_heads (session_id);

COMMENT ON TABLE call_heads IS 'The chain over all chains: each call that ends adds where its own chain stood, each purge says what it took. Append-only.';
COMMENT ON COLUMN call_heads.seq IS 'Number, from 1 without gaps.';
COMMENT ON COLUMN call_heads.kind IS 'head = the state of a chain of call_events; tombstone = rows were purged.';
COMMENT ON COLUMN call_heads.session_id IS 'The chain (call_events.session_id). A call that moved after its end has several heads; the last counts.';
COMMENT ON COLUMN call_heads.rows IS 'head: rows of the chain; tombstone: rows purged.';
COMMENT ON COLUMN call_heads.last_mac IS 'MAC of the last row of the chain.';
COMMENT ON COLUMN call_heads.at IS 'When this was written, our clock.';
COMMENT ON COLUMN call_heads.what IS 'tombstone: what was purged.';
COMMENT ON COLUMN call_heads.reason IS 'tombstone: why.';
COMMENT ON COLUMN call_heads.actor IS 'tombstone: by whom.';
COMMENT ON COLUMN call_heads.mac IS 'HMAC-SHA256 over the MAC of the row before and this row.';
COMMENT ON COLUMN call_heads.key_epoch IS 'Which key made the MAC (audit_keys.epoch).';

CREATE TABLE audit_strays (
    day               date PRIMARY KEY,
    id                uuid NOT NULL UNIQUE,
    chain_rows        integer NOT NULL CHECK (chain_rows >= 1),
    chain_mac         bytea NOT NULL CHECK (octet_length(chain_mac) = 32)
);

COMMENT ON TABLE audit_strays IS 'Events of no call (malformed, unmatched) form one chain a day.';
COMMENT ON COLUMN audit_strays.day IS 'The day, UTC, by our clock.';
COMMENT ON COLUMN audit_strays.id IS 'Name of the chain in call_events.session_id.';
COMMENT ON COLUMN audit_strays.chain_rows IS 'Rows so far.';
COMMENT ON COLUMN audit_strays.chain_mac IS 'MAC of the last row, 32 bytes.';

CREATE TABLE audit_keys (
    epoch             smallint PRIMARY KEY CHECK (epoch >= 1),
    fingerprint       text NOT NULL UNIQUE CHECK (fingerprint ~ '^[0-9a-f]{16}$'),
    since             timestamptz NOT NULL
);

COMMENT ON TABLE audit_keys IS 'Which keys made the MACs. The keys themselves are in files, never here.';
COMMENT ON COLUMN audit_keys.epoch IS 'Number of the key, from 1.';
COMMENT ON COLUMN audit_keys.fingerprint IS 'First 16 hex digits of SHA-256 over the key.';
COMMENT ON COLUMN audit_keys.since IS 'When the key was first used.';

CREATE TABLE appservice_txns (
    id                text COLLATE "C" PRIMARY KEY,
    sha256            bytea NOT NULL CHECK (octet_length(sha256) = 32),
    received_at       timestamptz NOT NULL
);

CREATE INDEX appservice_txns_received ON appservice_txns (received_at);

COMMENT ON TABLE appservice_txns IS 'Transactions of the homeserver that were committed; one that comes again is answered and not done again.';
COMMENT ON COLUMN appservice_txns.id IS 'Transaction id, chosen by the homeserver. It may start again when its database is rebuilt.';
COMMENT ON COLUMN appservice_txns.sha256 IS 'SHA-256 over the event ids: the same id with other events is another transaction.';
COMMENT ON COLUMN appservice_txns.received_at IS 'When it came, our clock.';

CREATE TABLE appservice_events (
    event_id          text COLLATE "C" PRIMARY KEY,
    received_at       timestamptz NOT NULL
);

CREATE INDEX appservice_events_received ON appservice_events (received_at);

COMMENT ON TABLE appservice_events IS 'Matrix events that were taken: one that comes again, in whatever transaction, is skipped.';
COMMENT ON COLUMN appservice_events.event_id IS 'Matrix event id.';
COMMENT ON COLUMN appservice_events.received_at IS 'When it came, our clock.';

CREATE TABLE node_tasks (
    task              text PRIMARY KEY,
    claimed_at        timestamptz NOT NULL
);

COMMENT ON TABLE node_tasks IS 'Work that one node at a time does for all.';
COMMENT ON COLUMN node_tasks.task IS 'Name of the work: reconcile = compare live calls with the rooms'' state.';
COMMENT ON COLUMN node_tasks.claimed_at IS 'When a node last began it, that node''s clock.';

-- What is evidence is not changed. This stops mistakes, not an owner of the database: against that one there are the MACs.
CREATE FUNCTION audit_protect() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    purging CONSTANT boolean := coalesce(current_setting('parley.purge', true), '') = 'on';
    erased call_events;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF TG_TABLE_NAME = 'call_events' THEN
            -- Erasing what can name a person is the one change allowed: its digest stays.
            erased := OLD;
            erased.salt := NULL;
            erased.user_id := NULL;
            erased.subject := 'erased:' || OLD.n;
            erased.payload := NULL;
            IF purging AND to_jsonb(NEW) = to_jsonb(erased) THEN
                RETURN NEW;
            END IF;
        END IF;
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NOT purging THEN
        RAISE EXCEPTION '% is append-only: rows go only with a purge', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN OLD;
END
$$;
COMMENT ON FUNCTION audit_protect() IS 'Refuses changes of evidence; with the setting parley.purge on it allows DELETE, TRUNCATE, and erasing what names a person.';

CREATE TRIGGER call_events_protect BEFORE UPDATE OR DELETE ON call_events FOR EACH ROW EXECUTE FUNCTION audit_protect();
CREATE TRIGGER call_events_truncate BEFORE TRUNCATE ON call_events FOR EACH STATEMENT EXECUTE FUNCTION audit_protect();
CREATE TRIGGER call_heads_protect BEFORE UPDATE OR DELETE ON call_heads FOR EACH ROW EXECUTE FUNCTION audit_protect();
CREATE TRIGGER call_heads_truncate BEFORE TRUNCATE ON call_heads FOR EACH STATEMENT EXECUTE FUNCTION audit_protect();
CREATE TRIGGER audit_keys_protect BEFORE UPDATE OR DELETE ON audit_keys FOR EACH ROW EXECUTE FUNCTION audit_protect();
CREATE TRIGGER audit_keys_truncate BEFORE TRUNCATE ON audit_keys FOR EACH STATEMENT EXECUTE FUNCTION audit_protect();
