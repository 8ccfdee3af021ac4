-- A move that is being given up is a step of its own: from it nothing is fenced or switched.
ALTER TABLE regions_move RENAME TO regions_move_before;
CREATE TABLE regions_move (
    org_id      TEXT   NOT NULL PRIMARY KEY,
    from_region TEXT   NOT NULL CHECK (from_region IN ('us', 'eu', 'apac')),
    to_region   TEXT   NOT NULL CHECK (to_region IN ('us', 'eu', 'apac')),
    step        TEXT   NOT NULL
                CHECK (step IN ('ordered', 'abandoning', 'copying', 'fenced', 'moved', 'done')),
    fence       BIGINT NOT NULL,         -- one more with each closing of the gate
    at          BIGINT NOT NULL          -- of the last step; microseconds since 1970, UTC
);
INSERT INTO regions_move (org_id, from_region, to_region, step, fence, at)
SELECT org_id, from_region, to_region, step, fence, at FROM regions_move_before;
DROP TABLE regions_move_before;
