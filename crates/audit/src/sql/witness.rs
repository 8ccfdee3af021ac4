//! Statements of what witnesses said.

use base::db::Statement;

pub(crate) const WITNESSES: Statement = Statement::new(
    "read what witnesses said",
    "SELECT witness, size, cosigned_at, behind_since, asked_at, failure,
            refused_at, refused_size, refused
       FROM audit_witness WHERE org_id = $1 ORDER BY witness LIMIT 100",
);

pub(crate) const WITNESS_OF: Statement = Statement::new(
    "read what a witness said",
    "SELECT witness, size, cosigned_at, behind_since, asked_at, failure,
            refused_at, refused_size, refused
       FROM audit_witness WHERE org_id = $1 AND witness = $2",
);

pub(crate) const WITNESS_SAID: Statement = Statement::new(
    "note what a witness said",
    "INSERT INTO audit_witness (org_id, witness, size, cosigned_at, behind_since, asked_at,
                                failure, refused_at, refused_size, refused)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     ON CONFLICT (org_id, witness) DO UPDATE SET size = excluded.size,
        cosigned_at = excluded.cosigned_at, behind_since = excluded.behind_since,
        asked_at = excluded.asked_at, failure = excluded.failure,
        refused_at = COALESCE(audit_witness.refused_at, excluded.refused_at),
        refused_size = COALESCE(audit_witness.refused_size, excluded.refused_size),
        refused = COALESCE(audit_witness.refused, excluded.refused)",
);

pub(crate) const WITNESS_ACKNOWLEDGED: Statement = Statement::new(
    "note that somebody looked at a contradiction",
    "UPDATE audit_witness SET refused_at = NULL, refused_size = NULL, refused = NULL
      WHERE org_id = $1 AND witness = $2 AND refused_at IS NOT NULL",
);

/// Of all logs of a region: for the node's own gauges.
pub(crate) const WITNESSED: Statement = Statement::new(
    "count what witnesses said",
    "SELECT witness, CAST(COUNT(refused_at) AS BIGINT) AS contradictions,
            CAST(COUNT(behind_since) AS BIGINT) AS behind, MIN(behind_since) AS since
       FROM audit_witness WHERE org_id > $1 GROUP BY witness ORDER BY witness LIMIT 100",
);

pub(crate) const CHECKPOINT_NOTE: Statement = Statement::new(
    "read a checkpoint",
    "SELECT note FROM audit_checkpoint WHERE org_id = $1 AND size = $2",
);

/// Its text stays what it was; lines of witnesses come to it.
pub(crate) const CHECKPOINT_COSIGNED: Statement = Statement::new(
    "add cosignatures to a checkpoint",
    "UPDATE audit_checkpoint SET note = $3 WHERE org_id = $1 AND size = $2",
);

/// The newest first.
pub(crate) const CHECKPOINTS: Statement = Statement::new(
    "list the checkpoints of a log",
    "SELECT size, at, note FROM audit_checkpoint WHERE org_id = $1 AND size < $2
      ORDER BY size DESC LIMIT 30",
);

pub(crate) const VERIFIED_OF: Statement = Statement::new(
    "read how far a record was verified",
    "SELECT next, checked_at, whole_size, whole_at FROM audit_verified WHERE org_id = $1",
);
