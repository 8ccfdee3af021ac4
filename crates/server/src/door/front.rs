//! What happens to every request before its handler and after it: it gets an id, it
//! becomes somebody's, it is permitted; a refusal is recorded and shaped.

use std::net::SocketAddr;
use std::sync::Arc;

use access::{Caller, Origin, TraceParent};
use audit::{Event, Outcome, Record};
use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, STRICT_TRANSPORT_SECURITY, USER_AGENT};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use base::bodies::Bodies;
use base::problem::Problem;
use base::time::SharedClock;
use identity::{Identity, same_site};
use ipnet::IpNet;
use serde_json::json;

use super::head::too_large;
use super::lived::{arriving, leaving};
use super::whence::caller_address;
use crate::console::{Asked, Console, is_page, packed};
use crate::permits::{Needs, Permits};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");
/// Characters of a user agent that are kept.
const USER_AGENT_MAX: usize = 256;
/// Characters of a refusal's words that are recorded.
const DETAIL_MAX: usize = 500;

base::ids! {
    /// One request.
    RequestId = "req";
}

/// Who is on the other side of the connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// What the front needs to know.
#[derive(Debug, Clone)]
pub(crate) struct Front {
    pub(crate) identity: Identity,
    pub(crate) record: Record,
    pub(crate) clock: SharedClock,
    pub(crate) permits: Permits,
    pub(crate) console: Console,
    /// Whether this door speaks TLS.
    pub(crate) tls: bool,
    pub(crate) trusted_proxies: Arc<[IpNet]>,
    pub(crate) bodies: Bodies,
}

/// Puts the front before the routes. `api` and `pages` are the routes of the two
/// documents, `v1` are `OpenAI`'s, `open` need nobody's credentials.
pub(crate) fn front(front: Front, doors: Doors) -> Router {
    let Doors { api, pages, v1, scim, open } = doors;
    let ours = api.merge(pages);
    let ours = ours.route_layer(from_fn_with_state(front.clone(), permit));
    Router::new()
        .merge(ours)
        .merge(v1)
        .merge(scim)
        .merge(open)
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "no such method here",
            )
        })
        .layer(from_fn_with_state(front, admit))
}

/// What stands behind the front.
#[derive(Debug)]
pub(crate) struct Doors {
    /// Our own API.
    pub(crate) api: Router,
    /// The console.
    pub(crate) pages: Router,
    /// `OpenAI`'s paths.
    pub(crate) v1: Router,
    /// SCIM: directories show tokens of their own.
    pub(crate) scim: Router,
    /// What anybody may read.
    pub(crate) open: Router,
}

/// Identifies, and finishes whatever comes back.
async fn admit(State(front): State<Front>, mut request: Request, next: Next) -> Response {
    let id = RequestId::new(front.clock.now());
    let origin = origin(&front, &request, &id);
    let openai = request.uri().path().starts_with("/v1/");
    let asked = is_page(request.uri().path()).then(|| Asked::of(&request, &id));
    let needs = front.permits.of_path(request.method(), request.uri().path());
    request.extensions_mut().insert(front.bodies.clone());
    let mut caller = None;
    let mut response = if let Some(problem) = too_large(&request) {
        problem.into_response()
    } else if needs == Needs::Nobody {
        // A sign-in that another site sends is refused like any other change of its.
        // An identity provider's answer comes from there, and is signed.
        let ours = asked.as_ref().filter(|_| !comes_from_elsewhere(request.uri().path()));
        match ours.map_or(Ok(()), |asked| same_site(&asked.method, &asked.headers)) {
            Ok(()) => {
                request.extensions_mut().insert(origin);
                next.run(request).await
            }
            Err(problem) => problem.into_response(),
        }
    } else {
        match front.identity.identify(request.method(), request.headers(), origin).await {
            Ok(who) => {
                request.extensions_mut().insert(who.clone());
                let request = arriving(&who, request);
                caller = Some(who);
                next.run(request).await
            }
            Err(refused) => {
                if let Some(who) = refused.confined_to(request.uri().path()) {
                    request.extensions_mut().insert(who.clone());
                    caller = Some(who);
                    next.run(request).await
                } else {
                    caller = refused.who;
                    refused.problem.into_response()
                }
            }
        }
    };
    if let (Some(problem), Some(caller)) = (response.extensions().get::<Problem>(), &caller) {
        note(&front.record, caller, problem, openai);
    }
    if openai && let Some(problem) = response.extensions().get::<Problem>() {
        response = gateway::openai_shape(problem);
    }
    if let Some(asked) = &asked {
        if let Some(problem) = response.extensions().get::<Problem>().cloned() {
            response = front.console.problem(asked, caller.as_ref(), &problem).await;
        }
        response = packed(response, &asked.headers).await;
    }
    if let Some(caller) = &caller {
        response = leaving(caller, response);
    }
    finish(response.headers_mut(), &id, openai, front.tls);
    response
}

/// Refuses what the document says the caller may not, before a body is read. The verb
/// behind the route asks again, for the very thing it acts on.
async fn permit(
    State(front): State<Front>,
    path: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    let needs = front.permits.of_route(request.method(), path.as_str());
    let caller = request.extensions().get::<Caller>();
    match (needs, caller) {
        (Needs::Nobody, _) | (Needs::Somebody, Some(_)) => next.run(request).await,
        (Needs::OneOf(enough), Some(caller)) => {
            let Some(first) = enough.iter().next() else {
                return Problem::not_found().into_response();
            };
            if enough.iter().any(|permission| caller.may_somewhere(permission)) {
                return next.run(request).await;
            }
            let decision = caller.decide(first, None);
            Problem::from(access::Denied(Box::new(decision))).into_response()
        }
        (Needs::OneOf(_) | Needs::Somebody, None) => {
            let detail = "credentials are required";
            Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail).into_response()
        }
        // A route that the document does not know is no route.
        (Needs::Unknown, _) => Problem::not_found().into_response(),
    }
}

/// Where identity providers send browsers, and ask themselves.
fn comes_from_elsewhere(path: &str) -> bool {
    path.strip_prefix("/sso/")
        .and_then(|rest| rest.split_once('/'))
        .is_some_and(|(_, last)| matches!(last, "acs" | "slo" | "backchannel"))
}

fn origin(front: &Front, request: &Request, id: &RequestId) -> Origin {
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
    let agent = request.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok());
    Origin {
        ip: peer.map(|peer| caller_address(peer, request.headers(), &front.trusted_proxies)),
        user_agent: agent.map(|agent| agent.chars().take(USER_AGENT_MAX).collect()),
        request_id: id.as_str().to_owned(),
        trace_parent: trace_parent(request.headers()),
    }
}

/// The caller's span. Two of them, or one with a fault, are none.
fn trace_parent(headers: &HeaderMap) -> Option<TraceParent> {
    let mut all = headers.get_all(TRACE_PARENT).iter();
    let only = all.next().filter(|_| all.next().is_none())?;
    TraceParent::parse(only.to_str().ok()?)
}

/// An event where a person would look for one: what was refused, to whom, and why.
/// The answer does not wait for it: nothing is released.
fn note(record: &Record, caller: &Caller, problem: &Problem, openai: bool) {
    let status = problem.status();
    let refusal = matches!(
        status,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS
    );
    if !(refusal || (openai && status.is_client_error())) {
        return;
    }
    let mut reason = json!({ "status": status.as_u16(), "code": problem.code() });
    if let Some(members) = reason.as_object_mut() {
        // What is wrong with a call may quote it, or the template of a pattern: neither stands in
        // the record. And an event must not be as long as a body.
        let (name, told) =
            if refusal { ("detail", Some(problem.detail())) } else { ("param", problem.field()) };
        if let Some(told) = told {
            let plain = told.chars().filter(|c| !c.is_control());
            members.insert(name.to_owned(), plain.take(DETAIL_MAX).collect::<String>().into());
        }
        for name in ["decision", "limit"] {
            members.extend(problem.get(name).map(|value| (name.to_owned(), value.clone())));
        }
    }
    let (action, kind) = match (openai, status) {
        (_, StatusCode::UNAUTHORIZED) => ("identity.credentials.refused", "credentials"),
        (true, _) => ("gateway.call.refused", "call"),
        (false, _) => ("access.request.refused", "request"),
    };
    let outcome = if refusal { Outcome::Denied } else { Outcome::Failed };
    let event = Event::done(action, kind, caller.origin.request_id.as_str());
    drop(record.note(caller, &event.outcome(outcome).reason(reason)));
}

fn finish(headers: &mut HeaderMap, id: &RequestId, openai: bool, tls: bool) {
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    if openai {
        return;
    }
    if tls {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(STRICT_TRANSPORT_SECURITY, year);
    }
    let fixed = [
        ("x-frame-options", "DENY"),
        // A form that finds nobody signed in leads back to the page that it was on.
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.entry("content-security-policy").or_insert(HeaderValue::from_static(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
         connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ));
}

impl Permits {
    /// What a path needs before it is matched: nothing for the few open ones.
    fn of_path(&self, method: &Method, path: &str) -> Needs {
        if self.is_open(method, path) { Needs::Nobody } else { Needs::Somebody }
    }
}
