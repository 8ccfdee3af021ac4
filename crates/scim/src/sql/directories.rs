//! Directories, their tokens and what they asked last.

use base::db::{Batch, Statement};

pub(crate) const DIRECTORY_ADD: Statement = Statement::new(
    "add a directory",
    "INSERT INTO scim_directory (org_id, directory_id, name, role, mapping, created_at)
     VALUES ($1, $2, $3, $4, $5, $6)",
);

pub(crate) const DIRECTORY_ONE: Statement = Statement::new(
    "look up a directory",
    "SELECT directory_id, name, role, mapping, created_at, seen_at FROM scim_directory
      WHERE org_id = $1 AND directory_id = $2",
);

pub(crate) const DIRECTORY_LIST: Statement = Statement::new(
    "list directories",
    "SELECT directory_id, name, role, mapping, created_at, seen_at FROM scim_directory
      WHERE org_id = $1 AND directory_id > $2 ORDER BY directory_id LIMIT $3",
);

pub(crate) const DIRECTORY_ANY: Statement = Statement::new(
    "look for any directory",
    "SELECT directory_id FROM scim_directory WHERE org_id = $1 LIMIT 1",
);

pub(crate) const DIRECTORY_COUNT: Statement = Statement::new(
    "count directories",
    "SELECT COUNT(*) AS n FROM scim_directory WHERE org_id = $1",
);

pub(crate) const DIRECTORY_CHANGE: Statement = Statement::new(
    "change a directory",
    "UPDATE scim_directory SET name = $3, role = $4, mapping = $5
      WHERE org_id = $1 AND directory_id = $2",
);

/// Locks a directory until the commit: two rotations happen one after the other.
pub(crate) const DIRECTORY_HOLD: Statement = Statement::new(
    "hold a directory",
    "UPDATE scim_directory SET name = name WHERE org_id = $1 AND directory_id = $2",
);

pub(crate) const DIRECTORY_SEEN: Statement = Statement::new(
    "note that a directory was seen",
    "UPDATE scim_directory SET seen_at = $3
      WHERE org_id = $1 AND directory_id = $2 AND (seen_at IS NULL OR seen_at < $3)",
);

pub(crate) const DIRECTORY_DELETE: Statement = Statement::new(
    "delete a directory",
    "DELETE FROM scim_directory WHERE org_id = $1 AND directory_id = $2",
);

pub(crate) const DIRECTORY_USERS_DELETE: Statement = Statement::new(
    "forget the users of a directory",
    "DELETE FROM scim_user WHERE org_id = $1 AND directory_id = $2",
);

pub(crate) const DIRECTORY_GROUPS_DELETE: Statement = Statement::new(
    "forget the groups of a directory",
    "DELETE FROM scim_group WHERE org_id = $1 AND directory_id = $2",
);

pub(crate) const DIRECTORY_MEMBERS_DELETE: Statement = Statement::new(
    "forget who is in the groups of a directory",
    "DELETE FROM scim_member WHERE org_id = $1 AND group_id IN
        (SELECT group_id FROM scim_group WHERE org_id = $1 AND directory_id = $2)",
);

pub(crate) const DIRECTORY_TOKENS_DELETE: Statement = Statement::new(
    "delete the tokens of a directory",
    "DELETE FROM scim_token WHERE org_id = $1 AND directory_id = $2",
);

pub(crate) const DIRECTORY_REQUESTS_DELETE: Statement = Statement::new(
    "forget the requests of a directory",
    "DELETE FROM scim_request WHERE org_id = $1 AND directory_id = $2",
);

pub(crate) const TOKEN_ADD: Statement = Statement::new(
    "add a token",
    "INSERT INTO scim_token (org_id, token_id, directory_id, tag, created_at, vouched)
     VALUES ($1, $2, $3, $4, $5, $6)",
);

/// What a request of a directory needs, at once.
pub(crate) const TOKEN_BY_TAG: Statement = Statement::new(
    "look up a token",
    "SELECT t.token_id, t.tag, t.ended_at, t.vouched, d.directory_id, d.name, d.role, d.mapping,
            d.created_at, d.seen_at
       FROM scim_token t JOIN scim_directory d
         ON d.org_id = t.org_id AND d.directory_id = t.directory_id
      WHERE t.org_id = $1 AND t.tag = $2",
);

pub(crate) const TOKEN_LIVING: Statement = Statement::new(
    "look at a token again",
    "SELECT t.vouched, d.directory_id, d.name, d.role, d.mapping, d.created_at, d.seen_at
       FROM scim_token t JOIN scim_directory d
         ON d.org_id = t.org_id AND d.directory_id = t.directory_id
      WHERE t.org_id = $1 AND t.directory_id = $2 AND t.token_id = $3 AND t.ended_at IS NULL",
);

pub(crate) const TOKEN_LIST: Statement = Statement::new(
    "list tokens",
    "SELECT token_id, created_at, ended_at, last_used_at FROM scim_token
      WHERE org_id = $1 AND directory_id = $2 ORDER BY token_id DESC LIMIT 10",
);

/// As many as a directory may have.
pub(crate) const TOKENS_VOUCHED: Statement = Statement::new(
    "read who answers for the tokens of a directory",
    "SELECT token_id, vouched FROM scim_token
      WHERE org_id = $1 AND directory_id = $2 AND ended_at IS NULL ORDER BY token_id LIMIT 10",
);

pub(crate) const TOKEN_VOUCH: Statement = Statement::new(
    "note who answers for a token",
    "UPDATE scim_token SET vouched = $3 WHERE org_id = $1 AND token_id = $2",
);

pub(crate) const TOKEN_END: Statement = Statement::new(
    "end a token",
    "UPDATE scim_token SET ended_at = $4
      WHERE org_id = $1 AND directory_id = $2 AND token_id = $3 AND ended_at IS NULL",
);

/// Ends every live token but the newest.
pub(crate) const TOKENS_END: Statement = Statement::new(
    "end older tokens",
    "UPDATE scim_token SET ended_at = $3
      WHERE org_id = $1 AND directory_id = $2 AND ended_at IS NULL AND token_id <
        (SELECT MAX(token_id) FROM scim_token
          WHERE org_id = $1 AND directory_id = $2 AND ended_at IS NULL)",
);

/// Of tokens that ended the last ones are kept: who shows one is recognised.
pub(crate) const TOKENS_FORGET: Statement = Statement::new(
    "forget old tokens",
    "DELETE FROM scim_token
      WHERE org_id = $1 AND directory_id = $2 AND ended_at IS NOT NULL AND token_id NOT IN
        (SELECT token_id FROM scim_token WHERE org_id = $1 AND directory_id = $2
          ORDER BY token_id DESC LIMIT 10)",
);

pub(crate) const TOKEN_SEEN: Statement = Statement::new(
    "note that a token was used",
    "UPDATE scim_token SET last_used_at = $3
      WHERE org_id = $1 AND token_id = $2 AND (last_used_at IS NULL OR last_used_at < $3)",
);

pub(crate) const REQUESTS_ADD: Batch = Batch::new(
    "note what a directory asked",
    "INSERT INTO scim_request (org_id, directory_id, request_id, at, method, path, status, detail)",
    8,
    "ON CONFLICT (org_id, directory_id, request_id) DO NOTHING",
);

pub(crate) const REQUEST_LIST: Statement = Statement::new(
    "list what a directory asked",
    "SELECT request_id, at, method, path, status, detail FROM scim_request
      WHERE org_id = $1 AND directory_id = $2 ORDER BY request_id DESC LIMIT $3",
);

pub(crate) const REQUESTS_FORGET: Statement = Statement::new(
    "forget what a directory asked long ago",
    "DELETE FROM scim_request
      WHERE org_id = $1 AND directory_id = $2 AND request_id NOT IN
        (SELECT request_id FROM scim_request WHERE org_id = $1 AND directory_id = $2
          ORDER BY request_id DESC LIMIT $3)",
);
