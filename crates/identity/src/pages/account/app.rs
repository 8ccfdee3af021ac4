//! Setting up an authenticator app.

use access::Caller;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::page::{Faults, Form, View, local};
use base::problem::Problem;
use base::secret::Secret;
use qrcode::{Color, QrCode};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::factors::{done, factors_page};
use crate::{AppSetUp, ConfirmApp, Error, Identity};

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new().routes(routes!(begin)).routes(routes!(confirm)).routes(routes!(remove))
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct BeginForm {
    #[serde(default)]
    next: String,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct CodeForm {
    ceremony: String,
    code: Secret,
    #[serde(default)]
    next: String,
}

/// A QR code as the path of an SVG: the policy of our pages takes no other picture.
#[derive(Debug)]
struct Qr {
    size: usize,
    path: String,
}

impl Qr {
    fn of(text: &Secret) -> Result<Self, Problem> {
        let code = QrCode::new(text.reveal()).map_err(|error| Problem::internal(&error))?;
        let size = code.width();
        let dark = code.to_colors().into_iter().enumerate();
        let dark = dark.filter(|(_, color)| *color == Color::Dark);
        let square = |(at, _)| format!("M{} {}h1v1h-1z", at % size, at / size);
        Ok(Self { size, path: dark.map(square).collect() })
    }
}

#[derive(Debug, Template)]
#[template(path = "identity/factors-app.html")]
struct AppPage<'a> {
    qr: Qr,
    secret: &'a str,
    ceremony: &'a str,
    next: &'a str,
    faults: Faults,
}

fn app_page(set_up: &AppSetUp, next: &str, faults: Faults) -> Result<View, Problem> {
    let qr = Qr::of(&set_up.url)?;
    let (secret, ceremony) = (set_up.secret.reveal(), set_up.ceremony.as_str());
    View::of("Set up an authenticator app", &AppPage { qr, secret, ceremony, next, faults })
}

/// Begins: shows the secret, as a picture and as text.
#[utoipa::path(post, path = "/account/factors/app", tag = "console",
    security(("key" = ["self"])), responses((status = 200)))]
async fn begin(
    caller: Caller,
    State(identity): State<Identity>,
    Form(form): Form<BeginForm>,
) -> Result<View, Problem> {
    let set_up = identity.begin_app(&caller).await?;
    app_page(&set_up, local(&form.next), Faults::default())
}

/// Sets the app up, if its first code is right.
#[utoipa::path(post, path = "/account/factors/app/confirm", tag = "console",
    security(("key" = ["self"])), responses((status = 303), (status = 422)))]
async fn confirm(
    caller: Caller,
    State(identity): State<Identity>,
    Form(form): Form<CodeForm>,
) -> Result<Response, Problem> {
    let next = local(&form.next);
    let confirm = ConfirmApp { ceremony: form.ceremony, code: form.code };
    let error = match identity.add_app(&caller, &confirm).await {
        Err(Error::Ceremony) => {
            let faults = Faults::general("That took too long, or was done already: begin again.");
            let page = factors_page(&identity, &caller, next, faults).await?;
            return Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response());
        }
        Err(error @ (Error::WrongCode | Error::LockedOut { .. })) => error,
        ended => {
            let said = "The app is set up. From now on you are asked for its code.";
            return done(&identity, &caller, ended, (next, said)).await;
        }
    };
    let set_up = identity.app_under_way(&caller, &confirm.ceremony).await?;
    let page = app_page(&set_up, next, Faults::of(error)?)?;
    Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
}

/// Removes the app.
#[utoipa::path(post, path = "/account/factors/app/remove", tag = "console",
    security(("key" = ["self"])), responses((status = 303), (status = 422)))]
async fn remove(caller: Caller, State(identity): State<Identity>) -> Result<Response, Problem> {
    let ended = identity.remove_app(&caller).await;
    let said = "The app was removed: its codes open nothing any more.";
    done(&identity, &caller, ended, ("/", said)).await
}
