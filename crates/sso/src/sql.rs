//! Every statement of this room. `$1` is always the org.

use base::db::{Batch, Migration, Statement};

/// This room's steps.
pub const MIGRATIONS: &[Migration] =
    &[Migration::both("sso/0001_connection", include_str!("../migrations/0001_connection.sql"))];

macro_rules! connection {
    ($tail:literal) => {
        concat!(
            "SELECT connection_id, kind, guide, name, state, provider, source, client_id,
                    client_secret, keys, policy, mapping, vouched, created_at, changed_at,
                    tested_at, refreshed_at, fault, warned_days, version
               FROM sso_connection WHERE org_id = $1 ",
            $tail
        )
    };
}

pub(crate) const ONE: Statement =
    Statement::new("look up a connection", connection!("AND connection_id = $2"));

pub(crate) const LIST: Statement = Statement::new(
    "list connections",
    connection!("AND connection_id > $2 ORDER BY connection_id LIMIT $3"),
);

/// Those that people can sign in through.
pub(crate) const ACTIVE: Statement = Statement::new(
    "list active connections",
    connection!("AND state = 'active' ORDER BY connection_id LIMIT $2"),
);

pub(crate) const COUNT: Statement = Statement::new(
    "count connections",
    "SELECT COUNT(*) AS connections FROM sso_connection WHERE org_id = $1",
);

pub(crate) const ADD: Statement = Statement::new(
    "add a connection",
    "INSERT INTO sso_connection (org_id, connection_id, kind, guide, name, state, source,
        client_id, client_secret, keys, policy, mapping, vouched, created_at, changed_at, version)
     VALUES ($1, $2, $3, $4, $5, 'draft', $6, $7, $8, $9, $10, $11, $12, $13, $13, 1)",
);

/// What an admin decides. Only if nobody changed it since it was read.
pub(crate) const CHANGE: Statement = Statement::new(
    "change a connection",
    "UPDATE sso_connection
        SET name = $3, state = $4, source = $5, client_id = $6, client_secret = $7, keys = $8,
            policy = $9, mapping = $10, vouched = $11, changed_at = $12, tested_at = $13,
            version = version + 1
      WHERE org_id = $1 AND connection_id = $2 AND version = $14",
);

/// What was read of the provider.
pub(crate) const PROVIDER: Statement = Statement::new(
    "keep what was read of an identity provider",
    "UPDATE sso_connection
        SET provider = $3, source = $4, refreshed_at = $5, refresh_at = $6, fault = NULL,
            warned_days = NULL, vouched = $7, version = version + 1
      WHERE org_id = $1 AND connection_id = $2 AND version = $8",
);

/// It could not be read, or is as it was. What was read before stays.
pub(crate) const TRIED: Statement = Statement::new(
    "note that an identity provider was asked",
    "UPDATE sso_connection SET refreshed_at = $3, refresh_at = $4, fault = $5
      WHERE org_id = $1 AND connection_id = $2",
);

pub(crate) const WARNED: Statement = Statement::new(
    "note a warning about a certificate",
    "UPDATE sso_connection SET warned_days = $3 WHERE org_id = $1 AND connection_id = $2",
);

pub(crate) const TESTED: Statement = Statement::new(
    "note a test sign-in",
    "UPDATE sso_connection
        SET tested_at = $3, state = CASE WHEN state = 'draft' THEN 'tested' ELSE state END
      WHERE org_id = $1 AND connection_id = $2",
);

pub(crate) const REMOVE: Statement = Statement::new(
    "remove a connection",
    "DELETE FROM sso_connection WHERE org_id = $1 AND connection_id = $2",
);

pub(crate) const FLOWS_DROP: Statement = Statement::new(
    "drop the sign-ins of a connection",
    "DELETE FROM sso_flow WHERE org_id = $1 AND connection_id = $2",
);

pub(crate) const SEEN_DROP: Statement = Statement::new(
    "drop what a connection has seen",
    "DELETE FROM sso_seen WHERE org_id = $1 AND connection_id = $2",
);

pub(crate) const CAPTURED_DROP: Statement = Statement::new(
    "drop the last test of a connection",
    "DELETE FROM sso_captured WHERE org_id = $1 AND connection_id = $2",
);

pub(crate) const IDENTITIES_DROP: Statement = Statement::new(
    "drop whom a connection means",
    "DELETE FROM sso_identity WHERE org_id = $1 AND connection_id = $2",
);

pub(crate) const VISITS_DROP: Statement = Statement::new(
    "drop the visits of a connection",
    "DELETE FROM sso_visit WHERE org_id = $1 AND connection_id = $2",
);

pub(crate) const FLOW_ADD: Statement = Statement::new(
    "begin a sign-in",
    "INSERT INTO sso_flow (org_id, token, connection_id, stage, browser, body, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)",
);

pub(crate) const FLOW_ONE: Statement = Statement::new(
    "look up a sign-in",
    "SELECT browser, body FROM sso_flow
      WHERE org_id = $1 AND token = $2 AND connection_id = $3 AND stage = $4 AND expires_at > $5",
);

/// Gives it to one asker alone: only if its browser is this one.
pub(crate) const FLOW_TAKE: Statement = Statement::new(
    "take a sign-in",
    "DELETE FROM sso_flow
      WHERE org_id = $1 AND token = $2 AND connection_id = $3 AND stage = $4 AND browser = $5
     RETURNING body",
);

pub(crate) const SEEN_ADD: Statement = Statement::new(
    "note what was accepted",
    "INSERT INTO sso_seen (org_id, connection_id, tag, expires_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (org_id, connection_id, tag) DO NOTHING",
);

pub(crate) const CAPTURE: Statement = Statement::new(
    "keep the last test of a connection",
    "INSERT INTO sso_captured (org_id, connection_id, body, captured_at, expires_at)
     VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (org_id, connection_id) DO UPDATE
        SET body = excluded.body, captured_at = excluded.captured_at,
            expires_at = excluded.expires_at",
);

pub(crate) const CAPTURED: Statement = Statement::new(
    "read the last test of a connection",
    "SELECT body, captured_at FROM sso_captured
      WHERE org_id = $1 AND connection_id = $2 AND expires_at > $3",
);

pub(crate) const IDENTITY: Statement = Statement::new(
    "look up whom a provider means",
    "SELECT member_id FROM sso_identity
      WHERE org_id = $1 AND connection_id = $2 AND subject = $3",
);

/// Whoever was meant first stays meant, until they were removed.
pub(crate) const IDENTITY_ADD: Statement = Statement::new(
    "note whom a provider means",
    "INSERT INTO sso_identity (org_id, connection_id, subject, member_id, created_at)
     VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (org_id, connection_id, subject) DO UPDATE
     SET member_id = excluded.member_id, created_at = excluded.created_at
     WHERE sso_identity.member_id = $6",
);

/// Whether a member comes through a connection already, by whatever subject.
pub(crate) const IDENTITY_OF: Statement = Statement::new(
    "look up how a provider means a member",
    "SELECT subject FROM sso_identity
      WHERE org_id = $1 AND connection_id = $2 AND member_id = $3 LIMIT 1",
);

pub(crate) const VISIT_ADD: Statement = Statement::new(
    "note a visit",
    "INSERT INTO sso_visit (org_id, session_id, connection_id, body, expires_at)
     VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (org_id, session_id) DO NOTHING",
);

pub(crate) const VISIT: Statement = Statement::new(
    "look up a visit",
    "SELECT connection_id, body FROM sso_visit WHERE org_id = $1 AND session_id = $2",
);

/// Connections that are to be read again, of every org of this node's database: never for
/// a request.
pub(crate) const DUE: Statement = Statement::new(
    "look for connections to be read again",
    "SELECT org_id, connection_id FROM sso_connection
      WHERE (org_id, connection_id) > ($1, $2) AND refresh_at <= $3 AND state <> 'off'
      ORDER BY org_id, connection_id LIMIT 100",
);

/// Connections whose certificates are looked at: never for a request.
pub(crate) const EVERY: Statement = Statement::new(
    "read every connection",
    "SELECT org_id, connection_id FROM sso_connection
      WHERE (org_id, connection_id) > ($1, $2) AND kind = 'saml' AND state <> 'off'
      ORDER BY org_id, connection_id LIMIT 100",
);

macro_rules! expired {
    ($table:literal) => {
        Statement::new(
            "forget what has expired",
            concat!("DELETE FROM ", $table, " WHERE org_id <> $1 AND expires_at <= $2"),
        )
    };
}

/// What has expired, of every org: `$1` names none.
pub(crate) const EXPIRED: [Statement; 4] =
    [expired!("sso_flow"), expired!("sso_seen"), expired!("sso_captured"), expired!("sso_visit")];

/// For the tests that prepare every statement on each engine.
pub const STATEMENTS: &[Statement] = &[
    crate::keeper::LINKED,
    crate::keeper::ERASE_LINKED,
    crate::keeper::CAPTURED,
    crate::keeper::ERASE_CAPTURED,
    crate::keeper::VISIT,
    crate::keeper::ERASE_VISIT,
    ONE,
    LIST,
    ACTIVE,
    COUNT,
    ADD,
    CHANGE,
    PROVIDER,
    TRIED,
    WARNED,
    TESTED,
    REMOVE,
    FLOWS_DROP,
    SEEN_DROP,
    CAPTURED_DROP,
    IDENTITIES_DROP,
    VISITS_DROP,
    FLOW_ADD,
    FLOW_ONE,
    FLOW_TAKE,
    SEEN_ADD,
    CAPTURE,
    CAPTURED,
    IDENTITY,
    IDENTITY_ADD,
    IDENTITY_OF,
    VISIT_ADD,
    VISIT,
    DUE,
    EVERY,
    EXPIRED[0],
    EXPIRED[1],
    EXPIRED[2],
    EXPIRED[3],
];

/// For the same tests.
pub const BATCHES: &[Batch] = &[];
