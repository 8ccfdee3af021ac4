//! Users, groups and who is in them.

use base::db::{Batch, Statement};

macro_rules! user {
    ($tail:literal) => {
        concat!(
            "SELECT user_id AS id, member_id AS subject, given_role, document, version,
                    created_at, changed_at
               FROM scim_user WHERE org_id = $1 AND directory_id = $2 ",
            $tail
        )
    };
}

macro_rules! group {
    ($tail:literal) => {
        concat!(
            "SELECT group_id AS id, team_id AS subject, NULL AS given_role, document, version,
                    created_at, changed_at
               FROM scim_group WHERE org_id = $1 AND directory_id = $2 ",
            $tail
        )
    };
}

/// Twenty ids; who has fewer repeats one.
macro_rules! twenty {
    ($head:literal, $tail:literal) => {
        concat!(
            $head,
            " IN ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
                  $19, $20, $21) ",
            $tail
        )
    };
}

/// Ids that one statement looks up.
pub(crate) const IDS_AT_ONCE: usize = 20;

pub(crate) const USER_ADD: Statement = Statement::new(
    "add a user",
    "INSERT INTO scim_user (org_id, user_id, directory_id, member_id, name_key, external_id,
        document, version, created_at, changed_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $8)",
);

pub(crate) const USER_ONE: Statement = Statement::new("look up a user", user!("AND user_id = $3"));

pub(crate) const USER_BY_NAME: Statement =
    Statement::new("look up a user by name", user!("AND name_key = $3"));

pub(crate) const USER_BY_EXTERNAL: Statement = Statement::new(
    "look up a user by external id",
    user!("AND external_id = $3 ORDER BY user_id LIMIT 100"),
);

/// Of any directory of the org.
pub(crate) const USER_BY_MEMBER: Statement = Statement::new(
    "look up the directory of a member",
    "SELECT user_id, directory_id FROM scim_user WHERE org_id = $1 AND member_id = $2",
);

pub(crate) const USER_PAGE: Statement =
    Statement::new("list users", user!("ORDER BY user_id LIMIT $3 OFFSET $4"));

pub(crate) const USER_CHUNK: Statement =
    Statement::new("look through users", user!("AND user_id > $3 ORDER BY user_id LIMIT 500"));

pub(crate) const USER_COUNT: Statement = Statement::new(
    "count users",
    "SELECT COUNT(*) AS n FROM scim_user WHERE org_id = $1 AND directory_id = $2",
);

pub(crate) const USER_CHANGE: Statement = Statement::new(
    "change a user",
    "UPDATE scim_user SET name_key = $3, external_id = $4, document = $5, member_id = $6,
            version = version + 1, changed_at = $7
      WHERE org_id = $1 AND user_id = $2",
);

pub(crate) const USER_GIVEN: Statement = Statement::new(
    "note the role that a group gave",
    "UPDATE scim_user SET given_role = $3 WHERE org_id = $1 AND user_id = $2",
);

pub(crate) const USER_DELETE: Statement =
    Statement::new("delete a user", "DELETE FROM scim_user WHERE org_id = $1 AND user_id = $2");

pub(crate) const USERS_OF_IDS: Statement = Statement::new(
    "look up users",
    twenty!(
        "SELECT user_id, member_id, directory_id, given_role FROM scim_user
          WHERE org_id = $1 AND user_id",
        ""
    ),
);

pub(crate) const GROUP_ADD: Statement = Statement::new(
    "add a group",
    "INSERT INTO scim_group (org_id, group_id, directory_id, team_id, name_key, external_id,
        document, version, created_at, changed_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $8)",
);

pub(crate) const GROUP_ONE: Statement =
    Statement::new("look up a group", group!("AND group_id = $3"));

pub(crate) const GROUP_BY_NAME: Statement =
    Statement::new("look up a group by name", group!("AND name_key = $3"));

pub(crate) const GROUP_BY_EXTERNAL: Statement = Statement::new(
    "look up a group by external id",
    group!("AND external_id = $3 ORDER BY group_id LIMIT 100"),
);

pub(crate) const GROUPS_BY_MEMBER: Statement = Statement::new(
    "look up the groups that a user is in",
    group!(
        "AND group_id IN (SELECT group_id FROM scim_member WHERE org_id = $1 AND user_id = $3)
         ORDER BY group_id LIMIT 1000"
    ),
);

pub(crate) const GROUP_PAGE: Statement =
    Statement::new("list groups", group!("ORDER BY group_id LIMIT $3 OFFSET $4"));

pub(crate) const GROUP_CHUNK: Statement =
    Statement::new("look through groups", group!("AND group_id > $3 ORDER BY group_id LIMIT 500"));

pub(crate) const GROUP_COUNT: Statement = Statement::new(
    "count groups",
    "SELECT COUNT(*) AS n FROM scim_group WHERE org_id = $1 AND directory_id = $2",
);

pub(crate) const GROUP_CHANGE: Statement = Statement::new(
    "change a group",
    "UPDATE scim_group SET name_key = $3, external_id = $4, document = $5, team_id = $6,
            version = version + 1, changed_at = $7
      WHERE org_id = $1 AND group_id = $2",
);

pub(crate) const GROUP_DELETE: Statement =
    Statement::new("delete a group", "DELETE FROM scim_group WHERE org_id = $1 AND group_id = $2");

pub(crate) const MEMBERS_ADD: Batch = Batch::new(
    "put users into a group",
    "INSERT INTO scim_member (org_id, group_id, user_id)",
    3,
    "ON CONFLICT (org_id, group_id, user_id) DO NOTHING",
);

/// Of one group at most as many as there may be.
pub(crate) const MEMBERS_OF: Statement = Statement::new(
    "list who is in a group",
    "SELECT u.user_id, u.member_id FROM scim_member m JOIN scim_user u
         ON u.org_id = m.org_id AND u.user_id = m.user_id
      WHERE m.org_id = $1 AND m.group_id = $2 ORDER BY u.user_id LIMIT 10000",
);

pub(crate) const MEMBERS_DELETE: Statement =
    Statement::new("empty a group", "DELETE FROM scim_member WHERE org_id = $1 AND group_id = $2");

pub(crate) const MEMBER_DELETE: Statement = Statement::new(
    "take a user out of a group",
    "DELETE FROM scim_member WHERE org_id = $1 AND group_id = $2 AND user_id = $3",
);

pub(crate) const GROUPS_OF: Statement = Statement::new(
    "list the groups of a user",
    "SELECT g.group_id, g.team_id, g.name_key FROM scim_member m JOIN scim_group g
         ON g.org_id = m.org_id AND g.group_id = m.group_id
      WHERE m.org_id = $1 AND m.user_id = $2 ORDER BY g.group_id LIMIT 1000",
);

pub(crate) const GROUPS_OF_USERS: Statement = Statement::new(
    "list the groups of users",
    twenty!(
        "SELECT m.user_id, g.group_id, g.team_id, g.document FROM scim_member m JOIN scim_group g
             ON g.org_id = m.org_id AND g.group_id = m.group_id
          WHERE m.org_id = $1 AND m.user_id",
        "ORDER BY m.user_id, g.group_id LIMIT 2000"
    ),
);

pub(crate) const USER_LEAVES: Statement = Statement::new(
    "take a user out of all groups",
    "DELETE FROM scim_member WHERE org_id = $1 AND user_id = $2",
);

/// Everybody in the group of a name.
pub(crate) const USERS_CAST: Statement = Statement::new(
    "list who is in the group of a name",
    "SELECT u.user_id AS id, u.member_id AS subject, u.given_role FROM scim_user u
      WHERE u.org_id = $1 AND u.directory_id = $2 AND u.user_id > $4 AND u.user_id IN
        (SELECT m.user_id FROM scim_member m JOIN scim_group g
             ON g.org_id = m.org_id AND g.group_id = m.group_id
          WHERE m.org_id = $1 AND g.directory_id = $2 AND g.name_key = $3)
      ORDER BY u.user_id LIMIT 500",
);
