//! What the record says of this room: ids, roles and states, and nothing of people.

use std::collections::BTreeSet;

use audit::Event;
use serde_json::{Value, json};

use crate::directory::Directory;
use crate::document::Document;
use crate::kept::Kept;

/// Where an event names mapped roles that are none any more.
const GONE: &str = "roles_gone";

/// How a user came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Came {
    /// As a new member.
    New,
    /// The member was there already.
    TakenOver,
}

/// What a request did to a member.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    /// The member behind the user, from now on.
    pub(crate) member: String,
    /// State before and after, if it changed.
    pub(crate) state: Option<(Value, Value)>,
    /// Role before and after, if it changed.
    pub(crate) role: Option<(String, String)>,
    /// A role that their groups should give, and that is none any more.
    pub(crate) gone: Option<String>,
}

impl Told {
    fn changes(&self) -> Document {
        let mut changes = Document::new();
        if let Some((from, to)) = &self.state {
            changes.insert("state".to_owned(), json!({"from": from, "to": to}));
        }
        if let Some((from, to)) = &self.role {
            changes.insert("role".to_owned(), json!({"from": from, "to": to}));
        }
        if let Some(gone) = &self.gone {
            changes.insert(GONE.to_owned(), json!([gone]));
        }
        changes
    }
}

fn fields<const N: usize>(fields: [(&str, Value); N]) -> Document {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

pub(crate) fn user_added(user: &str, came: Came, role: &str, told: &Told) -> Event {
    let action = match came {
        Came::New => "scim.user.added",
        Came::TakenOver => "scim.user.taken_over",
    };
    let mut changes = told.changes();
    changes.insert("role".to_owned(), json!({"to": role}));
    changes.insert("user".to_owned(), json!({"to": user}));
    Event::done(action, "member", told.member.as_str()).changes(Value::Object(changes))
}

/// `names` are the attributes that changed.
pub(crate) fn user_changed(user: &str, names: &[String], told: &Told) -> Event {
    let state = told.state.as_ref().map(|(_, to)| to.as_str().unwrap_or_default());
    let action = match state {
        Some("suspended") => "scim.user.suspended",
        Some("active") => "scim.user.brought_back",
        Some(_) | None => "scim.user.changed",
    };
    let mut changes = told.changes();
    changes.insert("fields".to_owned(), json!(names));
    changes.insert("user".to_owned(), json!(user));
    Event::done(action, "member", told.member.as_str()).changes(Value::Object(changes))
}

pub(crate) fn user_removed(user: &Kept) -> Event {
    let changes = json!({"user": {"from": user.id}});
    Event::done("scim.user.removed", "member", user.subject.as_str()).changes(changes)
}

/// Members that an event names at most, each way: it is not as long as a group.
const NAMED_MAX: usize = 100;

/// Who joined and left a team.
#[derive(Debug, Clone, Default)]
pub(crate) struct Moved {
    pub(crate) joined: Vec<String>,
    pub(crate) left: Vec<String>,
    /// Whose role changed by it.
    pub(crate) cast: Vec<(String, String)>,
    /// Roles that a mapped group should give, and that are none any more.
    pub(crate) gone: BTreeSet<String>,
}

impl Moved {
    fn put(&self, changes: &mut Document) {
        let first = |ids: &[String]| ids.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>();
        for (name, ids) in [("joined", &self.joined), ("left", &self.left)] {
            if !ids.is_empty() {
                changes.insert(name.to_owned(), json!({"count": ids.len(), "members": first(ids)}));
            }
        }
        if !self.cast.is_empty() {
            let roles = self.cast.iter().take(NAMED_MAX);
            let roles: Vec<_> = roles.map(|(id, role)| json!({"id": id, "role": role})).collect();
            changes.insert("roles".to_owned(), json!({"count": self.cast.len(), "members": roles}));
        }
        if !self.gone.is_empty() {
            changes.insert(GONE.to_owned(), json!(self.gone));
        }
    }
}

pub(crate) fn group_added(group: &str, team: &str, name: &str, moved: &Moved) -> Event {
    let mut changes = fields([("name", json!({"to": name})), ("group", json!({"to": group}))]);
    moved.put(&mut changes);
    Event::done("scim.group.added", "team", team).changes(Value::Object(changes))
}

pub(crate) fn group_changed(
    group: &Kept,
    team: &str,
    renamed: Option<(&str, &str)>,
    moved: &Moved,
) -> Event {
    let mut changes = fields([("group", json!(group.id))]);
    if let Some((from, to)) = renamed {
        changes.insert("name".to_owned(), json!({"from": from, "to": to}));
    }
    moved.put(&mut changes);
    Event::done("scim.group.changed", "team", team).changes(Value::Object(changes))
}

pub(crate) fn group_removed(group: &Kept, name: &str, moved: &Moved) -> Event {
    let mut changes =
        fields([("name", json!({"from": name})), ("group", json!({"from": group.id}))]);
    moved.put(&mut changes);
    Event::done("scim.group.removed", "team", group.subject.as_str())
        .changes(Value::Object(changes))
}

pub(crate) fn directory_added(directory: &Directory) -> Event {
    let changes = json!({
        "name": {"to": directory.name}, "role": {"to": directory.role},
        "mapping": {"to": directory.mapping},
    });
    Event::done("scim.directory.added", "directory", directory.id.as_str()).changes(changes)
}

pub(crate) fn directory_changed(before: &Directory, after: &Directory, moved: &Moved) -> Event {
    let both = |from: Value, to: Value| json!({"from": from, "to": to});
    let mut changes = fields([
        ("name", both(json!(before.name), json!(after.name))),
        ("role", both(json!(before.role), json!(after.role))),
        ("mapping", both(json!(before.mapping), json!(after.mapping))),
    ]);
    moved.put(&mut changes);
    Event::done("scim.directory.changed", "directory", after.id.as_str())
        .changes(Value::Object(changes))
}

pub(crate) fn directory_removed(directory: &Directory) -> Event {
    let changes = json!({"name": {"from": directory.name}});
    Event::done("scim.directory.removed", "directory", directory.id.as_str()).changes(changes)
}

pub(crate) fn token_made(directory: &Directory, token: &str, ended: u64) -> Event {
    let changes = json!({"name": directory.name, "token": {"to": token}, "ended": ended});
    Event::done("scim.token.made", "directory", directory.id.as_str()).changes(changes)
}

pub(crate) fn token_ended(directory: &Directory, token: &str) -> Event {
    let changes = json!({"name": directory.name, "token": {"from": token}});
    Event::done("scim.token.ended", "directory", directory.id.as_str()).changes(changes)
}
