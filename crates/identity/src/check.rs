//! Rules about single fields, collected so that an answer names every wrong one.

pub(crate) use base::checks::Checks;
use base::secret::Secret;

/// Shorter passwords are refused, whatever they are made of (NIST SP 800-63B).
const PASSWORD_MIN: usize = 12;
/// Longer ones too: hashing must have a bound.
pub(crate) const PASSWORD_MAX: usize = 256;

/// Rules that people and orgs have beside those of every room.
pub(crate) trait PeopleChecks {
    /// An e-mail address, in lower case. Whether it exists, only a mail can tell.
    fn email(&mut self, pointer: &str, email: &str) -> String;
    /// A password, by its length alone.
    fn password(&mut self, pointer: &str, password: &Secret);
    /// The short name of an org, as in addresses.
    fn slug(&mut self, pointer: &str, slug: &str);
    /// The name of a custom role.
    fn role_name(&mut self, pointer: &str, name: &str);
}

impl PeopleChecks for Checks {
    fn email(&mut self, pointer: &str, email: &str) -> String {
        let email = email.trim().to_lowercase();
        let well_formed = email.split_once('@').is_some_and(|(name, domain)| {
            !name.is_empty() && domain.contains('.') && !domain.contains('@')
        });
        if !well_formed
            || email.len() > 254
            || email.contains(|c: char| c.is_whitespace() || c.is_control())
        {
            self.refuse(pointer, "must be an e-mail address");
        }
        email
    }

    fn password(&mut self, pointer: &str, password: &Secret) {
        let length = password.reveal().chars().count();
        if !(PASSWORD_MIN..=PASSWORD_MAX).contains(&length) {
            self.refuse(pointer, "must have 12 to 256 characters");
        }
    }

    fn slug(&mut self, pointer: &str, slug: &str) {
        if !is_slug(slug, 63) {
            let rule = "must be 2 to 63 of `a-z`, `0-9` and `-`, beginning with a letter";
            self.refuse(pointer, rule);
        }
    }

    fn role_name(&mut self, pointer: &str, name: &str) {
        if !is_slug(name, 41) {
            let rule = "must be 2 to 41 of `a-z`, `0-9` and `-`, beginning with a letter";
            self.refuse(pointer, rule);
        }
    }
}

fn is_slug(text: &str, longest: usize) -> bool {
    (2..=longest).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(check: impl FnOnce(&mut Checks)) -> bool {
        let mut checks = Checks::default();
        check(&mut checks);
        checks.done().is_err()
    }

    #[test]
    fn fields_are_held_to_their_rules() {
        for wrong in ["", "a", "Ab", "1a", "a_b", "org:admin", "-ab", &"a".repeat(42)] {
            assert!(refused(|checks| checks.role_name("/name", wrong)), "{wrong}");
        }
        assert!(!refused(|checks| checks.role_name("/name", "support-2")));
        for wrong in ["", "a", "a@b", "@b.c", "a@b@c.d", "a b@c.d", "a\u{0}@b.c"] {
            assert!(refused(|checks| drop(checks.email("/email", wrong))), "{wrong}");
        }
        let mut checks = Checks::default();
        assert_eq!(checks.email("/email", " Ada@Example.COM "), "ada@example.com");
        assert!(checks.done().is_ok());
        for (length, wrong) in [(11, true), (12, false), (256, false), (257, true)] {
            let password = Secret::new("é".repeat(length));
            assert_eq!(refused(|checks| checks.password("/password", &password)), wrong);
        }
    }
}
