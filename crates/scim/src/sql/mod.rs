//! Every statement of this room. `$1` is always the org.

mod directories;
mod resources;

use base::db::{Batch, Migration, Statement};

pub(crate) use self::directories::*;
pub(crate) use self::resources::*;

/// This room's steps.
pub const MIGRATIONS: &[Migration] = &[
    Migration::both("scim/0001_scim", include_str!("../../migrations/0001_scim.sql")),
    Migration::both("scim/0002_vouched", include_str!("../../migrations/0002_vouched.sql")),
];

/// For the tests that prepare every statement on each engine.
pub const STATEMENTS: &[Statement] = &[
    crate::keeper::USERS,
    crate::keeper::ERASE_USERS,
    crate::keeper::MEMBERSHIPS,
    crate::keeper::ERASE_MEMBERSHIPS,
    crate::keeper::REFUSALS,
    crate::keeper::ERASE_REFUSALS,
    crate::keeper::READ,
    DIRECTORY_ADD,
    DIRECTORY_ONE,
    DIRECTORY_LIST,
    DIRECTORY_ANY,
    DIRECTORY_COUNT,
    DIRECTORY_CHANGE,
    DIRECTORY_HOLD,
    DIRECTORY_SEEN,
    DIRECTORY_DELETE,
    DIRECTORY_USERS_DELETE,
    DIRECTORY_GROUPS_DELETE,
    DIRECTORY_MEMBERS_DELETE,
    DIRECTORY_TOKENS_DELETE,
    DIRECTORY_REQUESTS_DELETE,
    TOKEN_ADD,
    TOKEN_BY_TAG,
    TOKEN_LIVING,
    TOKEN_LIST,
    TOKENS_VOUCHED,
    TOKEN_VOUCH,
    TOKEN_END,
    TOKENS_END,
    TOKENS_FORGET,
    TOKEN_SEEN,
    REQUEST_LIST,
    REQUESTS_FORGET,
    USER_ADD,
    USER_ONE,
    USER_BY_NAME,
    USER_BY_EXTERNAL,
    USER_BY_MEMBER,
    USER_PAGE,
    USER_CHUNK,
    USER_COUNT,
    USER_CHANGE,
    USER_GIVEN,
    USER_DELETE,
    USERS_OF_IDS,
    GROUP_ADD,
    GROUP_ONE,
    GROUP_BY_NAME,
    GROUP_BY_EXTERNAL,
    GROUPS_BY_MEMBER,
    GROUP_PAGE,
    GROUP_CHUNK,
    GROUP_COUNT,
    GROUP_CHANGE,
    GROUP_DELETE,
    MEMBERS_OF,
    MEMBERS_DELETE,
    MEMBER_DELETE,
    GROUPS_OF,
    GROUPS_OF_USERS,
    USER_LEAVES,
    USERS_CAST,
];

/// For the same tests.
pub const BATCHES: &[Batch] = &[MEMBERS_ADD, REQUESTS_ADD];
