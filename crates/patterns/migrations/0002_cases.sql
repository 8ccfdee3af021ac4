-- The questions that decide whether a version may answer. They belong to the pattern,
-- not to one of its versions.
CREATE TABLE patterns_cases (
    org_id     TEXT   NOT NULL,
    pattern_id TEXT   NOT NULL,
    cases      BIGINT NOT NULL CHECK (cases >= 0),
    body       BYTEA  NOT NULL,          -- the questions and what is expected, sealed
    set_by     TEXT   NOT NULL,
    set_at     BIGINT NOT NULL,          -- microseconds since 1970, UTC
    PRIMARY KEY (org_id, pattern_id)
);
