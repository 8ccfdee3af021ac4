//! Changing a user: as a whole, or by operations.

use base::args;
use serde_json::Value;

use crate::document::{self, Document};
use crate::enter::Entered;
use crate::kept::{Kept, text};
use crate::patch::{self, Operation};
use crate::schema::Resource;
use crate::user::{free_name, name_key, taken};
use crate::{Error, Scim, events, sql};

/// How a resource is changed.
#[derive(Debug)]
pub(crate) enum Amend<'a> {
    /// It becomes what was sent.
    Replace(&'a Value),
    /// It is changed by operations.
    Patch(&'a Value),
}

impl Scim {
    /// Changes a user. What changes nothing leaves no trace.
    pub(crate) async fn amend_user(
        &self,
        by: &Entered,
        id: &str,
        how: &Amend<'_>,
        seen: Option<&str>,
    ) -> Result<Kept, Error> {
        let scope = by.scope()?;
        // What cannot be read is refused before anybody waits for it.
        let amendment = Amendment::read(Resource::User, how)?;
        let vouched = self.vouched(by).await?;
        let (mut work, expected) = self.begin(by, seen).await?;
        let kept = self.kept(&mut work, by, sql::USER_ONE, id).await?;
        expected.still(Resource::User, &kept)?;
        let after = amendment.of_user(&kept.document)?;
        if name_key(&after) != name_key(&kept.document) {
            free_name(&mut work, by, &after).await?;
        }
        let told = self.tell_member(&mut work, (by, &vouched), &kept, &after).await?;
        let names = differing(&kept.document, &after);
        if names.is_empty() && told.state.is_none() && told.role.is_none() {
            return Ok(kept);
        }
        let (sealed, at) = (self.0.seals.seal(&scope, id, &after)?, self.now());
        let external = text(&after, "externalId");
        let args = args![id, name_key(&after), external, sealed, &told.member, at];
        work.change.run(sql::USER_CHANGE, args).await.map_err(taken)?;
        let subject = told.member.clone();
        self.0.identity.commit(work, events::user_changed(id, &names, &told)).await?;
        let version = kept.version + 1;
        Ok(Kept { subject, document: after, version, changed_at: at, ..kept })
    }
}

/// A change that was read and can be applied.
pub(crate) enum Amendment {
    Replace(Document),
    Patch(Vec<Operation>),
}

impl Amendment {
    pub(crate) fn read(resource: Resource, how: &Amend<'_>) -> Result<Self, Error> {
        Ok(match how {
            Amend::Replace(sent) => Self::Replace(document::read(resource, sent)?),
            Amend::Patch(body) => Self::Patch(Operation::read(body)?),
        })
    }

    /// A whole user who says nothing of whether they may act stays as they are.
    fn of_user(&self, before: &Document) -> Result<Document, Error> {
        match self {
            Self::Replace(sent) => {
                let mut after = sent.clone();
                if let (false, Some(active)) = (after.contains_key("active"), before.get("active"))
                {
                    after.insert("active".to_owned(), active.clone());
                }
                Ok(after)
            }
            Self::Patch(operations) => {
                Ok(patch::apply(Resource::User, before.clone(), operations)?.document)
            }
        }
    }
}

/// The names of the attributes that differ: what the record says was changed.
pub(crate) fn differing(before: &Document, after: &Document) -> Vec<String> {
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    let other = after.iter().filter(|(name, value)| before.get(*name) != Some(value));
    let other = other.map(|(name, _)| name);
    gone.chain(other).map(|name| short(name)).collect()
}

/// An extension by its last word.
fn short(name: &str) -> String {
    match name.strip_prefix("urn:ietf:params:scim:schemas:extension:") {
        Some(rest) => rest.split(':').next().unwrap_or(rest).to_owned(),
        None => name.to_owned(),
    }
}
