//! Links for setting up single sign-on.

use base::db::Statement;

macro_rules! setup {
    ($tail:literal) => {
        concat!(
            "SELECT setup_id, tag, made_by, created_at, expires_at, begun_at, guest_tag, ended_at
               FROM identity_setup WHERE org_id = $1 ",
            $tail
        )
    };
}

pub(crate) const SETUP_ADD: Statement = Statement::new(
    "make a setup link",
    "INSERT INTO identity_setup (org_id, setup_id, tag, made_by, created_at, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6)",
);

/// The newest: ended ones beyond are of no interest.
pub(crate) const SETUP_LIST: Statement =
    Statement::new("list setup links", setup!("ORDER BY setup_id DESC LIMIT 50"));

pub(crate) const SETUP_ONE: Statement =
    Statement::new("look up a setup link by its id", setup!("AND setup_id = $2"));

pub(crate) const SETUP_BY_TAG: Statement =
    Statement::new("look up a setup link", setup!("AND tag = $2"));

pub(crate) const SETUP_BY_GUEST: Statement =
    Statement::new("look up whose setup goes on", setup!("AND guest_tag = $2"));

/// Opens it for one browser: whoever comes second finds it used.
pub(crate) const SETUP_BEGIN: Statement = Statement::new(
    "open a setup link",
    "UPDATE identity_setup SET begun_at = $3, guest_tag = $4
      WHERE org_id = $1 AND tag = $2 AND begun_at IS NULL AND ended_at IS NULL
        AND expires_at > $3",
);

pub(crate) const SETUP_END: Statement = Statement::new(
    "end a setup link",
    "UPDATE identity_setup SET ended_at = $3
      WHERE org_id = $1 AND setup_id = $2 AND ended_at IS NULL",
);

pub(crate) const SETUPS_END: Statement = Statement::new(
    "end the setup links of an org",
    "UPDATE identity_setup SET ended_at = $2 WHERE org_id = $1 AND ended_at IS NULL",
);

pub(crate) const SETUPS_LIVE: Statement = Statement::new(
    "count the setup links that are open",
    "SELECT CAST(COUNT(*) AS BIGINT) AS live FROM identity_setup
      WHERE org_id = $1 AND ended_at IS NULL AND expires_at > $2",
);
