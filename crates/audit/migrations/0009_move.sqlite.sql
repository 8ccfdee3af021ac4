-- The size that a node expects as it moves the head on: see `heads`.
ALTER TABLE audit_head ADD COLUMN expected BIGINT;
