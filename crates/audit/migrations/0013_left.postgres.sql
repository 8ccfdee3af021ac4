-- Orgs that moved to another region: what they left may be erased. A row stands here only
-- inside the transaction that erases, and only who owns the tables puts it there.
CREATE TABLE audit_left (
    org_id TEXT NOT NULL PRIMARY KEY
);
CREATE TRIGGER audit_left_owner BEFORE INSERT ON audit_left
FOR EACH ROW EXECUTE FUNCTION audit_owner_moves();

CREATE OR REPLACE FUNCTION audit_event_stays() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
  IF TG_OP = 'DELETE' THEN
    IF (SELECT c.next FROM audit_cold c WHERE c.org_id = OLD.org_id AND c.first <= OLD.seq
         ORDER BY c.first DESC LIMIT 1) > OLD.seq
       OR EXISTS (SELECT 1 FROM audit_left l WHERE l.org_id = OLD.org_id) THEN
      RETURN OLD;
    END IF;
  END IF;
  RAISE EXCEPTION 'the record is append-only';
END $$;

CREATE FUNCTION audit_cold_stays() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
  IF TG_OP = 'DELETE' THEN
    IF EXISTS (SELECT 1 FROM audit_left l WHERE l.org_id = OLD.org_id) THEN
      RETURN OLD;
    END IF;
  END IF;
  RAISE EXCEPTION 'the record is append-only';
END $$;
DROP TRIGGER audit_cold_append_only ON audit_cold;
CREATE TRIGGER audit_cold_append_only BEFORE UPDATE OR DELETE ON audit_cold
FOR EACH ROW EXECUTE FUNCTION audit_cold_stays();
DROP TRIGGER audit_cold_person_append_only ON audit_cold_person;
CREATE TRIGGER audit_cold_person_append_only BEFORE UPDATE OR DELETE ON audit_cold_person
FOR EACH ROW EXECUTE FUNCTION audit_cold_stays();
DROP TRIGGER audit_cold_thing_append_only ON audit_cold_thing;
CREATE TRIGGER audit_cold_thing_append_only BEFORE UPDATE OR DELETE ON audit_cold_thing
FOR EACH ROW EXECUTE FUNCTION audit_cold_stays();
