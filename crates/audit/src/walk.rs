//! Finding a page of events without looking at all of them.
//!
//! A filter is answered by walking one index backwards and looking at the rest of each
//! event on the way. A walk has an end, so a filter that matches nothing in a million
//! events costs a few milliseconds and says how far back it looked:
//!
//! ```text
//! time range     a stretch of positions, found by halving
//! resource       its own index
//! user           its own index; that of what is no call, if no call can match
//! bad outcome    its own index
//! action         its own index, if it is none of a call
//! action prefix, resource type    the index of what is no call, if no call can match
//! else           the record itself: most events are those of calls
//! ```
//! Where several ways are open, the one is taken that ends in reach, or else reaches
//! back furthest. What is older than the database goes on in the archive: see `tiers`.

use access::{OrgDb, Scope};
use base::args;
use base::db::{DbError, Row, Statement, Value};
use base::time::At;

use crate::event::Outcome;
use crate::heads::LATE_MAX_MICROS;
use crate::tiers::place;
use crate::{Filter, Record, sql};

/// Events that a walk along the record, or along its seldom events, looks at: 8,000 rows
/// that lie side by side take 3 to 8 ms.
const SCAN_MAX: i64 = 8_000;
/// Events that a walk along any other index looks at: each lies somewhere else, and 1,500
/// of them take as long.
const WALK_MAX: i64 = 1_500;
/// The two events of each call: nine of ten events, and in none of the seldom indexes.
const CALLS: [&str; 2] = ["gateway.call.started", "gateway.call.ended"];

/// What a walk found.
pub(crate) struct Found {
    /// The events, newest first.
    pub(crate) rows: Vec<Row>,
    /// The position before which nothing was looked at, if the walk ended before the record did.
    pub(crate) floor: Option<i64>,
    /// The position behind the newest event that was looked at.
    pub(crate) before: i64,
}

/// An index to walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Resource,
    Deeds,
    User,
    Outcome,
    Action,
    Seldom,
    All,
}

/// A stretch of positions.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    from: i64,
    before: i64,
}

impl Record {
    /// Up to `limit` events before a position, newest first. The filter is one as the columns
    /// hold it.
    pub(crate) async fn page(
        &self,
        (db, scope): (&OrgDb<'_>, &Scope),
        filter: &Filter,
        before: i64,
        limit: u32,
    ) -> Result<Found, DbError> {
        let now = self.clock.now();
        let stretch = stretch(db, filter, before, now).await?;
        let (way, floor) = choose(db, filter, stretch).await?;
        let from = floor.unwrap_or(stretch.from);
        let args = args_of(filter, stretch.before, from, limit, now);
        let mut rows = db.all(way.page(), args).await?;
        let mut floor = floor.filter(|floor| *floor > stretch.from);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        if rows.len() < limit {
            // Asked behind the walk: what left the database meanwhile is in the archive.
            let edge = self.hot_from(db).await?.min(stretch.before);
            if edge > stretch.from && floor.is_none_or(|floor| floor < edge) {
                let mut hot = Vec::with_capacity(rows.len());
                for row in rows {
                    if row.int("seq")? >= edge {
                        hot.push(row);
                    }
                }
                let (stretch, limit) = ((stretch.from, edge), limit - hot.len());
                let older = self.older((db, scope), filter, stretch, limit, now).await?;
                rows = hot;
                rows.extend(older.rows);
                floor = older.floor;
            }
        }
        Ok(Found { rows, floor, before: stretch.before })
    }
}

/// The positions between which everything of the filter's time range is.
async fn stretch(
    db: &OrgDb<'_>,
    filter: &Filter,
    before: i64,
    now: At,
) -> Result<Stretch, DbError> {
    let from = match filter.begins(now) {
        Some(from) => place(db, sql::PLACE, from.as_microsecond() - LATE_MAX_MICROS).await?,
        None => 0,
    };
    let end = if let Some(to) = filter.to {
        place(db, sql::PLACE_BEHIND, to.as_microsecond() + LATE_MAX_MICROS).await?
    } else {
        let row = db.maybe(sql::SIZE, args![]).await?;
        row.map(|row| row.int("size")).transpose()?.unwrap_or_default()
    };
    Ok(Stretch { from, before: end.min(before) })
}

/// The way to take, and where its walk ends unless it is the end of the stretch.
async fn choose(
    db: &OrgDb<'_>,
    filter: &Filter,
    stretch: Stretch,
) -> Result<(Way, Option<i64>), DbError> {
    let mut best: Option<(Way, i64)> = None;
    for way in ways(filter) {
        if way.is_whole_of(filter) {
            return Ok((way, None));
        }
        let end = if let Some((statement, steps, key)) = way.floor(filter) {
            let args = [args![stretch.before, stretch.from, steps], key].concat();
            db.maybe(statement, args).await?.map(|row| row.int("seq")).transpose()?
        } else {
            Some(stretch.before.saturating_sub(SCAN_MAX)).filter(|end| *end > stretch.from)
        };
        let Some(end) = end else { return Ok((way, None)) };
        if best.is_none_or(|(_, furthest)| end < furthest) {
            best = Some((way, end));
        }
    }
    Ok(best.map_or((Way::All, None), |(way, end)| (way, Some(end))))
}

/// The ways that are open, the narrowest first.
fn ways(filter: &Filter) -> Vec<Way> {
    let mut ways = Vec::new();
    let calls = may_be_call(filter);
    if !filter.resource.is_empty() {
        ways.push(Way::Resource);
    }
    if !filter.user.is_empty() {
        ways.push(if calls { Way::User } else { Way::Deeds });
    }
    if !matches!(filter.outcome, None | Some(Outcome::Started | Outcome::Success)) {
        ways.push(Way::Outcome);
    }
    if !calls && !filter.exact_action().is_empty() {
        ways.push(Way::Action);
    } else if !calls && filter.resource.is_empty() {
        ways.push(Way::Seldom);
    }
    if ways.is_empty() {
        ways.push(Way::All);
    }
    ways
}

/// Whether the beginning or the end of a call can be among what is looked for.
fn may_be_call(filter: &Filter) -> bool {
    let action = filter.exact_action();
    let named = if action.is_empty() {
        CALLS.iter().any(|call| call.starts_with(filter.action_prefix()))
    } else {
        CALLS.contains(&action)
    };
    named && matches!(filter.resource_type.as_str(), "" | "call")
}

impl Way {
    /// Whether all that is on this way matches: then nothing is walked in vain.
    fn is_whole_of(self, filter: &Filter) -> bool {
        let own = match self {
            Self::Resource => "resource",
            Self::User => "user",
            Self::Outcome => "outcome",
            Self::Action => "action",
            Self::Deeds | Self::Seldom | Self::All => "",
        };
        let seldom = matches!(self, Self::Deeds | Self::Seldom);
        let time = ["last", "from", "to"];
        let fields = filter.fields();
        !seldom && fields.iter().all(|(name, _)| *name == own || time.contains(name))
    }

    const fn page(self) -> Statement {
        match self {
            Self::Resource => sql::PAGE_OF_RESOURCE,
            Self::Deeds => sql::PAGE_OF_DEEDS,
            Self::User => sql::PAGE_OF_USER,
            Self::Outcome => sql::PAGE_OF_OUTCOME,
            Self::Action => sql::PAGE_OF_ACTION,
            Self::Seldom => sql::PAGE_OF_SELDOM,
            Self::All => sql::PAGE_OF_ALL,
        }
    }

    /// How to find where a walk ends: the statement, its steps, and what it goes by.
    /// Along the record itself that is a subtraction.
    fn floor(self, filter: &Filter) -> Option<(Statement, i64, Vec<Value>)> {
        let outcome = filter.outcome.map_or("", Outcome::as_str);
        Some(match self {
            Self::All => return None,
            Self::Seldom => (sql::FLOOR_OF_SELDOM, SCAN_MAX, args![]),
            Self::Resource => (sql::FLOOR_OF_RESOURCE, WALK_MAX, args![&filter.resource]),
            Self::Deeds => (sql::FLOOR_OF_DEEDS, WALK_MAX, args![&filter.user]),
            Self::User => (sql::FLOOR_OF_USER, WALK_MAX, args![&filter.user]),
            Self::Outcome => (sql::FLOOR_OF_OUTCOME, WALK_MAX, args![outcome]),
            Self::Action => (sql::FLOOR_OF_ACTION, WALK_MAX, args![filter.exact_action()]),
        })
    }
}

fn args_of(filter: &Filter, before: i64, from: i64, limit: u32, now: At) -> Vec<Value> {
    let mut args = args![
        before,
        from,
        filter.begins(now).map_or(i64::MIN, At::as_microsecond),
        filter.to.map_or(i64::MAX, At::as_microsecond),
    ];
    args.extend(narrowing(filter));
    args.extend(args![i64::from(limit)]);
    args
}

/// What the statements narrow by, in their order.
pub(crate) fn narrowing(filter: &Filter) -> Vec<Value> {
    args![
        filter.exact_action(),
        like(filter.action_prefix()),
        filter.user.as_str(),
        filter.resource_type.as_str(),
        filter.resource.as_str(),
        filter.outcome.map_or("", Outcome::as_str),
    ]
}

/// A prefix as a `LIKE` with `!` as its escape.
fn like(prefix: &str) -> String {
    if prefix.is_empty() {
        return String::new();
    }
    let mut like = String::with_capacity(prefix.len() + 2);
    for character in prefix.chars() {
        if matches!(character, '!' | '%' | '_') {
            like.push('!');
        }
        like.push(character);
    }
    like.push('%');
    like
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(fields: &[(&str, &str)]) -> Filter {
        let mut filter = Filter::default();
        for (name, value) in fields {
            match *name {
                "action" => filter.action = (*value).to_owned(),
                "user" => filter.user = (*value).to_owned(),
                "type" => filter.resource_type = (*value).to_owned(),
                "resource" => filter.resource = (*value).to_owned(),
                _ => filter.outcome = Some(Outcome::Denied),
            }
        }
        filter
    }

    #[test]
    fn each_filter_goes_the_narrowest_ways() {
        use Way::{Action, All, Deeds, Outcome, Resource, Seldom, User};
        for (fields, expected) in [
            (&[][..], &[All][..]),
            (&[("action", "gateway.call.ended")], &[All]),
            (&[("action", "gateway.*")], &[All]),
            (&[("action", "*")], &[All]),
            (&[("type", "call")], &[All]),
            (&[("action", "identity.*")], &[Seldom]),
            (&[("type", "key")], &[Seldom]),
            (&[("action", "gateway.call.refused")], &[Action]),
            (&[("user", "mem_a")], &[User]),
            (&[("user", "mem_a"), ("action", "identity.*")], &[Deeds, Seldom]),
            (&[("outcome", "denied"), ("type", "call")], &[Outcome]),
            (&[("resource", "key_a"), ("type", "key")], &[Resource]),
            (
                &[("resource", "key_a"), ("user", "mem_a"), ("outcome", ""), ("action", "a.b.c")],
                &[Resource, Deeds, Outcome, Action],
            ),
        ] {
            assert_eq!(ways(&filter(fields)), expected, "{fields:?}");
        }
        assert!(User.is_whole_of(&filter(&[("user", "mem_a")])));
        assert!(All.is_whole_of(&filter(&[])));
        assert!(!User.is_whole_of(&filter(&[("user", "mem_a"), ("outcome", "")])));
        assert!(!Seldom.is_whole_of(&filter(&[("action", "identity.*")])));
    }

    #[test]
    fn a_prefix_means_its_own_characters() {
        assert_eq!(like("identity."), "identity.%");
        assert_eq!(like("a_b%c!"), "a!_b!%c!!%");
        assert_eq!(like(""), "");
    }
}
