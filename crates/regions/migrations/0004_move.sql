-- In which region an org began, if it moved since: its keyed hashes and seals are of that one.
ALTER TABLE regions_home ADD COLUMN born TEXT;

-- The last move of an org to another region. It says who may write: see `moves`.
CREATE TABLE regions_move (
    org_id      TEXT   NOT NULL PRIMARY KEY,
    from_region TEXT   NOT NULL CHECK (from_region IN ('us', 'eu', 'apac')),
    to_region   TEXT   NOT NULL CHECK (to_region IN ('us', 'eu', 'apac')),
    step        TEXT   NOT NULL CHECK (step IN ('ordered', 'copying', 'fenced', 'moved', 'done')),
    fence       BIGINT NOT NULL,         -- one more with each closing of the gate
    at          BIGINT NOT NULL          -- of the last step; microseconds since 1970, UTC
);

-- Which processes have closed the gate of an org, and at which closing.
CREATE TABLE regions_fenced (
    org_id   TEXT   NOT NULL,
    instance TEXT   NOT NULL,
    fence    BIGINT NOT NULL,
    PRIMARY KEY (org_id, instance)
);
