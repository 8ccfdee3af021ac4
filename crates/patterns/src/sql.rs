//! Every statement of this room. `$1` is always the org.

use base::db::{Batch, Migration, Statement};

/// This room's steps.
pub const MIGRATIONS: &[Migration] = &[
    Migration::both("patterns/0001_pattern", include_str!("../migrations/0001_pattern.sql")),
    Migration::both("patterns/0002_cases", include_str!("../migrations/0002_cases.sql")),
];

/// Tables that the application may only read and add to.
pub const APPEND_ONLY: &[&str] = &["patterns_version"];

/// A pattern with its latest version and, when it is another, the published one.
macro_rules! pattern {
    ($tail:literal) => {
        concat!(
            "SELECT p.pattern_id, p.state, p.latest, p.published_version, p.created_by,
                    p.created_at, p.updated_at, o.version AS org_version,
                    l.body AS latest_body, u.body AS published_body,
                    COALESCE(c.cases, 0) AS cases
               FROM patterns_pattern p
               JOIN patterns_org o ON o.org_id = p.org_id
               JOIN patterns_version l
                 ON l.org_id = p.org_id AND l.pattern_id = p.pattern_id AND l.version = p.latest
               LEFT JOIN patterns_version u
                 ON u.org_id = p.org_id AND u.pattern_id = p.pattern_id
                AND u.version = p.published_version AND u.version <> p.latest
               LEFT JOIN patterns_cases c
                 ON c.org_id = p.org_id AND c.pattern_id = p.pattern_id
              WHERE p.org_id = $1 ",
            $tail
        )
    };
}

/// All patterns of an org; one more than it may have is enough to notice.
pub(crate) const EVERY: Statement =
    Statement::new("read the patterns of an org", pattern!("ORDER BY p.slug LIMIT 10001"));

pub(crate) const ONE: Statement =
    Statement::new("look up a pattern", pattern!("AND p.pattern_id = $2"));

/// Takes the org's next version: its row is locked until the commit, so changes of
/// one org happen one after the other.
pub(crate) const NEXT: Statement = Statement::new(
    "take the next version of an org's patterns",
    "INSERT INTO patterns_org (org_id, version) VALUES ($1, 1)
     ON CONFLICT (org_id) DO UPDATE SET version = patterns_org.version + 1
     RETURNING version",
);

/// All orgs of a region: what this node compares its memory with.
pub(crate) const VERSIONS_OF_ORGS: Statement = Statement::new(
    "look for changed patterns",
    "SELECT org_id, version FROM patterns_org WHERE org_id > $1 ORDER BY org_id LIMIT 500",
);

pub(crate) const VERSION_OF_ORG: Statement = Statement::new(
    "look whether patterns changed",
    "SELECT version FROM patterns_org WHERE org_id = $1",
);

pub(crate) const COUNT: Statement = Statement::new(
    "count patterns",
    "SELECT COUNT(*) AS patterns FROM patterns_pattern WHERE org_id = $1",
);

pub(crate) const TEACH: Batch = Batch::new(
    "teach a pattern",
    "INSERT INTO patterns_pattern (org_id, pattern_id, slug, state, latest, published_version,
        created_by, created_at, updated_at)",
    9,
    "",
);

pub(crate) const TEACH_VERSION: Batch = Batch::new(
    "keep a version of a pattern",
    "INSERT INTO patterns_version (org_id, pattern_id, version, body, taught_by, taught_at)",
    6,
    "",
);

pub(crate) const UPDATE: Statement = Statement::new(
    "change a pattern",
    "UPDATE patterns_pattern
        SET state = $3, latest = $4, published_version = $5, updated_at = $6
      WHERE org_id = $1 AND pattern_id = $2",
);

pub(crate) const VERSIONS: Statement = Statement::new(
    "list the versions of a pattern",
    "SELECT version, taught_by, taught_at FROM patterns_version
      WHERE org_id = $1 AND pattern_id = $2 AND version < $3
      ORDER BY version DESC LIMIT $4",
);

pub(crate) const VERSION: Statement = Statement::new(
    "read a version of a pattern",
    "SELECT version, taught_by, taught_at, body FROM patterns_version
      WHERE org_id = $1 AND pattern_id = $2 AND version = $3",
);

pub(crate) const USE: Batch = Batch::new(
    "count the uses of patterns",
    "INSERT INTO patterns_use (org_id, day, pattern_id, uses)",
    4,
    "ON CONFLICT (org_id, day, pattern_id) DO UPDATE SET uses = patterns_use.uses + excluded.uses",
);

/// Patterns whose counts [`USES`] reads.
pub(crate) const USES_AT_ONCE: usize = 50;

pub(crate) const USES: Statement = Statement::new(
    "read how often patterns were used",
    "SELECT pattern_id, uses FROM patterns_use
      WHERE org_id = $1 AND day = 'total' AND pattern_id IN (
        $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
        $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35,
        $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51)",
);

pub(crate) const USES_OF_ONE: Statement = Statement::new(
    "read how often a pattern was used",
    "SELECT pattern_id, uses FROM patterns_use
      WHERE org_id = $1 AND day = 'total' AND pattern_id = $2",
);

pub(crate) const CASES: Statement = Statement::new(
    "read the cases of a pattern",
    "SELECT body, set_by, set_at FROM patterns_cases WHERE org_id = $1 AND pattern_id = $2",
);

pub(crate) const CASES_OF_ALL: Statement = Statement::new(
    "read the cases of an org's patterns",
    "SELECT pattern_id, body FROM patterns_cases
      WHERE org_id = $1 AND pattern_id > $2 ORDER BY pattern_id LIMIT 500",
);

pub(crate) const SET_CASES: Batch = Batch::new(
    "keep the cases of a pattern",
    "INSERT INTO patterns_cases (org_id, pattern_id, cases, body, set_by, set_at)",
    6,
    "ON CONFLICT (org_id, pattern_id) DO UPDATE
        SET cases = excluded.cases, body = excluded.body, set_by = excluded.set_by,
            set_at = excluded.set_at",
);

/// For the tests that prepare every statement on each engine.
pub const STATEMENTS: &[Statement] = &[
    crate::keeper::PATTERNS,
    crate::keeper::VERSIONS,
    crate::keeper::CASES,
    EVERY,
    ONE,
    NEXT,
    VERSIONS_OF_ORGS,
    VERSION_OF_ORG,
    COUNT,
    UPDATE,
    VERSIONS,
    VERSION,
    USES,
    USES_OF_ONE,
    CASES,
    CASES_OF_ALL,
];

/// For the same tests.
pub const BATCHES: &[Batch] = &[TEACH, TEACH_VERSION, USE, SET_CASES];
