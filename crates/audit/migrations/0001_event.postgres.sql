CREATE TABLE audit_head (
    org_id TEXT   NOT NULL PRIMARY KEY,
    size   BIGINT NOT NULL CHECK (size >= 0)
);

CREATE TABLE audit_open (
    org_id TEXT   NOT NULL,
    node   TEXT   NOT NULL,
    first  BIGINT NOT NULL,          -- no call of this node before this event is still open
    PRIMARY KEY (org_id, node)
);

CREATE TABLE audit_event (
    org_id        TEXT   NOT NULL,
    seq           BIGINT NOT NULL,   -- contiguous from 0 in each org
    at            BIGINT NOT NULL,   -- microseconds since 1970, UTC
    action        TEXT   NOT NULL,
    user_id       TEXT   NOT NULL,
    resource_type TEXT   NOT NULL,
    resource_id   TEXT   NOT NULL,
    outcome       TEXT   NOT NULL,
    body          TEXT   NOT NULL,
    PRIMARY KEY (org_id, seq)
);
CREATE INDEX audit_event_user ON audit_event (org_id, user_id, seq);
CREATE INDEX audit_event_resource ON audit_event (org_id, resource_id, seq);

CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the record is append-only'; END $$;
CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE ON audit_event
FOR EACH ROW EXECUTE FUNCTION audit_append_only();
CREATE TRIGGER audit_event_no_truncate BEFORE TRUNCATE ON audit_event
FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only();
