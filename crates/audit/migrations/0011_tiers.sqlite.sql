-- What was moved to the archive, chunk by chunk and without a gap from 0: see `tiers`. Who
-- owns the tables adds to it, in the transaction in which the events leave.
CREATE TABLE audit_cold (
    org_id   TEXT   NOT NULL,
    first    BIGINT NOT NULL,        -- positions from this one
    next     BIGINT NOT NULL,        -- to before this one
    from_at  BIGINT NOT NULL,        -- the earliest instant of its events, and the latest
    to_at    BIGINT NOT NULL,
    file     TEXT   NOT NULL,        -- its name in the archive of the org
    sha256   BYTEA  NOT NULL,        -- of that file
    names    BYTEA  NOT NULL,        -- which values its columns may have: see `names`
    bytes    BIGINT NOT NULL,        -- of the bodies
    moved_at BIGINT NOT NULL,
    PRIMARY KEY (org_id, first)
);

-- In which chunks a person is, by the keyed hash of the columns.
CREATE TABLE audit_cold_person (
    org_id  TEXT   NOT NULL,
    person  TEXT   NOT NULL,
    first   BIGINT NOT NULL,         -- of the chunk
    events  BIGINT NOT NULL,         -- by or about the person
    last_at BIGINT,                  -- the latest, but what was done about the person's data
    PRIMARY KEY (org_id, person, first)
) WITHOUT ROWID;

-- Things that are a person's alone and stand in the archive: their keys go with the person's.
CREATE TABLE audit_cold_thing (
    org_id TEXT NOT NULL,
    person TEXT NOT NULL,
    thing  TEXT NOT NULL,
    PRIMARY KEY (org_id, person, thing)
) WITHOUT ROWID;

-- INVARIANT: an event leaves the table only if the archive's own table holds its position.
DROP TRIGGER audit_event_no_delete;
CREATE TRIGGER audit_event_no_delete BEFORE DELETE ON audit_event
WHEN COALESCE((SELECT c.next FROM audit_cold c WHERE c.org_id = OLD.org_id AND c.first <= OLD.seq
                ORDER BY c.first DESC LIMIT 1), 0) <= OLD.seq
BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;

CREATE TRIGGER audit_cold_no_update BEFORE UPDATE ON audit_cold
BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TRIGGER audit_cold_no_delete BEFORE DELETE ON audit_cold
BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TRIGGER audit_cold_person_no_update BEFORE UPDATE ON audit_cold_person
BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TRIGGER audit_cold_person_no_delete BEFORE DELETE ON audit_cold_person
BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TRIGGER audit_cold_thing_no_update BEFORE UPDATE ON audit_cold_thing
BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TRIGGER audit_cold_thing_no_delete BEFORE DELETE ON audit_cold_thing
BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
