//! A ceremony is begun with one request and finished with another, perhaps on another
//! node. What it is about is sealed and given to the browser; that it is over stands in
//! the org's own table, in the transaction of what it led to. So nobody fills a table by
//! beginning, and nothing can be finished twice.

use access::{Caller, MemberId, OrgId, Region};
use audit::Change;
use base::args;
use base::time::At;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Error, Identity, sql};

/// A ceremony is finished within this time: what the standard recommends for people who
/// have to find their key first.
const LIFETIME_MINS: i64 = 5;
/// Letters of the sealed text at most.
const SEALED_MAX: usize = 16 << 10;

base::ids! {
    /// One ceremony.
    CeremonyId = "cer";
}

/// A ceremony that was begun.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Ceremony {
    /// To be given back when it is finished. Says nothing to anybody but us.
    pub ceremony: String,
    /// What the browser hands to its authenticator: `navigator.credentials`.
    pub options: Value,
}

/// What a ceremony is for. What was begun for one is finished for no other.
#[derive(Debug, Clone, Copy)]
pub(super) enum For<'a> {
    /// Signing in, whoever it will be.
    SignIn,
    /// Showing a passkey in this session.
    Show(&'a Caller, &'a str),
    /// Adding a passkey.
    Passkey(&'a Caller, &'a MemberId),
    /// Adding an authenticator app.
    App(&'a Caller, &'a MemberId),
}

impl For<'_> {
    fn purpose(self) -> String {
        match self {
            Self::SignIn => "sign-in".to_owned(),
            Self::Show(caller, session) => format!("show/{}/{session}", caller.org),
            Self::Passkey(caller, member) => format!("passkey/{}/{member}", caller.org),
            Self::App(caller, member) => format!("app/{}/{member}", caller.org),
        }
    }
}

/// A ceremony that can be finished once.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Open<T> {
    id: CeremonyId,
    until: At,
    pub(super) state: T,
}

/// What is to be written when a ceremony is over.
#[derive(Debug)]
pub(super) struct Over {
    id: CeremonyId,
    until: At,
}

impl<T> Open<T> {
    pub(super) fn over(self) -> (T, Over) {
        (self.state, Over { id: self.id, until: self.until })
    }
}

impl Over {
    /// Writes that it is over; a second time it cannot be.
    pub(super) async fn write(&self, change: &mut Change, now: At) -> Result<(), Error> {
        change.run(sql::CEREMONY_FORGET, args![now]).await?;
        let spent = change.run(sql::CEREMONY_SPEND, args![self.id.as_str(), self.until]).await?;
        if spent == 1 { Ok(()) } else { Err(Error::Ceremony) }
    }
}

impl Identity {
    /// Begins a ceremony; gives what its browser keeps.
    pub(super) fn begin_ceremony<T: Serialize>(
        &self,
        region: Region,
        what: For<'_>,
        state: T,
    ) -> Result<String, Error> {
        let at = self.now();
        let until = at + SignedDuration::from_mins(LIFETIME_MINS);
        let open = Open { id: CeremonyId::new(at), until, state };
        let broken = |cause| Error::Machine(std::io::Error::other(cause));
        let text = serde_json::to_vec(&open).map_err(|cause| broken(cause.to_string()))?;
        let macs = self.macs(region).ok_or(Error::WrongRegion(region))?;
        let sealed = macs.ceremony.seal(&what.purpose(), &text);
        let sealed = sealed.map_err(|cause| broken(cause.to_string()))?;
        Ok(format!("{region}.{}", URL_SAFE_NO_PAD.encode(sealed)))
    }

    /// Opens a ceremony that is to be finished: one of ours, for this, and not too late.
    pub(super) fn open_ceremony<T: DeserializeOwned>(
        &self,
        what: For<'_>,
        text: &str,
    ) -> Result<Open<T>, Error> {
        let (region, sealed) = text.split_once('.').ok_or(Error::Ceremony)?;
        let region: Region = region.parse().map_err(|_| Error::Ceremony)?;
        let macs = self.macs(region).ok_or(Error::Ceremony)?;
        let sealed = Some(sealed).filter(|sealed| sealed.len() <= SEALED_MAX);
        let sealed = sealed.and_then(|sealed| URL_SAFE_NO_PAD.decode(sealed).ok());
        let opened = macs.ceremony.open(&what.purpose(), &sealed.ok_or(Error::Ceremony)?);
        let opened = opened.map_err(|_| Error::Ceremony)?;
        let open: Open<T> = serde_json::from_slice(&opened).map_err(|_| Error::Ceremony)?;
        if open.until <= self.now() {
            return Err(Error::Ceremony);
        }
        Ok(open)
    }
}

/// Whom a passkey names: the authenticator gives it back. Ids that chance made, and no
/// more than the 64 bytes that there is room for.
pub(super) fn handle(org: &OrgId, region: Region, member: &MemberId) -> Vec<u8> {
    format!("{region}_{}_{}", org.ulid(), member.ulid()).into_bytes()
}

/// The other way round.
pub(super) fn of_handle(handle: &[u8]) -> Option<(OrgId, Region, MemberId)> {
    let text = std::str::from_utf8(handle).ok().filter(|text| text.len() <= 64)?;
    let mut parts = text.split('_');
    let [Some(region), Some(org), Some(member), None] = std::array::from_fn(|_| parts.next())
    else {
        return None;
    };
    let member = MemberId::from_ulid(member).ok()?;
    Some((OrgId::from_ulid(org).ok()?, region.parse().ok()?, member))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_names_one_member_of_one_org_and_fits() {
        let at = "2026-01-01T00:00:00Z".parse().unwrap();
        let (org, member) = (OrgId::new(at), MemberId::new(at));
        for region in Region::ALL {
            let bytes = handle(&org, region, &member);
            assert!(bytes.len() <= 64, "{}", bytes.len());
            assert_eq!(of_handle(&bytes), Some((org.clone(), region, member.clone())));
            assert_eq!(of_handle(&bytes[1..]), None);
        }
        for nonsense in [&b""[..], b"eu", b"eu__", b"\xff\xfe", &[b'a'; 100]] {
            assert_eq!(of_handle(nonsense), None);
        }
    }
}
