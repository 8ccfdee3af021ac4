//! Items. A filter's empty text is no filter; `unused` is an instant, or nothing.

use base::db::{Batch, Statement};

pub(crate) const ITEMS_ADD: Batch = Batch::new(
    "take down what is held",
    "INSERT INTO reviews_item
        (org_id, campaign_id, position, kind, held_id, about_id, role, reach, last_used_at, facts)",
    10,
    "",
);

pub(crate) const ITEM_PAGE: Statement = Statement::new(
    "list what is reviewed",
    "SELECT position, kind, held_id, about_id, role, reach, last_used_at, facts, decision,
            new_role, reason, decided_by, decided_at, decision_event, result, result_detail,
            result_at, result_event
       FROM reviews_item
      WHERE org_id = $1 AND campaign_id = $2 AND position > $3
        AND ($4 = '' OR kind = $4) AND ($5 = '' OR about_id = $5) AND ($6 = '' OR role = $6)
        AND ($7 = '' OR reach = $7) AND ($8 = '' OR COALESCE(decision, 'undecided') = $8)
        AND ($9 = '' OR COALESCE(result, 'none') = $9)
        AND (CAST($10 AS BIGINT) IS NULL OR COALESCE(last_used_at, 0) < $10)
      ORDER BY position LIMIT $11",
);

pub(crate) const ITEM_ONE: Statement = Statement::new(
    "look up what is reviewed",
    "SELECT position, kind, held_id, about_id, role, reach, last_used_at, facts, decision,
            new_role, reason, decided_by, decided_at, decision_event, result, result_detail,
            result_at, result_event
       FROM reviews_item WHERE org_id = $1 AND campaign_id = $2 AND position = $3",
);

/// What is undecided and matches, as far as deciding about it needs.
pub(crate) const ITEMS_MATCHING: Statement = Statement::new(
    "look for what is undecided",
    "SELECT position, about_id FROM reviews_item
      WHERE org_id = $1 AND campaign_id = $2 AND decision IS NULL
        AND ($3 = '' OR kind = $3) AND ($4 = '' OR about_id = $4) AND ($5 = '' OR role = $5)
        AND ($6 = '' OR reach = $6)
        AND (CAST($7 AS BIGINT) IS NULL OR COALESCE(last_used_at, 0) < $7)
      ORDER BY position LIMIT 50000",
);

pub(crate) const ITEM_DECIDE: Statement = Statement::new(
    "decide about an item",
    "UPDATE reviews_item SET decision = $4, new_role = $5, reason = $6, decided_by = $7,
            decided_at = $8, decision_id = $9
      WHERE org_id = $1 AND campaign_id = $2 AND position = $3",
);

/// What matches in a stretch of positions; the campaign is held, so it is what was found.
pub(crate) const ITEMS_DECIDE: Statement = Statement::new(
    "decide about many items",
    "UPDATE reviews_item SET decision = $5, new_role = $6, reason = $7, decided_by = $8,
            decided_at = $9, decision_id = $10
      WHERE org_id = $1 AND campaign_id = $2 AND position >= $3 AND position <= $4
        AND decision IS NULL
        AND ($11 = '' OR kind = $11) AND ($12 = '' OR about_id = $12) AND ($13 = '' OR role = $13)
        AND ($14 = '' OR reach = $14)
        AND (CAST($15 AS BIGINT) IS NULL OR COALESCE(last_used_at, 0) < $15)",
);

pub(crate) const ITEMS_DECIDED: Statement = Statement::new(
    "note the event of a decision",
    "UPDATE reviews_item SET decision_event = $4
      WHERE org_id = $1 AND campaign_id = $2 AND decision_id = $3",
);

pub(crate) const ITEMS_COUNT: Statement = Statement::new(
    "count decisions and results",
    "SELECT COALESCE(decision, 'undecided') AS decided, COALESCE(result, 'none') AS came,
            kind, CAST(COUNT(*) AS BIGINT) AS items,
            CAST(SUM(CASE WHEN about_id = $3 THEN 1 ELSE 0 END) AS BIGINT) AS own
       FROM reviews_item WHERE org_id = $1 AND campaign_id = $2
      GROUP BY COALESCE(decision, 'undecided'), COALESCE(result, 'none'), kind",
);

pub(crate) const ITEMS_PENDING: Statement = Statement::new(
    "read what is to be taken back",
    "SELECT position, kind, held_id, about_id, role, reach, last_used_at, facts, decision,
            new_role, reason, decided_by, decided_at, decision_event, result, result_detail,
            result_at, result_event
       FROM reviews_item
      WHERE org_id = $1 AND campaign_id = $2 AND position > $3
        AND decision IN ('revoke', 'change') AND result IS NULL
      ORDER BY position LIMIT 100",
);

pub(crate) const ITEM_APPLIED: Statement = Statement::new(
    "note what was taken back",
    "UPDATE reviews_item SET result = 'applied', result_at = $4, result_event = $5
      WHERE org_id = $1 AND campaign_id = $2 AND position = $3 AND result IS NULL",
);

pub(crate) const ITEM_NOT_APPLIED: Statement = Statement::new(
    "note what was not taken back",
    "UPDATE reviews_item SET result = $4, result_detail = $5, result_at = $6, result_event = $7
      WHERE org_id = $1 AND campaign_id = $2 AND position = $3 AND result IS NULL",
);
