//! Every statement of this room. They run on the directory, not on a region.

use base::db::{Migration, Statement};

/// The directory's steps.
pub const MIGRATIONS: &[Migration] =
    &[Migration::both("regions/0001_directory", include_str!("../migrations/0001_directory.sql"))];

pub(crate) const CLAIM: Statement = Statement::new(
    "claim a home for an org",
    "INSERT INTO regions_home (org_id, region, epoch, state, slug_tag, claimed_at)
     VALUES ($1, $2, 1, 'active', $3, $4)",
);

pub(crate) const HOME: Statement = Statement::new(
    "look up the home of an org",
    "SELECT org_id, region, epoch, state FROM regions_home WHERE org_id = $1",
);

pub(crate) const BY_SLUG: Statement = Statement::new(
    "find an org by its short name",
    "SELECT org_id, region, epoch, state FROM regions_home WHERE slug_tag = $1",
);

pub(crate) const PAGE: Statement = Statement::new(
    "list the directory",
    "SELECT org_id, region, epoch, state FROM regions_home WHERE org_id > $1
      ORDER BY org_id LIMIT 1000",
);

/// For the tests that prepare every statement on each engine.
pub const STATEMENTS: &[Statement] = &[CLAIM, HOME, BY_SLUG, PAGE];
