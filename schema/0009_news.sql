-- What others are told of calls: webhooks of the admin's, notices in rooms. A row is written in the transaction that changed the call,
-- so nothing is told that did not happen, and nothing that happened is forgotten.

CREATE TABLE call_news (
    seq               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id                uuid NOT NULL,
    receiver          text COLLATE "C" NOT NULL,
    session_id        uuid NOT NULL,
    room_id           text COLLATE "C" NOT NULL,
    type              text COLLATE "C" NOT NULL,
    at                timestamptz NOT NULL,
    state             text NOT NULL CHECK (state IN ('waiting', 'told', 'dead')),
    due_at            timestamptz NOT NULL,
    attempts          integer NOT NULL CHECK (attempts >= 0),
    body              text,
    problem           text,
    CHECK (state <> 'waiting' OR body IS NOT NULL)
);

CREATE INDEX call_news_due ON call_news (receiver, due_at, seq) WHERE state = 'waiting';
CREATE INDEX call_news_order ON call_news (receiver, session_id, seq) WHERE state = 'waiting';
CREATE INDEX call_news_state ON call_news (state, at);
CREATE INDEX call_news_id ON call_news (id, seq);
CREATE UNIQUE INDEX call_news_notice ON call_news (session_id) WHERE receiver = 'room';

COMMENT ON TABLE call_news IS 'What is to be told of calls, a row for each receiver. A webhook''s row goes when the receiver has taken it.';
COMMENT ON COLUMN call_news.seq IS 'The order: what is told of one call to one receiver goes out in this order.';
COMMENT ON COLUMN call_news.id IS 'Name of the news, the same for all receivers and at every attempt.';
COMMENT ON COLUMN call_news.receiver IS 'First 16 hex digits of SHA-256 over the webhook''s URL, which may hold a secret; room = a notice in the room.';
COMMENT ON COLUMN call_news.session_id IS 'The call (call_sessions.id; that row may be gone).';
COMMENT ON COLUMN call_news.room_id IS 'Matrix room.';
COMMENT ON COLUMN call_news.type IS 'call.started, call.answered, call.missed, call.declined or call.ended.';
COMMENT ON COLUMN call_news.at IS 'When it was written, our clock.';
COMMENT ON COLUMN call_news.state IS 'waiting = to be told; told = a notice that was sent, or was not to be (problem says why); dead = given up.';
COMMENT ON COLUMN call_news.due_at IS 'waiting: when it is tried next. A node that tries it moves this on, so that no other does.';
COMMENT ON COLUMN call_news.attempts IS 'How often it was tried.';
COMMENT ON COLUMN call_news.body IS 'The JSON that is sent. NULL = told.';
COMMENT ON COLUMN call_news.problem IS 'What the last attempt failed for.';
