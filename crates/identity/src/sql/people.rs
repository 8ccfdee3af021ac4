//! Orgs, members, invitations, teams and service accounts.

use base::db::Statement;

pub(crate) const ORG_ADD: Statement = Statement::new(
    "add an org",
    "INSERT INTO identity_org (org_id, name, slug, region, version, created_at)
     VALUES ($1, $2, $3, $4, 1, $5)",
);

/// Locks the org until the commit: changes of one org happen one after another,
/// so what a change has checked stays true until it is done.
pub(crate) const ORG_BUMP: Statement = Statement::new(
    "begin a change of an org",
    "UPDATE identity_org SET version = version + 1 WHERE org_id = $1 RETURNING version",
);

pub(crate) const ORG_READ: Statement = Statement::new(
    "read an org",
    "SELECT org_id, name, slug, region, version, created_at, session_lifetime_secs,
            session_idle_secs, console_addresses, key_addresses, factors_required_at,
            factors_also_sso_at, sso_enforced_at, unrecorded_journal_at
       FROM identity_org WHERE org_id = $1",
);

pub(crate) const ORG_SETTINGS: Statement = Statement::new(
    "change the settings of an org",
    "UPDATE identity_org SET session_lifetime_secs = $2, session_idle_secs = $3,
            console_addresses = $4, key_addresses = $5, factors_required_at = $6,
            factors_also_sso_at = $7, unrecorded_journal_at = $8
      WHERE org_id = $1",
);

/// Orgs whose calls go on while the record is away: for the node itself, never for a request.
pub(crate) const ORG_JOURNALS: Statement = Statement::new(
    "look for orgs that go on without the database",
    "SELECT org_id, version FROM identity_org
      WHERE org_id > $1 AND unrecorded_journal_at IS NOT NULL ORDER BY org_id LIMIT 1000",
);

pub(crate) const ORG_RENAME: Statement =
    Statement::new("rename an org", "UPDATE identity_org SET name = $2 WHERE org_id = $1");

/// All orgs of this node's database: never for a request.
pub(crate) const ORG_VERSIONS: Statement = Statement::new(
    "read the versions of orgs",
    "SELECT org_id, version FROM identity_org WHERE org_id > $1 ORDER BY org_id LIMIT 1000",
);

/// Orgs that [`ORG_VERSIONS_OF`] is asked about at once.
pub(crate) const ORGS_ASKED: usize = 64;

pub(crate) const ORG_VERSIONS_OF: Statement = Statement::new(
    "look whether orgs changed",
    "SELECT org_id, version FROM identity_org
      WHERE org_id IN (
            $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
            $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35,
            $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51, $52,
            $53, $54, $55, $56, $57, $58, $59, $60, $61, $62, $63, $64)",
);

pub(crate) const ORG_VERSION: Statement = Statement::new(
    "read the version of an org",
    "SELECT version FROM identity_org WHERE org_id = $1",
);

pub(crate) const MEMBER_ADD: Statement = Statement::new(
    "add a member",
    "INSERT INTO identity_member
        (org_id, member_id, email, name, role, password_hash, state, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
);

pub(crate) const MEMBER_ONE: Statement = Statement::new(
    "look up a member",
    "SELECT member_id, email, name, role, password_hash, state, created_at FROM identity_member
      WHERE org_id = $1 AND member_id = $2",
);

pub(crate) const MEMBER_BY_EMAIL: Statement = Statement::new(
    "look up a member by e-mail",
    "SELECT member_id, email, name, role, password_hash, state, created_at FROM identity_member
      WHERE org_id = $1 AND email = $2 AND state <> 'removed'",
);

/// Somebody who was removed, and whose address nobody has who was not.
pub(crate) const MEMBER_GONE: Statement = Statement::new(
    "look for a member who was removed",
    "SELECT member_id FROM identity_member m
      WHERE m.org_id = $1 AND m.email = $2 AND m.state = 'removed'
        AND NOT EXISTS (SELECT 1 FROM identity_member o
             WHERE o.org_id = $1 AND o.email = $2 AND o.state <> 'removed')
      LIMIT 1",
);

pub(crate) const MEMBER_PAGE: Statement = Statement::new(
    "list members",
    "SELECT member_id, email, name, role, password_hash, state, created_at FROM identity_member
      WHERE org_id = $1 AND member_id > $2 AND state <> 'removed'
      ORDER BY member_id LIMIT $3",
);

/// `$3` is the pattern in lower case, `$4` as it was typed: SQLite lowers ASCII alone.
pub(crate) const MEMBER_SEARCH: Statement = Statement::new(
    "search members",
    "SELECT member_id, email, name, role, password_hash, state, created_at FROM identity_member
      WHERE org_id = $1 AND member_id > $2 AND state <> 'removed'
        AND (email LIKE $3 ESCAPE '!' OR LOWER(name) LIKE $3 ESCAPE '!'
             OR name LIKE $4 ESCAPE '!')
      ORDER BY member_id LIMIT $5",
);

pub(crate) const MEMBER_CHUNK: Statement = Statement::new(
    "read the members of an org",
    "SELECT member_id, email, name, role, state, factor_since, break_glass_at
       FROM identity_member
      WHERE org_id = $1 AND member_id > $2 AND state <> 'removed'
      ORDER BY member_id LIMIT 1000",
);

pub(crate) const MEMBER_CHANGE: Statement = Statement::new(
    "change a member",
    "UPDATE identity_member SET name = $3, role = $4, state = $5
      WHERE org_id = $1 AND member_id = $2",
);

/// What a directory or an identity provider changes: the address too.
pub(crate) const MEMBER_FROM_OUTSIDE: Statement = Statement::new(
    "change a member as their source says",
    "UPDATE identity_member SET email = $3, name = $4, role = $5, state = $6
      WHERE org_id = $1 AND member_id = $2",
);

pub(crate) const MEMBER_PASSWORD: Statement = Statement::new(
    "set a password",
    "UPDATE identity_member SET password_hash = $3 WHERE org_id = $1 AND member_id = $2",
);

/// Locks an acting member whose password is still this one until the commit: what ends
/// their sessions comes before the one that begins here, or behind it and ends it too.
pub(crate) const MEMBER_HOLD: Statement = Statement::new(
    "hold a member whose password was checked",
    "UPDATE identity_member SET password_hash = $3
      WHERE org_id = $1 AND member_id = $2 AND password_hash = $3 AND state = 'active'",
);

/// The same for a member who was identified without a password.
pub(crate) const MEMBER_STAYS: Statement = Statement::new(
    "hold a member who was identified",
    "UPDATE identity_member SET state = state
      WHERE org_id = $1 AND member_id = $2 AND state = 'active'",
);

pub(crate) const MEMBER_ACCEPT: Statement = Statement::new(
    "let an invited member in",
    "UPDATE identity_member SET name = $3, password_hash = $4, state = 'active'
      WHERE org_id = $1 AND member_id = $2 AND state = 'invited'",
);

pub(crate) const MEMBER_RESET: Statement = Statement::new(
    "set the password of an acting member",
    "UPDATE identity_member SET password_hash = $3
      WHERE org_id = $1 AND member_id = $2 AND state = 'active'",
);

pub(crate) const OTHER_OWNERS: Statement = Statement::new(
    "look for another owner",
    "SELECT member_id FROM identity_member
      WHERE org_id = $1 AND member_id <> $2 AND role = 'org:owner' AND state = 'active' LIMIT 1",
);

pub(crate) const TEAM_ADD: Statement = Statement::new(
    "add a team",
    "INSERT INTO identity_team (org_id, team_id, name, created_at) VALUES ($1, $2, $3, $4)",
);

pub(crate) const TEAM_ONE: Statement = Statement::new(
    "look up a team",
    "SELECT team_id, name, created_at FROM identity_team WHERE org_id = $1 AND team_id = $2",
);

pub(crate) const TEAM_PAGE: Statement = Statement::new(
    "list teams",
    "SELECT team_id, name, created_at FROM identity_team
      WHERE org_id = $1 AND team_id > $2 ORDER BY team_id LIMIT $3",
);

pub(crate) const TEAM_CHUNK: Statement = Statement::new(
    "read the names of teams",
    "SELECT team_id, name FROM identity_team
      WHERE org_id = $1 AND team_id > $2 ORDER BY team_id LIMIT 1000",
);

pub(crate) const TEAM_RENAME: Statement = Statement::new(
    "rename a team",
    "UPDATE identity_team SET name = $3 WHERE org_id = $1 AND team_id = $2",
);

pub(crate) const TEAM_DELETE: Statement =
    Statement::new("delete a team", "DELETE FROM identity_team WHERE org_id = $1 AND team_id = $2");

pub(crate) const TEAM_EMPTY: Statement = Statement::new(
    "empty a team",
    "DELETE FROM identity_team_member WHERE org_id = $1 AND team_id = $2",
);

pub(crate) const TEAM_JOIN: Statement = Statement::new(
    "put a member into a team",
    "INSERT INTO identity_team_member (org_id, team_id, member_id, added_at)
     VALUES ($1, $2, $3, $4) ON CONFLICT (org_id, team_id, member_id) DO NOTHING",
);

pub(crate) const TEAM_LEAVE: Statement = Statement::new(
    "take a member out of a team",
    "DELETE FROM identity_team_member WHERE org_id = $1 AND team_id = $2 AND member_id = $3",
);

pub(crate) const TEAMS_LEAVE: Statement = Statement::new(
    "take a member out of all teams",
    "DELETE FROM identity_team_member WHERE org_id = $1 AND member_id = $2",
);

/// The members of the teams on one page.
pub(crate) const TEAM_MEMBERS: Statement = Statement::new(
    "list the members of teams",
    "SELECT team_id, member_id FROM identity_team_member
      WHERE org_id = $1 AND team_id >= $2 AND team_id <= $3
      ORDER BY team_id, member_id LIMIT 10000",
);

pub(crate) const TEAM_MEMBER_CHUNK: Statement = Statement::new(
    "read the teams of an org",
    "SELECT team_id, member_id FROM identity_team_member
      WHERE org_id = $1 AND (team_id, member_id) > ($2, $3)
      ORDER BY team_id, member_id LIMIT 1000",
);

pub(crate) const SERVICE_ADD: Statement = Statement::new(
    "add a service account",
    "INSERT INTO identity_service (org_id, service_id, name, role, created_at)
     VALUES ($1, $2, $3, $4, $5)",
);

pub(crate) const SERVICE_ONE: Statement = Statement::new(
    "look up a service account",
    "SELECT service_id, name, role, created_at FROM identity_service
      WHERE org_id = $1 AND service_id = $2 AND removed_at IS NULL",
);

pub(crate) const SERVICE_PAGE: Statement = Statement::new(
    "list service accounts",
    "SELECT service_id, name, role, created_at FROM identity_service
      WHERE org_id = $1 AND service_id > $2 AND removed_at IS NULL
      ORDER BY service_id LIMIT $3",
);

pub(crate) const SERVICE_CHUNK: Statement = Statement::new(
    "read the service accounts of an org",
    "SELECT service_id, name, role FROM identity_service
      WHERE org_id = $1 AND service_id > $2 AND removed_at IS NULL
      ORDER BY service_id LIMIT 1000",
);

pub(crate) const SERVICE_CHANGE: Statement = Statement::new(
    "change a service account",
    "UPDATE identity_service SET name = $3, role = $4
      WHERE org_id = $1 AND service_id = $2 AND removed_at IS NULL",
);

pub(crate) const SERVICE_REMOVE: Statement = Statement::new(
    "remove a service account",
    "UPDATE identity_service SET removed_at = $3
      WHERE org_id = $1 AND service_id = $2 AND removed_at IS NULL",
);

pub(crate) const INVITATION_ADD: Statement = Statement::new(
    "add an invitation",
    "INSERT INTO identity_invitation
        (org_id, invitation_id, member_id, tag, created_at, expires_at, made_by)
     VALUES ($1, $2, $3, $4, $5, $6, $7)",
);

pub(crate) const INVITATION_BY_TAG: Statement = Statement::new(
    "look up an invitation",
    "SELECT invitation_id, member_id, expires_at, used_at, made_by
       FROM identity_invitation
      WHERE org_id = $1 AND tag = $2",
);

pub(crate) const INVITATION_USE: Statement = Statement::new(
    "use up an invitation",
    "UPDATE identity_invitation SET used_at = $3
      WHERE org_id = $1 AND invitation_id = $2 AND used_at IS NULL",
);

pub(crate) const INVITATIONS_DROP: Statement = Statement::new(
    "withdraw the invitations for and by a member",
    "DELETE FROM identity_invitation WHERE org_id = $1 AND (member_id = $2 OR made_by = $2)",
);

pub(crate) const INVITATIONS_DROP_ALL: Statement = Statement::new(
    "withdraw the invitations of an org",
    "DELETE FROM identity_invitation WHERE org_id = $1 AND used_at IS NULL",
);
