CREATE TABLE server_idempotency (
    org_id  TEXT   NOT NULL,
    user_id TEXT   NOT NULL,
    request TEXT   NOT NULL,     -- the Idempotency-Key
    tag     BYTEA  NOT NULL,     -- keyed hash of method, path and body
    status  BIGINT,              -- NULL while the first request is under way
    answer  BYTEA,               -- sealed: an answer may hold a key that is shown once
    at      BIGINT NOT NULL,     -- microseconds since 1970, UTC
    PRIMARY KEY (org_id, user_id, request)
);
CREATE INDEX server_idempotency_at ON server_idempotency (org_id, at);
