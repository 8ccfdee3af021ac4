//! A connection: an org, a provider, and what they know of each other.

use access::{PermissionSet, Scope};
use base::db::{DbError, Row};
use base::secret::Secret;
use base::time::At;
use federation::saml::{IdentityProvider, Keypair};
use federation::{oidc, saml};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::guide::Guide;
use crate::seals::Place;
use crate::{ConnectionId, Handle, Mapping, Policy, Sso};

/// Which protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// SAML 2.0.
    Saml,
    /// `OpenID` Connect.
    Oidc,
}

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConnectionState {
    /// Being set up.
    Draft,
    /// Somebody came through in a test.
    Tested,
    /// People sign in through it.
    Active,
    /// Switched off.
    Off,
}

/// The text is none of the words of this kind.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("not a known word")]
pub struct Unknown;

macro_rules! words {
    ($name:ident { $($variant:ident = $text:literal),+ }) => {
        impl $name {
            /// As stored.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = Unknown;

            fn from_str(text: &str) -> Result<Self, Unknown> {
                [$(Self::$variant),+].into_iter().find(|it| it.as_str() == text).ok_or(Unknown)
            }
        }
    };
}
words!(Kind { Saml = "saml", Oidc = "oidc" });
words!(ConnectionState { Draft = "draft", Tested = "tested", Active = "active", Off = "off" });

/// What was read of a provider last without fault.
#[derive(Debug, Clone)]
pub(crate) enum Provider {
    Saml(Box<IdentityProvider>),
    Oidc(Box<oidc::Provider>),
}

/// A connection with its secrets, as this room has it.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) id: ConnectionId,
    pub(crate) kind: Kind,
    pub(crate) guide: Guide,
    pub(crate) name: String,
    pub(crate) state: ConnectionState,
    pub(crate) provider: Option<Provider>,
    pub(crate) source: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) client_secret: Option<Secret>,
    /// Ours, the one that signs first; none for `OpenID` Connect.
    pub(crate) keys: Vec<Keypair>,
    pub(crate) policy: Policy,
    pub(crate) mapping: Mapping,
    /// What those may who answer for the provider: it lets in nobody who may more.
    pub(crate) vouched: PermissionSet,
    pub(crate) created_at: At,
    pub(crate) changed_at: At,
    pub(crate) tested_at: Option<At>,
    pub(crate) refreshed_at: Option<At>,
    pub(crate) fault: Option<String>,
    pub(crate) warned_days: Option<i64>,
    pub(crate) version: i64,
}

/// A connection, as admins see it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Connection {
    /// Its id.
    #[schema(value_type = String)]
    pub id: ConnectionId,
    /// Which protocol.
    pub kind: Kind,
    /// Whose steps are shown.
    pub guide: Guide,
    /// What people call it.
    pub name: String,
    /// How far it is.
    pub state: ConnectionState,
    /// What the provider is told about us.
    pub ours: Ours,
    /// The provider, as it was last read without fault.
    pub provider: Option<Theirs>,
    /// Where that is: the metadata's address, or the issuer.
    pub source: Option<String>,
    /// `OpenID` Connect: who we are there. The secret is never shown.
    pub client_id: Option<String>,
    /// How a sign-in goes.
    pub policy: Policy,
    /// How attributes become a member.
    pub mapping: Mapping,
    /// What those may who answer for the provider: it lets in nobody who may more.
    pub vouched: Vec<&'static str>,
    /// Since when.
    #[schema(value_type = String)]
    pub created_at: At,
    /// When somebody changed it last.
    #[schema(value_type = String)]
    pub changed_at: At,
    /// When somebody last came through in a test.
    #[schema(value_type = Option<String>)]
    pub tested_at: Option<At>,
    /// When the provider was last read without fault.
    #[schema(value_type = Option<String>)]
    pub refreshed_at: Option<At>,
    /// Why it could not be read after that; what was read before holds on.
    pub fault: Option<String>,
    /// Goes up with each change; a change may say which it means.
    pub version: i64,
}

/// What a provider is told about us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Ours {
    /// The name of the connection in every address.
    pub handle: String,
    /// Where people begin to sign in.
    pub start_url: String,
    /// SAML: our entity id, also the audience.
    pub entity_id: String,
    /// SAML: our metadata.
    pub metadata_url: String,
    /// SAML: where responses go, the assertion consumer service.
    pub acs_url: String,
    /// SAML: where logouts go.
    pub logout_url: String,
    /// `OpenID` Connect: where people come back to.
    pub redirect_uri: String,
    /// `OpenID` Connect: where people come back to after leaving.
    pub post_logout_redirect_uri: String,
    /// `OpenID` Connect: where the provider says that somebody left.
    pub backchannel_logout_uri: String,
    /// SAML: until when our own keys are valid, the one that signs first.
    #[schema(value_type = Vec<String>)]
    pub keys_expire_at: Vec<At>,
}

/// A provider, as it describes itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Theirs {
    /// Its entity id, or its issuer.
    pub name: String,
    /// Where people are sent.
    pub sign_in_url: String,
    /// Whether it can be told that somebody left.
    pub logs_out: bool,
    /// SAML: until when its certificates are valid.
    #[schema(value_type = Vec<String>)]
    pub certificates_expire_at: Vec<At>,
}

impl Connection {
    /// What there is to do at the provider.
    pub(crate) fn steps(&self) -> &'static [&'static str] {
        self.guide.steps(self.kind)
    }
}

impl Provider {
    fn read(kind: Kind, json: &str) -> Result<Self, serde_json::Error> {
        Ok(match kind {
            Kind::Saml => Self::Saml(Box::new(serde_json::from_str(json)?)),
            Kind::Oidc => Self::Oidc(Box::new(serde_json::from_str(json)?)),
        })
    }

    pub(crate) fn to_json(&self) -> Result<String, DbError> {
        match self {
            Self::Saml(provider) => serde_json::to_string(provider),
            Self::Oidc(provider) => serde_json::to_string(provider),
        }
        .map_err(|cause| DbError::unreadable("provider", cause))
    }

    /// What it calls itself.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Saml(provider) => &provider.entity_id,
            Self::Oidc(provider) => &provider.issuer,
        }
    }

    /// Until when its certificates are valid.
    pub(crate) fn certificates_expire_at(&self) -> Vec<At> {
        match self {
            Self::Saml(provider) => {
                provider.certificates.iter().map(saml::Certificate::expires_at).collect()
            }
            Self::Oidc(_) => Vec::new(),
        }
    }

    fn shown(&self) -> Theirs {
        let (sign_in_url, logs_out) = match self {
            Self::Saml(provider) => (
                crate::saml::sign_in_url(provider),
                crate::saml::logout_binding(provider).is_some(),
            ),
            Self::Oidc(provider) => {
                (provider.authorization_endpoint.clone(), provider.end_session_endpoint.is_some())
            }
        };
        let certificates_expire_at = self.certificates_expire_at();
        Theirs { name: self.name().to_owned(), sign_in_url, logs_out, certificates_expire_at }
    }
}

impl Sso {
    /// Reads a row, secrets and all.
    pub(crate) fn known(&self, scope: &Scope, row: &Row) -> Result<Known, DbError> {
        let seals = &self.0.seals;
        let id: ConnectionId = row.parse("connection_id")?;
        let kind: Kind = row.parse("kind")?;
        let provider = row.opt_text("provider")?;
        let provider = provider.map(|json| Provider::read(kind, &json)).transpose();
        let provider = provider.map_err(|cause| DbError::unreadable("provider", cause))?;
        let secret = row.opt_bytes("client_secret")?;
        let secret = secret.map(|sealed| seals.open(scope, Place::ClientSecret(&id), &sealed));
        let secret = secret.transpose()?.map(String::from_utf8).transpose();
        let secret = secret.map_err(|cause| DbError::unreadable("client_secret", cause))?;
        let keys = match row.opt_bytes("keys")? {
            Some(sealed) => crate::keys::read(&seals.open(scope, Place::OwnKeys(&id), &sealed)?)?,
            None => Vec::new(),
        };
        Ok(Known {
            kind,
            guide: row.parse("guide")?,
            name: row.text("name")?,
            state: row.parse("state")?,
            provider,
            source: row.opt_text("source")?,
            client_id: row.opt_text("client_id")?,
            client_secret: secret.map(Secret::new),
            keys,
            policy: row.json("policy")?,
            mapping: row.json("mapping")?,
            vouched: PermissionSet::of_words(row.json::<Vec<String>>("vouched")?),
            created_at: row.at("created_at")?,
            changed_at: row.at("changed_at")?,
            tested_at: row.opt_at("tested_at")?,
            refreshed_at: row.opt_at("refreshed_at")?,
            fault: row.opt_text("fault")?,
            warned_days: row.opt_int("warned_days")?,
            version: row.int("version")?,
            id,
        })
    }

    /// A connection as admins see it: without a secret.
    pub(crate) fn shown(&self, scope: &Scope, known: &Known) -> Connection {
        Connection {
            id: known.id.clone(),
            kind: known.kind,
            guide: known.guide,
            name: known.name.clone(),
            state: known.state,
            ours: self.ours(&self.handle(scope, &known.id), &known.keys),
            provider: known.provider.as_ref().map(Provider::shown),
            source: known.source.clone(),
            client_id: known.client_id.clone(),
            policy: known.policy.clone(),
            mapping: known.mapping.clone(),
            vouched: known.vouched.words(),
            created_at: known.created_at,
            changed_at: known.changed_at,
            tested_at: known.tested_at,
            refreshed_at: known.refreshed_at,
            fault: known.fault.clone(),
            version: known.version,
        }
    }

    /// What a provider is told about us.
    pub(crate) fn ours(&self, handle: &Handle, keys: &[Keypair]) -> Ours {
        let base = format!("{}/sso/{handle}", self.0.config.public_url);
        Ours {
            handle: handle.to_string(),
            start_url: format!("{base}/start"),
            entity_id: base.clone(),
            metadata_url: format!("{base}/metadata"),
            acs_url: format!("{base}/acs"),
            logout_url: format!("{base}/slo"),
            redirect_uri: format!("{base}/callback"),
            post_logout_redirect_uri: format!("{base}/left"),
            backchannel_logout_uri: format!("{base}/backchannel"),
            keys_expire_at: keys.iter().map(Keypair::expires_at).collect(),
        }
    }
}
