//! Custom roles and grants.

use base::db::Statement;

pub(crate) const ROLE_ADD: Statement = Statement::new(
    "add a role",
    "INSERT INTO identity_role (org_id, name, permissions, created_at) VALUES ($1, $2, $3, $4)",
);

pub(crate) const ROLE_ONE: Statement = Statement::new(
    "look up a role",
    "SELECT name, permissions FROM identity_role WHERE org_id = $1 AND name = $2",
);

pub(crate) const ROLE_PAGE: Statement = Statement::new(
    "list roles",
    "SELECT name, permissions FROM identity_role
      WHERE org_id = $1 AND name > $2 ORDER BY name LIMIT $3",
);

pub(crate) const ROLE_CHUNK: Statement = Statement::new(
    "read the roles of an org",
    "SELECT name, permissions FROM identity_role
      WHERE org_id = $1 AND name > $2 ORDER BY name LIMIT 1000",
);

pub(crate) const ROLE_CHANGE: Statement = Statement::new(
    "change a role",
    "UPDATE identity_role SET permissions = $3 WHERE org_id = $1 AND name = $2",
);

pub(crate) const ROLE_DELETE: Statement =
    Statement::new("delete a role", "DELETE FROM identity_role WHERE org_id = $1 AND name = $2");

/// Who has the role; `$3` is how it stands in a key's JSON list.
pub(crate) const ROLE_USES: Statement = Statement::new(
    "look for uses of a role",
    "SELECT member_id AS id FROM identity_member
      WHERE org_id = $1 AND role = $2 AND state <> 'removed'
     UNION ALL SELECT service_id AS id FROM identity_service
      WHERE org_id = $1 AND role = $2 AND removed_at IS NULL
     UNION ALL SELECT grant_id AS id FROM identity_grant WHERE org_id = $1 AND role = $2
     UNION ALL SELECT key_id AS id FROM identity_key
      WHERE org_id = $1 AND revoked_at IS NULL AND roles LIKE $3
     LIMIT 1",
);

pub(crate) const GRANT_ADD: Statement = Statement::new(
    "add a grant",
    "INSERT INTO identity_grant
        (org_id, grant_id, subject_kind, subject_id, role, resource_kind, resource_id, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
);

pub(crate) const GRANT_ONE: Statement = Statement::new(
    "look up a grant",
    "SELECT grant_id, subject_id, role, resource_kind, resource_id, created_at
       FROM identity_grant WHERE org_id = $1 AND grant_id = $2",
);

pub(crate) const GRANT_SAME: Statement = Statement::new(
    "look for the same grant",
    "SELECT grant_id FROM identity_grant
      WHERE org_id = $1 AND subject_id = $2 AND role = $3
        AND COALESCE(resource_kind, '') = $4 AND COALESCE(resource_id, '') = $5 LIMIT 1",
);

pub(crate) const GRANT_PAGE: Statement = Statement::new(
    "list grants",
    "SELECT grant_id, subject_id, role, resource_kind, resource_id, created_at
       FROM identity_grant
      WHERE org_id = $1 AND grant_id > $2 AND ($3 = '' OR subject_id = $3)
      ORDER BY grant_id LIMIT $4",
);

pub(crate) const GRANT_CHUNK: Statement = Statement::new(
    "read the grants of an org",
    "SELECT grant_id, subject_id, role, resource_kind, resource_id, created_at
       FROM identity_grant
      WHERE org_id = $1 AND grant_id > $2 ORDER BY grant_id LIMIT 1000",
);

pub(crate) const GRANT_DELETE: Statement = Statement::new(
    "delete a grant",
    "DELETE FROM identity_grant WHERE org_id = $1 AND grant_id = $2",
);

pub(crate) const GRANTS_OF: Statement = Statement::new(
    "read the grants of a subject",
    "SELECT grant_id, subject_id, role, resource_kind, resource_id, created_at
       FROM identity_grant WHERE org_id = $1 AND subject_id = $2 ORDER BY grant_id LIMIT 1000",
);

/// The roles that a holder has by grants: their own, their teams' and their keys'. Each one
/// with whether it is had on the whole org, by anything of these, and by the holder or the
/// key `$3`.
pub(crate) const GRANTS_HELD: Statement = Statement::new(
    "read what was given to a holder",
    "SELECT role, CAST(MAX(CASE WHEN resource_kind IS NULL
                      AND (subject_kind <> 'key' OR subject_id = $3)
                    THEN 1 ELSE 0 END) AS BIGINT) AS wide,
            CAST(MAX(CASE WHEN resource_kind IS NULL THEN 1 ELSE 0 END) AS BIGINT) AS wide_by_any
       FROM identity_grant
      WHERE org_id = $1 AND subject_id IN (
            SELECT CAST($2 AS TEXT)
            UNION ALL SELECT team_id FROM identity_team_member
                WHERE org_id = $1 AND member_id = $2
            UNION ALL SELECT key_id FROM identity_key
                WHERE org_id = $1 AND owner_id = $2 AND revoked_at IS NULL
                  AND (expires_at IS NULL OR expires_at > $4))
      GROUP BY role",
);

pub(crate) const GRANTS_DELETE: Statement = Statement::new(
    "delete the grants of a subject",
    "DELETE FROM identity_grant WHERE org_id = $1 AND subject_id = $2",
);
