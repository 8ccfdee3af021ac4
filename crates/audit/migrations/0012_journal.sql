-- How far a journal of a node was written into the record of an org: it moves in the very
-- transaction that appends, so nothing of a journal is written twice, whatever cuts it off. Rows
-- stay: a copy of a journal that turns up later has nothing to write.
CREATE TABLE audit_journal (
    org_id   TEXT   NOT NULL,
    journal  TEXT   NOT NULL,          -- the journal's id
    replayed BIGINT NOT NULL,          -- entries before this number are in the record
    at       BIGINT NOT NULL,          -- microseconds since 1970, UTC
    PRIMARY KEY (org_id, journal)
);
