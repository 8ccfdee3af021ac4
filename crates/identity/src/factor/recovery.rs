//! Recovery codes: for the day on which the phone is lost. Each works once.

use access::{Caller, MemberId};
use audit::Event;
use base::args;
use base::seal;
use base::secret::Secret;
use serde::Serialize;
use serde_json::json;

use super::held::own_session;
use super::letters::Notice;
use crate::room::Macs;
use crate::{Error, Identity, sql};

/// Codes that are made at once.
const CODES: usize = 10;
/// Letters of each, in two groups: 50 bits, behind a lock after ten guesses.
const LETTERS: usize = 10;
/// Letters that nobody takes for others when they read them from paper.
const ALPHABET: &[u8; 32] = b"23456789abcdefghijkmnpqrstuvwxyz";

/// Recovery codes, shown once.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct RecoveryCodes {
    /// Each works once.
    #[serde(serialize_with = "reveal")]
    #[schema(value_type = Vec<String>)]
    pub codes: Vec<Secret>,
}

fn reveal<S: serde::Serializer>(codes: &[Secret], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(codes.iter().map(Secret::reveal))
}

/// A code as it is typed: with its hyphen or without, in whatever case.
fn plain(code: &Secret) -> Option<String> {
    let letters = code.reveal().chars().filter(|c| !c.is_whitespace() && *c != '-');
    let plain: String = letters.take(LETTERS + 1).map(|c| c.to_ascii_lowercase()).collect();
    let known = |byte: u8| ALPHABET.contains(&byte);
    (plain.len() == LETTERS && plain.bytes().all(known)).then_some(plain)
}

fn fresh() -> std::io::Result<String> {
    let letter = |byte: u8| ALPHABET.get(usize::from(byte & 31)).copied().map(char::from);
    Ok(seal::random::<LETTERS>()?.into_iter().filter_map(letter).collect())
}

fn tag(macs: &Macs, member: &MemberId, plain: &str) -> [u8; 32] {
    macs.recovery_code.tag(format!("{member}/{plain}").as_bytes())
}

impl Identity {
    /// Makes ten recovery codes, which take the place of those before.
    pub async fn make_recovery_codes(&self, caller: &Caller) -> Result<RecoveryCodes, Error> {
        let (id, _) = own_session(caller)?;
        caller.recent_factor()?;
        let macs = self.macs_of(caller).ok_or(Error::WrongRegion(caller.region))?;
        let at = self.now();
        let mut work = self.begin(&caller.itself()).await?;
        let held = work.held(id).await?;
        if held.passkeys + held.apps == 0 {
            return Err(Error::Conflict("recovery codes stand in for a second factor: set one"));
        }
        work.change.run(sql::RECOVERY_DROP, args![id.as_str()]).await?;
        let mut codes = Vec::with_capacity(CODES);
        for _ in 0..CODES {
            let plain = fresh()?;
            let tag = tag(macs, id, &plain);
            work.change.run(sql::RECOVERY_ADD, args![id.as_str(), tag.as_slice(), at]).await?;
            let (left, right) = plain.split_at(LETTERS / 2);
            codes.push(Secret::new(format!("{left}-{right}")));
        }
        let event = Event::done("identity.recovery_codes.made", "member", id.as_str());
        self.commit(work, event.changes(json!({"codes": {"to": CODES}}))).await?;
        self.tell(caller, id, Notice::Added("new recovery codes")).await;
        Ok(RecoveryCodes { codes })
    }

    /// The keyed hash of what could be a recovery code.
    pub(super) fn recovery_tag(
        &self,
        caller: &Caller,
        id: &MemberId,
        code: &Secret,
    ) -> Result<Option<[u8; 32]>, Error> {
        let macs = self.macs_of(caller).ok_or(Error::WrongRegion(caller.region))?;
        Ok(plain(code).map(|plain| tag(macs, id, &plain)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_copied_from_paper() {
        for (typed, read) in [
            ("abcde-23456", Some("abcde23456")),
            (" ABCDE 23456 ", Some("abcde23456")),
            ("abcde23456", Some("abcde23456")),
            ("abcde2345", None),
            ("abcde234567", None),
            ("abcde2345l", None),
            ("123456", None),
        ] {
            assert_eq!(plain(&Secret::new(typed.to_owned())).as_deref(), read, "{typed}");
        }
    }
}
