-- Events of version 0 wait here until the next start has taken them over: see `takeover`.
DROP TRIGGER audit_event_no_update;
DROP TRIGGER audit_event_no_delete;
DROP INDEX audit_event_user;
DROP INDEX audit_event_resource;
DROP INDEX audit_event_seldom;
DROP INDEX audit_event_action;
DROP INDEX audit_event_deed;
DROP INDEX audit_event_outcome;
ALTER TABLE audit_event RENAME TO audit_event_v0;

CREATE TABLE audit_event (
    org_id        TEXT   NOT NULL,
    seq           BIGINT NOT NULL,   -- contiguous from 0 in each org
    at            BIGINT NOT NULL,   -- microseconds since 1970, UTC
    action        TEXT   NOT NULL,
    user_id       TEXT   NOT NULL,   -- of a person: a keyed hash
    resource_type TEXT   NOT NULL,
    resource_id   TEXT   NOT NULL,   -- of a person: a keyed hash
    outcome       TEXT   NOT NULL,
    body          BYTEA  NOT NULL,   -- the entry of the tree, and the values beside it, sealed
    PRIMARY KEY (org_id, seq)
) WITHOUT ROWID;
CREATE INDEX audit_event_user ON audit_event (org_id, user_id, seq);
CREATE INDEX audit_event_resource ON audit_event (org_id, resource_id, seq);
CREATE INDEX audit_event_seldom ON audit_event (org_id, seq, at, action, user_id, resource_type, outcome)
 WHERE action NOT IN ('gateway.call.started', 'gateway.call.ended');
CREATE INDEX audit_event_action ON audit_event (org_id, action, seq)
 WHERE action NOT IN ('gateway.call.started', 'gateway.call.ended');
CREATE INDEX audit_event_deed ON audit_event (org_id, user_id, seq, action)
 WHERE action NOT IN ('gateway.call.started', 'gateway.call.ended');
CREATE INDEX audit_event_outcome ON audit_event (org_id, outcome, seq)
 WHERE outcome NOT IN ('started', 'success');

CREATE TRIGGER audit_event_no_update BEFORE UPDATE ON audit_event
BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TRIGGER audit_event_no_delete BEFORE DELETE ON audit_event
BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;

-- The right edge of each org's tree: with the size, all that is needed to append.
ALTER TABLE audit_head ADD COLUMN frontier BYTEA;

-- What wraps the keys of an org; itself wrapped by the root key of the cell.
CREATE TABLE audit_wrapper (
    org_id     TEXT   NOT NULL,
    epoch      BIGINT NOT NULL,
    wrapped    BYTEA  NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (org_id, epoch)
);

-- Keys of the org, of people and of things. A key that was destroyed keeps its row.
CREATE TABLE audit_key (
    org_id     TEXT   NOT NULL,
    tag        TEXT   NOT NULL,          -- a keyed hash of whose it is; empty: the org's
    epoch      BIGINT NOT NULL,
    wrapped    BYTEA,                    -- none: it was destroyed
    created_at BIGINT NOT NULL,
    erased_at  BIGINT,
    PRIMARY KEY (org_id, tag)
);
