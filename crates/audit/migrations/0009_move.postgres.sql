-- The size that a node expects as it moves the head on: see `heads`.
ALTER TABLE audit_head ADD COLUMN expected BIGINT;
-- A head is written with every group: its row stays on its page.
ALTER TABLE audit_head SET (fillfactor = 50);
