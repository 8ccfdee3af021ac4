//! A mapping as text: people write rules into a text area, one in each line.
//!
//! ```text
//! GROUP -> ROLE; TEAM, TEAM
//! GROUP -> ROLE
//! GROUP -> ; TEAM
//! ```

use std::collections::BTreeMap;

use access::{Caller, Scope, TeamId};

use crate::{Error, Mapping, Rule, Sso};

/// What stands between a group and what it means. An `=` would stand in names of directories.
const ARROW: &str = "->";
/// Pages of teams that are read for their names at most: a thousand teams.
const PAGES_MAX: usize = 5;

/// Teams by their names.
#[derive(Debug, Default)]
pub(super) struct Teams(BTreeMap<String, TeamId>);

impl Teams {
    /// The teams of the org. Whoever connects a provider may know what teams are called.
    pub(super) async fn read(sso: &Sso, scope: &Scope) -> Result<Self, Error> {
        let reader = Caller::node(scope.org().clone(), scope.region(), "sso");
        let mut all = BTreeMap::new();
        let mut after = None;
        for _ in 0..PAGES_MAX {
            let page = sso.0.identity.teams(&reader, after.as_deref(), Some(200)).await?;
            all.extend(page.items.into_iter().map(|team| (team.name, team.id)));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        Ok(Self(all))
    }

    pub(super) fn name(&self, id: &TeamId) -> String {
        let known = self.0.iter().find(|(_, team)| *team == id).map(|(name, _)| name.clone());
        known.unwrap_or_else(|| id.to_string())
    }

    fn id(&self, text: &str) -> Option<TeamId> {
        self.0.get(text).cloned().or_else(|| text.parse().ok())
    }

    /// The rules as text.
    pub(super) fn written(&self, mapping: &Mapping) -> String {
        let lines = mapping.rules.iter().map(|rule| {
            let teams: Vec<_> = rule.teams.iter().map(|team| self.name(team)).collect();
            let role = rule.role.as_deref().unwrap_or_default();
            let given = match teams.as_slice() {
                [] => role.to_owned(),
                teams => format!("{role}; {}", teams.join(", ")),
            };
            format!("{} {ARROW} {given}", rule.group)
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The text as rules.
    pub(super) fn rules(&self, text: &str) -> Result<Vec<Rule>, Error> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.map(|line| self.rule(line)).collect()
    }

    fn rule(&self, line: &str) -> Result<Rule, Error> {
        let (group, given) = line.rsplit_once(ARROW).ok_or_else(|| {
            Error::field("/rules", format!("have a line without `{ARROW}`: {}", shortened(line)))
        })?;
        let (role, teams) = given.split_once(';').unwrap_or((given, ""));
        let mut ids = Vec::new();
        for name in teams.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let id = self.id(name).ok_or_else(|| {
                Error::field("/rules", format!("name a team that is none: {}", shortened(name)))
            })?;
            ids.push(id);
        }
        let role = Some(role.trim()).filter(|role| !role.is_empty()).map(ToOwned::to_owned);
        Ok(Rule { group: group.trim().to_owned(), role, teams: ids })
    }
}

/// Names in a text area, one in each line.
pub(super) fn names(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(ToOwned::to_owned).collect()
}

fn shortened(text: &str) -> String {
    text.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_as_they_are_written() {
        let at = "2026-01-01T00:00:00Z".parse().unwrap();
        let (red, blue) = (TeamId::new(at), TeamId::new(at));
        let teams = Teams(BTreeMap::from([("Red".into(), red.clone()), ("Blue".into(), blue)]));
        let text =
            "CN=admins,DC=acme -> org:admin; Blue, Red\n\n  people -> org:member\nx -> ; Red";
        let rules = teams.rules(text).unwrap();
        assert_eq!(rules.len(), 3);
        assert_eq!(rules[0].group, "CN=admins,DC=acme");
        assert_eq!((rules[0].role.as_deref(), rules[0].teams.len()), (Some("org:admin"), 2));
        assert_eq!((rules[2].role.as_deref(), rules[2].teams.as_slice()), (None, &[red][..]));
        let mapping = Mapping { rules: rules.clone(), ..Mapping::default() };
        assert_eq!(teams.rules(&teams.written(&mapping)).unwrap(), rules);
        for wrong in ["people", "people -> ; Green"] {
            assert!(teams.rules(wrong).is_err(), "{wrong}");
        }
    }
}
