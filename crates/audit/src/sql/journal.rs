//! Statements of journals.

use base::db::{Batch, Statement};

/// Moves the mark of a journal in each of its orgs; gives the orgs in which it moved.
pub(crate) const JOURNAL_MOVE: Batch = Batch::new(
    "note how far a journal is in the record",
    "INSERT INTO audit_journal (org_id, journal, replayed, at)",
    4,
    "ON CONFLICT (org_id, journal) DO UPDATE SET replayed = excluded.replayed, at = excluded.at
      WHERE audit_journal.replayed < excluded.replayed
     RETURNING org_id",
);

pub(crate) const JOURNAL_OF: Statement = Statement::new(
    "look how far a journal is in the record",
    "SELECT replayed FROM audit_journal WHERE org_id = $1 AND journal = $2",
);

/// The newest events of a thing: one that the database may have taken is among them.
pub(crate) const NEWEST_OF: Statement = Statement::new(
    "look for an event that was given to the record",
    "SELECT body FROM audit_event WHERE org_id = $1 AND resource_id = $2
      ORDER BY seq DESC LIMIT 64",
);
