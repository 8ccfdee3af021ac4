-- Where an org's record flows to.
CREATE TABLE streams_sink (
    org_id     TEXT   NOT NULL,
    sink_id    TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    format     TEXT   NOT NULL,
    target     TEXT   NOT NULL,          -- kind and address, as JSON; no secret
    sealed     BYTEA,                    -- what proves us there
    paused_at  BIGINT,                   -- since when an admin keeps it still; microseconds since 1970, UTC
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (org_id, sink_id)
);

-- How far each sink has it: everything before `next` was acknowledged, in this order.
CREATE TABLE streams_position (
    org_id       TEXT   NOT NULL,
    sink_id      TEXT   NOT NULL,
    next         BIGINT NOT NULL,
    checkpoint   BIGINT NOT NULL,        -- the size of the last checkpoint that it has
    delivered_at BIGINT,
    failures     BIGINT NOT NULL,        -- in a row
    try_at       BIGINT NOT NULL,        -- not before
    why          TEXT,                   -- what went wrong last
    failed_at    BIGINT,
    blocked      TEXT,                   -- the item that the sink refused: nothing goes past it
    aside        TEXT,                   -- the item that an admin set aside: a notice takes its place
    held_by      TEXT,                   -- the node that delivers, and until when it may
    held_until   BIGINT,
    PRIMARY KEY (org_id, sink_id)
);
