-- Whose values are kept and not shown: an erasure that must wait. As in `audit_key`, people
-- and things by keyed hashes.
CREATE TABLE audit_restricted (
    org_id TEXT   NOT NULL,
    tag    TEXT   NOT NULL,
    since  BIGINT NOT NULL,          -- microseconds since 1970, UTC
    PRIMARY KEY (org_id, tag)
);

-- What was destroyed lately: by this other nodes forget it too.
CREATE INDEX audit_key_erased ON audit_key (org_id, tag, erased_at) WHERE erased_at IS NOT NULL;
