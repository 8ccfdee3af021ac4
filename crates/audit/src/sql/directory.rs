//! Statements of the directory of a region.

use base::db::{Batch, Statement};

/// Of all orgs of a region: for the node's own work.
pub(crate) const SLOTS: Statement = Statement::new(
    "read which heads are listed",
    "SELECT org_id, head FROM audit_slot WHERE org_id > $1 ORDER BY org_id LIMIT 1000",
);

pub(crate) const SLOT_OF: Statement = Statement::new(
    "read which head of an org is listed",
    "SELECT epoch, size, head FROM audit_slot WHERE org_id = $1",
);

pub(crate) const SLOT_SET: Batch = Batch::new(
    "list heads of orgs",
    "INSERT INTO audit_slot (org_id, epoch, size, head)",
    4,
    "ON CONFLICT (org_id) DO UPDATE SET epoch = excluded.epoch, size = excluded.size,
        head = excluded.head",
);

/// Of all orgs of a region those that were published since they were listed: once, when the
/// node begins.
pub(crate) const UNLISTED: Statement = Statement::new(
    "look for heads that are not listed",
    "SELECT org_id
       FROM (SELECT h.org_id AS org_id,
                    COALESCE((SELECT MAX(c.size) FROM audit_checkpoint c
                               WHERE c.org_id = h.org_id), 0) AS published,
                    COALESCE((SELECT s.size FROM audit_slot s
                               WHERE s.org_id = h.org_id), 0) AS listed
               FROM audit_head h WHERE h.org_id > $1) heads
      WHERE published > listed ORDER BY org_id LIMIT 500",
);

/// As many as a bundle has, and those of a round that a crash cut off.
pub(crate) const EPOCHS: Statement = Statement::new(
    "read the last epochs of the directory",
    "SELECT epoch, entry FROM audit_epoch WHERE org_id = $1 ORDER BY epoch LIMIT 1000",
);

/// Only behind the last one: a node that did not look for long may take one for the next that
/// others closed, and whose row is gone.
pub(crate) const EPOCH_ADD: Statement = Statement::new(
    "close an epoch of the directory",
    "INSERT INTO audit_epoch (org_id, epoch, entry)
     SELECT $1, $2, $3
      WHERE COALESCE((SELECT MAX(e.epoch) FROM audit_epoch e WHERE e.org_id = $1), -1) + 1 = $2
     ON CONFLICT (org_id, epoch) DO NOTHING",
);

pub(crate) const EPOCHS_THIN: Statement = Statement::new(
    "let go of epochs that are published",
    "DELETE FROM audit_epoch WHERE org_id = $1 AND epoch < $2",
);
