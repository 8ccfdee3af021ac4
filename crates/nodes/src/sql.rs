//! Every statement of this room. News are of an org, which is `$1`; who serves a region is
//! of no org.

use base::db::{Batch, Migration, Statement};

/// This room's steps.
pub const MIGRATIONS: &[Migration] =
    &[Migration::both("nodes/0001_node", include_str!("../migrations/0001_node.sql"))];

/// Of a node that serves; nothing is written when others took it for dead.
pub(crate) const TELL: Statement = Statement::new(
    "tell other nodes of a change",
    "INSERT INTO nodes_news (org_id, room, instance, version, at)
     SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), m.instance, 1, CAST($4 AS BIGINT)
       FROM nodes_member m WHERE m.instance = $3 AND m.dead_at IS NULL
     ON CONFLICT (org_id, room, instance) DO UPDATE
        SET version = nodes_news.version + 1,
            at = CASE WHEN excluded.at > nodes_news.at THEN excluded.at
                      ELSE nodes_news.at + 1 END",
);

/// Of a command.
pub(crate) const TELL_BESIDE: Statement = Statement::new(
    "tell the nodes of a change",
    "INSERT INTO nodes_news (org_id, room, instance, version, at)
     VALUES ($1, $2, $3, 1, $4)
     ON CONFLICT (org_id, room, instance) DO UPDATE
        SET version = nodes_news.version + 1,
            at = CASE WHEN excluded.at > nodes_news.at THEN excluded.at
                      ELSE nodes_news.at + 1 END",
);

/// Of all orgs of the region: for the node's own work.
pub(crate) const NEWS: Statement = Statement::new(
    "read what another node changed",
    "SELECT org_id, room, version, at FROM nodes_news
      WHERE instance = $1 AND (at > $2 OR (at = $2 AND (org_id, room) > ($3, $4)))
      ORDER BY at, org_id, room LIMIT 500",
);

/// Where a node that starts begins to listen: it remembers nothing from before.
pub(crate) const NEWEST: Statement = Statement::new(
    "look how far the news of a node go",
    "SELECT at FROM nodes_news WHERE org_id > '' AND instance = $1 ORDER BY at DESC LIMIT 1",
);

/// Of all orgs of the region. A writer is silent and gone.
pub(crate) const NEWS_DROP: Statement = Statement::new(
    "drop the news of a node that is gone",
    "DELETE FROM nodes_news WHERE org_id > '' AND instance = $1",
);

/// Held until the commit, so that whoever tidies up waits and sees it.
pub(crate) const WRITER: Statement = Statement::new(
    "say that there are news",
    "INSERT INTO nodes_writer (instance, at) VALUES ($1, $2)
     ON CONFLICT (instance) DO UPDATE SET at = excluded.at",
);

pub(crate) const WRITERS: Statement = Statement::new(
    "look whose news there are",
    "SELECT instance, at FROM nodes_writer WHERE instance > $1 ORDER BY instance LIMIT 1000",
);

pub(crate) const WRITER_DROP: Statement = Statement::new(
    "forget whose news there were",
    "DELETE FROM nodes_writer WHERE instance = $1 AND at = $2
        AND NOT EXISTS (SELECT 1 FROM nodes_member m WHERE m.instance = $1)",
);

pub(crate) const MEMBERS: Statement = Statement::new(
    "look who serves a region",
    "SELECT instance, node, version, beats, behind_ms, started_at, draining_at, dead_at
       FROM nodes_member ORDER BY node LIMIT 1000",
);

/// One node of a name: whoever has it keeps it.
pub(crate) const JOIN: Statement = Statement::new(
    "begin to serve a region",
    "INSERT INTO nodes_member
        (instance, node, version, beats, behind_ms, started_at, draining_at, dead_at)
     VALUES ($1, $2, $3, 0, 0, $4, NULL, NULL)
     ON CONFLICT (node) DO NOTHING",
);

pub(crate) const BEAT: Statement = Statement::new(
    "say that a node lives",
    "UPDATE nodes_member SET beats = beats + 1, behind_ms = $2, draining_at = $3
      WHERE instance = $1 AND dead_at IS NULL",
);

/// Of one that was seen silent since this beat.
pub(crate) const DECLARE: Statement = Statement::new(
    "take a node for dead",
    "UPDATE nodes_member SET dead_at = $3
      WHERE instance = $1 AND beats = $2 AND dead_at IS NULL",
);

pub(crate) const STILL_DEAD: Statement = Statement::new(
    "look whether a node is still to be buried",
    "SELECT instance FROM nodes_member WHERE instance = $1 AND dead_at IS NOT NULL",
);

pub(crate) const STILL_ALIVE: Statement = Statement::new(
    "look whether this node was taken for dead",
    "SELECT instance FROM nodes_member WHERE instance = $1 AND dead_at IS NULL",
);

pub(crate) const BURY: Statement = Statement::new(
    "forget a node that died",
    "DELETE FROM nodes_member WHERE instance = $1 AND dead_at IS NOT NULL",
);

/// Not of one that others took for dead: they still close its calls.
pub(crate) const LEAVE: Statement = Statement::new(
    "stop serving a region",
    "DELETE FROM nodes_member WHERE instance = $1 AND dead_at IS NULL",
);

/// For the tests that prepare every statement on each engine: those about an org.
pub const STATEMENTS: &[Statement] = &[TELL, TELL_BESIDE, NEWS, NEWEST, NEWS_DROP];

/// For the same tests: those about the region itself.
pub const OF_THE_REGION: &[Statement] = &[
    WRITER,
    WRITERS,
    WRITER_DROP,
    MEMBERS,
    JOIN,
    BEAT,
    DECLARE,
    STILL_DEAD,
    STILL_ALIVE,
    BURY,
    LEAVE,
];

/// For the same tests.
pub const BATCHES: &[Batch] = &[];
