//! What the page of a connection changes in forms.

use access::{Caller, Permission};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base::http::Path;
use base::page::{Form, see_other};
use base::problem::Problem;
use base::secret::Secret;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::one::{Typed, again, shown};
use super::rules::{Teams, names};
use crate::{
    ChangeConnection, Connection, ConnectionId, Error, Mapping, Policy, ProviderSource, Sso,
};

pub(super) fn routes() -> OpenApiRouter<Sso> {
    OpenApiRouter::new().routes(routes!(provider)).routes(routes!(mapping)).routes(routes!(policy))
}

/// Which provider it is. A field that is empty changes nothing.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProviderForm {
    #[serde(default)]
    pub(super) source: String,
    #[serde(default)]
    pub(super) metadata: String,
    #[serde(default)]
    pub(super) client_id: String,
    #[serde(default)]
    client_secret: Option<Secret>,
}

#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct MappingForm {
    pub(super) email: String,
    pub(super) name: String,
    pub(super) groups: String,
    pub(super) role: String,
    pub(super) rules: String,
    /// `try`: only show what it would make of the last test.
    act: String,
}

/// Switches that are off are not sent.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PolicyForm {
    pub(super) on: Vec<String>,
    pub(super) clock_skew_secs: String,
    pub(super) name_id_format: String,
    pub(super) authn_contexts: String,
    pub(super) scopes: String,
    pub(super) factor_contexts: String,
}

/// Says which provider it is.
#[utoipa::path(post, path = "/connections/{id}/provider", tag = "console",
    params(("id" = String, Path, description = "the connection")),
    security(("key" = ["users:connections"])), responses((status = 303), (status = 422)))]
async fn provider(
    caller: Caller,
    State(sso): State<Sso>,
    Path(id): Path<ConnectionId>,
    Form(form): Form<ProviderForm>,
) -> Result<Response, Problem> {
    match form.apply(&sso, &caller, &id).await {
        Ok(()) => Ok(see_other(format!("/connections/{id}"))
            .said("The provider was read. Test the sign-in next.")
            .into_response()),
        Err(error) => {
            let error = match error {
                Error::Unreadable(why) if form.metadata.trim().is_empty() => {
                    Error::field("/source", format!("could not be read: {why}"))
                }
                Error::Unreadable(why) => {
                    Error::field("/metadata", format!("could not be read: {why}"))
                }
                other => other,
            };
            let typed = Typed { provider: Some(form), ..Typed::default() };
            again(&sso, &caller, &id, error, typed).await
        }
    }
}

/// Says what attributes mean; or only shows what that would make of the last test.
#[utoipa::path(post, path = "/connections/{id}/mapping", tag = "console",
    params(("id" = String, Path, description = "the connection")),
    security(("key" = ["users:connections"])),
    responses((status = 303), (status = 200), (status = 422)))]
async fn mapping(
    caller: Caller,
    State(sso): State<Sso>,
    Path(id): Path<ConnectionId>,
    Form(form): Form<MappingForm>,
) -> Result<Response, Problem> {
    let scope = caller.require(Permission::UsersConnections)?;
    let teams = Teams::read(&sso, &scope).await?;
    let typed = |tried| Typed { mapping: Some(form.clone()), tried, ..Typed::default() };
    let mapping = match form.mapping(&teams) {
        Ok(mapping) => mapping,
        Err(error) => return again(&sso, &caller, &id, error, typed(None)).await,
    };
    if form.act == "try" {
        return Ok(shown(&sso, &caller, &id, typed(Some(mapping))).await?.into_response());
    }
    let patch = ChangeConnection { mapping: Some(mapping), ..ChangeConnection::default() };
    match sso.change(&caller, &id, patch).await {
        Ok(_) => Ok(see_other(format!("/connections/{id}"))
            .said("The mapping was saved. It holds from the next sign-in on.")
            .into_response()),
        Err(error) => again(&sso, &caller, &id, beside_its_field(error), typed(None)).await,
    }
}

/// Says how a sign-in goes.
#[utoipa::path(post, path = "/connections/{id}/policy", tag = "console",
    params(("id" = String, Path, description = "the connection")),
    security(("key" = ["users:connections"])), responses((status = 303), (status = 422)))]
async fn policy(
    caller: Caller,
    State(sso): State<Sso>,
    Path(id): Path<ConnectionId>,
    Form(form): Form<PolicyForm>,
) -> Result<Response, Problem> {
    let changed = match form.policy() {
        Ok(policy) => {
            let patch = ChangeConnection { policy: Some(policy), ..ChangeConnection::default() };
            sso.change(&caller, &id, patch).await.map(drop)
        }
        Err(error) => Err(error),
    };
    match changed {
        Ok(()) => Ok(see_other(format!("/connections/{id}"))
            .said("The settings were saved. They hold from the next sign-in on.")
            .into_response()),
        Err(error) => {
            let typed = Typed { policy: Some(form), ..Typed::default() };
            again(&sso, &caller, &id, beside_its_field(error), typed).await
        }
    }
}

impl ProviderForm {
    pub(super) fn of(it: &Connection) -> Self {
        Self {
            source: it.source.clone().unwrap_or_default(),
            client_id: it.client_id.clone().unwrap_or_default(),
            ..Self::default()
        }
    }

    async fn apply(&self, sso: &Sso, caller: &Caller, id: &ConnectionId) -> Result<(), Error> {
        let client_id = Some(self.client_id.trim()).filter(|text| !text.is_empty());
        let client_secret = self.client_secret.clone().filter(|secret| !secret.reveal().is_empty());
        let before = sso.get(caller, id).await?;
        if client_secret.is_some() || client_id != before.client_id.as_deref() {
            let client_id = client_id.map(ToOwned::to_owned);
            let patch =
                ChangeConnection { client_id, client_secret, ..ChangeConnection::default() };
            sso.change(caller, id, patch).await?;
        }
        let (metadata, source) = (self.metadata.trim(), self.source.trim());
        if !metadata.is_empty() {
            let source = ProviderSource::Metadata(metadata.as_bytes().to_vec());
            sso.set_provider(caller, id, source).await?;
        } else if !source.is_empty()
            && (before.source.as_deref() != Some(source) || before.provider.is_none())
        {
            let source = ProviderSource::Address(source.to_owned());
            sso.set_provider(caller, id, source).await?;
        }
        Ok(())
    }
}

impl MappingForm {
    pub(super) fn of(mapping: &Mapping, teams: &Teams) -> Self {
        Self {
            email: mapping.email.join("\n"),
            name: mapping.name.join("\n"),
            groups: mapping.groups.join("\n"),
            role: mapping.role.clone(),
            rules: teams.written(mapping),
            act: String::new(),
        }
    }

    fn mapping(&self, teams: &Teams) -> Result<Mapping, Error> {
        Ok(Mapping {
            email: names(&self.email),
            name: names(&self.name),
            groups: names(&self.groups),
            role: self.role.trim().to_owned(),
            rules: teams.rules(&self.rules)?,
        })
    }
}

/// A switch of the policy: its name in the form, and its place.
macro_rules! switches {
    ($($name:ident),+ $(,)?) => {
        impl PolicyForm {
            pub(super) fn of(policy: &Policy) -> Self {
                let on = [$((stringify!($name), policy.$name)),+];
                let on = on.into_iter().filter(|(_, on)| *on).map(|(name, _)| name.to_owned());
                Self {
                    on: on.collect(),
                    clock_skew_secs: policy.clock_skew_secs.to_string(),
                    name_id_format: policy.name_id_format.clone(),
                    authn_contexts: policy.authn_contexts.join("\n"),
                    scopes: policy.scopes.join(" "),
                    factor_contexts: policy.factor_contexts.join("\n"),
                }
            }

            fn policy(&self) -> Result<Policy, Error> {
                let skew = self.clock_skew_secs.trim().parse();
                let skew = skew.map_err(|_| Error::field("/clock_skew_secs", "must be a number"));
                Ok(Policy {
                    $($name: self.is_on(stringify!($name)),)+
                    clock_skew_secs: skew?,
                    name_id_format: self.name_id_format.trim().to_owned(),
                    authn_contexts: names(&self.authn_contexts),
                    scopes: self.scopes.split_whitespace().map(ToOwned::to_owned).collect(),
                    factor_contexts: names(&self.factor_contexts),
                })
            }
        }
    };
}
switches!(
    jit,
    link_by_email,
    single_logout,
    force_authn,
    idp_initiated,
    post_requests,
    sign_requests,
    expired_certificates,
    assertions_signed,
    strict,
    widened_algorithms,
);

impl PolicyForm {
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.on.iter().any(|on| on == name)
    }
}

/// What was refused of `/policy/scopes` belongs beside the field `scopes`.
fn beside_its_field(error: Error) -> Error {
    let bare = |pointer: String| {
        let inner = pointer.strip_prefix("/policy").or_else(|| pointer.strip_prefix("/mapping"));
        inner.map(ToOwned::to_owned).unwrap_or(pointer)
    };
    let all = match error {
        Error::Invalid(all) | Error::Identity(identity::Error::Invalid(all)) => all,
        other => return other,
    };
    Error::Invalid(
        all.into_iter()
            .map(|mut fault| {
                fault.pointer = bare(fault.pointer);
                fault
            })
            .collect(),
    )
}
