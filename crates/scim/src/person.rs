//! The person behind a user: what the member of the org is called and written to.

use serde_json::Value;

use crate::document::{Document, is_primary};
use crate::kept::text;

/// Characters of a member's name at most.
const NAME_MAX: usize = 120;
/// Where nobody is written to (RFC 2606): the address of a member of whom the directory
/// knows none.
const NOWHERE: &str = "directory.invalid";

/// The person behind a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    /// In lower case.
    pub(crate) email: String,
    pub(crate) name: String,
}

impl Person {
    /// The address is the primary one, else that of the work, else the first, else the
    /// user name if it is one.
    pub(crate) fn of(document: &Document, id: &str) -> Self {
        let user_name = text(document, "userName").unwrap_or_default().trim();
        let email = email(document)
            .or_else(|| Some(user_name).filter(|name| is_address(name)))
            .map_or_else(|| format!("{}@{NOWHERE}", id.to_lowercase()), str::to_lowercase);
        let name = name(document).unwrap_or_else(|| user_name.to_owned());
        let plain = name.chars().filter(|c| !c.is_control()).take(NAME_MAX).collect::<String>();
        Self { email, name: plain.trim().to_owned() }
    }
}

fn email(document: &Document) -> Option<&str> {
    let list = document.get("emails").and_then(Value::as_array)?;
    let value = |email: &&Value| email.get("value").and_then(Value::as_str).is_some();
    let work = |email: &&Value| {
        let kind = email.get("type").and_then(Value::as_str);
        kind.is_some_and(|kind| kind.eq_ignore_ascii_case("work"))
    };
    let with = || list.iter().filter(value);
    let chosen = with().find(|email| is_primary(email)).or_else(|| with().find(work));
    chosen.or_else(|| with().next())?.get("value").and_then(Value::as_str).map(str::trim)
}

fn is_address(name: &str) -> bool {
    let parts = name.split_once('@');
    let formed = parts.is_some_and(|(who, domain)| {
        !who.is_empty() && domain.contains('.') && !domain.contains('@')
    });
    formed && name.len() <= 254 && !name.contains(char::is_whitespace)
}

fn name(document: &Document) -> Option<String> {
    let part = |name: &str| {
        let part = document.get("name").and_then(|parts| parts.get(name)).and_then(Value::as_str);
        part.map(str::trim).filter(|part| !part.is_empty())
    };
    let display = text(document, "displayName").map(str::trim).filter(|name| !name.is_empty());
    display.or_else(|| part("formatted")).map(ToOwned::to_owned).or_else(|| {
        let both: Vec<&str> =
            [part("givenName"), part("familyName")].into_iter().flatten().collect();
        Some(both.join(" ")).filter(|name| !name.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_person_is_called_and_written_to_as_the_directory_says_best() {
        for (document, email, name) in [
            (json!({"userName": "Ada@X.example"}), "ada@x.example", "Ada@X.example"),
            (json!({"userName": "ada"}), "scu_1@directory.invalid", "ada"),
            (
                json!({"userName": "ada", "name": {"givenName": "Ada", "familyName": "L"},
                    "emails": [{"type": "home", "value": "h@x.example"},
                               {"type": "Work", "value": "W@x.example"}]}),
                "w@x.example",
                "Ada L",
            ),
            (
                json!({"userName": "ada", "displayName": " Countess ", "name": {"formatted": "A"},
                    "emails": [{"value": "first@x.example"}, {"type": "work"},
                               {"primary": true, "value": "p@x.example"}]}),
                "p@x.example",
                "Countess",
            ),
        ] {
            let document = document.as_object().unwrap().clone();
            let person = Person::of(&document, "scu_1");
            assert_eq!((person.email.as_str(), person.name.as_str()), (email, name));
        }
    }
}
