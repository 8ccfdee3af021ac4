//! A refusal as a page: what it was, what is missing, and whom to ask.

use access::{Caller, Permission};
use askama::Template;
use axum::extract::Request;
use axum::http::header::{HOST, LOCATION, REFERER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base::page::filters::percent_encoded;
use base::page::{Framed, local, sentence};
use base::problem::Problem;
use serde_json::Value;

use super::Console;

/// What htmx follows instead of a redirect, which its request would swallow.
const HX_REDIRECT: HeaderName = HeaderName::from_static("hx-redirect");

/// The request that was refused, as far as the page about it needs it.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    uri: Uri,
    pub(crate) headers: HeaderMap,
    request_id: String,
}

impl Asked {
    pub(crate) fn of(request: &Request, id: &impl std::fmt::Display) -> Self {
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            headers: request.headers().clone(),
            request_id: id.to_string(),
        }
    }
}

#[derive(Debug, Template)]
#[template(path = "console/problem.html")]
struct ProblemPage<'a> {
    title: &'a str,
    detail: String,
    code: &'a str,
    request_id: &'a str,
    /// For a refusal: the permission that is missing, and the roles that were looked at.
    permission: Option<String>,
    roles: Vec<String>,
    helpers: Vec<String>,
}

impl Console {
    /// The page for a problem; for somebody who is not signed in, the way there and back.
    pub(crate) async fn problem(
        &self,
        asked: &Asked,
        caller: Option<&Caller>,
        problem: &Problem,
    ) -> Response {
        if problem.status() == StatusCode::UNAUTHORIZED {
            return lead(asked, "/sign-in", StatusCode::UNAUTHORIZED);
        }
        if problem.code() == "factor_required" {
            return lead(asked, "/account/confirm", StatusCode::FORBIDDEN);
        }
        let decision = problem.get("decision");
        let text =
            |name: &str| decision.and_then(|it| it.get(name)?.as_str()).map(ToOwned::to_owned);
        let guarded = decision.and_then(guarded);
        // A guardrail narrows whatever roles give: another role does not help, nor whoever
        // could give one.
        let permission = text("permission").filter(|_| guarded.is_none());
        let roles = decision.and_then(|it| it.get("roles")?.as_array()).into_iter().flatten();
        let wanted = permission.as_deref().and_then(|text| text.parse::<Permission>().ok());
        let helpers = match (caller, wanted) {
            (Some(caller), Some(wanted)) => {
                self.identity.helpers_for(caller, wanted).await.unwrap_or_default()
            }
            _ => Vec::new(),
        };
        let title = title_of(problem.status());
        let page = ProblemPage {
            title,
            detail: guarded.unwrap_or_else(|| sentence(problem.detail())),
            code: problem.code(),
            request_id: &asked.request_id,
            permission,
            roles: roles.filter_map(|role| role.as_str()).map(role_name).collect(),
            helpers,
        };
        let framed = Framed { title: title.to_owned(), scripts: Vec::new() };
        let whole = match page.render() {
            Ok(body) => {
                let path = asked.uri.path();
                self.around(caller, &asked.headers, path, &framed, &body).await
            }
            Err(error) => Err(Problem::internal(&error)),
        };
        // Whoever cannot even be greeted is told in plain text.
        let mut response = whole.unwrap_or_else(|_| problem.detail().to_owned().into_response());
        *response.status_mut() = problem.status();
        response.headers_mut().extend(problem.headers().iter().cloned());
        response
    }
}

/// What is said where guardrails refused, with what people call them; none: it was not they.
fn guarded(decision: &Value) -> Option<String> {
    let policies = decision.get("policies")?.as_array()?.len();
    let said = decision.get("missing")?.as_str()?;
    let (_, names) = said.split_once(": ").unwrap_or(("", said));
    match policies {
        0 => None,
        1 => Some(format!("A guardrail of your organization forbids this now: {names}.")),
        _ => Some(format!("Guardrails of your organization forbid this now: {names}.")),
    }
}

/// `org:viewer by member` says where a role comes from, too: here its name is enough.
fn role_name(looked_at: &str) -> String {
    let (role, _) = looked_at.split_once(" by ").unwrap_or((looked_at, ""));
    role.strip_prefix("org:").unwrap_or(role).to_owned()
}

fn title_of(status: StatusCode) -> &'static str {
    match status.as_u16() {
        403 => "This is not open to you",
        404 => "There is no such page",
        408 | 413 | 415 | 431 => "This could not be read",
        409 => "This has changed meanwhile",
        421 => "This is another region",
        429 => "Too many attempts",
        503 => "Not available right now",
        500..=599 => "Something went wrong here",
        _ => "This did not work",
    }
}

/// Leads to a sign-in, or to where a second factor is shown. Behind it the browser comes
/// back to the page it wanted; after a form, to the page that the form was on.
fn lead(asked: &Asked, way: &str, status: StatusCode) -> Response {
    let text = |name: HeaderName| asked.headers.get(name).and_then(|value| value.to_str().ok());
    let next = if asked.method.is_safe() {
        asked.uri.path_and_query().map_or("/", |target| target.as_str())
    } else {
        let ours = |from: &str| {
            let (_, rest) = from.split_once("://")?;
            let at = rest.find('/')?;
            let (host, path) = rest.split_at(at);
            (Some(host) == text(HOST)).then(|| path.to_owned())
        };
        &text(REFERER).and_then(ours).unwrap_or_else(|| "/".to_owned())
    };
    let next = local(next);
    let to =
        if next == "/" { way.to_owned() } else { format!("{way}?next={}", percent_encoded(next)) };
    let to = HeaderValue::from_str(&to).unwrap_or(HeaderValue::from_static("/sign-in"));
    let mut response = if asked.headers.contains_key("hx-request") {
        let mut response = status.into_response();
        response.headers_mut().insert(HX_REDIRECT, to);
        return response;
    } else {
        StatusCode::SEE_OTHER.into_response()
    };
    response.headers_mut().insert(LOCATION, to);
    response
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn guardrails_that_forbid_are_named_and_a_missing_role_is_none() {
        let one = json!({"policies": ["office"], "missing": "a guardrail forbids it: “Office”"});
        let said = "A guardrail of your organization forbids this now: “Office”.";
        assert_eq!(guarded(&one).as_deref(), Some(said));
        let two = json!({
            "policies": ["hours", "office"],
            "missing": "guardrails forbid it: “Office”; could not be judged: “Hours”",
        });
        let said = "Guardrails of your organization forbid this now: “Office”; could not be \
                    judged: “Hours”.";
        assert_eq!(guarded(&two).as_deref(), Some(said));
        let role = json!({"missing": "no role of the caller includes `users:read`"});
        assert_eq!(guarded(&role), None);
    }
}
