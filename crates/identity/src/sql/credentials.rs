//! Keys, sessions and password links.

use base::db::Statement;

pub(crate) const KEY_ADD: Statement = Statement::new(
    "add a key",
    "INSERT INTO identity_key
        (org_id, key_id, owner_kind, owner_id, name, tag, roles, models, addresses, replaces,
         created_at, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
);

pub(crate) const KEY_ONE: Statement = Statement::new(
    "look up a key",
    "SELECT key_id, owner_id, name, roles, models, addresses, replaces, created_at, expires_at,
            revoked_at, last_used_at
       FROM identity_key WHERE org_id = $1 AND key_id = $2",
);

pub(crate) const KEY_PAGE: Statement = Statement::new(
    "list keys",
    "SELECT key_id, owner_id, name, roles, models, addresses, replaces, created_at, expires_at,
            revoked_at, last_used_at
       FROM identity_key WHERE org_id = $1 AND key_id > $2 ORDER BY key_id LIMIT $3",
);

pub(crate) const KEY_PAGE_OF_OWNER: Statement = Statement::new(
    "list the keys of an owner",
    "SELECT key_id, owner_id, name, roles, models, addresses, replaces, created_at, expires_at,
            revoked_at, last_used_at
       FROM identity_key
      WHERE org_id = $1 AND key_id > $2 AND owner_id = $4 ORDER BY key_id LIMIT $3",
);

/// Keys that ended before `$3` are not read: they are simply unknown.
pub(crate) const KEY_CHUNK: Statement = Statement::new(
    "read the keys of an org",
    "SELECT key_id, owner_id, name, tag, roles, models, addresses, replaces, expires_at,
            revoked_at
       FROM identity_key
      WHERE org_id = $1 AND key_id > $2
        AND (revoked_at IS NULL OR revoked_at > $3)
        AND (expires_at IS NULL OR expires_at > $3)
      ORDER BY key_id LIMIT 1000",
);

pub(crate) const KEYS_LIVE: Statement = Statement::new(
    "count the keys of an owner",
    "SELECT CAST(COUNT(*) AS BIGINT) AS live FROM identity_key
      WHERE org_id = $1 AND owner_id = $2 AND revoked_at IS NULL
        AND (expires_at IS NULL OR expires_at > $3)",
);

/// The key that this one was rotated to, if that lives.
pub(crate) const KEY_SUCCESSOR: Statement = Statement::new(
    "look for the successor of a key",
    "SELECT key_id FROM identity_key
      WHERE org_id = $1 AND replaces = $2 AND revoked_at IS NULL
        AND (expires_at IS NULL OR expires_at > $3) LIMIT 1",
);

pub(crate) const KEY_EXPIRE: Statement = Statement::new(
    "let a key expire",
    "UPDATE identity_key SET expires_at = $3
      WHERE org_id = $1 AND key_id = $2 AND (expires_at IS NULL OR expires_at > $3)",
);

pub(crate) const KEY_REVOKE: Statement = Statement::new(
    "revoke a key",
    "UPDATE identity_key SET revoked_at = $3
      WHERE org_id = $1 AND key_id = $2 AND revoked_at IS NULL",
);

pub(crate) const KEYS_REVOKE: Statement = Statement::new(
    "revoke the keys of an owner",
    "UPDATE identity_key SET revoked_at = $3
      WHERE org_id = $1 AND owner_id = $2 AND revoked_at IS NULL",
);

pub(crate) const KEY_SEEN: Statement = Statement::new(
    "note when a key was used",
    "UPDATE identity_key SET last_used_at = $3
      WHERE org_id = $1 AND key_id = $2 AND (last_used_at IS NULL OR last_used_at < $3)",
);

pub(crate) const SESSION_ADD: Statement = Statement::new(
    "add a session",
    "INSERT INTO identity_session
        (org_id, session_id, member_id, tag, created_at, seen_at, expires_at, ip, user_agent,
         method, factor_at, connection, vouched, subject, session_index)
     VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
);

pub(crate) const SESSION_BY_TAG: Statement = Statement::new(
    "look up a session",
    "SELECT session_id, member_id, tag, created_at, seen_at, expires_at, revoked_at, ip, user_agent,
            method, factor_at, vouched,
            (SELECT o.version FROM identity_org o WHERE o.org_id = $1) AS org_version
       FROM identity_session WHERE org_id = $1 AND tag = $2",
);

pub(crate) const SESSION_PAGE: Statement = Statement::new(
    "list sessions",
    "SELECT session_id, member_id, tag, created_at, seen_at, expires_at, revoked_at, ip, user_agent,
            method, factor_at
       FROM identity_session
      WHERE org_id = $1 AND member_id = $2 AND session_id > $3
        AND revoked_at IS NULL AND expires_at > $4 AND seen_at > $5 AND created_at > $6
      ORDER BY session_id LIMIT $7",
);

/// Sessions that [`SESSIONS_OPEN`] is asked about at once.
pub(crate) const SESSIONS_ASKED: usize = 32;

/// Those of the sessions that were not ended.
pub(crate) const SESSIONS_OPEN: Statement = Statement::new(
    "ask which sessions were ended",
    "SELECT session_id FROM identity_session
      WHERE org_id = $1 AND revoked_at IS NULL AND session_id IN (
            $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
            $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26,
            $27, $28, $29, $30, $31, $32, $33)",
);

/// The live sessions of everybody, the newest first; an empty `$2` begins there.
pub(crate) const SESSION_PAGE_OF_ALL: Statement = Statement::new(
    "list the sessions of an org",
    "SELECT session_id, member_id, tag, created_at, seen_at, expires_at, revoked_at, ip, user_agent,
            method, factor_at
       FROM identity_session
      WHERE org_id = $1 AND ($2 = '' OR session_id < $2)
        AND revoked_at IS NULL AND expires_at > $3 AND seen_at > $4 AND created_at > $5
      ORDER BY session_id DESC LIMIT $6",
);

pub(crate) const SESSION_ONE: Statement = Statement::new(
    "look up a session of the org",
    "SELECT session_id, member_id, tag, created_at, seen_at, expires_at, revoked_at, ip, user_agent,
            method, factor_at
       FROM identity_session WHERE org_id = $1 AND session_id = $2",
);

/// All of the org but one; an empty `$2` spares none.
pub(crate) const SESSIONS_REVOKE_ALL: Statement = Statement::new(
    "end the sessions of an org",
    "UPDATE identity_session SET revoked_at = $3
      WHERE org_id = $1 AND session_id <> $2 AND revoked_at IS NULL AND expires_at > $3",
);

/// All of the org but one; an empty `$2` spares none.
pub(crate) const KEYS_REVOKE_ALL: Statement = Statement::new(
    "revoke the keys of an org",
    "UPDATE identity_key SET revoked_at = $3
      WHERE org_id = $1 AND key_id <> $2 AND revoked_at IS NULL
        AND (expires_at IS NULL OR expires_at > $3)",
);

pub(crate) const SESSION_REVOKE: Statement = Statement::new(
    "end a session",
    "UPDATE identity_session SET revoked_at = $4
      WHERE org_id = $1 AND member_id = $2 AND session_id = $3 AND revoked_at IS NULL",
);

/// All of a member but one; an empty `$3` spares none.
pub(crate) const SESSIONS_REVOKE: Statement = Statement::new(
    "end the sessions of a member",
    "UPDATE identity_session SET revoked_at = $4
      WHERE org_id = $1 AND member_id = $2 AND session_id <> $3 AND revoked_at IS NULL",
);

/// Those that an identity provider began; an absent `$3` or `$4` is any.
pub(crate) const SESSIONS_OF_CONNECTION_REVOKE: Statement = Statement::new(
    "end the sessions of an identity provider",
    "UPDATE identity_session SET revoked_at = $5
      WHERE org_id = $1 AND connection = $2 AND revoked_at IS NULL
        AND (CAST($3 AS TEXT) IS NULL OR subject = $3)
        AND (CAST($4 AS TEXT) IS NULL OR session_index = $4)",
);

/// Ends all but the newest twenty.
pub(crate) const SESSIONS_SURPLUS: Statement = Statement::new(
    "end the oldest sessions of a member",
    "UPDATE identity_session SET revoked_at = $3
      WHERE org_id = $1 AND member_id = $2 AND revoked_at IS NULL AND session_id NOT IN (
            SELECT session_id FROM identity_session
             WHERE org_id = $1 AND member_id = $2 AND revoked_at IS NULL
             ORDER BY session_id DESC LIMIT 20)",
);

pub(crate) const SESSIONS_FORGET: Statement = Statement::new(
    "forget the sessions that ended long ago",
    "DELETE FROM identity_session WHERE org_id = $1 AND member_id = $2 AND expires_at < $3",
);

pub(crate) const SESSION_SEEN: Statement = Statement::new(
    "note when a session was used",
    "UPDATE identity_session SET seen_at = $3
      WHERE org_id = $1 AND session_id = $2 AND seen_at < $3",
);

/// A new link takes the place of the old one.
pub(crate) const PASSWORD_LINK_PUT: Statement = Statement::new(
    "make a password link",
    "INSERT INTO identity_password_link
        (org_id, member_id, tag, permissions, created_at, expires_at, made_by)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (org_id, member_id) DO UPDATE SET tag = excluded.tag,
        permissions = excluded.permissions, created_at = excluded.created_at,
        expires_at = excluded.expires_at, made_by = excluded.made_by",
);

pub(crate) const PASSWORD_LINK_BY_TAG: Statement = Statement::new(
    "look up a password link",
    "SELECT member_id, permissions, made_by, expires_at, CAST(NULL AS BIGINT) AS used_at
       FROM identity_password_link
      WHERE org_id = $1 AND tag = $2",
);

pub(crate) const PASSWORD_LINK_USE: Statement = Statement::new(
    "use up a password link",
    "DELETE FROM identity_password_link WHERE org_id = $1 AND tag = $2",
);

pub(crate) const PASSWORD_LINKS_DROP: Statement = Statement::new(
    "withdraw the password links for and by a member",
    "DELETE FROM identity_password_link WHERE org_id = $1 AND (member_id = $2 OR made_by = $2)",
);

pub(crate) const PASSWORD_LINK_DROP: Statement = Statement::new(
    "withdraw the password link of a member",
    "DELETE FROM identity_password_link WHERE org_id = $1 AND member_id = $2",
);

pub(crate) const PASSWORD_LINKS_DROP_ALL: Statement = Statement::new(
    "withdraw the password links of an org",
    "DELETE FROM identity_password_link WHERE org_id = $1",
);
