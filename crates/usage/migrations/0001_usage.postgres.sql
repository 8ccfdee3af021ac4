-- How far the record of an org is folded into the tables below: in one transaction with them.
CREATE TABLE usage_cursor (
    org_id TEXT   NOT NULL PRIMARY KEY,
    seq    BIGINT NOT NULL,          -- the next position to be folded
    at     BIGINT NOT NULL,          -- of the last event that was folded; microseconds since 1970, UTC
    swept  BIGINT NOT NULL           -- hours before this instant are gone; days stay
);

-- What everything together came to, and each model, member, key and team by itself; the same
-- within each model and each team. A few rows answer for many calls: a page with one filter
-- or none reads nothing else. Hours are kept of the org, models and teams alone, and blocks
-- of members and keys, for the rest is few.
CREATE TABLE usage_sum (
    org_id     TEXT   NOT NULL,
    span       TEXT   NOT NULL CHECK (span IN ('hour', 'day', 'block')),   -- a block is 8 days
    within     TEXT   NOT NULL,      -- `model:<name>`, `team:<id>`; empty: everything
    kind       TEXT   NOT NULL CHECK (kind IN ('org', 'model', 'member', 'key', 'team')),
    at         BIGINT NOT NULL,      -- when the span begins; microseconds since 1970, UTC
    subject    TEXT   NOT NULL,      -- the id, or the name of the model; empty: of nobody
    ok         BIGINT NOT NULL,
    failed     BIGINT NOT NULL,
    aborted    BIGINT NOT NULL,
    refused    BIGINT NOT NULL,
    tokens_in  BIGINT NOT NULL,
    tokens_out BIGINT NOT NULL,
    nanocents  BIGINT NOT NULL,
    lat_00     BIGINT NOT NULL,
    lat_01     BIGINT NOT NULL,
    lat_02     BIGINT NOT NULL,
    lat_03     BIGINT NOT NULL,
    lat_04     BIGINT NOT NULL,
    lat_05     BIGINT NOT NULL,
    lat_06     BIGINT NOT NULL,
    lat_07     BIGINT NOT NULL,
    lat_08     BIGINT NOT NULL,
    lat_09     BIGINT NOT NULL,
    lat_10     BIGINT NOT NULL,
    lat_11     BIGINT NOT NULL,
    lat_12     BIGINT NOT NULL,
    lat_13     BIGINT NOT NULL,
    lat_14     BIGINT NOT NULL,
    lat_15     BIGINT NOT NULL,
    lat_16     BIGINT NOT NULL,
    lat_17     BIGINT NOT NULL,
    lat_18     BIGINT NOT NULL,
    lat_19     BIGINT NOT NULL,
    PRIMARY KEY (org_id, span, within, kind, at, subject)
);
CREATE INDEX usage_sum_subject ON usage_sum (org_id, span, within, kind, subject, at);

-- What one member came to with one key and one model: what a member or a key did, and
-- whatever is filtered by two things.
CREATE TABLE usage_cell (
    org_id     TEXT   NOT NULL,
    span       TEXT   NOT NULL CHECK (span IN ('hour', 'day')),
    at         BIGINT NOT NULL,
    member_id  TEXT   NOT NULL,      -- a member or service account; empty: nobody's
    key_id     TEXT   NOT NULL,      -- empty: no key was shown
    model      TEXT   NOT NULL,      -- empty: refused before a model was asked for
    team_ids   TEXT   NOT NULL,      -- `,team_a,team_b,` at the time of the call; empty: none
    ok         BIGINT NOT NULL,
    failed     BIGINT NOT NULL,
    aborted    BIGINT NOT NULL,
    refused    BIGINT NOT NULL,
    tokens_in  BIGINT NOT NULL,
    tokens_out BIGINT NOT NULL,
    nanocents  BIGINT NOT NULL,
    lat_00     BIGINT NOT NULL,
    lat_01     BIGINT NOT NULL,
    lat_02     BIGINT NOT NULL,
    lat_03     BIGINT NOT NULL,
    lat_04     BIGINT NOT NULL,
    lat_05     BIGINT NOT NULL,
    lat_06     BIGINT NOT NULL,
    lat_07     BIGINT NOT NULL,
    lat_08     BIGINT NOT NULL,
    lat_09     BIGINT NOT NULL,
    lat_10     BIGINT NOT NULL,
    lat_11     BIGINT NOT NULL,
    lat_12     BIGINT NOT NULL,
    lat_13     BIGINT NOT NULL,
    lat_14     BIGINT NOT NULL,
    lat_15     BIGINT NOT NULL,
    lat_16     BIGINT NOT NULL,
    lat_17     BIGINT NOT NULL,
    lat_18     BIGINT NOT NULL,
    lat_19     BIGINT NOT NULL,
    PRIMARY KEY (org_id, span, at, member_id, key_id, model, team_ids)
);
CREATE INDEX usage_cell_member ON usage_cell (org_id, span, member_id, at);
CREATE INDEX usage_cell_key ON usage_cell (org_id, span, key_id, at);
