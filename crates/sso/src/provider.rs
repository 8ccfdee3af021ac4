//! What a provider says about itself: read from an address, uploaded, and read again each
//! hour. What cannot be read changes nothing: the last good description holds on.

use access::{Caller, Scope};
use audit::Change;
use base::args;
use base::fetch::Request;
use base::time::At;
use federation::saml::IdentityProvider;
use jiff::SignedDuration;

use crate::connection::{Kind, Known, Provider};
use crate::{Connection, ConnectionId, Error, Sso, events, sql, vouch};

/// Bytes of metadata at most.
pub(crate) const METADATA_BYTES_MAX: usize = 256 << 10;
/// How often a provider is read again, and how soon if it could not be read.
const REFRESH_MINS: i64 = 60;
const RETRY_MINS: i64 = 10;

/// Where a provider describes itself.
#[derive(Debug, Clone)]
pub enum ProviderSource {
    /// The address of its SAML metadata, or its issuer.
    Address(String),
    /// SAML metadata itself, at most 256 KiB.
    Metadata(Vec<u8>),
}

impl Sso {
    /// Takes what a provider says about itself. A connection stays with the provider that it
    /// has: whom it means would be somebody else at another.
    pub async fn set_provider(
        &self,
        caller: &Caller,
        id: &ConnectionId,
        source: ProviderSource,
    ) -> Result<Connection, Error> {
        let scope = self.may_change(caller).await?;
        let before = self.one(&scope, id).await?;
        let wanted = before.provider.as_ref().map(Provider::name);
        let (provider, source) = match source {
            ProviderSource::Address(address) => {
                let address = address.trim().to_owned();
                (self.ask_provider(&scope, before.kind, &address, wanted).await?, Some(address))
            }
            ProviderSource::Metadata(_) if before.kind == Kind::Oidc => {
                return Err(Error::Conflict("an OpenID provider is read from its issuer"));
            }
            ProviderSource::Metadata(xml) => (self.read_metadata(&xml, wanted)?, None),
        };
        // Whoever says which provider it is answers for it from now on, and nobody else.
        let told = Known { vouched: vouch::by(caller), ..before.clone() };
        let mut change = Change::begin(&self.0.record, &scope).await?;
        self.put_provider(&mut change, &told, &provider, source.as_deref()).await?;
        // What was answered before, nobody answers for.
        change.run(sql::FLOWS_DROP, args![id.as_str()]).await?;
        let event = events::provider_changed(id, before.provider.as_ref(), &provider);
        change.commit(event).await?;
        self.get(caller, id).await
    }

    /// Reads a provider again, now.
    pub async fn refresh(&self, caller: &Caller, id: &ConnectionId) -> Result<Connection, Error> {
        let scope = self.may_change(caller).await?;
        let before = self.one(&scope, id).await?;
        if before.source.is_none() {
            return Err(Error::Conflict("its metadata was uploaded: upload it again"));
        }
        self.read_again(&scope, &before).await?;
        // Whoever asked wants to see it in the record, whatever came of it.
        let asked = events::about("sso.provider.refreshed", id);
        self.0.record.note(caller, &asked).await?;
        self.get(caller, id).await
    }

    /// Reads a provider again. What comes of it is written down, a failure too.
    pub(crate) async fn read_again(&self, scope: &Scope, before: &Known) -> Result<(), Error> {
        let Some(source) = before.source.as_deref() else { return Ok(()) };
        let wanted = before.provider.as_ref().map(Provider::name);
        let (fault, again) = match self.ask_provider(scope, before.kind, source, wanted).await {
            Ok(provider) if before.is_provider(&provider) => (None, REFRESH_MINS),
            Ok(provider) => {
                let mut change = Change::begin(&self.0.record, scope).await?;
                self.put_provider(&mut change, before, &provider, Some(source)).await?;
                let event =
                    events::provider_changed(&before.id, before.provider.as_ref(), &provider);
                change.commit(event).await?;
                return Ok(());
            }
            Err(Error::Unreadable(why)) => (Some(why), RETRY_MINS),
            Err(other) => return Err(other),
        };
        let good = if fault.is_none() { Some(self.now()) } else { before.refreshed_at };
        let args = args![before.id.as_str(), good, self.now() + mins(again), fault.as_deref()];
        match &fault {
            // Told once, not each time.
            Some(why) if before.fault.as_ref() != Some(why) => {
                let mut change = Change::begin(&self.0.record, scope).await?;
                change.run(sql::TRIED, args).await?;
                change.commit(events::provider_unreadable(&before.id, "unreadable", why)).await?;
            }
            Some(_) | None => drop(self.jot(scope, sql::TRIED, args).await?),
        }
        Ok(())
    }

    /// Asks a provider what it is. `wanted`: what it must call itself.
    pub(crate) async fn ask_provider(
        &self,
        scope: &Scope,
        kind: Kind,
        source: &str,
        wanted: Option<&str>,
    ) -> Result<Provider, Error> {
        let whose = scope.org().as_str();
        match kind {
            Kind::Saml => {
                self.0.fetch.check(source)?;
                let request = Request::get(source).body_bytes_max(METADATA_BYTES_MAX);
                let answer = self.0.fetch.on_behalf_of(whose).send(request).await?;
                if !answer.status.is_success() {
                    let why = format!("it answered with status {}", answer.status.as_u16());
                    return Err(Error::Unreadable(why));
                }
                self.read_metadata(&answer.body, wanted)
            }
            Kind::Oidc => {
                let provider = self.0.relying.on_behalf_of(whose).discover(source).await;
                let provider = provider.map_err(|why| Error::Unreadable(why.to_string()))?;
                if wanted.is_some_and(|wanted| wanted != provider.issuer) {
                    return Err(Error::Unreadable("it is another provider than before".to_owned()));
                }
                Ok(Provider::Oidc(Box::new(provider)))
            }
        }
    }

    fn read_metadata(&self, xml: &[u8], wanted: Option<&str>) -> Result<Provider, Error> {
        let provider = IdentityProvider::read(xml, wanted, self.now())
            .map_err(|why| Error::Unreadable(why.to_string()))?;
        Ok(Provider::Saml(Box::new(provider)))
    }

    pub(crate) async fn put_provider(
        &self,
        change: &mut Change,
        known: &Known,
        provider: &Provider,
        source: Option<&str>,
    ) -> Result<(), Error> {
        let now = self.now();
        let refresh_at: Option<At> = source.map(|_| now + mins(REFRESH_MINS));
        let args = args![
            known.id.as_str(),
            provider.to_json()?,
            source,
            now,
            refresh_at,
            vouch::to_json(known.vouched)?,
            known.version,
        ];
        if change.run(sql::PROVIDER, args).await? == 0 { Err(Error::Moved) } else { Ok(()) }
    }
}

impl Known {
    /// Whether it was read so before.
    fn is_provider(&self, read: &Provider) -> bool {
        match (&self.provider, read) {
            (Some(Provider::Saml(before)), Provider::Saml(now)) => before == now,
            (Some(Provider::Oidc(before)), Provider::Oidc(now)) => before == now,
            (None | Some(_), _) => false,
        }
    }
}

fn mins(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}
