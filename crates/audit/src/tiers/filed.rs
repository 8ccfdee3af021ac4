//! What the database keeps of a chunk, made from its rows.

use std::collections::{BTreeMap, BTreeSet};

use access::Scope;
use base::args;
use base::db::{DbError, Row, Value};
use base::time::At;

use super::chunk::{Chunk, Kept};
use super::names::{Column, Names};
use crate::keys::MARK;

/// Things that are a person's alone: their keys are destroyed with the person's.
const OWN: [&str; 2] = ["conversation", "passkey"];
const CALLS: [&str; 2] = ["gateway.call.started", "gateway.call.ended"];

/// A chunk as the database tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filed {
    pub(crate) first: i64,
    pub(crate) next: i64,
    /// The earliest instant of its events, and the latest.
    pub(crate) at: (i64, i64),
    pub(crate) file: String,
    pub(crate) sha256: Vec<u8>,
    pub(crate) names: Names,
    pub(crate) bytes: i64,
}

/// What can be told of a chunk without reading it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Summary<'a> {
    pub(crate) at: (i64, i64),
    pub(crate) names: Names,
    pub(crate) bytes: i64,
    /// Of each person: how many events, and the latest instant but of what was done about
    /// their data.
    pub(crate) people: BTreeMap<&'a str, (i64, Option<i64>)>,
    /// Of each person the things that are theirs alone.
    pub(crate) things: BTreeSet<(&'a str, &'a str)>,
}

impl Filed {
    pub(crate) fn of(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            first: row.int("first")?,
            next: row.int("next")?,
            at: (row.int("from_at")?, row.int("to_at")?),
            file: row.text("file")?,
            sha256: row.bytes("sha256")?,
            names: Names::from_bytes(row.bytes("names")?),
            bytes: row.int("bytes")?,
        })
    }

    pub(crate) fn values(&self, scope: &Scope, now: At) -> Vec<Value> {
        scope.args(args![
            self.first,
            self.next,
            self.at.0,
            self.at.1,
            &self.file,
            self.sha256.as_slice(),
            self.names.as_bytes(),
            self.bytes,
            now
        ])
    }
}

impl<'a> Summary<'a> {
    pub(crate) fn of(chunk: &'a Chunk) -> Self {
        let (mut at, mut bytes) = ((i64::MAX, i64::MIN), 0);
        let (mut values, mut people) = (BTreeSet::new(), BTreeMap::new());
        let mut things = BTreeSet::new();
        for row in chunk.rows() {
            at = (at.0.min(row.at), at.1.max(row.at));
            bytes += i64::try_from(row.body.len()).unwrap_or(i64::MAX);
            values.extend([
                (Column::Action, row.action.as_str()),
                (Column::User, &row.user_id),
                (Column::ResourceType, &row.resource_type),
                (Column::Resource, &row.resource_id),
                (Column::Outcome, &row.outcome),
            ]);
            for person in BTreeSet::from([row.user_id.as_str(), &row.resource_id]) {
                if person.starts_with(MARK) {
                    let (events, last): &mut (i64, Option<i64>) = people.entry(person).or_default();
                    *events += 1;
                    *last = (*last).max(row.tells_of(person).then_some(row.at));
                }
            }
            if row.is_of_an_own_thing() {
                things.insert((row.user_id.as_str(), row.resource_id.as_str()));
            }
        }
        Self { at, names: Names::of(&values), bytes, people, things }
    }

    pub(crate) fn filed(&self, chunk: &Chunk, file: String, sha256: Vec<u8>) -> Filed {
        let (first, next) = (chunk.first(), chunk.next());
        Filed {
            first,
            next,
            at: self.at,
            file,
            sha256,
            names: self.names.clone(),
            bytes: self.bytes,
        }
    }

    pub(crate) fn people_values(&self, scope: &Scope, first: i64) -> Vec<Vec<Value>> {
        let person = |(person, (events, last)): (&&str, &(i64, Option<i64>))| {
            scope.args(args![*person, first, *events, *last])
        };
        self.people.iter().map(person).collect()
    }

    pub(crate) fn thing_values(&self, scope: &Scope) -> Vec<Vec<Value>> {
        self.things.iter().map(|(person, thing)| scope.args(args![*person, *thing])).collect()
    }
}

impl Kept {
    /// As `LAST_OF` counts: what this product does about a person's data keeps it no longer.
    fn tells_of(&self, person: &str) -> bool {
        self.user_id == person || !self.action.starts_with("privacy.")
    }

    /// As `OWN_THINGS` finds them.
    fn is_of_an_own_thing(&self) -> bool {
        self.user_id.starts_with(MARK)
            && OWN.contains(&self.resource_type.as_str())
            && !CALLS.contains(&self.action.as_str())
    }
}
