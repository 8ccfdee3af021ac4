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
);

-- Things that are a person's alone and stand in the archive: their keys go with the person's.
CREATE TABLE audit_cold_thing (
    org_id TEXT NOT NULL,
    person TEXT NOT NULL,
    thing  TEXT NOT NULL,
    PRIMARY KEY (org_id, person, thing)
);

-- INVARIANT: an event leaves the table only if the archive's own table holds its position.
CREATE FUNCTION audit_event_stays() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
  IF TG_OP = 'DELETE' THEN
    IF (SELECT c.next FROM audit_cold c WHERE c.org_id = OLD.org_id AND c.first <= OLD.seq
         ORDER BY c.first DESC LIMIT 1) > OLD.seq THEN
      RETURN OLD;
    END IF;
  END IF;
  RAISE EXCEPTION 'the record is append-only';
END $$;
DROP TRIGGER audit_event_append_only ON audit_event;
CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE ON audit_event
FOR EACH ROW EXECUTE FUNCTION audit_event_stays();

-- And only whoever owns the tables says that it does.
CREATE FUNCTION audit_owner_moves() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
  IF pg_has_role((SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'MEMBER') THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'only who owns the record moves events to the archive';
END $$;
CREATE TRIGGER audit_cold_owner BEFORE INSERT ON audit_cold
FOR EACH ROW EXECUTE FUNCTION audit_owner_moves();
CREATE TRIGGER audit_cold_person_owner BEFORE INSERT ON audit_cold_person
FOR EACH ROW EXECUTE FUNCTION audit_owner_moves();
CREATE TRIGGER audit_cold_thing_owner BEFORE INSERT ON audit_cold_thing
FOR EACH ROW EXECUTE FUNCTION audit_owner_moves();

CREATE TRIGGER audit_cold_append_only BEFORE UPDATE OR DELETE ON audit_cold
FOR EACH ROW EXECUTE FUNCTION audit_append_only();
CREATE TRIGGER audit_cold_person_append_only BEFORE UPDATE OR DELETE ON audit_cold_person
FOR EACH ROW EXECUTE FUNCTION audit_append_only();
CREATE TRIGGER audit_cold_thing_append_only BEFORE UPDATE OR DELETE ON audit_cold_thing
FOR EACH ROW EXECUTE FUNCTION audit_append_only();
CREATE TRIGGER audit_cold_no_truncate BEFORE TRUNCATE ON audit_cold
FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only();
CREATE TRIGGER audit_cold_person_no_truncate BEFORE TRUNCATE ON audit_cold_person
FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only();
CREATE TRIGGER audit_cold_thing_no_truncate BEFORE TRUNCATE ON audit_cold_thing
FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only();
