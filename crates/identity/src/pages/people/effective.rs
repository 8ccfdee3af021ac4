//! What somebody may, permission by permission, with where each comes from.

use std::collections::HashSet;

use access::{Access, Permission, Resource, Thing};

use super::source::{Shown, Source};
use super::who::Names;
use super::words::{TOPICS, what};

/// The permissions of one topic.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) label: &'static str,
    pub(super) lines: Vec<Line>,
}

/// One permission.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) permission: &'static str,
    pub(super) what: &'static str,
    /// What gives it on the whole org; none: nothing does.
    pub(super) source: Option<Shown>,
    /// The only things on which it is given.
    pub(super) only_on: Vec<Resource>,
}

/// Ids of teams and keys that something was given through.
pub(super) fn ids(sources: &[Source]) -> HashSet<&str> {
    sources.iter().filter_map(Source::id).collect()
}

/// All roles that were given.
pub(super) fn sources(access: &Access) -> Vec<Source> {
    let decision = access.decide(Permission::UsersRead, None);
    decision.roles.iter().map(|words| Source::of(words)).collect()
}

/// Whether a permission says anything about such a thing: nobody invites members on
/// one pattern.
fn concerns(permission: Permission, thing: &Resource) -> bool {
    permission
        .as_str()
        .split(':')
        .next()
        .is_some_and(|topic| topic.strip_suffix('s').is_some_and(|kind| kind == thing.kind))
}

/// Every permission.
pub(super) fn parts(access: &Access, sources: &[Source], names: &Names) -> Vec<Part> {
    let mut things: Vec<&Resource> = Vec::new();
    for thing in sources.iter().filter_map(|source| source.on.as_ref()) {
        if !things.contains(&thing) {
            things.push(thing);
        }
    }
    let line = |permission: Permission| {
        let source = access.decide(permission, None).granted_by;
        let source = source.map(|words| Source::of(&words).shown(names));
        let on = |thing: &&&Resource| {
            source.is_none()
                && concerns(permission, thing)
                && access.may_on(permission, Thing::of(thing))
        };
        let only_on = things.iter().filter(on).map(|thing| (*thing).clone()).collect();
        Line { permission: permission.as_str(), what: what(permission), only_on, source }
    };
    TOPICS
        .iter()
        .map(|topic| Part { label: topic.label, lines: topic.permissions().map(line).collect() })
        .collect()
}
