//! Statements of times: where they are in the record.

use base::db::Statement;

/// The instant of the event at a position. Of one in the archive: `$bound` of its chunk.
macro_rules! at {
    ($position:literal, $bound:literal) => {
        concat!(
            "COALESCE((SELECT at FROM audit_event WHERE org_id = $1 AND seq = ",
            $position,
            "), (SELECT c.",
            $bound,
            " FROM audit_cold c WHERE c.org_id = $1 AND c.first <= ",
            $position,
            " ORDER BY c.first DESC LIMIT 1))"
        )
    };
}

/// A record grows in the order of time (see `append`), so a time is found by halving, in twenty
/// steps for a million events.
macro_rules! place {
    ($bound:literal) => {
        concat!(
            "WITH RECURSIVE halves (low, high) AS (
               SELECT CAST(0 AS BIGINT), size FROM audit_head WHERE org_id = $1
               UNION ALL
               SELECT CASE WHEN ",
            at!("(low + high) / 2", $bound),
            " < $2 THEN (low + high) / 2 + 1 ELSE low END,
                      CASE WHEN ",
            at!("(low + high) / 2", $bound),
            " < $2 THEN high ELSE (low + high) / 2 END
                 FROM halves WHERE low < high)
             SELECT low AS seq FROM halves WHERE low >= high LIMIT 1"
        )
    };
}

/// The first position that is not known to be before every event of `$2` or later: from here
/// on they are looked for. In the archive it is the first of a chunk.
pub(crate) const PLACE: Statement = Statement::new("find a time in the record", place!("to_at"));

/// A position from which on no event of the record is much older than `$2`; in the archive
/// the first of a chunk.
pub(crate) const PLACE_BEHIND: Statement =
    Statement::new("find the end of a time in the record", place!("from_at"));

/// When an event was recorded, or the earliest instant of its chunk.
pub(crate) const ABOUT: Statement = Statement::new(
    "read about when an event was recorded",
    concat!("SELECT ", at!("$2", "from_at"), " AS at"),
);
