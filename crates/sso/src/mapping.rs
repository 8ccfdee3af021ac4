//! What an identity provider says about somebody, and what that means here.

use std::collections::{BTreeMap, BTreeSet};

use access::{Role, TeamId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::refused::Refused;
use base::checks::Checks;

/// Rules of a mapping at most.
const RULES_MAX: usize = 100;
/// Names of attributes for one thing at most, and characters of a name or of a group.
const NAMES_MAX: usize = 10;
const NAME_CHARS_MAX: usize = 256;
/// Teams of one rule at most.
const TEAMS_MAX: usize = 20;

/// Attributes or claims by their names.
pub(crate) type Claims = BTreeMap<String, Vec<String>>;

/// How attributes or claims become a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Mapping {
    /// Where the e-mail address stands: the first of these that has one. Empty: the usual
    /// names.
    pub email: Vec<String>,
    /// Where the name stands. Empty: the usual names.
    pub name: Vec<String>,
    /// Where groups stand: all of these. Empty: the usual names.
    pub groups: Vec<String>,
    /// The role of whoever no rule gives one.
    pub role: String,
    /// What groups mean. The first that matches and names a role decides the role; the teams
    /// of all that match are joined.
    pub rules: Vec<Rule>,
}

/// What being in a group of the provider means here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The group, exactly as the provider names it.
    pub group: String,
    /// The role that it gives; none: it decides nothing about the role.
    #[serde(default)]
    pub role: Option<String>,
    /// The teams that it puts somebody into.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub teams: Vec<TeamId>,
}

/// Whom a provider means, in our words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Mapped {
    /// Their e-mail address, in lower case.
    pub email: String,
    /// What people call them.
    pub name: String,
    /// The groups that the provider named.
    pub groups: Vec<String>,
    /// Their role.
    pub role: String,
    /// Which rule gave it, counted from 1; none: the role of everybody else.
    pub by_rule: Option<usize>,
    /// The teams that they are put into.
    #[schema(value_type = Vec<String>)]
    pub teams: Vec<TeamId>,
}

const EMAILS: &[&str] = &[
    "email",
    "mail",
    "emailAddress",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "urn:oid:0.9.2342.19200300.100.1.3",
    "urn:oid:1.2.840.113549.1.9.1",
];
const NAMES: &[&str] = &[
    "displayName",
    "name",
    "http://schemas.microsoft.com/identity/claims/displayname",
    "urn:oid:2.16.840.1.113730.3.1.241",
    "cn",
    "urn:oid:2.5.4.3",
];
const GIVEN: &[&str] = &[
    "given_name",
    "givenName",
    "firstName",
    "first_name",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
    "urn:oid:2.5.4.42",
];
const FAMILY: &[&str] = &[
    "family_name",
    "surname",
    "sn",
    "lastName",
    "last_name",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname",
    "urn:oid:2.5.4.4",
];
const GROUPS: &[&str] = &[
    "groups",
    "group",
    "memberOf",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups",
    "http://schemas.xmlsoap.org/claims/Group",
    "roles",
    "urn:oid:1.3.6.1.4.1.5923.1.5.1.1",
];

impl Default for Mapping {
    fn default() -> Self {
        Self {
            email: Vec::new(),
            name: Vec::new(),
            groups: Vec::new(),
            role: Role::Member.as_str().to_owned(),
            rules: Vec::new(),
        }
    }
}

impl Mapping {
    /// What is wrong with it by itself. Whether its roles and teams exist, and whether the
    /// caller may give them, the change asks.
    pub(crate) fn check(&self, checks: &mut Checks) {
        let name = |text: &String| {
            let length = text.chars().count();
            (1..=NAME_CHARS_MAX).contains(&length) && !text.contains(char::is_control)
        };
        for (field, names) in
            [("email", &self.email), ("name", &self.name), ("groups", &self.groups)]
        {
            if names.len() > NAMES_MAX || !names.iter().all(name) {
                checks.refuse(
                    &format!("/mapping/{field}"),
                    "must be at most 10 names of at most 256 characters",
                );
            }
        }
        if self.rules.len() > RULES_MAX {
            checks.refuse("/mapping/rules", "must be at most 100 rules");
        }
        for (pointer, role) in self.roles() {
            if role == Role::Owner.as_str() {
                checks.refuse(&pointer, "owners are made by owners, never by a provider");
            }
        }
        for (place, rule) in self.rules.iter().enumerate() {
            if !name(&rule.group) {
                let pointer = format!("/mapping/rules/{place}/group");
                checks.refuse(&pointer, "must have 1 to 256 characters");
            }
            if rule.teams.len() > TEAMS_MAX {
                let pointer = format!("/mapping/rules/{place}/teams");
                checks.refuse(&pointer, "must be at most 20 teams");
            }
            if rule.role.is_none() && rule.teams.is_empty() {
                let pointer = format!("/mapping/rules/{place}/role");
                checks.refuse(&pointer, "must be given, or a team");
            }
        }
    }

    /// Every role that it may give, and where it stands.
    pub(crate) fn roles(&self) -> Vec<(String, &str)> {
        let of_rules = self.rules.iter().enumerate().filter_map(|(place, rule)| {
            Some((format!("/mapping/rules/{place}/role"), rule.role.as_deref()?))
        });
        std::iter::once(("/mapping/role".to_owned(), self.role.as_str())).chain(of_rules).collect()
    }

    /// Every team that it may put somebody into. It takes them out of these too, and of no
    /// other.
    pub(crate) fn teams(&self) -> BTreeSet<&TeamId> {
        self.rules.iter().flat_map(|rule| &rule.teams).collect()
    }

    /// Every name of an attribute that it says itself.
    pub(crate) fn names(&self) -> impl Iterator<Item = String> {
        self.email.iter().chain(&self.name).chain(&self.groups).cloned()
    }

    /// Claims without which it means nobody, or nothing.
    pub(crate) fn wanted(&self) -> Vec<String> {
        let first = |own: &[String], usual: &str| own.first().cloned().unwrap_or(usual.to_owned());
        let mut wanted = vec![first(&self.email, "email"), first(&self.name, "name")];
        wanted.extend(self.groups_wanted().map(ToOwned::to_owned));
        wanted
    }

    /// Where groups are looked for, if they mean anything.
    pub(crate) fn groups_wanted(&self) -> impl Iterator<Item = &str> {
        let own = self.groups.iter().map(String::as_str);
        let usual = Some("groups").filter(|_| self.groups.is_empty());
        own.chain(usual).filter(|_| !self.rules.is_empty())
    }

    /// Whether groups decide the role: then it follows them at each sign-in.
    pub(crate) fn decides_roles(&self) -> bool {
        self.rules.iter().any(|rule| rule.role.is_some())
    }

    /// Whom the claims mean. `named` is what the provider calls them, which may be an
    /// address too.
    pub(crate) fn apply(&self, claims: &Claims, named: &str) -> Result<Mapped, Refused> {
        let email = texts(claims, &self.email, EMAILS).find(|text| is_address(text));
        let named = (self.email.is_empty() && is_address(named)).then_some(named);
        let email = email.or(named).ok_or_else(Refused::no_email)?.trim().to_lowercase();
        let name = texts(claims, &self.name, NAMES).find_map(spoken);
        let given = texts(claims, &[], GIVEN).find_map(spoken);
        let family = texts(claims, &[], FAMILY).find_map(spoken);
        let both = [given, family].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let name = name.or_else(|| spoken(&both)).unwrap_or_else(|| email.clone());
        let groups: BTreeSet<&str> = texts(claims, &self.groups, GROUPS).collect();
        let matching = || {
            self.rules.iter().enumerate().filter(|(_, rule)| groups.contains(rule.group.as_str()))
        };
        let ruled = matching().find_map(|(place, rule)| Some((place, rule.role.clone()?)));
        let (by_rule, role) = match ruled {
            Some((place, role)) => (Some(place + 1), role),
            None => (None, self.role.clone()),
        };
        let teams: BTreeSet<&TeamId> = matching().flat_map(|(_, rule)| &rule.teams).collect();
        Ok(Mapped {
            email,
            name,
            groups: groups.into_iter().map(ToOwned::to_owned).collect(),
            role,
            by_rule,
            teams: teams.into_iter().cloned().collect(),
        })
    }
}

/// The values of the first names that have any; those given, or else the usual ones.
fn texts<'a>(
    claims: &'a Claims,
    own: &'a [String],
    usual: &'a [&'a str],
) -> impl Iterator<Item = &'a str> {
    let usual = usual.iter().copied().filter(move |_| own.is_empty());
    let names = own.iter().map(String::as_str).chain(usual);
    names.filter_map(|name| claims.get(name)).flatten().map(String::as_str)
}

/// Whether it has the form of an address; identity looks closer before it takes it.
fn is_address(text: &str) -> bool {
    let text = text.trim();
    text.split_once('@').is_some_and(|(name, domain)| {
        !name.is_empty() && domain.contains('.') && !domain.contains('@')
    }) && text.len() <= 254
        && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// A name as people write it: without control characters, of at most 120 characters.
fn spoken(text: &str) -> Option<String> {
    let plain: String = text.trim().chars().filter(|c| !c.is_control()).take(120).collect();
    let plain = plain.trim();
    (!plain.is_empty()).then(|| plain.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Said<'a> = &'a [(&'a str, &'a [&'a str])];

    fn claims(pairs: Said<'_>) -> Claims {
        let all = pairs.iter().map(|(name, values)| {
            ((*name).to_owned(), values.iter().map(|value| (*value).to_owned()).collect())
        });
        all.collect()
    }

    fn rule(group: &str, role: Option<&str>, teams: &[&TeamId]) -> Rule {
        let teams = teams.iter().map(|team| (*team).clone()).collect();
        Rule { group: group.to_owned(), role: role.map(ToOwned::to_owned), teams }
    }

    #[test]
    fn the_first_rule_with_a_role_decides_it_and_every_rule_its_teams() {
        let at = "2026-01-01T00:00:00Z".parse().unwrap();
        let (red, blue) = (TeamId::new(at), TeamId::new(at));
        let mapping = Mapping {
            role: "org:viewer".to_owned(),
            rules: vec![
                rule("everybody", None, &[&red]),
                rule("admins", Some("org:admin"), &[&blue]),
                rule("people", Some("org:member"), &[&red]),
            ],
            ..Mapping::default()
        };
        let of = |groups: &[&str]| {
            let claims = claims(&[("email", &["Ada@Acme.example"]), ("groups", groups)]);
            mapping.apply(&claims, "x").unwrap()
        };
        for (groups, role, by_rule) in [
            (&["people", "admins"][..], "org:admin", Some(2)),
            (&["people"], "org:member", Some(3)),
            (&["everybody"], "org:viewer", None),
            (&["Admins"], "org:viewer", None),
            (&[], "org:viewer", None),
        ] {
            let mapped = of(groups);
            assert_eq!((mapped.role.as_str(), mapped.by_rule), (role, by_rule), "{groups:?}");
            assert_eq!(
                (mapped.email.as_str(), mapped.name.as_str()),
                ("ada@acme.example", "ada@acme.example")
            );
        }
        assert_eq!(of(&["people", "everybody"]).teams, vec![red.clone()]);
        assert_eq!(of(&["admins", "people"]).teams.len(), 2);
    }

    #[test]
    fn the_usual_names_of_every_provider_are_known() {
        const WS: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims";
        let (mail, given, family) =
            (format!("{WS}/emailaddress"), format!("{WS}/givenname"), format!("{WS}/surname"));
        let cases: &[(Said<'_>, &str, &str)] = &[
            (&[("email", &["ada@a.example"]), ("name", &["Ada L"])], "ada@a.example", "Ada L"),
            (
                &[("mail", &["ada@a.example"]), ("givenName", &["Ada"]), ("sn", &["L"])],
                "ada@a.example",
                "Ada L",
            ),
            (
                &[(&mail, &["ada@a.example"]), (&given, &["Ada"]), (&family, &["L"])],
                "ada@a.example",
                "Ada L",
            ),
            (&[("email", &["none", "ada@a.example"])], "ada@a.example", "ada@a.example"),
            (&[], "named@a.example", "named@a.example"),
        ];
        for (said, email, name) in cases {
            let mapped = Mapping::default().apply(&claims(said), "named@a.example").unwrap();
            assert_eq!((mapped.email.as_str(), mapped.name.as_str()), (*email, *name));
        }
        let nobody = Mapping::default().apply(&claims(&[("email", &["none"])]), "G-123");
        assert_eq!(nobody.unwrap_err().code, "no_email");
        // Whoever says where it stands means there and nowhere else.
        let own = Mapping { email: vec!["upn".to_owned()], ..Mapping::default() };
        let elsewhere = own.apply(&claims(&[("email", &["ada@a.example"])]), "ada@a.example");
        assert_eq!(elsewhere.unwrap_err().code, "no_email");
    }

    #[test]
    fn no_mapping_makes_an_owner_and_each_has_a_bound() {
        let many = vec![rule("g", Some("org:member"), &[]); RULES_MAX + 1];
        for mapping in [
            Mapping { role: "org:owner".into(), ..Mapping::default() },
            Mapping { rules: vec![rule("g", Some("org:owner"), &[])], ..Mapping::default() },
            Mapping { rules: vec![rule("g", None, &[])], ..Mapping::default() },
            Mapping { rules: vec![rule("", Some("org:member"), &[])], ..Mapping::default() },
            Mapping { rules: many, ..Mapping::default() },
            Mapping { email: vec!["a".to_owned(); NAMES_MAX + 1], ..Mapping::default() },
        ] {
            let mut checks = Checks::default();
            mapping.check(&mut checks);
            assert!(checks.done().is_err(), "{mapping:?}");
        }
    }
}
