-- What was destroyed lately, of every org: by this other nodes forget it too.
DROP INDEX audit_key_erased;
CREATE INDEX audit_key_erased ON audit_key (erased_at, org_id, tag) WHERE erased_at IS NOT NULL;
