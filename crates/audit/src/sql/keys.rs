//! Statements of keys.

use base::db::Statement;

/// One statement: between two of them what wraps could have been replaced.
pub(crate) const KEY_OF: Statement = Statement::new(
    "look up a key of the record",
    "SELECT k.epoch AS epoch, k.wrapped AS wrapped, w.wrapped AS wrapper
       FROM audit_key k
       LEFT JOIN audit_wrapper w ON w.org_id = k.org_id AND w.epoch = k.epoch
      WHERE k.org_id = $1 AND k.tag = $2",
);

pub(crate) const KEY_ADD: Statement = Statement::new(
    "make a key of the record",
    "INSERT INTO audit_key (org_id, tag, epoch, wrapped, created_at) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (org_id, tag) DO NOTHING",
);

pub(crate) const WRAPPER_NEWEST: Statement = Statement::new(
    "look up what wraps the keys of an org",
    "SELECT epoch, wrapped FROM audit_wrapper WHERE org_id = $1 ORDER BY epoch DESC LIMIT 1",
);

/// The newest one, and until the commit it stays: what is wrapped with it can be opened.
pub(crate) const WRAPPER_HOLD: Statement = Statement::new(
    "hold what wraps the keys of an org",
    "UPDATE audit_wrapper SET created_at = created_at
      WHERE org_id = $1 AND epoch = (SELECT MAX(epoch) FROM audit_wrapper WHERE org_id = $1)
     RETURNING epoch, wrapped",
);

pub(crate) const WRAPPER_ADD: Statement = Statement::new(
    "make what wraps the keys of an org",
    "INSERT INTO audit_wrapper (org_id, epoch, wrapped, created_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (org_id, epoch) DO NOTHING",
);

/// Of all orgs of a region: for the node's own work.
pub(crate) const WRAPPERS: Statement = Statement::new(
    "read what wraps the keys of orgs",
    "SELECT org_id, epoch, wrapped FROM audit_wrapper
      WHERE org_id > $1 ORDER BY org_id, epoch LIMIT 500",
);

pub(crate) const WRAPPERS_OF: Statement = Statement::new(
    "read what wraps the keys of an org",
    "SELECT epoch, wrapped FROM audit_wrapper WHERE org_id = $1 ORDER BY epoch LIMIT 100",
);

/// Only if it is still what was read.
pub(crate) const WRAPPER_REWRAP: Statement = Statement::new(
    "wrap the key of an org anew",
    "UPDATE audit_wrapper SET wrapped = $4 WHERE org_id = $1 AND epoch = $2 AND wrapped = $3",
);

/// Waits for whoever holds it, and lets nobody hold it until the commit.
pub(crate) const WRAPPER_SEIZE: Statement = Statement::new(
    "seize what wraps the keys of an org",
    "UPDATE audit_wrapper SET created_at = created_at WHERE org_id = $1 AND epoch = $2",
);

pub(crate) const WRAPPER_DROP: Statement = Statement::new(
    "destroy what wrapped the keys of an org",
    "DELETE FROM audit_wrapper WHERE org_id = $1 AND epoch = $2",
);

pub(crate) const KEY_DESTROYED_UNDER: Statement = Statement::new(
    "look for keys that were destroyed",
    "SELECT tag FROM audit_key WHERE org_id = $1 AND epoch = $2 AND wrapped IS NULL LIMIT 1",
);

pub(crate) const KEY_ALIVE_UNDER: Statement = Statement::new(
    "look for keys that are to be wrapped anew",
    "SELECT tag FROM audit_key WHERE org_id = $1 AND epoch = $2 AND wrapped IS NOT NULL LIMIT 1",
);

/// A piece of them; the tag of the org itself is empty, and before all others.
pub(crate) const KEYS_ALIVE_UNDER: Statement = Statement::new(
    "read keys that are to be wrapped anew",
    "SELECT tag, wrapped FROM audit_key
      WHERE org_id = $1 AND epoch = $2 AND wrapped IS NOT NULL AND (tag > $3 OR tag = '')
      ORDER BY tag LIMIT 256",
);

/// Only if it was neither destroyed nor wrapped anew since it was read.
pub(crate) const KEY_MOVE: Statement = Statement::new(
    "wrap a key of the record anew",
    "UPDATE audit_key SET epoch = $3, wrapped = $4
      WHERE org_id = $1 AND tag = $2 AND epoch = $5 AND wrapped IS NOT NULL",
);
