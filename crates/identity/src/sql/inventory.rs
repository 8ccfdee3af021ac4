//! When what an org holds was made and used: for access reviews.

use base::db::Statement;

pub(crate) const KEY_USES: Statement = Statement::new(
    "read when keys were used",
    "SELECT key_id, created_at, last_used_at FROM identity_key
      WHERE org_id = $1 AND key_id > $2 AND revoked_at IS NULL
      ORDER BY key_id LIMIT 1000",
);

pub(crate) const MEMBERS_SINCE: Statement = Statement::new(
    "read since when members are here",
    "SELECT member_id, created_at FROM identity_member
      WHERE org_id = $1 AND member_id > $2 AND state <> 'removed'
      ORDER BY member_id LIMIT 1000",
);

pub(crate) const SERVICES_SINCE: Statement = Statement::new(
    "read since when service accounts are here",
    "SELECT service_id, created_at FROM identity_service
      WHERE org_id = $1 AND service_id > $2 AND removed_at IS NULL
      ORDER BY service_id LIMIT 1000",
);

/// Sessions are kept for a month behind their end: whoever is missing did not sign in since.
pub(crate) const SIGN_INS: Statement = Statement::new(
    "read when members last signed in",
    "SELECT member_id, MAX(created_at) AS last_at FROM identity_session
      WHERE org_id = $1 AND member_id > $2
      GROUP BY member_id ORDER BY member_id LIMIT 1000",
);
