-- While an org moves to another region: which run of the command writes or erases its rows here.
CREATE TABLE audit_mover (
    org_id TEXT NOT NULL PRIMARY KEY,
    run    TEXT NOT NULL
);

-- And at the source, which of its rows changed since; a note of no row says that a run began. Triggers write it, which stand on the tables
-- as long as the org is copied: a row for each that changed, however often it did.
CREATE TABLE audit_changed (
    org_id  TEXT   NOT NULL,
    run     TEXT   NOT NULL,
    store   TEXT   NOT NULL,         -- the table
    item    TEXT   NOT NULL,         -- the key of the row but its org: an array in JSON
    version BIGINT NOT NULL,         -- one more with each change
    PRIMARY KEY (org_id, run, store, item)
);

-- What those triggers call, with the run and the columns of the key but the org. It has the rights
-- of whoever changed the row, who sees the rows of that org and so may note one of it: nothing is
-- done with the rights of the tables' owner that a temporary table could lead astray. Whatever
-- session it is, keys of bytes are noted as hex.
CREATE FUNCTION audit_changed_note() RETURNS trigger LANGUAGE plpgsql
  SET bytea_output = 'hex' AS
$$
DECLARE
  changed JSONB;
BEGIN
  FOREACH changed IN ARRAY CASE TG_OP
    WHEN 'INSERT' THEN ARRAY[to_jsonb(NEW)]
    WHEN 'DELETE' THEN ARRAY[to_jsonb(OLD)]
    ELSE ARRAY[to_jsonb(OLD), to_jsonb(NEW)]
  END LOOP
    INSERT INTO audit_changed (org_id, run, store, item, version)
    SELECT changed ->> 'org_id', TG_ARGV[0], TG_TABLE_NAME,
           COALESCE(jsonb_agg(changed -> k.name ORDER BY k.place), '[]')::text, 1
      FROM unnest(TG_ARGV[1:]) WITH ORDINALITY AS k (name, place)
    ON CONFLICT (org_id, run, store, item) DO UPDATE SET version = audit_changed.version + 1;
  END LOOP;
  RETURN NULL;
END $$;
