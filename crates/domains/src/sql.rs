//! Every statement of this room. `$1` is always the org.

use base::db::{Batch, Migration, Statement};

/// This room's steps.
pub const MIGRATIONS: &[Migration] =
    &[Migration::both("domains/0001_domain", include_str!("../migrations/0001_domain.sql"))];

macro_rules! domain {
    ($tail:literal) => {
        concat!(
            "SELECT domain, token, state, claimed_at, verified_at, checked_at, missing_since
               FROM domains_domain WHERE org_id = $1 ",
            $tail
        )
    };
}

/// All of an org: there are few.
pub(crate) const LIST: Statement =
    Statement::new("list domains", domain!("ORDER BY domain LIMIT 100"));

pub(crate) const ONE: Statement = Statement::new("look up a domain", domain!("AND domain = $2"));

pub(crate) const ADD: Statement = Statement::new(
    "claim a domain",
    "INSERT INTO domains_domain (org_id, domain, token, state, claimed_at)
     VALUES ($1, $2, $3, 'pending', $4)",
);

pub(crate) const CHECKED: Statement = Statement::new(
    "note what the DNS says of a domain",
    "UPDATE domains_domain
        SET state = $3, verified_at = $4, checked_at = $5, check_at = $6, missing_since = $7
      WHERE org_id = $1 AND domain = $2
        AND claimed_at = $8 AND checked_at IS NOT DISTINCT FROM $9",
);

/// The DNS did not answer: it is asked again later, and nothing is concluded.
pub(crate) const UNANSWERED: Statement = Statement::new(
    "ask the DNS again later",
    "UPDATE domains_domain SET check_at = $3 WHERE org_id = $1 AND domain = $2",
);

pub(crate) const REMOVE: Statement = Statement::new(
    "give a domain up",
    "DELETE FROM domains_domain WHERE org_id = $1 AND domain = $2",
);

/// Domains that are to be checked again, of every org of this node's database: never for a
/// request.
pub(crate) const DUE: Statement = Statement::new(
    "look for domains to be checked",
    "SELECT org_id, domain FROM domains_domain
      WHERE (org_id, domain) > ($1, $2) AND check_at <= $3
      ORDER BY org_id, domain LIMIT 100",
);

/// For the tests that prepare every statement on each engine.
pub const STATEMENTS: &[Statement] = &[LIST, ONE, ADD, CHECKED, UNANSWERED, REMOVE, DUE];

/// For the same tests.
pub const BATCHES: &[Batch] = &[];
