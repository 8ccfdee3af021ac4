//! Every statement of this room. `$1` is always the org.

mod credentials;
mod factors;
mod inventory;
mod names;
mod people;
mod rights;
mod setup;

use base::db::{Batch, Migration, Statement};

pub(crate) use self::credentials::*;
pub(crate) use self::factors::*;
pub(crate) use self::inventory::*;
pub(crate) use self::names::*;
pub(crate) use self::people::*;
pub(crate) use self::rights::*;
pub(crate) use self::setup::*;

/// This room's steps.
pub const MIGRATIONS: &[Migration] = &[
    Migration::both("identity/0001_identity", include_str!("../../migrations/0001_identity.sql")),
    Migration::both("identity/0002_settings", include_str!("../../migrations/0002_settings.sql")),
    Migration::both("identity/0003_corporate", include_str!("../../migrations/0003_corporate.sql")),
    Migration::both("identity/0005_factors", include_str!("../../migrations/0005_factors.sql")),
    Migration::both("identity/0006_setup", include_str!("../../migrations/0006_setup.sql")),
];

/// Rows that one read of a snapshot takes at most; the next read goes on behind them.
pub(crate) const CHUNK: usize = 1000;

/// For the tests that prepare every statement on each engine.
pub const STATEMENTS: &[Statement] = &[
    ORG_ADD,
    ORG_BUMP,
    ORG_READ,
    ORG_RENAME,
    ORG_SETTINGS,
    ORG_VERSIONS,
    MEMBER_ADD,
    MEMBER_ONE,
    MEMBER_BY_EMAIL,
    MEMBER_GONE,
    MEMBER_PAGE,
    MEMBER_SEARCH,
    MEMBER_CHUNK,
    MEMBER_CHANGE,
    MEMBER_PASSWORD,
    MEMBER_HOLD,
    MEMBER_STAYS,
    MEMBER_FROM_OUTSIDE,
    MEMBER_ACCEPT,
    MEMBER_RESET,
    OTHER_OWNERS,
    TEAM_ADD,
    TEAM_ONE,
    TEAM_PAGE,
    TEAM_CHUNK,
    TEAM_RENAME,
    TEAM_DELETE,
    TEAM_EMPTY,
    TEAM_JOIN,
    TEAM_LEAVE,
    TEAMS_LEAVE,
    TEAM_MEMBERS,
    TEAM_MEMBER_CHUNK,
    SERVICE_ADD,
    SERVICE_ONE,
    SERVICE_PAGE,
    SERVICE_CHUNK,
    SERVICE_CHANGE,
    SERVICE_REMOVE,
    INVITATION_ADD,
    INVITATION_BY_TAG,
    INVITATION_USE,
    INVITATIONS_DROP,
    ROLE_ADD,
    ROLE_ONE,
    ROLE_PAGE,
    ROLE_CHUNK,
    ROLE_CHANGE,
    ROLE_DELETE,
    ROLE_USES,
    GRANT_ADD,
    GRANT_ONE,
    GRANT_SAME,
    GRANT_PAGE,
    GRANT_CHUNK,
    GRANT_DELETE,
    GRANTS_OF,
    GRANTS_DELETE,
    KEY_ADD,
    KEY_ONE,
    KEY_PAGE,
    KEY_PAGE_OF_OWNER,
    KEY_CHUNK,
    KEYS_LIVE,
    KEY_SUCCESSOR,
    KEY_EXPIRE,
    KEY_REVOKE,
    KEYS_REVOKE,
    KEY_SEEN,
    SESSION_ADD,
    SESSION_BY_TAG,
    SESSION_PAGE,
    SESSION_PAGE_OF_ALL,
    SESSION_ONE,
    SESSIONS_OPEN,
    SESSIONS_REVOKE_ALL,
    KEYS_REVOKE_ALL,
    SESSION_REVOKE,
    SESSIONS_REVOKE,
    SESSIONS_OF_CONNECTION_REVOKE,
    SESSIONS_SURPLUS,
    SESSIONS_FORGET,
    SESSION_SEEN,
    PASSWORD_LINK_PUT,
    PASSWORD_LINK_BY_TAG,
    PASSWORD_LINK_USE,
    PASSWORD_LINK_DROP,
    PASSKEY_ADD,
    PASSKEYS_OF,
    PASSKEY_BY_CREDENTIAL,
    PASSKEY_RENAME,
    PASSKEY_USED,
    PASSKEY_REMOVE,
    PASSKEYS_DROP,
    AUTHENTICATOR_ADD,
    AUTHENTICATOR_ONE,
    AUTHENTICATOR_USED,
    AUTHENTICATOR_DROP,
    RECOVERY_ADD,
    RECOVERY_USE,
    RECOVERY_LEFT,
    RECOVERY_DROP,
    FACTORS_HELD,
    MEMBER_FACTOR,
    SESSION_FACTOR,
    CEREMONY_SPEND,
    CEREMONY_FORGET,
    ORG_ENFORCE_SSO,
    BREAK_GLASS_MARK,
    BREAK_GLASS_CLEAR,
    BREAK_GLASS_STANDING,
    OWNERS_AND_GLASS,
    OWNERS,
    NAMES_GONE,
    SETUP_ADD,
    SETUP_LIST,
    SETUP_BY_TAG,
    SETUP_BY_GUEST,
    SETUP_BEGIN,
    SETUP_END,
    SETUPS_LIVE,
    KEY_USES,
    MEMBERS_SINCE,
    SERVICES_SINCE,
    SIGN_INS,
];

/// For the same tests.
pub const BATCHES: &[Batch] = &[];
