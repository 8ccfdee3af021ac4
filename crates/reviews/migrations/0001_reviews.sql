-- Access reviews. Times are microseconds since 1970, UTC; events are positions in the
-- org's record.
CREATE TABLE reviews_campaign (
    org_id         TEXT   NOT NULL,
    campaign_id    TEXT   NOT NULL,
    name           TEXT   NOT NULL,
    scope          TEXT   NOT NULL CHECK (scope IN ('everything', 'elevated', 'keys')),
    signers        BIGINT NOT NULL CHECK (signers IN (1, 2)),
    due_at         BIGINT NOT NULL,
    state          TEXT   NOT NULL CHECK (state IN ('open', 'signed', 'applying', 'closed', 'cancelled')),
    items          BIGINT NOT NULL,
    decided        BIGINT NOT NULL,
    created_by     TEXT   NOT NULL,
    created_at     BIGINT NOT NULL,      -- also the moment that the items show
    created_event  BIGINT,
    signed_by      TEXT,
    signed_at      BIGINT,
    signed_event   BIGINT,
    seconded_by    TEXT,                 -- the other person, where two sign
    seconded_at    BIGINT,
    seconded_event BIGINT,
    ended_at       BIGINT,               -- closed or cancelled
    ended_by       TEXT,
    ended_event    BIGINT,
    PRIMARY KEY (org_id, campaign_id)
);

-- What was held at that moment, and what became of it.
CREATE TABLE reviews_item (
    org_id         TEXT   NOT NULL,
    campaign_id    TEXT   NOT NULL,
    position       BIGINT NOT NULL,      -- from 1
    kind           TEXT   NOT NULL CHECK (kind IN ('member', 'service', 'grant', 'membership', 'key')),
    held_id        TEXT   NOT NULL,      -- of a membership: the team
    about_id       TEXT   NOT NULL,      -- whose it is
    role           TEXT,
    reach          TEXT   NOT NULL CHECK (reach IN ('usual', 'elevated')),
    last_used_at   BIGINT,
    facts          TEXT   NOT NULL,      -- JSON: ids, no names of people
    decision       TEXT   CHECK (decision IN ('keep', 'revoke', 'change')),
    new_role       TEXT,
    reason         TEXT,
    decided_by     TEXT,
    decided_at     BIGINT,
    decision_id    TEXT,                 -- one deciding, of one item or of many
    decision_event BIGINT,
    result         TEXT   CHECK (result IN ('applied', 'gone', 'refused')),
    result_detail  TEXT,
    result_at      BIGINT,
    result_event   BIGINT,
    PRIMARY KEY (org_id, campaign_id, position)
);
