//! What a policy can speak of, as a Cedar schema. It follows from the list of
//! permissions: a new permission is an action at once.

use std::fmt::Write as _;

use access::Permission;
use cedar_policy::{CedarSchemaError, Schema};

/// Who acts, and what roles and teams they have.
const ACTORS: &str = r"// A role held on the whole org, such as org:admin; an org's own roles by their names.
entity Role;
// A team, by its id.
entity Team;
// A person of the org; a program of the org; somebody of the operator's support.
entity Member in [Role, Team];
entity Service in [Role];
entity Operator;
// What is acted on: one pattern, one model, or the org as a whole.
entity Org;
entity Pattern = {
  // How sensitive it is: public, internal, confidential, secret. Absent when nobody said.
  data_class?: String,
};
entity Model = {
  // The highest class of data that it is approved for. Absent when nobody said.
  data_class?: String,
};

type Circumstances = {
  // Where the caller is. Absent when that is not known.
  ip?: ipaddr,
  // Seconds since a second factor was last shown in the session. Absent when none was.
  factor_age_secs?: Long,
  // How the session was begun: password, passkey, saml, oidc, support. Keys have none.
  method?: String,
  // Whether a key is shown instead of a session.
  with_key: Bool,
  // Now, in the time zone of the org's guardrails.
  hour: Long,
  minute_of_day: Long,
  // monday to sunday.
  weekday: String,
};
";

/// The group of a permission, which is an action too: `users` of `users:read`.
pub(crate) fn group(permission: Permission) -> &'static str {
    permission.as_str().split_once(':').map_or("", |(group, _)| group)
}

/// The groups there are, in the order of the permissions.
pub(crate) fn groups() -> Vec<&'static str> {
    let mut groups: Vec<_> = Permission::ALL.iter().map(|one| group(*one)).collect();
    groups.dedup();
    groups
}

/// What a permission can be asked on.
fn resources(permission: Permission) -> &'static str {
    match group(permission) {
        "patterns" => "[Org, Pattern]",
        "models" => "[Org, Model]",
        _ => "[Org]",
    }
}

/// The schema as text, for people and their tools.
pub(crate) fn text() -> String {
    let mut text = ACTORS.to_owned();
    for group in groups() {
        let _infallible = write!(text, "\naction \"{group}\";\n");
        for permission in Permission::ALL.iter().filter(|one| self::group(**one) == group) {
            let _infallible = writeln!(
                text,
                "action \"{permission}\" in [\"{group}\"] appliesTo {{ principal: [Member, Service, \
                 Operator], resource: {}, context: Circumstances }};",
                resources(*permission)
            );
        }
    }
    text
}

/// The schema, to validate by.
pub(crate) fn read() -> Result<Schema, Box<CedarSchemaError>> {
    text().parse::<Schema>().map_err(Box::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_is_an_action_in_its_group() {
        let schema = read().unwrap();
        let actions: Vec<_> = schema.actions().map(|uid| uid.id().unescaped().to_owned()).collect();
        for permission in Permission::ALL {
            assert!(actions.iter().any(|action| action == permission.as_str()), "{permission}");
        }
        let expected = ["users", "patterns", "models", "settings", "events", "privacy", "region"];
        assert_eq!(groups(), expected);
        assert_eq!(actions.len(), Permission::ALL.len() + groups().len());
    }
}
