//! Statements of the archive: see `tiers`.

use base::db::{Batch, Statement};

/// Where the events begin that are in the database.
pub(crate) const COLD_EDGE: Statement = Statement::new(
    "look where the archive ends",
    "SELECT next FROM audit_cold WHERE org_id = $1 ORDER BY first DESC LIMIT 1",
);

/// What is read of a chunk.
macro_rules! chunks {
    ($which:literal) => {
        concat!(
            "SELECT first, next, from_at, to_at, file, sha256, names, bytes FROM audit_cold
              WHERE org_id = $1 AND ",
            $which,
            " LIMIT 256"
        )
    };
}

/// The chunks between `$2` and `$3`, the oldest first.
pub(crate) const COLD_UP: Statement = Statement::new(
    "read what is in the archive",
    chunks!(
        "first >= COALESCE((SELECT c.first FROM audit_cold c
                             WHERE c.org_id = $1 AND c.first <= $2
                             ORDER BY c.first DESC LIMIT 1), 0)
         AND first < $3 ORDER BY first"
    ),
);

/// The same, the newest first.
pub(crate) const COLD_DOWN: Statement = Statement::new(
    "read back what is in the archive",
    chunks!(
        "first >= COALESCE((SELECT c.first FROM audit_cold c
                             WHERE c.org_id = $1 AND c.first <= $2
                             ORDER BY c.first DESC LIMIT 1), 0)
         AND first < $3 ORDER BY first DESC"
    ),
);

/// Chunks that begin between `$2` and `$3`.
pub(crate) const COLD_BEGUN: Statement = Statement::new(
    "verify what is in the archive",
    chunks!("first >= $2 AND first < $3 ORDER BY first"),
);

/// In which chunks a person is, the newest first.
pub(crate) const COLD_OF: Statement = Statement::new(
    "look for a person in the archive",
    "SELECT first FROM audit_cold_person
      WHERE org_id = $1 AND person = $2 AND first < $3 ORDER BY first DESC LIMIT 256",
);

pub(crate) const COLD_PERSON_IN: Statement = Statement::new(
    "verify what is told of a person in the archive",
    "SELECT events, last_at FROM audit_cold_person
      WHERE org_id = $1 AND person = $2 AND first = $3",
);

pub(crate) const COLD_THING_IN: Statement = Statement::new(
    "verify what is told of a thing in the archive",
    "SELECT thing FROM audit_cold_thing WHERE org_id = $1 AND person = $2 AND thing = $3",
);

pub(crate) const COLD_ADD: Batch = Batch::new(
    "note what is in the archive",
    "INSERT INTO audit_cold
        (org_id, first, next, from_at, to_at, file, sha256, names, bytes, moved_at)",
    10,
    "",
);

pub(crate) const COLD_PERSON_ADD: Batch = Batch::new(
    "note who is in the archive",
    "INSERT INTO audit_cold_person (org_id, person, first, events, last_at)",
    5,
    "",
);

pub(crate) const COLD_THING_ADD: Batch = Batch::new(
    "note which things are in the archive",
    "INSERT INTO audit_cold_thing (org_id, person, thing)",
    3,
    "ON CONFLICT (org_id, person, thing) DO NOTHING",
);

/// As many rows as a piece of moving has. What leaves is given, to be compared.
pub(crate) const LEAVE: Statement = Statement::new(
    "let events leave that are in the archive",
    "DELETE FROM audit_event WHERE org_id = $1 AND seq >= $2 AND seq < $3
     RETURNING seq, at, action, user_id, resource_type, resource_id, outcome, body",
);
