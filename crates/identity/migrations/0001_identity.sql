-- Times are microseconds since 1970, UTC.
CREATE TABLE identity_org (
    org_id     TEXT   NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL,
    slug       TEXT   NOT NULL,
    region     TEXT   NOT NULL,
    version    BIGINT NOT NULL,          -- one more with every change of members, roles, grants or keys
    created_at BIGINT NOT NULL
);

CREATE TABLE identity_member (
    org_id        TEXT   NOT NULL,
    member_id     TEXT   NOT NULL,
    email         TEXT   NOT NULL,       -- in lower case
    name          TEXT   NOT NULL,
    role          TEXT   NOT NULL,
    password_hash TEXT,                  -- Argon2id, as a PHC string
    state         TEXT   NOT NULL CHECK (state IN ('invited', 'active', 'suspended', 'removed')),
    created_at    BIGINT NOT NULL,
    PRIMARY KEY (org_id, member_id)
);
CREATE UNIQUE INDEX identity_member_email ON identity_member (org_id, email) WHERE state <> 'removed';

CREATE TABLE identity_invitation (
    org_id        TEXT   NOT NULL,
    invitation_id TEXT   NOT NULL,
    member_id     TEXT   NOT NULL,
    tag           BYTEA  NOT NULL,       -- keyed hash of the link's token
    created_at    BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    used_at       BIGINT,
    PRIMARY KEY (org_id, invitation_id)
);
CREATE UNIQUE INDEX identity_invitation_tag ON identity_invitation (org_id, tag);

CREATE TABLE identity_team (
    org_id     TEXT   NOT NULL,
    team_id    TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (org_id, team_id),
    UNIQUE (org_id, name)
);

CREATE TABLE identity_team_member (
    org_id    TEXT   NOT NULL,
    team_id   TEXT   NOT NULL,
    member_id TEXT   NOT NULL,
    added_at  BIGINT NOT NULL,
    PRIMARY KEY (org_id, team_id, member_id)
);

CREATE TABLE identity_service (
    org_id     TEXT   NOT NULL,
    service_id TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    role       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    removed_at BIGINT,
    PRIMARY KEY (org_id, service_id)
);
CREATE UNIQUE INDEX identity_service_name ON identity_service (org_id, name) WHERE removed_at IS NULL;

CREATE TABLE identity_role (
    org_id      TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    permissions TEXT   NOT NULL,         -- a JSON list, as it was written
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (org_id, name)
);

CREATE TABLE identity_grant (
    org_id        TEXT   NOT NULL,
    grant_id      TEXT   NOT NULL,
    subject_kind  TEXT   NOT NULL CHECK (subject_kind IN ('member', 'team', 'key', 'service')),
    subject_id    TEXT   NOT NULL,
    role          TEXT   NOT NULL,
    resource_kind TEXT,                  -- both, or neither: the whole org
    resource_id   TEXT,
    created_at    BIGINT NOT NULL,
    PRIMARY KEY (org_id, grant_id)
);
CREATE INDEX identity_grant_subject ON identity_grant (org_id, subject_id);

CREATE TABLE identity_key (
    org_id       TEXT   NOT NULL,
    key_id       TEXT   NOT NULL,
    owner_kind   TEXT   NOT NULL CHECK (owner_kind IN ('member', 'service')),
    owner_id     TEXT   NOT NULL,
    name         TEXT   NOT NULL,
    tag          BYTEA  NOT NULL,        -- keyed hash: the key itself is nowhere
    roles        TEXT,                   -- JSON lists that narrow the key; absent: not narrowed
    models       TEXT,
    addresses    TEXT,
    replaces     TEXT,                   -- the key that this one was rotated from
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT,
    revoked_at   BIGINT,
    last_used_at BIGINT,
    PRIMARY KEY (org_id, key_id)
);
CREATE UNIQUE INDEX identity_key_tag ON identity_key (org_id, tag);
CREATE INDEX identity_key_owner ON identity_key (org_id, owner_id, key_id);

CREATE TABLE identity_session (
    org_id     TEXT   NOT NULL,
    session_id TEXT   NOT NULL,
    member_id  TEXT   NOT NULL,
    tag        BYTEA  NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    ip         TEXT,
    user_agent TEXT,
    PRIMARY KEY (org_id, session_id)
);
CREATE UNIQUE INDEX identity_session_tag ON identity_session (org_id, tag);
CREATE INDEX identity_session_member ON identity_session (org_id, member_id, session_id);
