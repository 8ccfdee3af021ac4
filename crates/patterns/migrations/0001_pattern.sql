CREATE TABLE patterns_org (
    org_id  TEXT   NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL          -- grows with every change of any pattern of the org
);

CREATE TABLE patterns_pattern (
    org_id            TEXT   NOT NULL,
    pattern_id        TEXT   NOT NULL,
    slug              TEXT   NOT NULL,
    state             TEXT   NOT NULL CHECK (state IN ('draft', 'published', 'retired')),
    latest            BIGINT NOT NULL CHECK (latest > 0),
    published_version BIGINT CHECK (published_version BETWEEN 1 AND latest),
    created_by        TEXT   NOT NULL,
    created_at        BIGINT NOT NULL,   -- microseconds since 1970, UTC
    updated_at        BIGINT NOT NULL,
    PRIMARY KEY (org_id, pattern_id),
    UNIQUE (org_id, slug),
    CHECK ((state = 'published') = (published_version IS NOT NULL))
);

-- Rows are added and never changed: what answered last year can be read next year.
CREATE TABLE patterns_version (
    org_id     TEXT   NOT NULL,
    pattern_id TEXT   NOT NULL,
    version    BIGINT NOT NULL,
    body       BYTEA  NOT NULL,          -- name, triggers and answer or template, sealed
    taught_by  TEXT   NOT NULL,
    taught_at  BIGINT NOT NULL,
    PRIMARY KEY (org_id, pattern_id, version)
);

CREATE TABLE patterns_use (
    org_id     TEXT   NOT NULL,
    day        TEXT   NOT NULL,          -- 2026-11-23, or `total`
    pattern_id TEXT   NOT NULL,
    uses       BIGINT NOT NULL,
    PRIMARY KEY (org_id, day, pattern_id)
);
