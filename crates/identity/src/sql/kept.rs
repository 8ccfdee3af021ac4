//! Statements on what is held of a person, for exports and erasures.

use base::db::Statement;

pub(crate) const KEPT_MEMBER: Statement = Statement::new(
    "count the names of a person",
    "SELECT COUNT(*) AS rows FROM identity_member WHERE org_id = $1 AND member_id = $2
        AND (name <> '' OR email <> '' OR password_hash IS NOT NULL)",
);

pub(crate) const ERASE_MEMBER: Statement = Statement::new(
    "erase the names of a person",
    "UPDATE identity_member SET name = '', email = '', password_hash = NULL
      WHERE org_id = $1 AND member_id = $2 AND state = 'removed'
        AND (name <> '' OR email <> '' OR password_hash IS NOT NULL)",
);

pub(crate) const KEPT_KEYS: Statement = Statement::new(
    "count the keys of a person",
    "SELECT COUNT(*) AS rows FROM identity_key WHERE org_id = $1 AND owner_kind = 'member' AND owner_id = $2",
);

pub(crate) const ERASE_KEYS: Statement = Statement::new(
    "erase the keys of a person",
    "DELETE FROM identity_key WHERE org_id = $1 AND owner_kind = 'member' AND owner_id = $2",
);

pub(crate) const KEPT_SESSIONS: Statement = Statement::new(
    "count the sessions of a person",
    "SELECT COUNT(*) AS rows FROM identity_session WHERE org_id = $1 AND member_id = $2",
);

pub(crate) const ERASE_SESSIONS: Statement = Statement::new(
    "erase the sessions of a person",
    "DELETE FROM identity_session WHERE org_id = $1 AND member_id = $2",
);

pub(crate) const KEPT_PASSKEYS: Statement = Statement::new(
    "count the passkeys of a person",
    "SELECT COUNT(*) AS rows FROM identity_passkey WHERE org_id = $1 AND member_id = $2",
);

pub(crate) const ERASE_PASSKEYS: Statement = Statement::new(
    "erase the passkeys of a person",
    "DELETE FROM identity_passkey WHERE org_id = $1 AND member_id = $2",
);

pub(crate) const KEPT_APPS: Statement = Statement::new(
    "count the authenticator apps of a person",
    "SELECT COUNT(*) AS rows FROM identity_authenticator WHERE org_id = $1 AND member_id = $2",
);

pub(crate) const ERASE_APPS: Statement = Statement::new(
    "erase the authenticator apps of a person",
    "DELETE FROM identity_authenticator WHERE org_id = $1 AND member_id = $2",
);

pub(crate) const KEPT_CODES: Statement = Statement::new(
    "count the recovery codes of a person",
    "SELECT COUNT(*) AS rows FROM identity_recovery_code WHERE org_id = $1 AND member_id = $2",
);

pub(crate) const ERASE_CODES: Statement = Statement::new(
    "erase the recovery codes of a person",
    "DELETE FROM identity_recovery_code WHERE org_id = $1 AND member_id = $2",
);

pub(crate) const KEPT_INVITATIONS: Statement = Statement::new(
    "count the invitations of a person",
    "SELECT COUNT(*) AS rows FROM identity_invitation WHERE org_id = $1 AND member_id = $2",
);

pub(crate) const ERASE_INVITATIONS: Statement = Statement::new(
    "erase the invitations of a person",
    "DELETE FROM identity_invitation WHERE org_id = $1 AND member_id = $2",
);

pub(crate) const KEPT_LINKS: Statement = Statement::new(
    "count the password links of a person",
    "SELECT COUNT(*) AS rows FROM identity_password_link WHERE org_id = $1 AND member_id = $2",
);

pub(crate) const ERASE_LINKS: Statement = Statement::new(
    "erase the password links of a person",
    "DELETE FROM identity_password_link WHERE org_id = $1 AND member_id = $2",
);

pub(crate) const KEPT_GRANTS: Statement = Statement::new(
    "count the grants of a person",
    "SELECT COUNT(*) AS rows FROM identity_grant WHERE org_id = $1 AND subject_kind = 'member' AND subject_id = $2",
);

pub(crate) const ERASE_GRANTS: Statement = Statement::new(
    "erase the grants of a person",
    "DELETE FROM identity_grant WHERE org_id = $1 AND subject_kind = 'member' AND subject_id = $2",
);

pub(crate) const KEPT_TEAMS: Statement = Statement::new(
    "count the teams of a person",
    "SELECT COUNT(*) AS rows FROM identity_team_member WHERE org_id = $1 AND member_id = $2",
);

pub(crate) const ERASE_TEAMS: Statement = Statement::new(
    "erase the teams of a person",
    "DELETE FROM identity_team_member WHERE org_id = $1 AND member_id = $2",
);

pub(crate) const KEPT_SETUPS: Statement = Statement::new(
    "count the setup links of a person",
    "SELECT COUNT(*) AS rows FROM identity_setup
      WHERE org_id = $1 AND (made_by = $2 OR setup_id = $2)",
);

pub(crate) const SETUP_GUEST: Statement = Statement::new(
    "look up the guest of a setup link",
    "SELECT expires_at, ended_at FROM identity_setup WHERE org_id = $1 AND setup_id = $2",
);

/// Members and guests alike: ids of two kinds, each once.
pub(crate) const PEOPLE_BEHIND: Statement = Statement::new(
    "list the people of an org",
    "SELECT id FROM (
        SELECT member_id AS id FROM identity_member WHERE org_id = $1
        UNION ALL
        SELECT setup_id AS id FROM identity_setup WHERE org_id = $1
     ) people WHERE id > $2 ORDER BY id LIMIT 1000",
);

pub(crate) const MEMBER_OUT: Statement = Statement::new(
    "turn out a member who was erased",
    "UPDATE identity_member SET state = 'removed' WHERE org_id = $1 AND member_id = $2",
);

pub(crate) const GUEST_OUT: Statement = Statement::new(
    "end the setup link of a guest who was erased",
    "UPDATE identity_setup SET ended_at = $3
      WHERE org_id = $1 AND setup_id = $2 AND ended_at IS NULL",
);

pub(crate) const THINGS_OF: Statement = Statement::new(
    "list the keys and sessions of a person",
    "SELECT id FROM (
        SELECT key_id AS id FROM identity_key
         WHERE org_id = $1 AND owner_kind = 'member' AND owner_id = $2
        UNION ALL SELECT session_id AS id FROM identity_session
         WHERE org_id = $1 AND member_id = $2
        UNION ALL SELECT passkey_id AS id FROM identity_passkey
         WHERE org_id = $1 AND member_id = $2) AS things
      ORDER BY id LIMIT 100000",
);

pub(crate) const EXPORT_MEMBER: Statement = Statement::new(
    "read a person",
    "SELECT member_id, name, email, role, state, created_at FROM identity_member
      WHERE org_id = $1 AND member_id = $2",
);

pub(crate) const EXPORT_KEYS: Statement = Statement::new(
    "read the keys of a person",
    "SELECT key_id, name, addresses, created_at, expires_at, revoked_at, last_used_at
       FROM identity_key WHERE org_id = $1 AND owner_kind = 'member' AND owner_id = $2
      ORDER BY key_id LIMIT 10001",
);

pub(crate) const EXPORT_SESSIONS: Statement = Statement::new(
    "read the sessions of a person",
    "SELECT session_id, ip, user_agent, method, created_at, seen_at
       FROM identity_session WHERE org_id = $1 AND member_id = $2
      ORDER BY session_id LIMIT 10001",
);

pub(crate) const EXPORT_PASSKEYS: Statement = Statement::new(
    "read the passkeys of a person",
    "SELECT passkey_id, name, created_at, last_used_at
       FROM identity_passkey WHERE org_id = $1 AND member_id = $2
      ORDER BY passkey_id LIMIT 10001",
);

/// Whoever is a member comes first: they must be removed before anybody of this address is
/// erased.
pub(crate) const MEMBER_CALLED: Statement = Statement::new(
    "look up a person by e-mail address",
    "SELECT member_id, email, name, role, state, created_at FROM identity_member
      WHERE org_id = $1 AND email = $2
      ORDER BY CASE WHEN state = 'removed' THEN 1 ELSE 0 END, member_id DESC LIMIT 1",
);
