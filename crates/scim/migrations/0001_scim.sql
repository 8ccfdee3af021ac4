-- Times are microseconds since 1970, UTC.
CREATE TABLE scim_directory (
    org_id       TEXT   NOT NULL,
    directory_id TEXT   NOT NULL,
    name         TEXT   NOT NULL,
    role         TEXT   NOT NULL,        -- what a member who arrives is given
    mapping      TEXT   NOT NULL,        -- a JSON list: the role that a group gives
    created_at   BIGINT NOT NULL,
    seen_at      BIGINT,
    PRIMARY KEY (org_id, directory_id),
    UNIQUE (org_id, name)
);

CREATE TABLE scim_token (
    org_id       TEXT   NOT NULL,
    token_id     TEXT   NOT NULL,
    directory_id TEXT   NOT NULL,
    tag          BYTEA  NOT NULL,        -- keyed hash: the token itself is nowhere
    created_at   BIGINT NOT NULL,
    ended_at     BIGINT,
    last_used_at BIGINT,
    PRIMARY KEY (org_id, token_id)
);
CREATE UNIQUE INDEX scim_token_tag ON scim_token (org_id, tag);
CREATE INDEX scim_token_directory ON scim_token (org_id, directory_id, token_id);

CREATE TABLE scim_user (
    org_id       TEXT   NOT NULL,
    user_id      TEXT   NOT NULL,
    directory_id TEXT   NOT NULL,
    member_id    TEXT   NOT NULL,
    name_key     TEXT   NOT NULL,        -- the user name in lower case
    external_id  TEXT,
    given_role   TEXT,                   -- what the mapping gave last
    document     BYTEA  NOT NULL,        -- what the directory knows of the person, sealed
    version      BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    changed_at   BIGINT NOT NULL,
    PRIMARY KEY (org_id, user_id)
);
CREATE UNIQUE INDEX scim_user_name ON scim_user (org_id, directory_id, name_key);
CREATE UNIQUE INDEX scim_user_member ON scim_user (org_id, member_id);
CREATE INDEX scim_user_external ON scim_user (org_id, directory_id, external_id);
CREATE INDEX scim_user_page ON scim_user (org_id, directory_id, user_id);

CREATE TABLE scim_group (
    org_id       TEXT   NOT NULL,
    group_id     TEXT   NOT NULL,
    directory_id TEXT   NOT NULL,
    team_id      TEXT   NOT NULL,
    name_key     TEXT   NOT NULL,        -- the display name in lower case
    external_id  TEXT,
    document     BYTEA  NOT NULL,
    version      BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    changed_at   BIGINT NOT NULL,
    PRIMARY KEY (org_id, group_id)
);
CREATE UNIQUE INDEX scim_group_name ON scim_group (org_id, directory_id, name_key);
CREATE UNIQUE INDEX scim_group_team ON scim_group (org_id, team_id);
CREATE INDEX scim_group_external ON scim_group (org_id, directory_id, external_id);
CREATE INDEX scim_group_page ON scim_group (org_id, directory_id, group_id);

-- Whom a directory put into a group. Who is in the team, identity knows.
CREATE TABLE scim_member (
    org_id   TEXT NOT NULL,
    group_id TEXT NOT NULL,
    user_id  TEXT NOT NULL,
    PRIMARY KEY (org_id, group_id, user_id)
);
CREATE INDEX scim_member_user ON scim_member (org_id, user_id, group_id);

-- What a directory asked last, and how it ended.
CREATE TABLE scim_request (
    org_id       TEXT   NOT NULL,
    directory_id TEXT   NOT NULL,
    request_id   TEXT   NOT NULL,
    at           BIGINT NOT NULL,
    method       TEXT   NOT NULL,
    path         TEXT   NOT NULL,
    status       BIGINT NOT NULL,
    detail       TEXT,
    PRIMARY KEY (org_id, directory_id, request_id)
);
