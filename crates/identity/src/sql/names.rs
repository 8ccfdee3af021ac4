//! What somebody or something was called that is gone.

use base::db::Statement;

/// Ids that [`NAMES_GONE`] takes; those that are not needed are empty.
pub(crate) const NAMES_GONE_MAX: usize = 50;

/// Members, service accounts and keys that no snapshot holds any more. Whoever was erased has
/// no name.
pub(crate) const NAMES_GONE: Statement = Statement::new(
    "look up the names of what is gone",
    "SELECT id, name FROM (
        SELECT member_id AS id, name FROM identity_member WHERE org_id = $1
        UNION ALL SELECT service_id AS id, name FROM identity_service WHERE org_id = $1
        UNION ALL SELECT key_id AS id, name FROM identity_key WHERE org_id = $1) AS gone
      WHERE name <> '' AND id IN (
            $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
            $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36,
            $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51)",
);
