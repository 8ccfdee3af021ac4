-- Which node serves a region, and that it is alive.
CREATE TABLE regions_node (
    region   TEXT   NOT NULL PRIMARY KEY CHECK (region IN ('us', 'eu', 'apac')),
    node     TEXT   NOT NULL,
    instance TEXT   NOT NULL,           -- one life of one process
    beats    BIGINT NOT NULL,           -- grows while it lives
    seen_at  BIGINT NOT NULL            -- microseconds since 1970, UTC; for people
);
