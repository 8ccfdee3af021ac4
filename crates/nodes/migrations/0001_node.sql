-- Who serves this region. A row of a node that died stays until its calls are closed.
CREATE TABLE nodes_member (
    instance    TEXT   NOT NULL PRIMARY KEY,   -- one life of one process
    node        TEXT   NOT NULL UNIQUE,        -- its name
    version     TEXT   NOT NULL,               -- of the program
    beats       BIGINT NOT NULL,               -- grows while it lives
    behind_ms   BIGINT NOT NULL,               -- how old the news were that it had at the last beat
    started_at  BIGINT NOT NULL,               -- microseconds since 1970, UTC; for people
    draining_at BIGINT,
    dead_at     BIGINT                         -- others took it for dead: it may write of calls no more
);

-- Whose news there are: nodes, and commands that changed something.
CREATE TABLE nodes_writer (
    instance TEXT   NOT NULL PRIMARY KEY,
    at       BIGINT NOT NULL                   -- by the clock of that writer
);

-- What was changed last, by org, room and writer. Holds nothing of what it was.
CREATE TABLE nodes_news (
    org_id   TEXT   NOT NULL,
    room     TEXT   NOT NULL,
    instance TEXT   NOT NULL,
    version  BIGINT NOT NULL,                  -- grows with each change
    at       BIGINT NOT NULL,                  -- by the clock of that writer; never runs back
    PRIMARY KEY (org_id, room, instance)
);
CREATE INDEX nodes_news_at ON nodes_news (instance, at);
