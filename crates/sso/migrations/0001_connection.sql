-- One connection of an org to an identity provider.
CREATE TABLE sso_connection (
    org_id        TEXT   NOT NULL,
    connection_id TEXT   NOT NULL,
    kind          TEXT   NOT NULL CHECK (kind IN ('saml', 'oidc')),
    guide         TEXT   NOT NULL,          -- whose steps are shown: okta, entra …
    name          TEXT   NOT NULL,
    state         TEXT   NOT NULL CHECK (state IN ('draft', 'tested', 'active', 'off')),
    provider      TEXT,                     -- JSON: what was read of it last without fault
    source        TEXT,                     -- where that is: the metadata's address, or the issuer
    client_id     TEXT,                     -- OpenID Connect alone
    client_secret BYTEA,                    -- sealed
    keys          BYTEA,                    -- our own, the one that signs first; sealed
    policy        TEXT   NOT NULL,          -- JSON
    mapping       TEXT   NOT NULL,          -- JSON
    vouched       TEXT   NOT NULL,          -- JSON: permissions of those who answer for the provider
    created_at    BIGINT NOT NULL,          -- microseconds since 1970, UTC
    changed_at    BIGINT NOT NULL,
    tested_at     BIGINT,                   -- when somebody last came through in a test
    refreshed_at  BIGINT,                   -- when it was last read without fault
    refresh_at    BIGINT,                   -- when it is read next
    fault         TEXT,                     -- why it could not be read last
    warned_days   BIGINT,                   -- of the last warning about certificates: 30, 14 or 3
    version       BIGINT NOT NULL,
    PRIMARY KEY (org_id, connection_id)
);
CREATE INDEX sso_connection_due ON sso_connection (org_id, refresh_at);

-- Somebody who is on their way to a provider and back.
CREATE TABLE sso_flow (
    org_id        TEXT   NOT NULL,
    token         BYTEA  NOT NULL,          -- keyed hash of what comes back
    connection_id TEXT   NOT NULL,
    stage         TEXT   NOT NULL CHECK (stage IN ('begun', 'asked', 'answered')),
    browser       BYTEA  NOT NULL,          -- keyed hash of the cookie of the browser that began it
    body          BYTEA  NOT NULL,          -- sealed
    expires_at    BIGINT NOT NULL,
    PRIMARY KEY (org_id, token)
);
CREATE INDEX sso_flow_expires ON sso_flow (org_id, expires_at);

-- What was accepted once and is not accepted again.
CREATE TABLE sso_seen (
    org_id        TEXT   NOT NULL,
    connection_id TEXT   NOT NULL,
    tag           BYTEA  NOT NULL,          -- keyed hash of its id
    expires_at    BIGINT NOT NULL,
    PRIMARY KEY (org_id, connection_id, tag)
);
CREATE INDEX sso_seen_expires ON sso_seen (org_id, expires_at);

-- How the last test sign-in of a connection ended.
CREATE TABLE sso_captured (
    org_id        TEXT   NOT NULL,
    connection_id TEXT   NOT NULL,
    body          BYTEA  NOT NULL,          -- sealed
    captured_at   BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    PRIMARY KEY (org_id, connection_id)
);
CREATE INDEX sso_captured_expires ON sso_captured (org_id, expires_at);

-- Whom a provider means.
CREATE TABLE sso_identity (
    org_id        TEXT   NOT NULL,
    connection_id TEXT   NOT NULL,
    subject       TEXT   NOT NULL,          -- keyed hash of the provider's own name for them
    member_id     TEXT   NOT NULL,
    created_at    BIGINT NOT NULL,
    PRIMARY KEY (org_id, connection_id, subject)
);
CREATE INDEX sso_identity_member ON sso_identity (org_id, member_id);

-- What the provider of a session must be told when it ends.
CREATE TABLE sso_visit (
    org_id        TEXT   NOT NULL,
    session_id    TEXT   NOT NULL,
    connection_id TEXT   NOT NULL,
    body          BYTEA  NOT NULL,          -- sealed
    expires_at    BIGINT NOT NULL,
    PRIMARY KEY (org_id, session_id)
);
CREATE INDEX sso_visit_expires ON sso_visit (org_id, expires_at);
