//! Lists: looked up by their keys, read page by page, or, if a filter or an order needs
//! it, looked through as far as one request may.

use std::collections::BTreeSet;

use base::args;
use base::db::{Statement, Value as Arg};
use identity::Roster;
use serde_json::{Value, json};

use crate::document::{Document, is_primary};
use crate::enter::Entered;
use crate::kept::{Kept, key};
use crate::matching::{Test, Unknown};
use crate::place::Spot;
use crate::query::{Key, Query, keys};
use crate::render;
use crate::schema::Resource;
use crate::{Error, Scim, sql};

/// Resources that one request looks through at most.
const LOOKED_THROUGH_MAX: usize = 20_000;
/// Bytes of a text that is sorted by at most.
const SORTED_BY_BYTES_MAX: usize = 256;

/// The statements of one kind of resource.
struct Statements {
    one: Statement,
    by_name: Statement,
    by_external: Statement,
    page: Statement,
    chunk: Statement,
    count: Statement,
}

const USERS: Statements = Statements {
    one: sql::USER_ONE,
    by_name: sql::USER_BY_NAME,
    by_external: sql::USER_BY_EXTERNAL,
    page: sql::USER_PAGE,
    chunk: sql::USER_CHUNK,
    count: sql::USER_COUNT,
};

const GROUPS: Statements = Statements {
    one: sql::GROUP_ONE,
    by_name: sql::GROUP_BY_NAME,
    by_external: sql::GROUP_BY_EXTERNAL,
    page: sql::GROUP_PAGE,
    chunk: sql::GROUP_CHUNK,
    count: sql::GROUP_COUNT,
};

const fn statements(resource: Resource) -> &'static Statements {
    match resource {
        Resource::User => &USERS,
        Resource::Group => &GROUPS,
    }
}

/// What was found: how many there are, and those of the page.
struct Found {
    total: usize,
    page: Vec<Kept>,
}

/// Whatever is meant, in order: what it is sorted by, and its id.
type Meant = (Option<String>, String);

impl Scim {
    /// A page of one kind.
    pub(crate) async fn list(
        &self,
        by: &Entered,
        resource: Resource,
        query: &Query,
    ) -> Result<Value, Error> {
        let test = query.filter.as_deref();
        let test = test.map(|text| Test::read(resource, text, Unknown::Refused)).transpose()?;
        let found = self.find(by, resource, query, test.as_ref()).await?;
        let shown = self.views(by, resource, found.page, &query.shown).await?;
        Ok(answer(found.total, query.start, &shown))
    }

    /// A page of all kinds: users first, then groups.
    pub(crate) async fn list_all(&self, by: &Entered, query: &Query) -> Result<Value, Error> {
        let (mut total, mut shown) = (0, Vec::new());
        for resource in [Resource::User, Resource::Group] {
            let test = query.filter.as_deref();
            let test =
                test.map(|text| Test::read(resource, text, Unknown::MatchesNothing)).transpose()?;
            let rest = Query {
                start: query.start.saturating_sub(total).max(1),
                count: query.count.saturating_sub(shown.len()),
                sort_by: query.sort_by.clone().filter(|_| query.sorted(resource).is_ok()),
                ..query.clone()
            };
            let found = self.find(by, resource, &rest, test.as_ref()).await?;
            total += found.total;
            shown.extend(self.views(by, resource, found.page, &query.shown).await?);
        }
        Ok(answer(total, query.start, &shown))
    }

    async fn find(
        &self,
        by: &Entered,
        resource: Resource,
        query: &Query,
        test: Option<&Test>,
    ) -> Result<Found, Error> {
        let sorted = query.sorted(resource)?;
        // By age is the order in which they are kept.
        let sorted = sorted.filter(|spot| spot.attribute.name != "id" || query.descending);
        let (start, count) = (query.start - 1, query.count);
        let Some(test) = test else {
            let total = self.count(by, resource).await?;
            if sorted.is_none() {
                return Ok(Found { total, page: self.page(by, resource, start, count).await? });
            }
            let meant = self.look_through(by, resource, None, sorted.as_ref()).await?;
            return self.cut(by, resource, meant, query).await;
        };
        let meant = match keys(resource, test) {
            Some(keys) => self.look_up(by, resource, &keys, test, sorted.as_ref()).await?,
            None => self.look_through(by, resource, Some(test), sorted.as_ref()).await?,
        };
        self.cut(by, resource, meant, query).await
    }

    /// The page out of everything that is meant.
    async fn cut(
        &self,
        by: &Entered,
        resource: Resource,
        mut meant: Vec<Meant>,
        query: &Query,
    ) -> Result<Found, Error> {
        // Without a value last, with it in the order of its text; descending the other way.
        meant.sort_by(|(left, left_id), (right, right_id)| {
            let absent = left.is_none().cmp(&right.is_none());
            absent.then_with(|| left.cmp(right)).then_with(|| left_id.cmp(right_id))
        });
        if query.descending {
            meant.reverse();
        }
        let total = meant.len();
        let mut page = Vec::new();
        for (_, id) in meant.iter().skip(query.start - 1).take(query.count) {
            match self.one(by, resource, id).await {
                Ok(kept) => page.push(kept),
                // Removed meanwhile.
                Err(Error::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Found { total, page })
    }

    async fn rows(
        &self,
        by: &Entered,
        statement: Statement,
        args: Vec<Arg>,
    ) -> Result<Vec<Kept>, Error> {
        let scope = by.scope()?;
        let mut all = args![by.directory.id.as_str()];
        all.extend(args);
        let rows = self.0.databases.of(&scope)?.all(statement, all).await?;
        Ok(rows.iter().map(|row| self.0.seals.kept(&scope, row)).collect::<Result<_, _>>()?)
    }

    async fn count(&self, by: &Entered, resource: Resource) -> Result<usize, Error> {
        let args = args![by.directory.id.as_str()];
        let scope = by.scope()?;
        let row = self.0.databases.of(&scope)?.maybe(statements(resource).count, args).await?;
        let count = row.map(|row| row.count("n")).transpose()?.unwrap_or_default();
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    async fn page(
        &self,
        by: &Entered,
        resource: Resource,
        start: usize,
        count: usize,
    ) -> Result<Vec<Kept>, Error> {
        let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let args = args![number(count), number(start)];
        self.rows(by, statements(resource).page, args).await
    }

    /// Looks at what has one of these keys.
    async fn look_up(
        &self,
        by: &Entered,
        resource: Resource,
        keys: &[Key],
        test: &Test,
        sorted: Option<&Spot>,
    ) -> Result<Vec<Meant>, Error> {
        let of_kind = statements(resource);
        let (mut seen, mut meant) = (BTreeSet::new(), Vec::new());
        let roster = self.0.identity.roster(&by.caller).await?;
        for one in keys {
            let (statement, wanted) = match one {
                Key::Id(id) => (of_kind.one, id.clone()),
                Key::Name(name) => (of_kind.by_name, key(name)),
                Key::External(id) => (of_kind.by_external, id.clone()),
                Key::Member(id) => (sql::GROUPS_BY_MEMBER, id.clone()),
            };
            if wanted.contains('\0') {
                continue;
            }
            for kept in self.rows(by, statement, args![wanted]).await? {
                if seen.insert(kept.id.clone()) {
                    self.ask(by, resource, &kept, Some(test), sorted, &roster, &mut meant).await?;
                }
            }
        }
        Ok(meant)
    }

    /// Looks at everything the directory has, if that is not too much.
    async fn look_through(
        &self,
        by: &Entered,
        resource: Resource,
        test: Option<&Test>,
        sorted: Option<&Spot>,
    ) -> Result<Vec<Meant>, Error> {
        let count = self.count(by, resource).await?;
        if count > LOOKED_THROUGH_MAX {
            return Err(Error::TooMany(format!(
                "this would look through more than {LOOKED_THROUGH_MAX} resources: filter by \
                 `id`, `externalId`, or the name, with `eq`"
            )));
        }
        self.0.pass.looked_at(&by.directory.id, count);
        let (mut meant, mut after) = (Vec::new(), String::new());
        let roster = self.0.identity.roster(&by.caller).await?;
        loop {
            let chunk = statements(resource).chunk;
            let rows = self.rows(by, chunk, args![after.as_str()]).await?;
            let Some(last) = rows.last() else { return Ok(meant) };
            after.clone_from(&last.id);
            for kept in &rows {
                self.ask(by, resource, kept, test, sorted, &roster, &mut meant).await?;
            }
        }
    }

    /// Notes a resource if it is meant.
    #[expect(clippy::too_many_arguments, reason = "one step of two loops")]
    async fn ask(
        &self,
        by: &Entered,
        resource: Resource,
        kept: &Kept,
        test: Option<&Test>,
        sorted: Option<&Spot>,
        roster: &Roster,
        meant: &mut Vec<Meant>,
    ) -> Result<(), Error> {
        let uses = |name: &str| {
            test.is_some_and(|test| test.uses(name))
                || sorted.is_some_and(|spot| spot.attribute.name == name)
        };
        let document = match resource {
            Resource::User => {
                let mut groups = Vec::new();
                if uses("groups") {
                    let mut all = self.groups_of(by, std::slice::from_ref(kept)).await?;
                    groups = all.remove(&kept.id).unwrap_or_default();
                }
                render::user(kept, roster, &groups, &by.base)
            }
            Resource::Group => {
                let mut within = Vec::new();
                if uses("members") {
                    within = self.users_of(by, kept, roster).await?;
                }
                render::group(kept, &within, roster, &by.base)
            }
        };
        if test.is_none_or(|test| test.holds(&document)) {
            meant.push((sorted.and_then(|spot| sorted_by(spot, &document)), kept.id.clone()));
        }
        Ok(())
    }
}

/// The text that a resource is sorted by: of several values the primary one's, else the
/// first.
fn sorted_by(spot: &Spot, document: &Document) -> Option<String> {
    let values = spot.values(document);
    let whole = document.get(&spot.attribute.name).and_then(Value::as_array);
    let primary = whole.and_then(|list| list.iter().position(is_primary)).unwrap_or_default();
    let text = match values.get(primary).or(values.first())? {
        Value::String(text) if spot.leaf().case_exact => text.clone(),
        Value::String(text) => text.to_lowercase(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    Some(text.chars().take(SORTED_BY_BYTES_MAX / 4).collect())
}

fn answer(total: usize, start: usize, shown: &[Document]) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": shown.len(),
        "Resources": shown,
    })
}
