//! What a list is asked for, and how it is looked for.

use scim_v2::filter::CompareOp;
use serde_json::Value;

use crate::error::Error;
use crate::matching::{Check, Inner, Test};
use crate::patch::member;
use crate::place::{Place, Spot};
use crate::schema::Resource;
use crate::shown::Shown;

/// Resources on a page when the directory does not say.
const COUNT_DEFAULT: usize = 100;
/// Resources on a page at most.
pub(crate) const COUNT_MAX: usize = 200;
/// How far into a list a page begins at most.
const START_MAX: usize = 10_000_000;
/// Resources that a filter names by their keys at most, to be looked up one by one.
const KEYS_MAX: usize = 100;

/// A question for a list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query {
    pub(crate) filter: Option<String>,
    pub(crate) sort_by: Option<String>,
    pub(crate) descending: bool,
    /// From 1.
    pub(crate) start: usize,
    pub(crate) count: usize,
    pub(crate) shown: Shown,
}

/// By what a resource is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Key {
    Id(String),
    Name(String),
    External(String),
    /// The groups that a user is in.
    Member(String),
}

impl Query {
    /// Reads the query of an address.
    pub(crate) fn of_address(query: &str) -> Result<Self, Error> {
        let pairs: Vec<(String, String)> = serde_html_form::from_str(query)
            .map_err(|_| Error::Syntax("the query of the address cannot be read".to_owned()))?;
        let get = |name: &str| {
            let pair = pairs.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            pair.map(|(_, value)| value.clone())
        };
        let names = |name: &str| get(name).map(|list| list.split(',').map(str::to_owned).collect());
        Ok(Self {
            filter: get("filter"),
            sort_by: get("sortBy"),
            descending: descending(get("sortOrder").as_deref()),
            start: start(get("startIndex").as_deref())?,
            count: count(get("count").as_deref())?,
            shown: Shown::read(
                names("attributes"),
                names("excludedAttributes").unwrap_or_default(),
            ),
        })
    }

    /// Reads the body of a search (RFC 7644, section 3.4.3).
    pub(crate) fn of_search(body: &Value) -> Result<Self, Error> {
        let wrong = || Error::Syntax("a search is a JSON object".to_owned());
        let body = body.as_object().ok_or_else(wrong)?;
        let text = |name: &str| match member(body, name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(Error::Value(format!("`{name}` must be a text or a number"))),
        };
        let names = |name: &str| match member(body, name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(list)) => {
                let names = list.iter().map(|name| name.as_str().map(str::to_owned));
                let names: Option<Vec<String>> = names.collect();
                let wrong = || Error::Value(format!("`{name}` must be a list of names"));
                names.map(Some).ok_or_else(wrong)
            }
            Some(_) => Err(Error::Value(format!("`{name}` must be a list of names"))),
        };
        Ok(Self {
            filter: text("filter")?,
            sort_by: text("sortBy")?,
            descending: descending(text("sortOrder")?.as_deref()),
            start: start(text("startIndex")?.as_deref())?,
            count: count(text("count")?.as_deref())?,
            shown: Shown::read(
                names("attributes")?,
                names("excludedAttributes")?.unwrap_or_default(),
            ),
        })
    }

    /// By what resources are sorted; nothing: by their age.
    pub(crate) fn sorted(&self, resource: Resource) -> Result<Option<Spot>, Error> {
        let Some(by) = &self.sort_by else { return Ok(None) };
        match Place::written(resource, by) {
            Some(Place::Attribute(spot)) => Ok(Some(spot)),
            Some(Place::Extension(_)) | None => {
                Err(Error::Value("`sortBy` names no attribute".to_owned()))
            }
        }
    }
}

fn descending(order: Option<&str>) -> bool {
    order.is_some_and(|order| order.eq_ignore_ascii_case("descending"))
}

fn number(text: &str, name: &str) -> Result<i64, Error> {
    text.trim().parse().map_err(|_| Error::Value(format!("`{name}` must be a whole number")))
}

/// Less than 1 means 1 (RFC 7644, section 3.4.2.4).
fn start(text: Option<&str>) -> Result<usize, Error> {
    let Some(text) = text else { return Ok(1) };
    let start = usize::try_from(number(text, "startIndex")?.max(1)).unwrap_or(START_MAX);
    Ok(start.min(START_MAX))
}

/// Less than 0 means 0.
fn count(text: Option<&str>) -> Result<usize, Error> {
    let Some(text) = text else { return Ok(COUNT_DEFAULT) };
    let count = usize::try_from(number(text, "count")?.max(0)).unwrap_or(COUNT_MAX);
    Ok(count.min(COUNT_MAX))
}

/// The keys of which whatever a filter means must have one: then nothing else is looked at.
pub(crate) fn keys(resource: Resource, test: &Test) -> Option<Vec<Key>> {
    match test {
        Test::One(spot, Check::Compares(CompareOp::Eq, wanted)) => {
            key(resource, spot, wanted.as_text()?).map(|key| vec![key])
        }
        Test::Within(spot, inner) => inner_key(resource, spot, inner).map(|key| vec![key]),
        Test::And(all) => all.iter().filter_map(|one| keys(resource, one)).min_by_key(Vec::len),
        Test::Or(any) => {
            let mut all = Vec::new();
            for one in any {
                all.extend(keys(resource, one)?);
            }
            Some(all).filter(|keys| keys.len() <= KEYS_MAX)
        }
        Test::Never => Some(Vec::new()),
        Test::One(..) | Test::Not(_) => None,
    }
}

fn key(resource: Resource, spot: &Spot, text: &str) -> Option<Key> {
    if spot.extension.is_some() {
        return None;
    }
    let sub = spot.sub.map(|sub| sub.name.as_str());
    match (resource, spot.attribute.name.as_str(), sub) {
        (_, "id", None) => Some(Key::Id(text.to_owned())),
        (_, "externalId", None) => Some(Key::External(text.to_owned())),
        (Resource::User, "userName", None) | (Resource::Group, "displayName", None) => {
            Some(Key::Name(text.trim().to_owned()))
        }
        (Resource::Group, "members", None | Some("value")) => Some(Key::Member(text.to_owned())),
        _ => None,
    }
}

fn inner_key(resource: Resource, spot: &Spot, inner: &Inner) -> Option<Key> {
    let members = resource == Resource::Group && spot.attribute.name == "members";
    inner.only_value().filter(|_| members).map(|id| Key::Member(id.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::matching::Unknown;

    fn keys_of(resource: Resource, filter: &str) -> Option<Vec<Key>> {
        keys(resource, &Test::read(resource, filter, Unknown::Refused).unwrap())
    }

    #[test]
    fn filters_that_name_whom_they_mean_are_looked_up() {
        let name = |text: &str| Key::Name(text.to_owned());
        for (filter, expected) in [
            (r#"userName eq "Ada""#, Some(vec![name("ada")])),
            (r#"title pr and USERNAME eq "a" and (id eq "1" or id eq "2")"#, Some(vec![name("a")])),
            (
                r#"id eq "1" or externalId eq "X""#,
                Some(vec![Key::Id("1".into()), Key::External("X".into())]),
            ),
            (r#"userName eq "a" or title pr"#, None),
            (r#"not (userName eq "a")"#, None),
            (r#"userName sw "a""#, None),
        ] {
            assert_eq!(keys_of(Resource::User, filter), expected, "{filter}");
        }
        let filter = r#"displayName pr and members[value eq "u"]"#;
        assert_eq!(keys_of(Resource::Group, filter), Some(vec![Key::Member("u".into())]));
    }

    #[test]
    fn pages_are_bounded_and_read_as_the_rfc_says() {
        let query = Query::of_address("startIndex=-4&count=100000&sortOrder=DESCENDING").unwrap();
        assert_eq!((query.start, query.count, query.descending), (1, COUNT_MAX, true));
        let query = Query::of_address("count=-1&Filter=a%20b").unwrap();
        assert_eq!((query.count, query.filter.as_deref()), (0, Some("a b")));
        assert!(Query::of_address("count=many").is_err());
        let search = json!({"startIndex": 3, "count": 2, "attributes": ["userName"]});
        let query = Query::of_search(&search).unwrap();
        assert_eq!((query.start, query.count), (3, 2));
        assert!(!query.shown.shows(Resource::User, "emails"));
        assert!(Query::of_search(&json!({"attributes": "userName"})).is_err());
    }
}
