-- Orgs whose calls go on without the database are looked for every second: few of many.
CREATE INDEX identity_org_journals ON identity_org (org_id, version) WHERE unrecorded_journal_at IS NOT NULL;
