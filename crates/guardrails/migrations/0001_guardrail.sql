CREATE TABLE guardrails_policy (
    org_id       TEXT   NOT NULL,
    policy_id    TEXT   NOT NULL,
    name         TEXT   NOT NULL,
    policy       TEXT   NOT NULL,          -- Cedar; it only forbids
    created_at   BIGINT NOT NULL,          -- microseconds since 1970, UTC
    changed_at   BIGINT NOT NULL,
    off_at       BIGINT,                   -- absent: it holds
    PRIMARY KEY (org_id, policy_id)
);

CREATE UNIQUE INDEX guardrails_policy_name ON guardrails_policy (org_id, name);

CREATE TABLE guardrails_setting (
    org_id     TEXT   NOT NULL PRIMARY KEY,
    zone       TEXT   NOT NULL,            -- as the IANA calls it: Europe/Berlin
    changed_at BIGINT NOT NULL
);
