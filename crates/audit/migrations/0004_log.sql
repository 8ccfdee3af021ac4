-- What was signed of each org's tree: the newest, and of each hour before it the last two.
-- What is proven rests on the signatures in `note`, and on copies that others hold.
CREATE TABLE audit_checkpoint (
    org_id TEXT   NOT NULL,
    size   BIGINT NOT NULL,
    root   BYTEA  NOT NULL,
    at     BIGINT NOT NULL,
    note   TEXT   NOT NULL,          -- the signed note, as it was published
    PRIMARY KEY (org_id, size)
);

-- Which keys signed, and when.
CREATE TABLE audit_log_key (
    org_id  TEXT   NOT NULL,
    vkey    TEXT   NOT NULL,         -- name, id and public key, as C2SP writes them
    from_at BIGINT NOT NULL,
    to_at   BIGINT,                  -- none: in use
    PRIMARY KEY (org_id, vkey, from_at)
);

-- How far the record was read again and compared with what was published.
CREATE TABLE audit_verified (
    org_id     TEXT   NOT NULL PRIMARY KEY,
    next       BIGINT NOT NULL,      -- everything before it, in this pass
    checked_at BIGINT NOT NULL,
    whole_size BIGINT,               -- how much the last whole pass covered, and when it ended
    whole_at   BIGINT
);
