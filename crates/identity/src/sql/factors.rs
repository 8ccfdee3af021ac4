//! Second factors, ceremonies, and who gets in when identity providers fail.

use base::db::Statement;

pub(crate) const PASSKEY_ADD: Statement = Statement::new(
    "add a passkey",
    "INSERT INTO identity_passkey
        (org_id, passkey_id, member_id, credential_id, name, credential, counter, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
);

pub(crate) const PASSKEYS_OF: Statement = Statement::new(
    "list the passkeys of a member",
    "SELECT passkey_id, member_id, credential_id, name, credential, counter, created_at,
            last_used_at
       FROM identity_passkey WHERE org_id = $1 AND member_id = $2 ORDER BY passkey_id LIMIT 20",
);

pub(crate) const PASSKEY_BY_CREDENTIAL: Statement = Statement::new(
    "look up a passkey",
    "SELECT passkey_id, member_id, credential_id, name, credential, counter, created_at,
            last_used_at
       FROM identity_passkey WHERE org_id = $1 AND credential_id = $2",
);

pub(crate) const PASSKEY_RENAME: Statement = Statement::new(
    "rename a passkey",
    "UPDATE identity_passkey SET name = $4
      WHERE org_id = $1 AND member_id = $2 AND passkey_id = $3",
);

/// Only if nobody used it since its counter was read.
pub(crate) const PASSKEY_USED: Statement = Statement::new(
    "note the use of a passkey",
    "UPDATE identity_passkey SET counter = $4, credential = $5, last_used_at = $6
      WHERE org_id = $1 AND passkey_id = $2 AND counter = $3",
);

pub(crate) const PASSKEY_REMOVE: Statement = Statement::new(
    "remove a passkey",
    "DELETE FROM identity_passkey WHERE org_id = $1 AND member_id = $2 AND passkey_id = $3",
);

pub(crate) const PASSKEYS_DROP: Statement = Statement::new(
    "remove the passkeys of a member",
    "DELETE FROM identity_passkey WHERE org_id = $1 AND member_id = $2",
);

pub(crate) const AUTHENTICATOR_ADD: Statement = Statement::new(
    "add an authenticator app",
    "INSERT INTO identity_authenticator (org_id, member_id, secret, last_step, created_at)
     VALUES ($1, $2, $3, $4, $5)",
);

pub(crate) const AUTHENTICATOR_ONE: Statement = Statement::new(
    "look up an authenticator app",
    "SELECT secret, created_at, last_used_at FROM identity_authenticator
      WHERE org_id = $1 AND member_id = $2",
);

/// Only for a step behind the last one that was used.
pub(crate) const AUTHENTICATOR_USED: Statement = Statement::new(
    "note the use of an authenticator app",
    "UPDATE identity_authenticator SET last_step = $3, last_used_at = $4
      WHERE org_id = $1 AND member_id = $2 AND last_step < $3",
);

pub(crate) const AUTHENTICATOR_DROP: Statement = Statement::new(
    "remove the authenticator app of a member",
    "DELETE FROM identity_authenticator WHERE org_id = $1 AND member_id = $2",
);

pub(crate) const RECOVERY_ADD: Statement = Statement::new(
    "add a recovery code",
    "INSERT INTO identity_recovery_code (org_id, member_id, tag, created_at)
     VALUES ($1, $2, $3, $4)",
);

pub(crate) const RECOVERY_USE: Statement = Statement::new(
    "use up a recovery code",
    "UPDATE identity_recovery_code SET used_at = $4
      WHERE org_id = $1 AND member_id = $2 AND tag = $3 AND used_at IS NULL",
);

pub(crate) const RECOVERY_LEFT: Statement = Statement::new(
    "count the recovery codes of a member",
    "SELECT CAST(COUNT(*) AS BIGINT) AS codes FROM identity_recovery_code
      WHERE org_id = $1 AND member_id = $2 AND used_at IS NULL",
);

pub(crate) const RECOVERY_DROP: Statement = Statement::new(
    "withdraw the recovery codes of a member",
    "DELETE FROM identity_recovery_code WHERE org_id = $1 AND member_id = $2",
);

pub(crate) const FACTORS_HELD: Statement = Statement::new(
    "count the second factors of a member",
    "SELECT (SELECT CAST(COUNT(*) AS BIGINT) FROM identity_passkey
              WHERE org_id = $1 AND member_id = $2) AS passkeys,
            (SELECT CAST(COUNT(*) AS BIGINT) FROM identity_authenticator
              WHERE org_id = $1 AND member_id = $2) AS apps",
);

/// An absent `$3`: has none any more. Else since then, or since before.
pub(crate) const MEMBER_FACTOR: Statement = Statement::new(
    "note that a member has a second factor",
    "UPDATE identity_member
        SET factor_since = CASE WHEN CAST($3 AS BIGINT) IS NULL THEN NULL
                                ELSE COALESCE(factor_since, $3) END
      WHERE org_id = $1 AND member_id = $2",
);

pub(crate) const SESSION_FACTOR: Statement = Statement::new(
    "note a second factor in a session",
    "UPDATE identity_session SET factor_at = $4
      WHERE org_id = $1 AND member_id = $2 AND session_id = $3 AND revoked_at IS NULL",
);

/// Nothing happens where it was spent already.
pub(crate) const CEREMONY_SPEND: Statement = Statement::new(
    "note that a ceremony is over",
    "INSERT INTO identity_ceremony (org_id, ceremony_id, expires_at) VALUES ($1, $2, $3)
     ON CONFLICT (org_id, ceremony_id) DO NOTHING",
);

/// What is too late cannot be finished anyway.
pub(crate) const CEREMONY_FORGET: Statement = Statement::new(
    "forget ceremonies that are long over",
    "DELETE FROM identity_ceremony WHERE org_id = $1 AND expires_at < $2",
);

pub(crate) const ORG_ENFORCE_SSO: Statement = Statement::new(
    "enforce single sign-on",
    "UPDATE identity_org SET sso_enforced_at = $2 WHERE org_id = $1",
);

/// Only for an acting owner with a passkey.
pub(crate) const BREAK_GLASS_MARK: Statement = Statement::new(
    "mark an owner to get in when identity providers fail",
    "UPDATE identity_member SET break_glass_at = COALESCE(break_glass_at, $3)
      WHERE org_id = $1 AND member_id = $2 AND role = 'org:owner' AND state = 'active'
        AND EXISTS (SELECT 1 FROM identity_passkey
                     WHERE org_id = $1 AND identity_passkey.member_id = $2)",
);

pub(crate) const BREAK_GLASS_CLEAR: Statement = Statement::new(
    "take back that an owner gets in when identity providers fail",
    "UPDATE identity_member SET break_glass_at = NULL
      WHERE org_id = $1 AND member_id = $2 AND break_glass_at IS NOT NULL",
);

/// All but `$2`, which may be nobody.
pub(crate) const BREAK_GLASS_STANDING: Statement = Statement::new(
    "look for owners who get in when identity providers fail",
    "SELECT member_id FROM identity_member
      WHERE org_id = $1 AND member_id <> $2 AND role = 'org:owner' AND state = 'active'
        AND break_glass_at IS NOT NULL
        AND EXISTS (SELECT 1 FROM identity_passkey
                     WHERE identity_passkey.org_id = $1
                       AND identity_passkey.member_id = identity_member.member_id)
      ORDER BY member_id LIMIT 20",
);

pub(crate) const OWNERS_AND_GLASS: Statement = Statement::new(
    "list owners, and who of them gets in when identity providers fail",
    "SELECT member_id, name, break_glass_at,
            (SELECT CAST(COUNT(*) AS BIGINT) FROM identity_passkey
              WHERE identity_passkey.org_id = $1
                AND identity_passkey.member_id = identity_member.member_id) AS passkeys
       FROM identity_member
      WHERE org_id = $1 AND role = 'org:owner' AND state = 'active'
      ORDER BY member_id LIMIT 50",
);

/// Whom a letter about the whole org goes to.
pub(crate) const OWNERS: Statement = Statement::new(
    "read the addresses of owners",
    "SELECT email FROM identity_member
      WHERE org_id = $1 AND role = 'org:owner' AND state = 'active' ORDER BY member_id LIMIT 50",
);
