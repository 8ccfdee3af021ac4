//! What is held of a person, and where: what an erasure would do, without doing it.

use access::{Caller, Permission, Scope};
use audit::{Held, Person, Standing};
use base::args;
use serde::Serialize;
use utoipa::ToSchema;

use crate::request::Request;
use crate::{Blocked, Error, Privacy, events, sql};

/// Characters of an id or an e-mail address.
const PERSON_CHARS_MAX: usize = 254;

/// What is held of a person.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Located {
    /// Their id.
    pub person: String,
    /// What people call them; absent of whoever was erased, and of guests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether they can still sign in: then they cannot be erased.
    pub present: bool,
    /// What is held, by store.
    pub stores: Vec<Held>,
    /// What would block an erasure now.
    pub blocked: Blocked,
    /// The erasure that was asked for, if one was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
}

impl Privacy {
    /// What is held of a person, by id or e-mail address.
    pub async fn locate(&self, caller: &Caller, who: &str) -> Result<Located, Error> {
        let scope = caller.require(Permission::PrivacyRead)?;
        let person = self.person(&scope, who).await?;
        let db = self.0.databases.of(&scope)?;
        let mut stores = Vec::new();
        for keeper in &self.0.keepers {
            stores.extend(keeper.locate(&db, &scope, &person).await?);
        }
        let request = match db.maybe(sql::REQUEST_OF, args![person.id.as_str()]).await? {
            Some(row) => Some(self.told(&scope, Request::read(&row)?).await?),
            None => None,
        };
        let last = self.0.record.last_of(&scope, &person.id).await?;
        let blocked = self.blocked(&db, &person.id, last).await?;
        self.0.record.note(caller, &events::located(&person.id)).await?;
        Ok(Located {
            name: Some(person.name).filter(|name| !name.is_empty()),
            present: person.standing == Standing::Present,
            person: person.id,
            stores,
            blocked,
            request,
        })
    }

    /// Who this is, with all that is theirs alone.
    pub(crate) async fn person(&self, scope: &Scope, who: &str) -> Result<Person, Error> {
        let (mut person, db) = (self.somebody(scope, who).await?, self.0.databases.of(scope)?);
        for keeper in &self.0.keepers {
            let things = keeper.things(&db, scope, &person).await?;
            person.things.extend(things);
        }
        person.things.sort_unstable();
        person.things.dedup();
        Ok(person)
    }

    /// Who this is.
    pub(crate) async fn somebody(&self, scope: &Scope, who: &str) -> Result<Person, Error> {
        let who = who.trim();
        if who.is_empty() || who.chars().count() > PERSON_CHARS_MAX {
            return Err(Error::NoSuchPerson);
        }
        let db = self.0.databases.of(scope)?;
        for keeper in &self.0.keepers {
            if let Some(person) = keeper.person(&db, who).await? {
                return Ok(person);
            }
        }
        Err(Error::NoSuchPerson)
    }

    /// The person and the things that are theirs alone: whose keys are destroyed.
    pub(crate) async fn ids_of(&self, scope: &Scope, id: &str) -> Result<Vec<String>, Error> {
        Ok(ids(&self.person(scope, id).await?))
    }
}

/// The person and the things that are theirs alone.
pub(crate) fn ids(person: &Person) -> Vec<String> {
    let mut ids = person.things.clone();
    ids.push(person.id.clone());
    ids
}
