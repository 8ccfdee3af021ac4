-- Erasures, legal holds and retention. Times are microseconds since 1970, UTC; events are
-- positions in the org's record; people are ids, which name nobody once a person is erased.
CREATE TABLE privacy_request (
    org_id         TEXT   NOT NULL,
    request_id     TEXT   NOT NULL,
    person_id      TEXT   NOT NULL,
    state          TEXT   NOT NULL CHECK (state IN ('asked', 'restricted', 'erased', 'withdrawn')),
    asked_by       TEXT   NOT NULL,
    asked_at       BIGINT NOT NULL,
    last_event_at  BIGINT,              -- of the person's newest event when it was asked: retention counts from it
    erased_at      BIGINT,
    erased_event   BIGINT,
    statement      TEXT,                -- JSON: what was destroyed and what stays, for the receipt
    withdrawn_at   BIGINT,
    withdrawn_by   TEXT,
    PRIMARY KEY (org_id, request_id)
);
CREATE UNIQUE INDEX privacy_request_person ON privacy_request (org_id, person_id)
 WHERE state <> 'withdrawn';
CREATE INDEX privacy_request_waiting ON privacy_request (org_id, request_id)
 WHERE state = 'restricted';

CREATE TABLE privacy_hold (
    org_id    TEXT   NOT NULL,
    hold_id   TEXT   NOT NULL,
    person_id TEXT,                     -- absent: on everybody
    reason    TEXT   NOT NULL,
    placed_by TEXT   NOT NULL,
    placed_at BIGINT NOT NULL,
    until     BIGINT,                   -- absent: until it is lifted
    lifted_at BIGINT,
    lifted_by TEXT,
    PRIMARY KEY (org_id, hold_id)
);

CREATE TABLE privacy_retention (
    org_id TEXT   NOT NULL PRIMARY KEY,
    days   BIGINT NOT NULL CHECK (days BETWEEN 0 AND 36500),
    law    TEXT   NOT NULL,
    set_by TEXT   NOT NULL,
    set_at BIGINT NOT NULL
);
