//! Every statement of this room. `$1` is always the org.

use base::db::{Batch, Migration, Statement};

/// This room's steps.
pub const MIGRATIONS: &[Migration] =
    &[Migration::both("streams/0001_sink", include_str!("../migrations/0001_sink.sql"))];

macro_rules! sinks {
    ($tail:literal) => {
        concat!(
            "SELECT s.org_id AS org_id, s.sink_id AS sink_id, s.name AS name, s.format AS format,
                    s.target AS target, s.sealed AS sealed, s.paused_at AS paused_at,
                    s.created_at AS created_at, s.changed_at AS changed_at,
                    p.next AS next, p.checkpoint AS checkpoint, p.delivered_at AS delivered_at,
                    p.failures AS failures, p.try_at AS try_at, p.why AS why,
                    p.failed_at AS failed_at, p.blocked AS blocked, p.aside AS aside
               FROM streams_sink s
               JOIN streams_position p ON p.org_id = s.org_id AND p.sink_id = s.sink_id ",
            $tail
        )
    };
}

/// All of an org: there are few.
pub(crate) const LIST: Statement =
    Statement::new("list sinks", sinks!("WHERE s.org_id = $1 ORDER BY s.sink_id LIMIT 100"));

pub(crate) const ONE: Statement =
    Statement::new("look up a sink", sinks!("WHERE s.org_id = $1 AND s.sink_id = $2"));

/// Of all orgs of this node's database: never for a request.
pub(crate) const ALL: Statement = Statement::new(
    "look for sinks that lack something",
    sinks!("WHERE (s.org_id, s.sink_id) > ($1, $2) ORDER BY s.org_id, s.sink_id LIMIT 500"),
);

pub(crate) const ADD: Statement = Statement::new(
    "add a sink",
    "INSERT INTO streams_sink
        (org_id, sink_id, name, format, target, sealed, paused_at, created_at, changed_at)
     VALUES ($1, $2, $3, $4, $5, $6, NULL, $7, $7)",
);

pub(crate) const ADD_POSITION: Statement = Statement::new(
    "add the position of a sink",
    "INSERT INTO streams_position
        (org_id, sink_id, next, checkpoint, failures, try_at)
     VALUES ($1, $2, $3, $3, 0, $4)",
);

/// Whoever adds a sink takes turns by this row, which is the position of none.
pub(crate) const TURN: Statement = Statement::new(
    "take the turn of an org's sinks",
    "INSERT INTO streams_position (org_id, sink_id, next, checkpoint, failures, try_at)
     VALUES ($1, '', 0, 0, 0, 0)
     ON CONFLICT (org_id, sink_id) DO UPDATE SET next = streams_position.next",
);

pub(crate) const COUNT: Statement =
    Statement::new("count sinks", "SELECT COUNT(*) AS rows FROM streams_sink WHERE org_id = $1");

/// Locks it until the commit: what is read behind this is what is changed.
pub(crate) const TAKE: Statement = Statement::new(
    "take a sink to change it",
    "UPDATE streams_sink SET changed_at = changed_at WHERE org_id = $1 AND sink_id = $2",
);

pub(crate) const CHANGE: Statement = Statement::new(
    "change a sink",
    "UPDATE streams_sink
        SET name = $3, format = $4, target = $5, sealed = $6, paused_at = $7, changed_at = $8
      WHERE org_id = $1 AND sink_id = $2",
);

pub(crate) const REMOVE: Statement =
    Statement::new("remove a sink", "DELETE FROM streams_sink WHERE org_id = $1 AND sink_id = $2");

pub(crate) const REMOVE_POSITION: Statement = Statement::new(
    "remove the position of a sink",
    "DELETE FROM streams_position WHERE org_id = $1 AND sink_id = $2",
);

/// One node delivers a sink at a time; a node that is silent loses it.
pub(crate) const CLAIM: Statement = Statement::new(
    "take a sink's turn",
    "UPDATE streams_position SET held_by = $3, held_until = $4
      WHERE org_id = $1 AND sink_id = $2
        AND (held_until IS NULL OR held_until <= $5 OR held_by = $3)",
);

/// Nobody has taken it meanwhile.
pub(crate) const RENEW: Statement = Statement::new(
    "keep a sink's turn",
    "UPDATE streams_position SET held_until = $4
      WHERE org_id = $1 AND sink_id = $2 AND held_by = $3",
);

pub(crate) const RELEASE: Statement = Statement::new(
    "end a sink's turn",
    "UPDATE streams_position SET held_until = NULL
      WHERE org_id = $1 AND sink_id = $2 AND held_by = $3",
);

/// Only from where it was when the batch was read, and by whoever has the turn: who replays or
/// takes it over meanwhile is not overruled.
pub(crate) const ADVANCE: Statement = Statement::new(
    "note what a sink acknowledged",
    "UPDATE streams_position
        SET next = $5, checkpoint = $6, delivered_at = $7, try_at = $7, held_until = $8,
            failures = 0, why = NULL, failed_at = NULL,
            aside = CASE WHEN aside = $9 THEN NULL ELSE aside END
      WHERE org_id = $1 AND sink_id = $2 AND next = $3 AND checkpoint = $4 AND held_by = $10",
);

pub(crate) const FAIL: Statement = Statement::new(
    "note that a sink failed",
    "UPDATE streams_position
        SET failures = failures + 1, try_at = $5, why = $6, failed_at = $7
      WHERE org_id = $1 AND sink_id = $2 AND next = $3 AND checkpoint = $4 AND held_by = $8",
);

pub(crate) const BLOCK: Statement = Statement::new(
    "note what a sink refused",
    "UPDATE streams_position SET blocked = $5, why = $6, failed_at = $7
      WHERE org_id = $1 AND sink_id = $2 AND next = $3 AND checkpoint = $4 AND blocked IS NULL
        AND held_by = $8",
);

/// What a sink said may quote events of anybody.
pub(crate) const SAID: Statement = Statement::new(
    "count what sinks said",
    "SELECT COUNT(*) AS rows FROM streams_position WHERE org_id = $1 AND why IS NOT NULL",
);

pub(crate) const CLEAR: Statement = Statement::new(
    "clear what sinks said",
    "UPDATE streams_position SET why = NULL WHERE org_id = $1 AND why IS NOT NULL",
);

/// No answer to what was sent before is noted, and nothing more is sent of what was read before.
pub(crate) const SUPERSEDE_ALL: Statement = Statement::new(
    "take the turns of an org's sinks from whoever has them",
    "UPDATE streams_position SET held_by = NULL, held_until = NULL
      WHERE org_id = $1 AND held_by IS NOT NULL",
);

pub(crate) const MEND: Statement = Statement::new(
    "let a sink be tried again",
    "UPDATE streams_position
        SET blocked = NULL, failures = 0, try_at = $3, why = NULL, failed_at = NULL
      WHERE org_id = $1 AND sink_id = $2",
);

/// The same of one.
pub(crate) const SUPERSEDE: Statement = Statement::new(
    "take the turn of a sink from whoever has it",
    "UPDATE streams_position SET held_by = NULL, held_until = NULL
      WHERE org_id = $1 AND sink_id = $2",
);

pub(crate) const SET_ASIDE: Statement = Statement::new(
    "set aside what a sink refused",
    "UPDATE streams_position
        SET aside = blocked, blocked = NULL, failures = 0, try_at = $4
      WHERE org_id = $1 AND sink_id = $2 AND blocked = $3",
);

/// Back, and never on: nothing that it lacks is passed over, checkpoints included.
pub(crate) const REPLAY: Statement = Statement::new(
    "set a sink back",
    "UPDATE streams_position
        SET next = $3, checkpoint = CASE WHEN checkpoint < $3 THEN checkpoint ELSE $3 END,
            aside = NULL, blocked = NULL, failures = 0, try_at = $4, why = NULL,
            failed_at = NULL
      WHERE org_id = $1 AND sink_id = $2 AND next >= $3",
);

/// For the tests that prepare every statement on each engine.
pub const STATEMENTS: &[Statement] = &[
    LIST,
    ONE,
    ALL,
    ADD,
    ADD_POSITION,
    TURN,
    COUNT,
    TAKE,
    CHANGE,
    REMOVE,
    REMOVE_POSITION,
    CLAIM,
    RENEW,
    RELEASE,
    ADVANCE,
    FAIL,
    BLOCK,
    SAID,
    CLEAR,
    SUPERSEDE_ALL,
    MEND,
    SUPERSEDE,
    SET_ASIDE,
    REPLAY,
];

/// For the same tests.
pub const BATCHES: &[Batch] = &[];
