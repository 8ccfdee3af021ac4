//! Every statement of this room. They run on the directory, not on a region.

use base::db::{Migration, Statement};

/// The directory's steps.
pub const MIGRATIONS: &[Migration] = &[
    Migration::both("regions/0001_directory", include_str!("../migrations/0001_directory.sql")),
    Migration::both("regions/0002_node", include_str!("../migrations/0002_node.sql")),
    Migration::both("regions/0003_domain", include_str!("../migrations/0003_domain.sql")),
];

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

/// Whoever has it keeps it.
pub(crate) const DOMAIN_PUT: Statement = Statement::new(
    "note a proven domain",
    "INSERT INTO regions_domain (domain_tag, org_id, proven_at) VALUES ($1, $2, $3)
     ON CONFLICT (domain_tag) DO UPDATE SET proven_at = regions_domain.proven_at
      WHERE regions_domain.org_id = excluded.org_id",
);

pub(crate) const DOMAIN_RELEASE: Statement = Statement::new(
    "give a domain up",
    "DELETE FROM regions_domain WHERE domain_tag = $1 AND org_id = $2",
);

pub(crate) const BY_DOMAIN: Statement = Statement::new(
    "find an org by its domain",
    "SELECT org_id FROM regions_domain WHERE domain_tag = $1",
);

pub(crate) const HOLDER: Statement = Statement::new(
    "look who serves a region",
    "SELECT node, instance, beats FROM regions_node WHERE region = $1",
);

/// From nobody, or from whoever was seen there last and has not moved since.
pub(crate) const TAKE: Statement = Statement::new(
    "take a region",
    "INSERT INTO regions_node (region, node, instance, beats, seen_at)
     VALUES ($1, $2, $3, 0, $4)
     ON CONFLICT (region) DO UPDATE SET node = excluded.node, instance = excluded.instance,
            beats = excluded.beats, seen_at = excluded.seen_at
      WHERE regions_node.instance = $5 AND regions_node.beats = $6",
);

pub(crate) const BEAT: Statement = Statement::new(
    "say that a node lives",
    "UPDATE regions_node SET beats = beats + 1, seen_at = $3 WHERE region = $1 AND instance = $2",
);

pub(crate) const RELEASE: Statement = Statement::new(
    "give a region back",
    "DELETE FROM regions_node WHERE region = $1 AND instance = $2",
);

/// For the tests that prepare every statement on each engine.
pub const STATEMENTS: &[Statement] = &[
    CLAIM,
    HOME,
    BY_SLUG,
    PAGE,
    DOMAIN_PUT,
    DOMAIN_RELEASE,
    BY_DOMAIN,
    HOLDER,
    TAKE,
    BEAT,
    RELEASE,
];
