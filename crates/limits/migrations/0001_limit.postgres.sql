CREATE TABLE limits_limit (
    org_id                    TEXT   NOT NULL,
    level                     TEXT   NOT NULL CHECK (level IN ('org', 'team', 'member', 'key', 'model')),
    subject                   TEXT   NOT NULL,   -- the whole key: `org`, `team:<id>`, `key:*`, `model:<name>`
    requests_per_minute       BIGINT CHECK (requests_per_minute > 0),
    tokens_per_minute         BIGINT CHECK (tokens_per_minute > 0),
    concurrency               BIGINT CHECK (concurrency > 0),
    money_per_day_nanocents   BIGINT CHECK (money_per_day_nanocents > 0),
    money_per_month_nanocents BIGINT CHECK (money_per_month_nanocents > 0),
    set_at                    BIGINT NOT NULL,   -- microseconds since 1970, UTC
    set_by                    TEXT   NOT NULL,
    PRIMARY KEY (org_id, level, subject)
);

-- What every subject used on each UTC day. Written with the events, in one transaction.
-- The day leads the subject: today's rows lie together, and a start reads one month.
CREATE TABLE limits_ledger (
    org_id     TEXT   NOT NULL,
    day        TEXT   NOT NULL,                  -- `2026-11-23`, UTC, when the call was reserved
    subject    TEXT   NOT NULL,
    calls      BIGINT NOT NULL,
    tokens_in  BIGINT NOT NULL,
    tokens_out BIGINT NOT NULL,
    nanocents  BIGINT NOT NULL,
    PRIMARY KEY (org_id, day, subject)
);
