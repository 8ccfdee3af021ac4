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
) WITHOUT ROWID;
CREATE INDEX audit_event_user ON audit_event (org_id, user_id, seq);
CREATE INDEX audit_event_resource ON audit_event (org_id, resource_id, seq);

CREATE TRIGGER audit_event_no_update BEFORE UPDATE ON audit_event
BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TRIGGER audit_event_no_delete BEFORE DELETE ON audit_event
BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
