-- What the operator's support asked of this org, and what the org decided. Times are
-- microseconds since 1970, UTC.
CREATE TABLE support_request (
    org_id         TEXT   NOT NULL,
    request_id     TEXT   NOT NULL,
    operator_id    TEXT   NOT NULL,      -- who asked: a member of the operators' own org
    operator_name  TEXT   NOT NULL,
    operator_email TEXT   NOT NULL,      -- in lower case: nobody approves what they asked for
    home_id        TEXT   NOT NULL,      -- that org
    home_region    TEXT   NOT NULL,
    reason         TEXT   NOT NULL,
    asked          TEXT   NOT NULL,      -- a JSON list of permissions
    hours          BIGINT NOT NULL CHECK (hours BETWEEN 1 AND 72),
    asked_at       BIGINT NOT NULL,
    lapses_at      BIGINT NOT NULL,      -- it cannot be granted from then on
    decision       TEXT   CHECK (decision IN ('granted', 'refused')),
    decided_by     TEXT,
    decided_at     BIGINT,
    granted        TEXT,                 -- a JSON list of permissions, none that was not asked for
    until          BIGINT,
    anywhere_at    BIGINT,               -- the org's address list does not bind the visit
    entered_at     BIGINT,
    left_at        BIGINT,
    tag            BYTEA,                -- keyed hash of the token of the visit that goes on
    ended_at       BIGINT,               -- by the org, or given back by who asked
    ended_by       TEXT,
    PRIMARY KEY (org_id, request_id)
);
CREATE UNIQUE INDEX support_request_tag ON support_request (org_id, tag);

-- In the operators' own org: whom they asked. What became of it stands with the customer.
CREATE TABLE support_ask (
    org_id          TEXT   NOT NULL,
    request_id      TEXT   NOT NULL,
    operator_id     TEXT   NOT NULL,
    customer_id     TEXT   NOT NULL,
    customer_region TEXT   NOT NULL,
    customer        TEXT   NOT NULL,     -- as it was named
    asked_at        BIGINT NOT NULL,
    entered_at      BIGINT,
    withdrawn_at    BIGINT,
    PRIMARY KEY (org_id, request_id)
);
