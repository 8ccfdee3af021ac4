//! Streams in the console.

mod fields;
mod list;
mod new;
mod one;
mod steps;

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::page::{View, filters};
use base::problem::Problem;
use utoipa_axum::router::OpenApiRouter;

use crate::{Made, Streams};

/// The room's pages.
pub fn pages(streams: Streams) -> OpenApiRouter {
    OpenApiRouter::new()
        .merge(list::routes())
        .merge(new::routes())
        .merge(one::routes())
        .merge(steps::routes())
        .with_state(streams)
}

#[derive(Template)]
#[template(path = "streams/secret.html")]
struct SecretPage {
    made: Made,
    secret: String,
}

/// Shows a secret that was made, once.
fn secret_page(made: Made, secret: String) -> Result<Response, Problem> {
    let title = made.sink.name.clone();
    let page = View::of(title, &SecretPage { made, secret })?;
    Ok(page.status(StatusCode::CREATED).into_response())
}

/// Seconds as people read them.
pub(crate) fn age(secs: i64) -> String {
    match secs {
        ..60 => format!("{secs} s"),
        60..3_600 => format!("{} min", secs / 60),
        3_600..172_800 => format!("{} h", secs / 3_600),
        _ => format!("{} days", secs / 86_400),
    }
}
