-- A link with which somebody outside the org connects its identity provider.
CREATE TABLE identity_setup (
    org_id     TEXT   NOT NULL,
    setup_id   TEXT   NOT NULL,
    tag        BYTEA  NOT NULL,          -- keyed hash of the link's token
    made_by    TEXT   NOT NULL,          -- the member: what they lose, the link loses
    created_at BIGINT NOT NULL,          -- microseconds since 1970, UTC
    expires_at BIGINT NOT NULL,
    begun_at   BIGINT,                   -- when it was opened: once
    guest_tag  BYTEA,                    -- keyed hash of what the browser has since then
    ended_at   BIGINT,
    PRIMARY KEY (org_id, setup_id)
);
CREATE UNIQUE INDEX identity_setup_tag ON identity_setup (org_id, tag);
CREATE UNIQUE INDEX identity_setup_guest ON identity_setup (org_id, guest_tag);
