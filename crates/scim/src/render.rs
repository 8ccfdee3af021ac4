//! A resource as a directory sees it.

use access::{MemberId, TeamId};
use identity::{MemberState, Roster};
use serde_json::{Value, json};

use crate::document::Document;
use crate::kept::Kept;
use crate::schema::Resource;
use crate::tag;

/// A group of a user.
#[derive(Debug, Clone)]
pub(crate) struct OfUser {
    pub(crate) group: String,
    pub(crate) team: TeamId,
    pub(crate) name: String,
}

/// The address of a resource.
pub(crate) fn location(base: &str, resource: Resource, id: &str) -> String {
    format!("{base}/{}/{id}", resource.endpoint())
}

/// What every resource begins with, and what is kept of it.
fn begun(resource: Resource, kept: &Kept) -> Document {
    let extensions = resource.extensions().iter().map(|schema| schema.id.as_str());
    let extensions = extensions.filter(|id| kept.document.contains_key(*id));
    let schemas: Vec<&str> =
        std::iter::once(resource.core().id.as_str()).chain(extensions).collect();
    let mut document = Document::new();
    document.insert("schemas".to_owned(), json!(schemas));
    document.insert("id".to_owned(), json!(kept.id));
    document.extend(kept.document.clone());
    document
}

fn end(document: &mut Document, resource: Resource, kept: &Kept, roster: &Roster, base: &str) {
    let meta = json!({
        "resourceType": resource.name(),
        "created": kept.created_at,
        "lastModified": kept.changed_at,
        "location": location(base, resource, &kept.id),
        "version": tag::of(resource, kept, roster),
    });
    document.insert("meta".to_owned(), meta);
}

/// A user. Whether they may act is what holds now, also if somebody else decided it.
pub(crate) fn user(kept: &Kept, roster: &Roster, groups: &[OfUser], base: &str) -> Document {
    let mut document = begun(Resource::User, kept);
    let member: Option<MemberId> = kept.subject.parse().ok();
    if let Some(active) = document.get_mut("active") {
        let state = member.as_ref().and_then(|member| roster.state(member));
        *active = Value::Bool(state == Some(MemberState::Active));
    }
    let is_in =
        |group: &&OfUser| member.as_ref().is_some_and(|member| roster.is_in(member, &group.team));
    let groups: Vec<Value> = groups
        .iter()
        .filter(is_in)
        .map(|group| {
            json!({
                "value": group.group,
                "$ref": location(base, Resource::Group, &group.group),
                "display": group.name,
                "type": "direct",
            })
        })
        .collect();
    if !groups.is_empty() {
        document.insert("groups".to_owned(), Value::Array(groups));
    }
    end(&mut document, Resource::User, kept, roster, base);
    document
}

/// A group with the users that are in it, by their ids.
pub(crate) fn group(kept: &Kept, users: &[String], roster: &Roster, base: &str) -> Document {
    let mut document = begun(Resource::Group, kept);
    if !users.is_empty() {
        let member = |id: &String| json!({"value": id, "$ref": location(base, Resource::User, id), "type": "User"});
        document.insert("members".to_owned(), users.iter().map(member).collect());
    }
    end(&mut document, Resource::Group, kept, roster, base);
    document
}
