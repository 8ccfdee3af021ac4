//! Whom a link is for: told to whoever has it, before they use it.

use access::{Caller, MemberId};
use base::args;
use base::db::Statement;
use base::secret::Secret;
use base::time::At;

use crate::key::{Kind, Token};
use crate::room::Macs;
use crate::subject::Owner;
use crate::{Error, Identity, sql};

/// Whom a link is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkFor {
    /// What people call the org.
    pub org_name: String,
    /// The short name of the org.
    pub org_slug: String,
    /// The address of the person.
    pub email: String,
    /// Until when it can be used.
    pub expires_at: At,
}

impl Identity {
    /// Whom an invitation is for; refused when it cannot be accepted (any more).
    pub async fn invitation_for(&self, token: &Secret) -> Result<LinkFor, Error> {
        let tag = |macs: &Macs, text: &[u8]| macs.invitation.tag(text);
        let found = self.link_for(Kind::Invitation, token, tag, sql::INVITATION_BY_TAG).await?;
        found.ok_or(Error::Invitation)
    }

    /// Whom a password link is for; refused when it cannot be used (any more).
    pub async fn password_link_for(&self, token: &Secret) -> Result<LinkFor, Error> {
        let tag = |macs: &Macs, text: &[u8]| macs.password_link.tag(text);
        let found = self.link_for(Kind::Password, token, tag, sql::PASSWORD_LINK_BY_TAG).await?;
        found.ok_or(Error::PasswordLink)
    }

    async fn link_for(
        &self,
        kind: Kind,
        token: &Secret,
        tag: impl Fn(&Macs, &[u8]) -> [u8; 32],
        by_tag: Statement,
    ) -> Result<Option<LinkFor>, Error> {
        let Ok(token) = Token::parse(kind, token.reveal()) else { return Ok(None) };
        let macs = self.macs(token.region).ok_or(Error::WrongRegion(token.region))?;
        let tag = tag(macs, token.text.as_bytes());
        let node = Caller::node(token.org.clone(), token.region, "link").itself();
        let found = self.0.databases.of(&node)?.maybe(by_tag, args![tag.as_slice()]).await?;
        let Some(row) = found else { return Ok(None) };
        let (expires_at, used_at) = (row.at("expires_at")?, row.opt_at("used_at")?);
        let owner = Owner::Member(row.parse::<MemberId>("member_id")?);
        let Some(org) = self.snapshot(&token.org, token.region).await? else { return Ok(None) };
        let email = org.holder(&owner).and_then(|holder| holder.email.clone());
        let (Some(email), None, true) = (email, used_at, expires_at > self.now()) else {
            return Ok(None);
        };
        Ok(Some(LinkFor {
            org_name: org.org.name.clone(),
            org_slug: org.org.slug.clone(),
            email,
            expires_at,
        }))
    }
}
