-- The directory of this region: which head of each org was listed last, and in which epoch.
CREATE TABLE audit_slot (
    org_id TEXT   NOT NULL PRIMARY KEY,
    epoch  BIGINT NOT NULL,
    size   BIGINT NOT NULL,          -- of the checkpoint that is listed
    head   BYTEA  NOT NULL           -- the commitment to it
);

-- Epochs that are not in a whole bundle of the directory's log yet. `org_id` is the
-- directory's own.
CREATE TABLE audit_epoch (
    org_id TEXT   NOT NULL,
    epoch  BIGINT NOT NULL,
    entry  BYTEA  NOT NULL,
    PRIMARY KEY (org_id, epoch)
);
