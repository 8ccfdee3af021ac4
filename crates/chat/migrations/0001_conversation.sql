CREATE TABLE chat_setting (
    org_id         TEXT   NOT NULL PRIMARY KEY,
    retention_days BIGINT CHECK (retention_days BETWEEN 1 AND 3650),  -- absent: the default
    set_at         BIGINT
);

CREATE TABLE chat_conversation (
    org_id          TEXT   NOT NULL,
    conversation_id TEXT   NOT NULL,
    owner_id        TEXT   NOT NULL,
    title           BYTEA  NOT NULL,          -- sealed
    model           TEXT   NOT NULL,
    last            BIGINT NOT NULL CHECK (last >= 0),  -- position of the last message; 0: none
    answering       TEXT,                     -- the id of the answer that is under way
    answering_at    BIGINT,
    created_at      BIGINT NOT NULL,          -- microseconds since 1970, UTC
    updated_at      BIGINT NOT NULL,          -- of the last message: what retention counts from
    PRIMARY KEY (org_id, conversation_id),
    CHECK ((answering IS NULL) = (answering_at IS NULL))
);

CREATE INDEX chat_conversation_own
    ON chat_conversation (org_id, owner_id, updated_at, conversation_id);
CREATE INDEX chat_conversation_age ON chat_conversation (org_id, updated_at, conversation_id);

CREATE TABLE chat_message (
    org_id          TEXT   NOT NULL,
    conversation_id TEXT   NOT NULL,
    position        BIGINT NOT NULL CHECK (position > 0),
    message_id      TEXT   NOT NULL,
    role            TEXT   NOT NULL CHECK (role IN ('user', 'assistant')),
    body            BYTEA  NOT NULL,          -- the text and where an answer came from, sealed
    created_at      BIGINT NOT NULL,
    PRIMARY KEY (org_id, conversation_id, position),
    FOREIGN KEY (org_id, conversation_id)
        REFERENCES chat_conversation (org_id, conversation_id) ON DELETE CASCADE
);
