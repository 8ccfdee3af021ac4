//! Statements of the published log.

use base::db::{Batch, Statement};

/// All orgs of a region: only at start-up.
pub(crate) const HEADS: Statement = Statement::new(
    "read the heads of the records",
    "SELECT org_id, size, frontier FROM audit_head WHERE org_id > $1 ORDER BY org_id LIMIT 500",
);

/// Whether the orgs of a region are few: at a start.
pub(crate) const HEADS_FEW: Statement = Statement::new(
    "count the records up to a number",
    "SELECT COUNT(*) AS records
       FROM (SELECT org_id FROM audit_head WHERE org_id > $1 LIMIT $2) heads",
);

/// Of all orgs of a region those that grew since they were published: for the node's own work.
pub(crate) const HEADS_BEHIND: Statement = Statement::new(
    "read which records grew",
    "SELECT org_id
       FROM (SELECT h.org_id AS org_id, h.size AS size,
                    COALESCE((SELECT MAX(c.size) FROM audit_checkpoint c
                               WHERE c.org_id = h.org_id), 0) AS published
               FROM audit_head h WHERE h.org_id > $1) heads
      WHERE size > published ORDER BY org_id LIMIT 200",
);

/// One org, if it grew.
pub(crate) const HEAD_BEHIND: Statement = Statement::new(
    "read whether a record grew",
    "SELECT size, frontier, published
       FROM (SELECT h.size AS size, h.frontier AS frontier,
                    COALESCE((SELECT MAX(c.size) FROM audit_checkpoint c
                               WHERE c.org_id = h.org_id), 0) AS published
               FROM audit_head h WHERE h.org_id = $1) head
      WHERE size > published",
);

/// What a receipt proves: the end of a call, or whatever else there is of it.
pub(crate) const CALL: Statement = Statement::new(
    "look up a call",
    "SELECT seq, user_id, body FROM audit_event
      WHERE org_id = $1 AND resource_id = $2 AND resource_type = 'call'
        AND action IN ('gateway.call.started', 'gateway.call.ended', 'gateway.call.refused')
      ORDER BY CASE WHEN action = 'gateway.call.ended' THEN 0 ELSE 1 END, seq DESC LIMIT 1",
);

/// Behind the place that halving found there are only a few seconds to look through.
pub(crate) const PERIOD_FIRST: Statement = Statement::new(
    "find the beginning of a period",
    "SELECT seq, at FROM audit_event
      WHERE org_id = $1 AND seq >= $2 AND at >= $3 ORDER BY seq LIMIT 1",
);

pub(crate) const PERIOD_LAST: Statement = Statement::new(
    "find the end of a period",
    "SELECT seq, at FROM audit_event
      WHERE org_id = $1 AND seq < $2 AND at < $3 ORDER BY seq DESC LIMIT 1",
);

/// At most as many rows as a bundle has entries; of the archive whole chunks.
pub(crate) const PERIOD_BYTES: Statement = Statement::new(
    "measure a period",
    "SELECT (SELECT CAST(COALESCE(SUM(LENGTH(body)), 0) AS BIGINT) FROM audit_event
              WHERE org_id = $1 AND seq >= $2 AND seq < $3)
          + (SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM audit_cold
              WHERE org_id = $1 AND first < $3 AND next > $2) AS bytes",
);

pub(crate) const BODIES: Statement = Statement::new(
    "read what is to be published",
    "SELECT seq, body FROM audit_event
      WHERE org_id = $1 AND seq >= $2 AND seq < $3 ORDER BY seq LIMIT 1024",
);

/// At most as many rows as there are positions between `$2` and `$3`.
pub(crate) const WHOLE: Statement = Statement::new(
    "verify the record",
    "SELECT seq, at, action, user_id, resource_type, resource_id, outcome, body FROM audit_event
      WHERE org_id = $1 AND seq >= $2 AND seq < $3 ORDER BY seq",
);

/// An event around a late one that it was held back by.
pub(crate) const SET_BY: Statement = Statement::new(
    "verify when an event came",
    "SELECT seq FROM audit_event
      WHERE org_id = $1 AND seq >= $2 AND seq < $3 AND at = $4 ORDER BY seq LIMIT 1",
);

pub(crate) const CHECKPOINT_NEWEST: Statement = Statement::new(
    "look up the newest checkpoint",
    "SELECT size, root, note FROM audit_checkpoint WHERE org_id = $1 ORDER BY size DESC LIMIT 1",
);

pub(crate) const CHECKPOINTS_BEYOND: Statement = Statement::new(
    "look up the checkpoints behind a position",
    "SELECT size, root, at, note FROM audit_checkpoint
      WHERE org_id = $1 AND size > $2 ORDER BY size LIMIT 100",
);

pub(crate) const STRETCH: Statement = Statement::new(
    "read a stretch of the record",
    "SELECT seq, action, resource_id, body FROM audit_event
      WHERE org_id = $1 AND seq >= $2 ORDER BY seq LIMIT $3",
);

pub(crate) const LOG_MARK: Statement = Statement::new(
    "see how far a log is published",
    "SELECT COALESCE((SELECT MAX(c.size) FROM audit_checkpoint c WHERE c.org_id = $1), 0) AS published,
            COALESCE((SELECT MAX(e.epoch) FROM audit_epoch e WHERE e.org_id = $1), -1) AS epoch",
);

pub(crate) const CHECKPOINT_SIZES: Statement = Statement::new(
    "look up the last checkpoints",
    "SELECT size FROM audit_checkpoint WHERE org_id = $1 ORDER BY size DESC LIMIT 6",
);

pub(crate) const CHECKPOINT_ADD: Batch = Batch::new(
    "remember checkpoints",
    "INSERT INTO audit_checkpoint (org_id, size, root, at, note)",
    5,
    "ON CONFLICT (org_id, size) DO NOTHING",
);

/// Those of this hour before the one that went before: each hour keeps its last ones.
pub(crate) const CHECKPOINT_THIN: Statement = Statement::new(
    "forget the checkpoints of a moment ago",
    "DELETE FROM audit_checkpoint WHERE org_id = $1 AND at >= $2 AND size < $3",
);

pub(crate) const LOG_KEYS: Statement = Statement::new(
    "list the keys of a log",
    "SELECT vkey, from_at, to_at FROM audit_log_key
      WHERE org_id = $1 ORDER BY from_at, vkey LIMIT 100",
);

pub(crate) const LOG_KEY_CLOSE: Statement = Statement::new(
    "note that keys of a log are no longer in use",
    "UPDATE audit_log_key SET to_at = $2
      WHERE org_id = $1 AND to_at IS NULL AND vkey <> $3 AND vkey <> $4",
);

pub(crate) const LOG_KEY_ADD: Statement = Statement::new(
    "note that a key of a log is in use",
    "INSERT INTO audit_log_key (org_id, vkey, from_at)
     SELECT $1, $2, CAST($3 AS BIGINT)
      WHERE NOT EXISTS (SELECT 1 FROM audit_log_key
                         WHERE org_id = $1 AND vkey = $2 AND to_at IS NULL)
     ON CONFLICT (org_id, vkey, from_at) DO NOTHING",
);

/// Of all orgs of a region the next ones in the order of ids: for the node's own work.
pub(crate) const VERIFY_NEXT: Statement = Statement::new(
    "look for records to verify",
    "SELECT h.org_id AS org_id, COALESCE(v.next, 0) AS next
       FROM audit_head h LEFT JOIN audit_verified v ON v.org_id = h.org_id
      WHERE h.org_id > $1 AND h.size > 0
      ORDER BY h.org_id LIMIT 16",
);

/// Of all orgs of a region: once at a start.
pub(crate) const VERIFIED_LAST: Statement = Statement::new(
    "look which record was verified last",
    "SELECT org_id FROM audit_verified WHERE org_id > $1 ORDER BY checked_at DESC LIMIT 1",
);

pub(crate) const VERIFIED: Statement = Statement::new(
    "note how far a record was verified",
    "INSERT INTO audit_verified (org_id, next, checked_at, whole_size, whole_at)
     VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (org_id) DO UPDATE SET next = excluded.next, checked_at = excluded.checked_at,
        whole_size = COALESCE(excluded.whole_size, audit_verified.whole_size),
        whole_at = COALESCE(excluded.whole_at, audit_verified.whole_at)",
);
