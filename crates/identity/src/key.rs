//! The text of a credential: what can be read from it without asking anything.
//!
//! ```text
//! pk_eu_01KDVD8PR0M4TBPEWS8N4QDTEK_9fTk…32 letters…_x1Yz0A
//! │  │  │                          │                └ check: mistyped keys cost no lookup
//! │  │  │                          └ secret: 190 bits
//! │  │  └ org
//! │  └ region: the wrong one is refused before a body is read
//! └ a key of Portico: found by secret scanners
//! ```

use std::io;

use access::{OrgId, Region};
use base::secret::Secret;

use crate::base62;

/// Letters of the secret part.
const SECRET_LENGTH: usize = 32;
/// Longer texts are not even looked at.
const LENGTH_MAX: usize = 96;

/// An API key as somebody shows it, well-formed and with a right check. Says
/// nothing yet about whether the key exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    /// The region that the key names.
    pub region: Region,
    /// The org that the key names.
    pub org: OrgId,
    /// Everything before the check: what the keyed hash is made of.
    text: String,
}

/// The text cannot be a credential of this kind, whoever shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed key")]
pub struct Malformed;

impl Presented {
    /// Reads a key from its text alone.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let Token { region, org, text } = Token::checked(Kind::Key, text)?;
        Ok(Self { region, org, text })
    }

    /// What the keyed hash is made of: region, org and secret.
    pub fn hashed(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// A new key of this org, and its text, which is shown once.
    pub fn fresh(org: &OrgId, region: Region) -> io::Result<(Self, String)> {
        let Token { region, org, text } = Token::fresh(Kind::Key, org, region)?;
        let whole = format!("{text}_{}", base62::check(&text));
        Ok((Self { region, org, text }, whole))
    }
}

/// The token of a directory as it shows it: `pd_eu_…`, read like a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryToken {
    /// The region that the token names.
    pub region: Region,
    /// The org that the token names.
    pub org: OrgId,
    text: String,
}

impl DirectoryToken {
    /// Reads a token from its text alone.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let Token { region, org, text } = Token::checked(Kind::Directory, text)?;
        Ok(Self { region, org, text })
    }

    /// What the keyed hash is made of: region, org and secret.
    pub fn hashed(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// A new token for a directory of this org, and its text, which is shown once.
    pub fn fresh(org: &OrgId, region: Region) -> io::Result<(Self, Secret)> {
        let Token { region, org, text } = Token::fresh(Kind::Directory, org, region)?;
        let whole = format!("{text}_{}", base62::check(&text));
        Ok((Self { region, org, text }, Secret::new(whole)))
    }
}

/// What a token opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Key,
    Session,
    Invitation,
    Password,
    Directory,
    Visit,
    Setup,
    Guest,
}

impl Kind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Key => "pk",
            Self::Session => "ps",
            Self::Invitation => "pi",
            Self::Password => "pw",
            Self::Visit => "px",
            Self::Directory => "pd",
            Self::Setup => "pu",
            Self::Guest => "pg",
        }
    }
}

/// A secret that says which region and org it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) region: Region,
    pub(crate) org: OrgId,
    pub(crate) text: String,
}

impl Token {
    pub(crate) fn fresh(kind: Kind, org: &OrgId, region: Region) -> io::Result<Self> {
        let secret = base62::random(SECRET_LENGTH)?;
        let text = format!("{}_{region}_{}_{secret}", kind.prefix(), org.ulid());
        Ok(Self { region, org: org.clone(), text })
    }

    /// Reads a token that ends in a check.
    fn checked(kind: Kind, text: &str) -> Result<Self, Malformed> {
        let (text, check) = text
            .split_at_checked(text.len().checked_sub(7).ok_or(Malformed)?)
            .filter(|_| text.len() <= LENGTH_MAX)
            .ok_or(Malformed)?;
        let check = check.strip_prefix('_').ok_or(Malformed)?;
        let token = Self::parse(kind, text)?;
        if base62::is_check(text, check) { Ok(token) } else { Err(Malformed) }
    }

    pub(crate) fn parse(kind: Kind, text: &str) -> Result<Self, Malformed> {
        let mut parts = text.split('_');
        let [Some(prefix), Some(region), Some(org), Some(secret), None] =
            std::array::from_fn(|_| parts.next())
        else {
            return Err(Malformed);
        };
        if prefix != kind.prefix() || secret.len() != SECRET_LENGTH || !base62::is_plain(secret) {
            return Err(Malformed);
        }
        Ok(Self {
            region: region.parse().map_err(|_| Malformed)?,
            org: OrgId::from_ulid(org).map_err(|_| Malformed)?,
            text: text.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> String {
        let org = OrgId::new("2026-01-01T00:00:00Z".parse().unwrap());
        Presented::fresh(&org, Region::Eu).unwrap().1
    }

    #[test]
    fn a_key_says_its_region_and_org_without_a_lookup() {
        let text = key();
        let presented = Presented::parse(&text).unwrap();
        assert_eq!(presented.region, Region::Eu);
        assert_eq!(text.split('_').nth(2), Some(presented.org.ulid()));
        assert_eq!((text.split('_').count(), text.len()), (5, 72), "{text}");
    }

    #[test]
    fn a_key_is_no_token_of_a_directory_and_the_other_way_round() {
        let org = OrgId::new("2026-01-01T00:00:00Z".parse().unwrap());
        let (token, text) = DirectoryToken::fresh(&org, Region::Us).unwrap();
        assert_eq!(DirectoryToken::parse(text.reveal()).unwrap(), token);
        assert_eq!((token.region, token.org), (Region::Us, org));
        assert!(Presented::parse(text.reveal()).is_err() && DirectoryToken::parse(&key()).is_err());
        let mistyped = text.reveal().replace("pd_us", "pd_eu");
        assert!(DirectoryToken::parse(&mistyped).is_err());
    }

    #[test]
    fn every_mistyped_letter_is_noticed() {
        let text = key();
        for place in 0..text.len() {
            for letter in ["x", "Y", "0", "_", "é", ""] {
                let mistyped = format!("{}{letter}{}", &text[..place], &text[place + 1..]);
                assert!(mistyped == text || Presented::parse(&mistyped).is_err(), "{mistyped}");
            }
            assert!(Presented::parse(&text[..place]).is_err());
        }
        for wrong in [format!("{text}x"), format!(" {text}"), text.replace("pk_", "ps_")] {
            assert!(Presented::parse(&wrong).is_err(), "{wrong}");
        }
    }

    /// A small generator: the same texts in every run.
    #[test]
    fn no_text_whatsoever_makes_the_parser_stumble() {
        let alphabet: Vec<char> = "pk_euspac01Zz_é\u{0}\u{1F600} .-".chars().collect();
        let mut state: u64 = 42;
        let mut next = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(state >> 33).unwrap() % below
        };
        let valid: Vec<char> = key().chars().collect();
        for round in 0..200_000 {
            let mut text: Vec<char> = if round % 2 == 0 { valid.clone() } else { Vec::new() };
            for _ in 0..next(100) {
                let letter = alphabet[next(alphabet.len())];
                match next(3) {
                    0 if !text.is_empty() => {
                        let place = next(text.len());
                        text[place] = letter;
                    }
                    1 if !text.is_empty() => drop(text.remove(next(text.len()))),
                    _ => text.insert(next(text.len() + 1), letter),
                }
            }
            let text: String = text.into_iter().collect();
            if let Ok(presented) = Presented::parse(&text) {
                assert!(text.starts_with(&presented.text));
            }
        }
    }
}
