-- What was purged and erased, row by row, so that `parley audit verify` can prove that exactly that is gone and no more; and the row of
-- call_heads by which one audit key hands over to the next.

CREATE TABLE audit_removed (
    session_id        uuid NOT NULL,
    n                 integer NOT NULL CHECK (n >= 0),
    rows              integer NOT NULL CHECK (rows >= 1 AND (n = 0 OR rows = 1)),
    tombstone         bigint NOT NULL REFERENCES call_heads (seq),
    PRIMARY KEY (session_id, n)
);

CREATE INDEX audit_removed_tombstone ON audit_removed (tombstone, session_id, n);

COMMENT ON TABLE audit_removed IS 'What a tombstone of call_heads stands for: chains that were purged, rows that were erased. The tombstone holds the digest of its list (src/store/tombstone.h). Append-only.';
COMMENT ON COLUMN audit_removed.session_id IS 'The chain (call_events.session_id).';
COMMENT ON COLUMN audit_removed.n IS '0 = the whole chain was purged; else the row that was erased (call_events.n).';
COMMENT ON COLUMN audit_removed.rows IS 'How many rows: all of a purged chain, 1 for an erased row.';
COMMENT ON COLUMN audit_removed.tombstone IS 'The tombstone (call_heads.seq).';

ALTER TABLE call_heads DROP CONSTRAINT call_heads_kind_check;
ALTER TABLE call_heads ADD CONSTRAINT call_heads_kind_check CHECK (kind IN ('head', 'tombstone', 'key'));

COMMENT ON COLUMN call_heads.kind IS 'head = the state of a chain of call_events; tombstone = rows were purged or erased; key = the audit key of the next epoch takes over.';
COMMENT ON COLUMN call_heads.rows IS 'head: rows of the chain; tombstone: rows purged or erased; key: 0.';
COMMENT ON COLUMN call_heads.last_mac IS 'head: MAC of the last row of the chain; tombstone: digest of its rows of audit_removed; key: the new key''s signature.';
COMMENT ON COLUMN call_heads.what IS 'tombstone: what was purged or erased; key: the new epoch and its fingerprint. For programs: words and name=value.';
COMMENT ON COLUMN call_heads.reason IS 'tombstone, key: why.';
COMMENT ON COLUMN call_heads.actor IS 'tombstone, key: by whom.';

-- As in 0001, but a purge takes rows of call_events only: what says that they were there, stays.
CREATE OR REPLACE FUNCTION audit_protect() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    purging CONSTANT boolean := coalesce(current_setting('parley.purge', true), '') = 'on' AND TG_TABLE_NAME = 'call_events';
    erased call_events;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF purging THEN
            -- Erasing what can name a person is the one change allowed: its digest stays.
            erased := OLD;
            erased.salt := NULL;
            erased.user_id := NULL;
            erased.subject := 'erased:' || OLD.n;
            erased.payload := NULL;
            IF to_jsonb(NEW) = to_jsonb(erased) THEN
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
COMMENT ON FUNCTION audit_protect() IS 'Refuses changes of evidence; with the setting parley.purge on it allows to delete rows of call_events and to erase what in them names a person.';

CREATE TRIGGER audit_removed_protect BEFORE UPDATE OR DELETE ON audit_removed FOR EACH ROW EXECUTE FUNCTION audit_protect();
CREATE TRIGGER audit_removed_truncate BEFORE TRUNCATE ON audit_removed FOR EACH STATEMENT EXECUTE FUNCTION audit_protect();
