-- Orgs that moved to another region: what they left may be erased. A row stands here only
-- inside the transaction that erases.
CREATE TABLE audit_left (
    org_id TEXT NOT NULL PRIMARY KEY
);

DROP TRIGGER audit_event_no_delete;
CREATE TRIGGER audit_event_no_delete BEFORE DELETE ON audit_event
WHEN NOT EXISTS (SELECT 1 FROM audit_left l WHERE l.org_id = OLD.org_id)
 AND COALESCE((SELECT c.next FROM audit_cold c WHERE c.org_id = OLD.org_id AND c.first <= OLD.seq
                ORDER BY c.first DESC LIMIT 1), 0) <= OLD.seq
BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;

DROP TRIGGER audit_cold_no_delete;
CREATE TRIGGER audit_cold_no_delete BEFORE DELETE ON audit_cold
WHEN NOT EXISTS (SELECT 1 FROM audit_left l WHERE l.org_id = OLD.org_id)
BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
DROP TRIGGER audit_cold_person_no_delete;
CREATE TRIGGER audit_cold_person_no_delete BEFORE DELETE ON audit_cold_person
WHEN NOT EXISTS (SELECT 1 FROM audit_left l WHERE l.org_id = OLD.org_id)
BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
DROP TRIGGER audit_cold_thing_no_delete;
CREATE TRIGGER audit_cold_thing_no_delete BEFORE DELETE ON audit_cold_thing
WHEN NOT EXISTS (SELECT 1 FROM audit_left l WHERE l.org_id = OLD.org_id)
BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
