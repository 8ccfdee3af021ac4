//! What stands in the way of an erasure.

use access::OrgDb;
use audit::Change;
use base::args;
use base::db::{DbError, Row};
use base::time::At;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Hold, Privacy, Retention, sql};

/// What stands in the way of an erasure, and until when.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Blocked {
    /// Each of them; none: nothing is in the way any more.
    pub by: Vec<Block>,
    /// When the last of them ends by itself; absent: not before a hold is lifted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub until: Option<At>,
}

/// One thing that is in the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Block {
    /// `hold` or `retention`.
    pub kind: &'static str,
    /// The hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<String>,
    /// Why: the reason of the hold, or the law.
    pub why: String,
    /// Until when; absent: until it is lifted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub until: Option<At>,
}

impl Blocked {
    fn of(by: Vec<Block>) -> Self {
        let open = by.iter().any(|block| block.until.is_none());
        let last = by.iter().filter_map(|block| block.until).max();
        Self { until: last.filter(|_| !open), by }
    }

    /// Retention counts from the person's last event.
    fn read(
        holds: &[Row],
        retention: &Retention,
        last_event_at: Option<At>,
        now: At,
    ) -> Result<Self, DbError> {
        let mut by = Vec::with_capacity(holds.len());
        for row in holds {
            by.push(Block::of_hold(&Hold::read(row, now)?));
        }
        by.extend(Block::of_retention(retention, last_event_at, now));
        Ok(Self::of(by))
    }

    /// Nothing is in the way.
    pub fn is_free(&self) -> bool {
        self.by.is_empty()
    }

    /// For people.
    pub fn sentence(&self) -> String {
        let why = |block: &Block| match block.kind {
            "hold" => format!("a legal hold ({})", block.why),
            _ => format!("the retention of the organization ({})", block.why),
        };
        let by: Vec<_> = self.by.iter().map(why).collect();
        match self.until {
            _ if by.is_empty() => "nothing is in the way any more".to_owned(),
            Some(until) => format!("blocked until {until} by {}", by.join(" and ")),
            None => format!("blocked until it is lifted by {}", by.join(" and ")),
        }
    }
}

impl Privacy {
    /// What is in the way of erasing a person now, for whoever looks.
    pub(crate) async fn blocked(
        &self,
        db: &OrgDb<'_>,
        person: &str,
        last_event_at: Option<At>,
    ) -> Result<Blocked, DbError> {
        let retention = Retention::of(db.maybe(sql::RETENTION, args![]).await?.as_ref())?;
        self.blocked_beside(db, &retention, person, last_event_at).await
    }

    /// The same for whoever asks about many people and has read the retention.
    pub(crate) async fn blocked_beside(
        &self,
        db: &OrgDb<'_>,
        retention: &Retention,
        person: &str,
        last_event_at: Option<At>,
    ) -> Result<Blocked, DbError> {
        let now = self.now();
        let holds = db.all(sql::HOLDS_ON, args![person, now]).await?;
        Blocked::read(&holds, retention, last_event_at, now)
    }

    /// The same for a change that has the turn: nobody places a hold before it has ended.
    pub(crate) async fn blocked_within(
        &self,
        change: &mut Change,
        person: &str,
        last_event_at: Option<At>,
    ) -> Result<Blocked, DbError> {
        let now = self.now();
        let holds = change.all(sql::HOLDS_ON, args![person, now]).await?;
        let retention = Retention::of(change.maybe(sql::RETENTION, args![]).await?.as_ref())?;
        Blocked::read(&holds, &retention, last_event_at, now)
    }
}

impl Block {
    fn of_hold(hold: &Hold) -> Self {
        Self {
            kind: "hold",
            hold: Some(hold.id.to_string()),
            why: hold.reason.clone(),
            until: hold.until,
        }
    }

    fn of_retention(retention: &Retention, last_event_at: Option<At>, now: At) -> Option<Self> {
        // Fails closed: a date that no calendar has is for ever.
        let until = match last_event_at?.checked_add(retention.lasts()) {
            Ok(until) if until <= now => return None,
            Ok(until) => Some(until),
            Err(_) => None,
        };
        let why = format!("{} days: {}", retention.days, retention.law);
        Some(Self { kind: "retention", hold: None, why, until })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(until: Option<&str>) -> Block {
        let until = until.map(|until| until.parse().unwrap());
        Block { kind: "hold", hold: None, why: "suit".to_owned(), until }
    }

    #[test]
    fn the_last_block_tells_when_and_an_open_one_tells_never() {
        let (may, june) = ("2026-05-01T00:00:00Z", "2026-06-01T00:00:00Z");
        let both = Blocked::of(vec![block(Some(june)), block(Some(may))]);
        assert_eq!(both.until, Some(june.parse().unwrap()));
        assert_eq!(Blocked::of(vec![block(Some(may)), block(None)]).until, None);
        assert!(Blocked::of(vec![]).is_free());
    }

    #[test]
    fn retention_counts_from_the_last_event() {
        let retention = Retention { days: 10, law: "HGB".to_owned(), ..Retention::default() };
        let last: At = "2026-05-01T00:00:00Z".parse().unwrap();
        let at = |text: &str| text.parse::<At>().unwrap();
        let block = |now| Block::of_retention(&retention, Some(last), at(now));
        let until = block("2026-05-10T23:00:00Z").unwrap().until;
        assert_eq!(until, Some(at("2026-05-11T00:00:00Z")));
        assert_eq!(block("2026-05-11T00:00:00Z"), None);
        assert_eq!(Block::of_retention(&retention, None, last), None);
    }
}
