-- Second factors. What an org decides: since when its members must have one, and since
-- when a sign-in by an identity provider does not count as one.
ALTER TABLE identity_org ADD COLUMN factors_required_at BIGINT;
ALTER TABLE identity_org ADD COLUMN factors_also_sso_at BIGINT;
-- Since when a member has a passkey or an authenticator app.
ALTER TABLE identity_member ADD COLUMN factor_since BIGINT;

CREATE TABLE identity_passkey (
    org_id        TEXT   NOT NULL,
    passkey_id    TEXT   NOT NULL,
    member_id     TEXT   NOT NULL,
    credential_id TEXT   NOT NULL,       -- as the authenticator calls it, in base64url
    name          TEXT   NOT NULL,
    credential    TEXT   NOT NULL,       -- its public key and properties, as JSON
    counter       BIGINT NOT NULL,       -- never goes back
    created_at    BIGINT NOT NULL,
    last_used_at  BIGINT,
    PRIMARY KEY (org_id, passkey_id)
);
CREATE UNIQUE INDEX identity_passkey_credential ON identity_passkey (org_id, credential_id);
CREATE INDEX identity_passkey_member ON identity_passkey (org_id, member_id, passkey_id);

-- One authenticator app for each member.
CREATE TABLE identity_authenticator (
    org_id       TEXT   NOT NULL,
    member_id    TEXT   NOT NULL,
    secret       BYTEA  NOT NULL,        -- sealed
    last_step    BIGINT NOT NULL,        -- of the last code that was used: none comes again
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT,
    PRIMARY KEY (org_id, member_id)
);

CREATE TABLE identity_recovery_code (
    org_id     TEXT   NOT NULL,
    member_id  TEXT   NOT NULL,
    tag        BYTEA  NOT NULL,          -- keyed hash: the code itself is nowhere
    created_at BIGINT NOT NULL,
    used_at    BIGINT,
    PRIMARY KEY (org_id, member_id, tag)
);

-- Ceremonies that were finished. What a ceremony is stands in the sealed text that its
-- browser holds; here stands that it is over, on every node.
CREATE TABLE identity_ceremony (
    org_id      TEXT   NOT NULL,
    ceremony_id TEXT   NOT NULL,
    expires_at  BIGINT NOT NULL,
    PRIMARY KEY (org_id, ceremony_id)
);
