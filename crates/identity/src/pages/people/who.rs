//! Members, teams, service accounts and keys as pages name them, and choosing one of them.

use std::collections::{HashMap, HashSet};

use access::{Caller, Permission};
use base::args;

use crate::member::MemberState;
use crate::snapshot::{Holder, OrgSnapshot};
use crate::subject::{Owner, Subject};
use crate::{Error, Identity, sql};

/// Entries of one kind that a choice offers at most; searching finds the others.
const OFFERED_MAX: usize = 25;

/// Somebody or something with a name, and where its page is.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) id: String,
    pub(super) name: String,
    /// `member`, `team`, `service account`, `key`.
    pub(super) kind: &'static str,
    /// None where there is no such page.
    pub(super) href: Option<String>,
}

/// What ids are called.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<String, String>);

impl Names {
    /// Looks the names up, all at once.
    pub(super) async fn look_up(
        identity: &Identity,
        caller: &Caller,
        ids: HashSet<&str>,
    ) -> Result<Self, Error> {
        let ids: Vec<&str> = ids.into_iter().collect();
        Ok(Self(identity.names(caller, &ids).await?))
    }

    /// What an id is called; of what nobody remembers, that it is gone.
    pub(super) fn of(&self, id: &str) -> Named {
        let known = self.0.get(id);
        let kind = id.parse::<Subject>().map_or("", |subject| match subject {
            Subject::Member(_) => "member",
            Subject::Team(_) => "team",
            Subject::Service(_) => "service account",
            Subject::Key(_) => "key",
        });
        Named {
            id: id.to_owned(),
            name: known.cloned().unwrap_or_else(|| "gone".to_owned()),
            kind,
            href: known.and_then(|_| href(id)),
        }
    }
}

/// The page of a member, a team, a service account or a key.
pub(super) fn href(id: &str) -> Option<String> {
    let noun = match id.parse().ok()? {
        Subject::Member(_) => "members",
        Subject::Team(_) => "teams",
        Subject::Service(_) => "services",
        Subject::Key(_) => "keys",
    };
    Some(format!("/{noun}/{id}"))
}

/// A choice among everybody whom a role can be given to.
#[derive(Debug, Default)]
pub(super) struct Picker {
    /// What was searched for.
    pub(super) find: String,
    pub(super) groups: Vec<Group>,
    /// How many were found beyond those that are offered.
    pub(super) left_out: usize,
}

/// Entries of one kind.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) label: &'static str,
    pub(super) entries: Vec<Entry>,
}

/// One entry of a choice.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) label: String,
    pub(super) chosen: bool,
}

impl Picker {
    /// Those in whose name, e-mail address or id the text stands, and whoever was chosen.
    pub(super) async fn find(
        identity: &Identity,
        caller: &Caller,
        find: &str,
        chosen: &str,
    ) -> Result<Self, Error> {
        let scope = caller.require(Permission::UsersRead)?;
        let org = identity.own(caller).await?;
        let rows = identity.0.databases.of(&scope)?.all(sql::TEAM_CHUNK, args![""]).await?;
        let mut picker = Self { find: find.to_owned(), ..Self::default() };
        let text = find.trim().to_lowercase();
        let owners = |service: bool| {
            let kind = move |owner: &Owner| matches!(owner, Owner::Service(_)) == service;
            let holders = org.holders().filter(move |(owner, _)| kind(owner));
            holders.map(|(owner, holder)| (owner.to_string(), label(holder))).collect::<Vec<_>>()
        };
        let mut teams = Vec::with_capacity(rows.len());
        for row in &rows {
            teams.push((row.text("team_id")?, row.text("name")?));
        }
        picker.add("Members", owners(false), &text, chosen);
        picker.add("Teams", teams, &text, chosen);
        picker.add("Service accounts", owners(true), &text, chosen);
        let keys = [find.trim(), chosen].into_iter().filter_map(|id| key(&org, id)).collect();
        picker.add("Keys", keys, &text, chosen);
        picker.choose_first(!text.is_empty());
        Ok(picker)
    }

    fn add(&mut self, label: &'static str, all: Vec<(String, String)>, text: &str, chosen: &str) {
        let fits = |(id, label): &(String, String)| {
            text.is_empty()
                || id == chosen
                || id.eq_ignore_ascii_case(text)
                || label.to_lowercase().contains(text)
        };
        let mut found: Vec<_> = all
            .into_iter()
            .filter(fits)
            .map(|(id, label)| (id != chosen, label.to_lowercase(), id, label))
            .collect();
        found.sort_unstable();
        found.dedup();
        self.left_out += found.len().saturating_sub(OFFERED_MAX);
        let entries: Vec<_> = found
            .into_iter()
            .take(OFFERED_MAX)
            .map(|(other, _, id, label)| Entry { id, label, chosen: !other })
            .collect();
        if !entries.is_empty() {
            self.groups.push(Group { label, entries });
        }
    }

    /// Whoever searched means the first that was found, if nobody else was chosen.
    fn choose_first(&mut self, searched: bool) {
        let chosen = self.groups.iter().flat_map(|group| &group.entries).any(|entry| entry.chosen);
        let first = self.groups.iter_mut().flat_map(|group| &mut group.entries).next();
        if let (Some(first), true, false) = (first, searched, chosen) {
            first.chosen = true;
        }
    }

    /// Whether anybody was found.
    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }
}

fn label(holder: &Holder) -> String {
    let state = match holder.state {
        MemberState::Active => "",
        MemberState::Invited => ", invited",
        MemberState::Suspended => ", suspended",
        MemberState::Removed => ", removed",
    };
    match &holder.email {
        Some(email) if *email != holder.name => format!("{} ({email}){state}", holder.name),
        Some(_) | None => format!("{}{state}", holder.name),
    }
}

fn key(org: &OrgSnapshot, id: &str) -> Option<(String, String)> {
    let key = org.key_of_id(&id.parse().ok()?)?;
    let owner = org.holder(&key.owner).map_or("somebody who is gone", |owner| &owner.name);
    Some((id.to_owned(), format!("{}, a key of {owner}", key.name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(text: &str, chosen: &str) -> Picker {
        let all = |count: usize| {
            (0..count).map(|n| (format!("mem_{n:02}"), format!("Member {n:02}"))).collect()
        };
        let mut picker = Picker::default();
        picker.add("Members", all(40), text, chosen);
        picker.choose_first(!text.is_empty());
        picker
    }

    #[test]
    fn a_choice_is_short_and_keeps_whoever_was_chosen() {
        let picker = picked("", "mem_39");
        assert_eq!((picker.groups[0].entries.len(), picker.left_out), (OFFERED_MAX, 15));
        let first = &picker.groups[0].entries[0];
        assert_eq!((first.id.as_str(), first.chosen), ("mem_39", true));
        let picker = picked("member 07", "");
        assert_eq!(picker.groups[0].entries.len(), 1);
        assert!(picker.groups[0].entries[0].chosen);
        assert!(picked("nobody", "").is_empty());
    }
}
