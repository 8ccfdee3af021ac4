-- What an org decides itself; absent: as the operator decided, and from anywhere.
ALTER TABLE identity_org ADD COLUMN session_lifetime_secs BIGINT;
ALTER TABLE identity_org ADD COLUMN session_idle_secs BIGINT;
ALTER TABLE identity_org ADD COLUMN console_addresses TEXT;   -- JSON lists of nets
ALTER TABLE identity_org ADD COLUMN key_addresses TEXT;

-- One link for each member: a new one takes the place of the old one.
CREATE TABLE identity_password_link (
    org_id      TEXT   NOT NULL,
    member_id   TEXT   NOT NULL,
    tag         BYTEA  NOT NULL,         -- keyed hash of the link's token
    permissions TEXT   NOT NULL,         -- a JSON list: what the member could when it was made
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    PRIMARY KEY (org_id, member_id)
);
CREATE UNIQUE INDEX identity_password_link_tag ON identity_password_link (org_id, tag);
