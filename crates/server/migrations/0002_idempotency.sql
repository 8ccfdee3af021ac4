-- What was remembered for a day begins anew: by credential, and with a lease.
DROP TABLE server_idempotency;
CREATE TABLE server_idempotency (
    org_id     TEXT   NOT NULL,
    credential TEXT   NOT NULL,     -- who asked, and with which key
    request    TEXT   NOT NULL,     -- the Idempotency-Key
    tag        BYTEA  NOT NULL,     -- keyed hash of method, path, query and body
    status     BIGINT,              -- NULL while the first request is under way
    answer     BYTEA,               -- sealed: an answer may hold a key that is shown once
    at         BIGINT NOT NULL,     -- when it began; microseconds since 1970, UTC
    alive_at   BIGINT NOT NULL,     -- when it was last known to be under way
    PRIMARY KEY (org_id, credential, request)
);
CREATE INDEX server_idempotency_at ON server_idempotency (org_id, at);
