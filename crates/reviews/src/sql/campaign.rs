//! Campaigns.

use base::db::Statement;

pub(crate) const CAMPAIGN_ADD: Statement = Statement::new(
    "begin an access review",
    "INSERT INTO reviews_campaign
        (org_id, campaign_id, name, scope, signers, due_at, state, items, decided, created_by,
         created_at)
     VALUES ($1, $2, $3, $4, $5, $6, 'open', $7, 0, $8, $9)",
);

pub(crate) const CAMPAIGN_CREATED: Statement = Statement::new(
    "note the event of an access review",
    "UPDATE reviews_campaign SET created_event = $3 WHERE org_id = $1 AND campaign_id = $2",
);

pub(crate) const CAMPAIGN_ONE: Statement = Statement::new(
    "look up an access review",
    "SELECT campaign_id, name, scope, signers, due_at, state, items, decided, created_by,
            created_at, created_event, signed_by, signed_at, signed_event, seconded_by,
            seconded_at, seconded_event, ended_at, ended_by, ended_event
       FROM reviews_campaign WHERE org_id = $1 AND campaign_id = $2",
);

/// Newest first, behind the id `$2`; empty for the newest.
pub(crate) const CAMPAIGN_PAGE: Statement = Statement::new(
    "list access reviews",
    "SELECT campaign_id, name, scope, signers, due_at, state, items, decided, created_by,
            created_at, created_event, signed_by, signed_at, signed_event, seconded_by,
            seconded_at, seconded_event, ended_at, ended_by, ended_event
       FROM reviews_campaign
      WHERE org_id = $1 AND ($2 = '' OR campaign_id < $2)
      ORDER BY campaign_id DESC LIMIT $3",
);

pub(crate) const CAMPAIGNS_OPEN: Statement = Statement::new(
    "count the access reviews under way",
    "SELECT CAST(COUNT(*) AS BIGINT) AS open FROM reviews_campaign
      WHERE org_id = $1 AND state IN ('open', 'signed', 'applying')",
);

/// Locks an open campaign until the commit: nobody signs it off meanwhile.
pub(crate) const CAMPAIGN_HOLD: Statement = Statement::new(
    "hold an access review",
    "UPDATE reviews_campaign SET state = state
      WHERE org_id = $1 AND campaign_id = $2 AND state = 'open'",
);

pub(crate) const CAMPAIGN_DECIDED: Statement = Statement::new(
    "count what was decided",
    "UPDATE reviews_campaign SET decided = decided + $3 WHERE org_id = $1 AND campaign_id = $2",
);

/// `$5` is what it is then: `signed`, if somebody else signs too, or `applying`.
pub(crate) const CAMPAIGN_SIGN: Statement = Statement::new(
    "sign an access review off",
    "UPDATE reviews_campaign SET signed_by = $3, signed_at = $4, state = $5
      WHERE org_id = $1 AND campaign_id = $2 AND state = 'open' AND decided = items",
);

pub(crate) const CAMPAIGN_SIGNED: Statement = Statement::new(
    "note the event of a signature",
    "UPDATE reviews_campaign SET signed_event = $3 WHERE org_id = $1 AND campaign_id = $2",
);

pub(crate) const CAMPAIGN_SECOND: Statement = Statement::new(
    "sign an access review off as the second",
    "UPDATE reviews_campaign SET seconded_by = $3, seconded_at = $4, state = 'applying'
      WHERE org_id = $1 AND campaign_id = $2 AND state = 'signed' AND signed_by <> $3",
);

pub(crate) const CAMPAIGN_SECONDED: Statement = Statement::new(
    "note the event of a second signature",
    "UPDATE reviews_campaign SET seconded_event = $3 WHERE org_id = $1 AND campaign_id = $2",
);

pub(crate) const CAMPAIGN_REOPEN: Statement = Statement::new(
    "open an access review again",
    "UPDATE reviews_campaign SET state = 'open', signed_by = NULL, signed_at = NULL,
            signed_event = NULL
      WHERE org_id = $1 AND campaign_id = $2 AND state = 'signed'",
);

/// Closes what was applied, or cancels what was not signed off: from one of two states.
pub(crate) const CAMPAIGN_END: Statement = Statement::new(
    "end an access review",
    "UPDATE reviews_campaign SET state = $3, ended_by = $4, ended_at = $5
      WHERE org_id = $1 AND campaign_id = $2 AND state IN ($6, $7)",
);

pub(crate) const CAMPAIGN_ENDED: Statement = Statement::new(
    "note the event of an end",
    "UPDATE reviews_campaign SET ended_event = $3 WHERE org_id = $1 AND campaign_id = $2",
);
