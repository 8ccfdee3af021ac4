//! Every statement of this room. `$1` is always the org.

mod directory;
mod forget;
mod heads;
mod journal;
mod keys;
mod log;
mod open;
mod restored;
mod takeover;
mod tiers;
mod time;
mod views;
mod witness;

use base::db::{Batch, Migration, Statement};

pub(crate) use self::directory::*;
pub(crate) use self::forget::*;
pub(crate) use self::heads::*;
pub(crate) use self::journal::*;
pub(crate) use self::keys::*;
pub(crate) use self::log::*;
pub(crate) use self::open::*;
pub(crate) use self::restored::*;
pub(crate) use self::takeover::*;
pub(crate) use self::tiers::*;
pub(crate) use self::time::*;
pub(crate) use self::views::*;
pub(crate) use self::witness::*;

/// A step whose text differs between the engines.
macro_rules! of_each_engine {
    ($step:literal) => {
        Migration {
            name: concat!("audit/", $step),
            sqlite: include_str!(concat!("../migrations/", $step, ".sqlite.sql")),
            postgres: include_str!(concat!("../migrations/", $step, ".postgres.sql")),
        }
    };
}

/// This room's steps.
pub const MIGRATIONS: &[Migration] = &[
    of_each_engine!("0001_event"),
    Migration::both("audit/0002_explorer", include_str!("../migrations/0002_explorer.sql")),
    of_each_engine!("0003_entry"),
    Migration::both("audit/0004_log", include_str!("../migrations/0004_log.sql")),
    Migration::both("audit/0005_directory", include_str!("../migrations/0005_directory.sql")),
    Migration::both("audit/0006_witness", include_str!("../migrations/0006_witness.sql")),
    Migration::both("audit/0008_forget", include_str!("../migrations/0008_forget.sql")),
    of_each_engine!("0009_move"),
    Migration::both("audit/0010_erased", include_str!("../migrations/0010_erased.sql")),
    of_each_engine!("0011_tiers"),
    Migration::both("audit/0012_journal", include_str!("../migrations/0012_journal.sql")),
    of_each_engine!("0013_left"),
    of_each_engine!("0014_rowid"),
    of_each_engine!("0015_mover"),
];

/// Tables that the application may only read and add to.
pub const APPEND_ONLY: &[&str] =
    &["audit_event", "audit_cold", "audit_cold_person", "audit_cold_thing"];

pub(crate) const SIZE: Statement =
    Statement::new("read the size of the record", "SELECT size FROM audit_head WHERE org_id = $1");

/// All orgs of a region: for the node's own work.
pub(crate) const SIZES: Statement = Statement::new(
    "read the sizes of the records",
    "SELECT org_id, size FROM audit_head WHERE org_id > $1 ORDER BY org_id LIMIT 500",
);

/// At most as many rows as there are positions between `$2` and `$3`.
pub(crate) const TOLD_CALLS: Statement = Statement::new(
    "read what calls came to",
    "SELECT seq, at, action, outcome, body FROM audit_event
      WHERE org_id = $1 AND seq >= $2 AND seq < $3
        AND action IN ('gateway.call.ended', 'gateway.call.refused')
      ORDER BY seq",
);

pub(crate) const FROM: Statement = Statement::new(
    "read the record",
    "SELECT seq, action, resource_id, body FROM audit_event
      WHERE org_id = $1 AND seq >= $2 ORDER BY seq LIMIT 1000",
);

/// What a page is narrowed by: `$4` and `$5` are times, an empty text turns a filter off,
/// `$7` is a `LIKE`.
macro_rules! narrowed {
    ($on:literal) => {
        narrowed!($on, "resource_id = $10")
    };
    ($on:literal, $resource:literal) => {
        concat!(
            " AND ",
            $on,
            "at >= $4 AND ",
            $on,
            "at < $5
              AND ($6 = '' OR ",
            $on,
            "action = $6)
              AND ($7 = '' OR ",
            $on,
            "action LIKE $7 ESCAPE '!')
              AND ($8 = '' OR ",
            $on,
            "user_id = $8)
              AND ($9 = '' OR ",
            $on,
            "resource_type = $9)
              AND ($10 = '' OR ",
            $on,
            $resource,
            ")
              AND ($11 = '' OR ",
            $on,
            "outcome = $11) "
        )
    };
}

/// A page, newest first: positions from `$3` to before `$2`, by walking an index (`w`) that
/// alone says where to look; each event is looked up by its position. Which index to walk:
/// see `walk`. The engines plan a statement once, whatever is bound, so each way has its
/// own. A join would leave them a choice, and without statistics each of them chooses badly.
macro_rules! page {
    ($way:literal) => {
        concat!(
            "SELECT seq, body
               FROM (SELECT w.seq AS seq,
                            (SELECT e.body FROM audit_event e
                              WHERE e.org_id = $1 AND e.seq = w.seq ",
            narrowed!("e."),
            "               ) AS body
                       FROM audit_event w
                      WHERE w.org_id = $1 AND w.seq < $2 AND w.seq >= $3 ",
            $way,
            "       ) found
              WHERE body IS NOT NULL ORDER BY seq DESC LIMIT $12"
        )
    };
}

/// Where a walk of `$4` steps from before `$2` ends, if it ends above `$3`.
macro_rules! floor {
    ($way:literal) => {
        concat!(
            "SELECT w.seq FROM audit_event w WHERE w.org_id = $1 AND w.seq < $2 AND w.seq >= $3 ",
            $way,
            " ORDER BY w.seq DESC LIMIT 1 OFFSET $4"
        )
    };
}

pub(crate) const PAGE_OF_ALL: Statement = Statement::new(
    "read the record",
    concat!(
        "SELECT seq, body FROM audit_event WHERE org_id = $1 AND seq < $2 AND seq >= $3 ",
        narrowed!(""),
        " ORDER BY seq DESC LIMIT $12"
    ),
);

/// The index of the seldom events holds all that they are narrowed by but the resource,
/// which has a way of its own. Bodies are read last.
pub(crate) const PAGE_OF_SELDOM: Statement = Statement::new(
    "read the seldom events of the record",
    concat!(
        "SELECT found.seq, (SELECT e.body FROM audit_event e
                             WHERE e.org_id = $1 AND e.seq = found.seq) AS body
           FROM (SELECT seq FROM audit_event
                  WHERE org_id = $1 AND seq < $2 AND seq >= $3
                    AND action NOT IN ('gateway.call.started', 'gateway.call.ended') ",
        narrowed!("", "org_id = $10"),
        "         ORDER BY seq DESC LIMIT $12) found
          ORDER BY found.seq DESC"
    ),
);

pub(crate) const PAGE_OF_ACTION: Statement = Statement::new(
    "read the record of an action",
    page!("AND w.action NOT IN ('gateway.call.started', 'gateway.call.ended') AND w.action = $6"),
);

pub(crate) const PAGE_OF_DEEDS: Statement = Statement::new(
    "read what an actor did",
    page!("AND w.action NOT IN ('gateway.call.started', 'gateway.call.ended') AND w.user_id = $8"),
);

pub(crate) const PAGE_OF_USER: Statement =
    Statement::new("read the record of an actor", page!("AND w.user_id = $8"));

pub(crate) const PAGE_OF_RESOURCE: Statement =
    Statement::new("read the record of a resource", page!("AND w.resource_id = $10"));

pub(crate) const PAGE_OF_OUTCOME: Statement = Statement::new(
    "read what did not go well",
    page!("AND w.outcome NOT IN ('started', 'success') AND w.outcome = $11"),
);

pub(crate) const FLOOR_OF_SELDOM: Statement = Statement::new(
    "walk the seldom events of the record",
    floor!("AND w.action NOT IN ('gateway.call.started', 'gateway.call.ended')"),
);

pub(crate) const FLOOR_OF_ACTION: Statement = Statement::new(
    "walk the record of an action",
    floor!("AND w.action NOT IN ('gateway.call.started', 'gateway.call.ended') AND w.action = $5"),
);

pub(crate) const FLOOR_OF_DEEDS: Statement = Statement::new(
    "walk what an actor did",
    floor!("AND w.action NOT IN ('gateway.call.started', 'gateway.call.ended') AND w.user_id = $5"),
);

pub(crate) const FLOOR_OF_USER: Statement =
    Statement::new("walk the record of an actor", floor!("AND w.user_id = $5"));

pub(crate) const FLOOR_OF_RESOURCE: Statement =
    Statement::new("walk the record of a resource", floor!("AND w.resource_id = $5"));

pub(crate) const FLOOR_OF_OUTCOME: Statement = Statement::new(
    "walk what did not go well",
    floor!("AND w.outcome NOT IN ('started', 'success') AND w.outcome = $5"),
);

/// What came between two positions, oldest first: for those who watch.
pub(crate) const TAIL: Statement = Statement::new(
    "follow the record",
    "SELECT seq, body FROM audit_event
      WHERE org_id = $1 AND seq >= $2 AND seq < $3
        AND ($4 = '' OR action = $4)
        AND ($5 = '' OR action LIKE $5 ESCAPE '!')
        AND ($6 = '' OR user_id = $6)
        AND ($7 = '' OR resource_type = $7)
        AND ($8 = '' OR resource_id = $8)
        AND ($9 = '' OR outcome = $9)
      ORDER BY seq LIMIT $10",
);

pub(crate) const ONE: Statement = Statement::new(
    "read one event",
    "SELECT seq, body FROM audit_event WHERE org_id = $1 AND seq = $2",
);

/// For the tests that prepare every statement on each engine.
pub const STATEMENTS: &[Statement] = &[
    ERASED_BETWEEN,
    HEADS_WHOLE,
    OPEN_OF_NODE,
    JOURNAL_OF,
    NEWEST_OF,
    SIZE,
    SIZES,
    TOLD_CALLS,
    ENDED,
    ENDS,
    OPEN_DROP,
    OPEN_SWEPT,
    FROM,
    PLACE,
    PLACE_BEHIND,
    PAGE_OF_ALL,
    PAGE_OF_SELDOM,
    PAGE_OF_ACTION,
    PAGE_OF_DEEDS,
    PAGE_OF_USER,
    PAGE_OF_RESOURCE,
    PAGE_OF_OUTCOME,
    FLOOR_OF_SELDOM,
    FLOOR_OF_ACTION,
    FLOOR_OF_DEEDS,
    FLOOR_OF_USER,
    FLOOR_OF_RESOURCE,
    FLOOR_OF_OUTCOME,
    TAIL,
    VIEWS,
    VIEW_OF,
    VIEWS_COUNT,
    VIEW_SAVE,
    VIEW_REMOVE,
    ONE,
    ABOUT,
    COLD_EDGE,
    COLD_UP,
    COLD_DOWN,
    COLD_BEGUN,
    COLD_OF,
    COLD_PERSON_IN,
    COLD_THING_IN,
    LEAVE,
    EDGE_OF,
    HEAD_HOLD,
    BODY_AT,
    KEY_OF,
    KEY_ADD,
    WRAPPER_NEWEST,
    WRAPPER_HOLD,
    WRAPPER_ADD,
    WRAPPERS,
    WRAPPERS_OF,
    WRAPPER_REWRAP,
    WRAPPER_SEIZE,
    WRAPPER_DROP,
    KEY_DESTROYED_UNDER,
    KEY_ALIVE_UNDER,
    KEYS_ALIVE_UNDER,
    KEY_MOVE,
    OLD_ORGS,
    OLD,
    OLD_DONE,
    HEADS,
    HEADS_BEHIND,
    HEAD_BEHIND,
    CALL,
    PERIOD_FIRST,
    PERIOD_LAST,
    PERIOD_BYTES,
    BODIES,
    WHOLE,
    SET_BY,
    CHECKPOINT_NEWEST,
    LOG_MARK,
    CHECKPOINT_SIZES,
    CHECKPOINTS_BEYOND,
    STRETCH,
    CHECKPOINT_THIN,
    LOG_KEYS,
    LOG_KEY_CLOSE,
    LOG_KEY_ADD,
    VERIFY_NEXT,
    VERIFIED_LAST,
    HEADS_FEW,
    VERIFIED,
    SLOTS,
    SLOT_OF,
    UNLISTED,
    EPOCHS,
    EPOCH_ADD,
    EPOCHS_THIN,
    WITNESSES,
    WITNESS_OF,
    WITNESS_SAID,
    WITNESS_ACKNOWLEDGED,
    WITNESSED,
    CHECKPOINT_NOTE,
    CHECKPOINT_COSIGNED,
    CHECKPOINTS,
    VERIFIED_OF,
    KEY_DESTROY,
    KEY_GONE,
    KEYS_DESTROYED,
    KEYS_OF,
    RESTRICTED_ADD,
    RESTRICTED_DROP,
    RESTRICTED_ANY,
    RESTRICTED_ONE,
    RESTRICTED_OF,
    EVENTS_OF,
    LAST_OF,
    EVENTS_READ,
    VIEWS_OF,
    VIEWS_READ,
    VIEWS_ERASE,
    OWN_THINGS,
];

/// For the same tests.
pub const BATCHES: &[Batch] = &[
    JOURNAL_MOVE,
    HEAD_REGAIN,
    APPEND,
    TAKE,
    MOVE,
    EDGE,
    OPEN,
    OPEN_BEFORE,
    SLOT_SET,
    CHECKPOINT_ADD,
    COLD_ADD,
    COLD_PERSON_ADD,
    COLD_THING_ADD,
];
