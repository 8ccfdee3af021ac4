//! The service over HTTP. It identifies by itself: its callers are directories.

use access::Origin;
use audit::{Event, Outcome};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{HOST, IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use base::http::read;
use serde_json::{Value, json};

use crate::amend::Amend;
use crate::bulk::BULK_BYTES_MAX;
use crate::enter::{Entered, Stranger};
use crate::kept::Kept;
use crate::query::Query;
use crate::reply::Reply;
use crate::schema::Resource;
use crate::shown::Shown;
use crate::{Error, Scim, discovery, render, tag};

/// Bytes of any other body than a bulk's at most: a group of ten thousand fits.
const BODY_BYTES_MAX: usize = 2 << 20;
/// Bytes of a path at most.
const PATH_BYTES_MAX: usize = 300;
/// Bytes of a host's name at most.
const HOST_BYTES_MAX: usize = 255;
/// Where the service is.
const ROOT: &str = "/scim/v2";

/// The service. Its routes need nobody's credentials but a directory's token, which they
/// check themselves; the origin of a request stands in its extensions.
pub fn routes(scim: Scim) -> Router {
    Router::new()
        .route(ROOT, any(door))
        .route("/scim/v2/", any(door))
        .route("/scim/v2/{*path}", any(door))
        .with_state(scim)
}

/// What is asked, without its body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) method: &'a str,
    /// Without what all addresses begin with.
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    /// The version that must still hold for a change.
    pub(crate) seen: Option<&'a str>,
    /// The version that the caller has already.
    pub(crate) known: Option<&'a str>,
}

async fn door(State(scim): State<Scim>, request: Request) -> Response {
    let origin = request.extensions().get::<Origin>().cloned().unwrap_or_default();
    let (head, body) = request.into_parts();
    let base = base(&scim, &head.headers, &head.uri);
    let by = match scim.enter(&head.headers, base, origin).await {
        Ok(by) => by,
        Err(Stranger::Refused) => return Reply::unauthorized().into_response(),
        Err(Stranger::Elsewhere(region)) => {
            let detail = format!("this token is of region `{region}`, which is not served here");
            return Reply::refused(StatusCode::MISDIRECTED_REQUEST, None, &detail).into_response();
        }
        Err(Stranger::Db(error)) => return Reply::from(Error::Db(error)).into_response(),
    };
    let (method, uri) = (head.method.as_str().to_owned(), head.uri.clone());
    let path = decoded(uri.path().strip_prefix(ROOT).unwrap_or_default().trim_matches('/'));
    let [seen, known] = [IF_MATCH, IF_NONE_MATCH].map(|name| {
        head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    });
    let asking = Asking {
        method: &method,
        path: &path,
        query: uri.query().unwrap_or_default(),
        seen: seen.as_deref(),
        known: known.as_deref(),
    };
    let request = Request::from_parts(head, body);
    let reply = scim.hear(&by, &asking, request).await;
    scim.refusal(&by, &method, &reply);
    scim.note(&by, &method, &path, &reply);
    reply.into_response()
}

/// A path with what was percent-encoded in it, as ids of schemas are; what cannot be read
/// or could not be kept leads to nothing.
fn decoded(path: &str) -> String {
    let pair = format!("p={}", path.replace('+', "%2B"));
    let mut pairs: Vec<(String, String)> = serde_html_form::from_str(&pair).unwrap_or_default();
    let path = pairs.pop().map(|(_, path)| path).unwrap_or_default();
    if path.len() > PATH_BYTES_MAX || path.contains(char::is_control) {
        "-".to_owned()
    } else {
        path
    }
}

/// What addresses begin with, as the caller called this service.
fn base(scim: &Scim, headers: &HeaderMap, uri: &Uri) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = host.or(uri.authority().map(axum::http::uri::Authority::as_str));
    format!("{}{ROOT}", scim.origin(host))
}

impl Scim {
    /// Where this service is reached; if that is not said, by the host that was called.
    pub(crate) fn origin(&self, host: Option<&str>) -> String {
        if let Some(url) = &self.0.public_url {
            return url.trim_end_matches('/').to_owned();
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
        let is_host = |host: &&str| {
            !host.is_empty() && host.len() <= HOST_BYTES_MAX && host.bytes().all(plain)
        };
        let scheme = if self.0.https { "https" } else { "http" };
        format!("{scheme}://{}", host.filter(is_host).unwrap_or("localhost"))
    }

    /// Reads the body, if the directory may ask now, and answers.
    async fn hear(&self, by: &Entered, asking: &Asking<'_>, request: Request) -> Reply {
        if let Err(error) = self.0.pass.take(&by.directory.id, self.now()) {
            return error.into();
        }
        let bytes_max = if asking.path == "Bulk" { BULK_BYTES_MAX } else { BODY_BYTES_MAX };
        let bytes = match read(request, bytes_max).await {
            Ok(bytes) => bytes,
            Err(problem) if problem.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                return Error::TooLarge(bytes_max).into();
            }
            Err(problem) => return Error::Problem(problem).into(),
        };
        let mut body = None;
        if !bytes.is_empty() {
            body = match serde_json::from_slice::<Value>(&bytes) {
                Ok(value) => Some(value),
                Err(_) => return Error::Syntax("the body is not JSON".to_owned()).into(),
            };
        }
        self.answer(by, asking, body.as_ref()).await
    }

    /// Answers.
    async fn answer(&self, by: &Entered, asking: &Asking<'_>, body: Option<&Value>) -> Reply {
        let parts: Vec<&str> = asking.path.split('/').collect();
        let answered = match (asking.method, parts.as_slice()) {
            (
                method,
                [kind @ ("ServiceProviderConfig" | "ResourceTypes" | "Schemas"), rest @ ..],
            ) => {
                return discovered(by, method, kind, rest);
            }
            ("POST", [".search"]) => match searched(body) {
                Ok(query) => {
                    self.list_all(by, &query).await.map(|list| Reply::of(StatusCode::OK, list))
                }
                Err(error) => Err(error),
            },
            ("POST", ["Bulk"]) => {
                let done = self.bulk(by, body.unwrap_or(&Value::Null)).await;
                done.map(|done| Reply::of(StatusCode::OK, done))
            }
            (_, ["Me", ..]) => {
                Err(Error::NotImplemented("a directory is nobody: there is no `/Me`"))
            }
            (_, [".search" | "Bulk"]) => return Reply::not_allowed("POST"),
            (_, [kind @ ("Users" | "Groups"), rest @ ..]) => {
                let resource = if *kind == "Users" { Resource::User } else { Resource::Group };
                self.resource(by, resource, rest, asking, body).await
            }
            _ => Err(Error::NotFound),
        };
        answered.unwrap_or_else(Reply::from)
    }

    pub(crate) async fn resource(
        &self,
        by: &Entered,
        resource: Resource,
        rest: &[&str],
        asking: &Asking<'_>,
        body: Option<&Value>,
    ) -> Result<Reply, Error> {
        let sent = || body.ok_or_else(|| Error::Syntax("a body is required".to_owned()));
        let shown = || Ok::<_, Error>(Query::of_address(asking.query)?.shown);
        match (asking.method, rest) {
            ("GET", []) => {
                let query = Query::of_address(asking.query)?;
                Ok(Reply::of(StatusCode::OK, self.list(by, resource, &query).await?))
            }
            ("POST", [".search"]) => {
                let query = searched(body)?;
                Ok(Reply::of(StatusCode::OK, self.list(by, resource, &query).await?))
            }
            ("POST", []) => {
                let (sent, shown) = (sent()?, shown()?);
                let kept = match resource {
                    Resource::User => self.add_user(by, sent).await?,
                    Resource::Group => self.add_group(by, sent).await?,
                };
                self.show(by, resource, StatusCode::CREATED, kept, &shown).await
            }
            ("GET", [id]) if *id != ".search" => {
                let (kept, shown) = (self.one(by, resource, id).await?, shown()?);
                let roster = self.0.identity.roster(&by.caller).await?;
                let own = tag::of(resource, &kept, &roster);
                if asking.known.is_some_and(|known| known.split(',').any(|tag| tag.trim() == own)) {
                    return Ok(Reply::empty(StatusCode::NOT_MODIFIED));
                }
                self.show(by, resource, StatusCode::OK, kept, &shown).await
            }
            (method @ ("PUT" | "PATCH"), [id]) if *id != ".search" => {
                let (sent, shown) = (sent()?, shown()?);
                let how = if method == "PUT" { Amend::Replace(sent) } else { Amend::Patch(sent) };
                let kept = match resource {
                    Resource::User => self.amend_user(by, id, &how, asking.seen).await?,
                    Resource::Group => self.amend_group(by, id, &how, asking.seen).await?,
                };
                self.show(by, resource, StatusCode::OK, kept, &shown).await
            }
            ("DELETE", [id]) if *id != ".search" => {
                match resource {
                    Resource::User => self.remove_user(by, id, asking.seen).await?,
                    Resource::Group => self.remove_group(by, id, asking.seen).await?,
                }
                Ok(Reply::empty(StatusCode::NO_CONTENT))
            }
            (_, []) => Ok(Reply::not_allowed("GET, POST")),
            (_, [".search"]) => Ok(Reply::not_allowed("POST")),
            (_, [_]) => Ok(Reply::not_allowed("GET, PUT, PATCH, DELETE")),
            _ => Err(Error::NotFound),
        }
    }

    async fn show(
        &self,
        by: &Entered,
        resource: Resource,
        status: StatusCode,
        kept: Kept,
        shown: &Shown,
    ) -> Result<Reply, Error> {
        let location = render::location(&by.base, resource, &kept.id);
        let (view, tag) = self.view(by, resource, kept, shown).await?;
        Ok(Reply::resource(status, Value::Object(view), location, tag))
    }

    /// Records a change that was refused, and whatever a directory may not. Looking for
    /// what there is not is no refusal.
    pub(crate) fn refusal(&self, by: &Entered, method: &str, reply: &Reply) {
        let status = reply.status;
        let writes = method != "GET" && status != StatusCode::NOT_FOUND;
        let refused = matches!(status, StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS);
        if !(status.is_client_error() && (writes || refused)) {
            return;
        }
        let (id, floods) = (by.directory.id.as_str(), status == StatusCode::TOO_MANY_REQUESTS);
        if floods && !self.0.noted.is_due(id, self.now()) {
            return;
        }
        let body = reply.body.as_ref();
        let code = body.and_then(|body| body.get("scimType")?.as_str());
        let reason = json!({
            "status": status.as_u16(),
            "code": code.unwrap_or("refused"),
            "detail": reply.detail(),
        });
        let outcome = if refused { Outcome::Denied } else { Outcome::Failed };
        let event = Event::done("scim.request.refused", "directory", id);
        drop(self.0.record.note(&by.caller, &event.outcome(outcome).reason(reason)));
    }
}

fn searched(body: Option<&Value>) -> Result<Query, Error> {
    match body {
        Some(body) => Query::of_search(body),
        None => Query::of_address(""),
    }
}

fn discovered(by: &Entered, method: &str, kind: &str, rest: &[&str]) -> Reply {
    if method != "GET" {
        return Reply::not_allowed("GET");
    }
    let found = match (kind, rest) {
        ("ServiceProviderConfig", []) => Some(discovery::service_provider_config(&by.base)),
        ("ResourceTypes", []) => Some(discovery::list(&discovery::resource_types(&by.base))),
        ("ResourceTypes", [id]) => discovery::one(discovery::resource_types(&by.base), id),
        ("Schemas", []) => Some(discovery::list(&discovery::schemas(&by.base))),
        ("Schemas", [id]) => discovery::one(discovery::schemas(&by.base), id),
        _ => None,
    };
    found.map_or_else(|| Error::NotFound.into(), |found| Reply::of(StatusCode::OK, found))
}
