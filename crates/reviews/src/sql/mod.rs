//! Every statement of this room. `$1` is always the org.

mod campaign;
mod item;

use base::db::{Batch, Migration, Statement};

pub(crate) use self::campaign::*;
pub(crate) use self::item::*;

/// This room's steps.
pub const MIGRATIONS: &[Migration] =
    &[Migration::both("reviews/0001_reviews", include_str!("../../migrations/0001_reviews.sql"))];

/// For the tests that prepare every statement on each engine.
pub const STATEMENTS: &[Statement] = &[
    crate::keeper::CAMPAIGNS,
    crate::keeper::ITEMS,
    CAMPAIGN_ADD,
    CAMPAIGN_CREATED,
    CAMPAIGN_ONE,
    CAMPAIGN_PAGE,
    CAMPAIGNS_OPEN,
    CAMPAIGN_HOLD,
    CAMPAIGN_DECIDED,
    CAMPAIGN_SIGN,
    CAMPAIGN_SIGNED,
    CAMPAIGN_SECOND,
    CAMPAIGN_SECONDED,
    CAMPAIGN_REOPEN,
    CAMPAIGN_END,
    CAMPAIGN_ENDED,
    ITEM_PAGE,
    ITEM_ONE,
    ITEMS_MATCHING,
    ITEM_DECIDE,
    ITEMS_DECIDE,
    ITEMS_DECIDED,
    ITEMS_COUNT,
    ITEMS_PENDING,
    ITEM_APPLIED,
    ITEM_NOT_APPLIED,
];

/// For the same tests.
pub const BATCHES: &[Batch] = &[ITEMS_ADD];
