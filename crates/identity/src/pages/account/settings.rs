//! Settings: the org, its sessions, and from where it may be used.

use access::{Caller, Permission, Unrecorded};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::page::{Faults, Form, View, filters, see_other};
use base::problem::Problem;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::lines;
use crate::pages::length;
use crate::{Given, Identity, Org, OrgPatch, Settings, SettingsPatch};

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new()
        .routes(routes!(page))
        .routes(routes!(name))
        .routes(routes!(access, change_access))
}

/// Lengths of time that are offered, in seconds.
const LENGTHS_SECS: [i64; 11] =
    [300, 900, 1800, 3600, 7200, 14_400, 28_800, 43_200, 86_400, 604_800, 2_592_000];

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct NameForm {
    name: String,
}

#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
struct AccessForm {
    /// Empty: as the operator decided.
    session_lifetime_secs: String,
    session_idle_secs: String,
    /// One in each line; empty: from anywhere.
    console_addresses: String,
    key_addresses: String,
    /// `journal` or `refuse`; empty: left as it is.
    when_unrecorded: String,
}

#[derive(Debug, Template)]
#[template(path = "identity/settings.html")]
struct SettingsPage {
    org: Org,
    /// The name in the form.
    shown: String,
    may_change: bool,
    faults: Faults,
}

#[derive(Debug, Template)]
#[template(path = "identity/settings-access.html")]
struct AccessPage {
    lifetimes: Vec<Choice>,
    idles: Vec<Choice>,
    unrecorded: Vec<Choice>,
    form: AccessForm,
    here: Option<String>,
    may_change: bool,
    /// Attributes of the lists of addresses.
    more: &'static str,
    faults: Faults,
}

/// One length of time to choose.
#[derive(Debug)]
struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

/// The org.
#[utoipa::path(get, path = "/settings", tag = "console",
    security(("key" = ["settings:read"])), responses((status = 200)))]
async fn page(caller: Caller, State(identity): State<Identity>) -> Result<View, Problem> {
    settings_page(&identity, &caller, None, Faults::default()).await
}

/// Renames the org.
#[utoipa::path(post, path = "/settings/name", tag = "console",
    security(("key" = ["settings:update"])), responses((status = 303), (status = 422)))]
async fn name(
    caller: Caller,
    State(identity): State<Identity>,
    Form(NameForm { name }): Form<NameForm>,
) -> Result<Response, Problem> {
    let patch = OrgPatch { name };
    let Err(error) = identity.change_org(&caller, &patch).await else {
        return Ok(see_other("/settings").said("The name was changed.").into_response());
    };
    let faults = Faults::of(error)?;
    let page = settings_page(&identity, &caller, Some(patch.name), faults).await?;
    Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
}

async fn settings_page(
    identity: &Identity,
    caller: &Caller,
    typed: Option<String>,
    faults: Faults,
) -> Result<View, Problem> {
    let org = identity.org(caller).await?;
    let shown = typed.unwrap_or_else(|| org.name.clone());
    let may_change = caller.access.may(Permission::SettingsUpdate);
    View::of("Settings", &SettingsPage { org, shown, may_change, faults })
}

/// Sessions and addresses.
#[utoipa::path(get, path = "/settings/access", tag = "console",
    security(("key" = ["settings:read"])), responses((status = 200)))]
async fn access(caller: Caller, State(identity): State<Identity>) -> Result<View, Problem> {
    let settings = identity.settings(&caller).await?;
    let form = AccessForm::of(&settings);
    access_page(&caller, &settings, form, Faults::default())
}

/// Changes what the org decides about sessions and addresses.
#[utoipa::path(post, path = "/settings/access", tag = "console",
    security(("key" = ["settings:update"])), responses((status = 303), (status = 422)))]
async fn change_access(
    caller: Caller,
    State(identity): State<Identity>,
    Form(form): Form<AccessForm>,
) -> Result<Response, Problem> {
    let faults = match form.patch() {
        Err(faults) => faults,
        Ok(patch) => match identity.change_settings(&caller, &patch).await {
            Ok(_) => {
                let said = "The rules were changed. They hold from now on, also for sessions \
                            that run.";
                return Ok(see_other("/settings/access").said(said).into_response());
            }
            Err(error) => Faults::of(error)?,
        },
    };
    let settings = identity.settings(&caller).await?;
    let page = access_page(&caller, &settings, form, faults)?;
    Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
}

fn access_page(
    caller: &Caller,
    settings: &Settings,
    form: AccessForm,
    faults: Faults,
) -> Result<View, Problem> {
    let may_change = caller.access.may(Permission::SettingsUpdate);
    let page = AccessPage {
        more: if may_change { "spellcheck=\"false\" autocapitalize=\"none\"" } else { "readonly" },
        lifetimes: choices(settings.session_lifetime_secs_max, &form.session_lifetime_secs),
        idles: choices(settings.session_idle_secs_max, &form.session_idle_secs),
        unrecorded: unrecorded(&form.when_unrecorded),
        form,
        here: caller.origin.ip.map(|ip| ip.to_canonical().to_string()),
        may_change,
        faults,
    };
    View::of("Access rules", &page)
}

/// What may be chosen: all that is shorter than what the operator decided, that itself,
/// and whatever holds now.
fn choices(longest: i64, chosen: &str) -> Vec<Choice> {
    let mut all: Vec<_> = LENGTHS_SECS.into_iter().filter(|secs| *secs < longest).collect();
    all.extend(chosen.parse::<i64>().ok());
    all.sort_unstable();
    all.dedup();
    let choice = |secs: i64| {
        let value = secs.to_string();
        Choice { label: length(secs), chosen: value == chosen, value }
    };
    let operator = Choice {
        value: String::new(),
        label: format!("{}, as the operator decided", length(longest)),
        chosen: chosen.is_empty(),
    };
    all.into_iter().map(choice).chain([operator]).collect()
}

/// What may become of calls that cannot be recorded.
fn unrecorded(chosen: &str) -> Vec<Choice> {
    let choices = [
        (Unrecorded::Refuse, "Calls are refused"),
        (Unrecorded::Journal, "Calls go on, recorded in a journal of the node"),
    ];
    let choice = |(choice, label): (Unrecorded, &str)| Choice {
        value: choice.as_str().to_owned(),
        label: label.to_owned(),
        chosen: choice.as_str() == chosen,
    };
    choices.into_iter().map(choice).collect()
}

impl AccessForm {
    fn of(settings: &Settings) -> Self {
        let secs = |secs: Option<i64>| secs.map(|secs| secs.to_string()).unwrap_or_default();
        let nets = |nets: &Option<Vec<ipnet::IpNet>>| {
            let lines: Vec<_> = nets.iter().flatten().map(ToString::to_string).collect();
            lines.join("\n")
        };
        Self {
            session_lifetime_secs: secs(settings.session_lifetime_secs),
            session_idle_secs: secs(settings.session_idle_secs),
            console_addresses: nets(&settings.console_addresses),
            key_addresses: nets(&settings.key_addresses),
            when_unrecorded: settings.when_unrecorded.as_str().to_owned(),
        }
    }

    /// Everything that the form says: what is empty is taken back.
    fn patch(&self) -> Result<SettingsPatch, Faults> {
        let secs = |name: &str, text: &str| match text {
            "" => Ok(Given::Null),
            text => text.parse().map(Given::Set).map_err(|_| Faults::field(name, "must be chosen")),
        };
        let nets = |text: &str| lines(text).map_or(Given::Null, Given::Set);
        let when_unrecorded = match self.when_unrecorded.as_str() {
            "" => None,
            "refuse" => Some(Unrecorded::Refuse),
            "journal" => Some(Unrecorded::Journal),
            _ => return Err(Faults::field("when_unrecorded", "must be chosen")),
        };
        Ok(SettingsPatch {
            session_lifetime_secs: secs("session_lifetime_secs", &self.session_lifetime_secs)?,
            session_idle_secs: secs("session_idle_secs", &self.session_idle_secs)?,
            console_addresses: nets(&self.console_addresses),
            key_addresses: nets(&self.key_addresses),
            factors: None,
            factors_also_sso: None,
            when_unrecorded,
        })
    }
}
