//! Every statement of this room. They run on the directory, not on a region.

use base::db::{Migration, Statement};

/// The directory's steps.
pub const MIGRATIONS: &[Migration] = &[
    Migration::both("regions/0001_directory", include_str!("../migrations/0001_directory.sql")),
    Migration::both("regions/0002_node", include_str!("../migrations/0002_node.sql")),
    Migration::both("regions/0003_domain", include_str!("../migrations/0003_domain.sql")),
    Migration::both("regions/0004_move", include_str!("../migrations/0004_move.sql")),
    Migration {
        name: "regions/0005_abandoning",
        sqlite: include_str!("../migrations/0005_abandoning.sqlite.sql"),
        postgres: include_str!("../migrations/0005_abandoning.postgres.sql"),
    },
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

pub(crate) const MOVE_OF: Statement = Statement::new(
    "look up the move of an org",
    "SELECT org_id, from_region, to_region, step, fence, at FROM regions_move WHERE org_id = $1",
);

pub(crate) const MOVES: Statement = Statement::new(
    "list moves",
    "SELECT org_id, from_region, to_region, step, fence, at FROM regions_move
      WHERE step IN ('abandoning', 'copying', 'fenced', 'moved') ORDER BY org_id LIMIT 1000",
);

pub(crate) const MOVED: Statement = Statement::new(
    "list orgs that moved",
    "SELECT org_id, region, born FROM regions_home WHERE born IS NOT NULL",
);

/// One that is over, or was only ordered, makes place for another.
pub(crate) const MOVE_ORDER: Statement = Statement::new(
    "order a move",
    "INSERT INTO regions_move (org_id, from_region, to_region, step, fence, at)
     VALUES ($1, $2, $3, 'ordered', 0, $4)
     ON CONFLICT (org_id) DO UPDATE SET from_region = excluded.from_region,
            to_region = excluded.to_region, step = excluded.step, at = excluded.at
      WHERE regions_move.step IN ('ordered', 'done')",
);

pub(crate) const MOVE_WITHDRAW: Statement = Statement::new(
    "take the order of a move back",
    "DELETE FROM regions_move WHERE org_id = $1 AND step = 'ordered'",
);

pub(crate) const MOVE_BEGIN: Statement = Statement::new(
    "begin a move",
    "UPDATE regions_move SET step = 'copying', at = $3
      WHERE org_id = $1 AND to_region = $2 AND step = 'ordered'",
);

pub(crate) const MOVE_FENCE: Statement = Statement::new(
    "fence an org",
    "UPDATE regions_move SET step = 'fenced', fence = fence + 1, at = $2
      WHERE org_id = $1 AND step = 'copying'",
);

pub(crate) const MOVE_LIFT: Statement = Statement::new(
    "lift the fence of an org",
    "UPDATE regions_move SET step = 'copying', at = $3
      WHERE org_id = $1 AND step = 'fenced' AND fence = $2",
);

pub(crate) const FENCED: Statement = Statement::new(
    "say that the gate of an org is closed",
    "INSERT INTO regions_fenced (org_id, instance, fence) VALUES ($1, $2, $3)
     ON CONFLICT (org_id, instance) DO UPDATE SET fence = excluded.fence",
);

pub(crate) const WHO_IS_FENCED: Statement = Statement::new(
    "look who closed the gate of an org",
    "SELECT instance FROM regions_fenced WHERE org_id = $1 AND fence = $2",
);

pub(crate) const MOVE_SWITCH: Statement = Statement::new(
    "note that an org has moved",
    "UPDATE regions_move SET step = 'moved', at = $3
      WHERE org_id = $1 AND step = 'fenced' AND fence = $2",
);

pub(crate) const HOME_SWITCH: Statement = Statement::new(
    "move the home of an org",
    "UPDATE regions_home SET born = COALESCE(born, region), epoch = epoch + 1,
            region = (SELECT m.to_region FROM regions_move m WHERE m.org_id = $1)
      WHERE org_id = $1
        AND region = (SELECT m.from_region FROM regions_move m WHERE m.org_id = $1)",
);

pub(crate) const MOVE_END: Statement = Statement::new(
    "end a move",
    "UPDATE regions_move SET step = 'done', at = $2 WHERE org_id = $1 AND step = 'moved'",
);

pub(crate) const MOVE_GIVE_UP: Statement = Statement::new(
    "begin to give a move up",
    "UPDATE regions_move SET step = 'abandoning', at = $2 WHERE org_id = $1 AND step = 'copying'",
);

pub(crate) const MOVE_ABANDON: Statement = Statement::new(
    "give a move up",
    "DELETE FROM regions_move WHERE org_id = $1 AND step = 'abandoning'",
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
    MOVE_OF,
    MOVES,
    MOVED,
    MOVE_ORDER,
    MOVE_WITHDRAW,
    MOVE_BEGIN,
    MOVE_FENCE,
    MOVE_LIFT,
    FENCED,
    WHO_IS_FENCED,
    MOVE_SWITCH,
    HOME_SWITCH,
    MOVE_END,
    MOVE_GIVE_UP,
    MOVE_ABANDON,
];
