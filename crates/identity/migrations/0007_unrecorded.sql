-- Since when calls go on while they cannot be recorded in the database, in the journal of the
-- node that serves them; absent: they are refused.
ALTER TABLE identity_org ADD COLUMN unrecorded_journal_at BIGINT;
