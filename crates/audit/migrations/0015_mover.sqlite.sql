-- While an org moves to another region: which run of the command writes or erases its rows here.
CREATE TABLE audit_mover (
    org_id TEXT NOT NULL PRIMARY KEY,
    run    TEXT NOT NULL
);

-- And at the source, which of its rows changed since; a note of no row says that a run began. Triggers write it, which stand on the tables
-- as long as the org is copied: a row for each that changed, however often it did.
CREATE TABLE audit_changed (
    org_id  TEXT   NOT NULL,
    run     TEXT   NOT NULL,
    store   TEXT   NOT NULL,         -- the table
    item    TEXT   NOT NULL,         -- the key of the row but its org: an array in JSON
    version BIGINT NOT NULL,         -- one more with each change
    PRIMARY KEY (org_id, run, store, item)
);
