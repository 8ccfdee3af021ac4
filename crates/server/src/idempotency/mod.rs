//! `Idempotency-Key` on POST (draft-ietf-httpapi-idempotency-key-header): a request
//! that is sent twice is done once, and the second answer is the first one.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use access::{Caller, Databases, Region, Scope};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use base::args;
use base::db::{DbError, Statement, Value};
use base::problem::Problem;
use base::seal::{Mac, RootKey, Sealer};
use base::time::SharedClock;
use serde::{Deserialize, Serialize};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Characters of a key at most.
const KEY_MAX: usize = 128;
/// Bytes of an answer that is remembered at most.
const ANSWER_MAX: usize = 1 << 20;
/// How long a request is remembered, in microseconds: a day.
const REMEMBERED_MICROS: i64 = 86_400_000_000;

pub(crate) mod sql {
    //! Every statement of the server itself. `$1` is always the org.

    use base::db::{Migration, Statement};

    /// The server's own steps.
    pub(crate) const MIGRATIONS: &[Migration] = &[Migration::both(
        "server/0001_idempotency",
        include_str!("../migrations/0001_idempotency.sql"),
    )];

    pub(crate) const BEGIN: Statement = Statement::new(
        "remember a request",
        "INSERT INTO server_idempotency (org_id, user_id, request, tag, at)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
    );

    pub(crate) const READ: Statement = Statement::new(
        "look for a request that was sent before",
        "SELECT tag, status, answer FROM server_idempotency
          WHERE org_id = $1 AND user_id = $2 AND request = $3",
    );

    pub(crate) const END: Statement = Statement::new(
        "remember an answer",
        "UPDATE server_idempotency SET status = $4, answer = $5
          WHERE org_id = $1 AND user_id = $2 AND request = $3",
    );

    pub(crate) const FORGET: Statement = Statement::new(
        "forget a request",
        "DELETE FROM server_idempotency WHERE org_id = $1 AND user_id = $2 AND request = $3",
    );

    pub(crate) const FORGET_OLD: Statement = Statement::new(
        "forget old requests",
        "DELETE FROM server_idempotency WHERE org_id = $1 AND at < $2",
    );

    /// For the tests that prepare every statement on each engine.
    #[cfg(test)]
    pub(crate) const STATEMENTS: &[Statement] = &[BEGIN, READ, END, FORGET, FORGET_OLD];
}

/// What was answered.
#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    kind: Option<String>,
    location: Option<String>,
    body: String,
}

#[derive(Debug)]
struct Keys {
    tag: Mac,
    sealer: Sealer,
}

/// Remembers answers by caller and key.
#[derive(Debug, Clone)]
pub(crate) struct Idempotency {
    databases: Databases,
    clock: SharedClock,
    keys: Arc<BTreeMap<Region, Keys>>,
}

/// One remembered request.
struct Memory<'a> {
    with: &'a Idempotency,
    scope: Scope,
    key: String,
}

impl Idempotency {
    pub(crate) fn open(
        databases: &Databases,
        clock: &SharedClock,
        roots: &BTreeMap<Region, RootKey>,
    ) -> io::Result<Self> {
        let keys = roots.iter().map(|(region, root)| {
            let sealer = root.sealer("server/idempotency")?;
            Ok((*region, Keys { tag: root.mac("server/idempotency"), sealer }))
        });
        let keys = Arc::new(keys.collect::<io::Result<_>>()?);
        Ok(Self { databases: databases.clone(), clock: clock.clone(), keys })
    }

    /// Puts itself around routes.
    pub(crate) fn around(self, routes: Router) -> Router {
        routes.route_layer(from_fn_with_state(self, once))
    }
}

async fn once(State(with): State<Idempotency>, request: Request, next: Next) -> Response {
    let key = request.headers().get(KEY).cloned();
    let caller = request.extensions().get::<Caller>().cloned();
    match (request.method(), key, caller) {
        (&Method::POST, Some(key), Some(caller)) => {
            answer(&with, &key, &caller, request, next).await.unwrap_or_else(Problem::into_response)
        }
        _ => next.run(request).await,
    }
}

async fn answer(
    with: &Idempotency,
    key: &HeaderValue,
    caller: &Caller,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let key = key.to_str().ok().filter(|key| (1..=KEY_MAX).contains(&key.len()));
    let key = key.ok_or_else(|| {
        let detail = "`Idempotency-Key` must be 1 to 128 printable characters";
        Problem::bad_request("invalid_idempotency_key", detail).param("Idempotency-Key")
    })?;
    let memory = Memory { with, scope: caller.itself(), key: key.to_owned() };
    let (parts, body) = request.into_parts();
    let whole = Request::from_parts(parts.clone(), body);
    let bytes = base::http::read(whole, base::http::BODY_MAX).await?;
    let asked = [parts.method.as_str().as_bytes(), parts.uri.path().as_bytes(), &bytes].join(&0);
    let tag = memory.keys()?.tag.tag(&asked);
    if !memory.begin(&tag).await? {
        return memory.recall(&tag).await;
    }
    let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
    memory.end(response).await
}

impl Memory<'_> {
    fn keys(&self) -> Result<&Keys, Problem> {
        self.with.keys.get(&self.scope.region()).ok_or_else(Problem::not_found)
    }

    fn args(&self) -> Vec<Value> {
        args![self.scope.caller().actor.id(), self.key.as_str()]
    }

    /// What binds a sealed answer to its request.
    fn purpose(&self) -> String {
        format!("{}/{}/{}", self.scope.org(), self.scope.caller().actor.id(), self.key)
    }

    /// Whether this is the first request with the key.
    async fn begin(&self, tag: &[u8]) -> Result<bool, Problem> {
        let now = self.with.clock.now();
        let old = args![now.as_microsecond() - REMEMBERED_MICROS];
        self.write(sql::FORGET_OLD, old).await?;
        let args = [self.args(), args![tag, now]].concat();
        Ok(self.write(sql::BEGIN, args).await? == 1)
    }

    async fn recall(&self, tag: &[u8]) -> Result<Response, Problem> {
        let db = self.with.databases.of(&self.scope)?;
        let row = db.maybe(sql::READ, self.args()).await?.ok_or_else(in_progress)?;
        if row.bytes("tag")? != tag {
            let detail = "this `Idempotency-Key` was used for another request";
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                detail,
            )
            .param("Idempotency-Key"));
        }
        let (Some(status), Some(sealed)) = (row.opt_int("status")?, row.opt_bytes("answer")?)
        else {
            return Err(in_progress());
        };
        let opened = self.keys()?.sealer.open(&self.purpose(), &sealed);
        let bytes = opened.map_err(|error| Problem::internal(&error))?;
        let answer: Answer =
            serde_json::from_slice(&bytes).map_err(|error| Problem::internal(&error))?;
        let status = u16::try_from(status).ok().and_then(|code| StatusCode::from_u16(code).ok());
        let mut response = (status.unwrap_or_default(), answer.body).into_response();
        let headers = response.headers_mut();
        put(headers, CONTENT_TYPE, answer.kind);
        put(headers, LOCATION, answer.location);
        headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
        Ok(response)
    }

    /// Remembers the answer. A fault of ours is forgotten, so that it can be tried again.
    async fn end(&self, response: Response) -> Result<Response, Problem> {
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, ANSWER_MAX)
            .await
            .map_err(|error| Problem::internal(&error))?;
        if parts.status.is_server_error() || parts.status == StatusCode::TOO_MANY_REQUESTS {
            self.write(sql::FORGET, self.args()).await?;
        } else {
            let text =
                |name| parts.headers.get(name).and_then(|v| v.to_str().ok()).map(ToOwned::to_owned);
            let body = String::from_utf8_lossy(&bytes).into_owned();
            let answer = Answer { kind: text(CONTENT_TYPE), location: text(LOCATION), body };
            let plain = serde_json::to_vec(&answer).map_err(|error| Problem::internal(&error))?;
            let sealed = self.keys()?.sealer.seal(&self.purpose(), &plain);
            let sealed = sealed.map_err(|error| Problem::internal(&error))?;
            let status = i64::from(parts.status.as_u16());
            self.write(sql::END, [self.args(), args![status, sealed]].concat()).await?;
        }
        Ok(Response::from_parts(parts, Body::from(bytes)))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "remembering a request changes nothing of the org"
    )]
    async fn write(&self, statement: Statement, args: Vec<Value>) -> Result<u64, DbError> {
        let mut tx = self.with.databases.of(&self.scope)?.begin().await?;
        let changed = tx.run(statement, self.scope.args(args)).await?;
        tx.commit().await?;
        Ok(changed)
    }
}

fn in_progress() -> Problem {
    let detail = "the first request with this `Idempotency-Key` is still under way";
    Problem::new(StatusCode::CONFLICT, "idempotency_in_progress", detail).retry_after(1)
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: Option<String>) {
    if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use base::testing::Bench;

    use super::sql;

    #[tokio::test]
    async fn the_servers_own_statements_are_understood_by_each_engine_and_name_their_org() {
        for bench in Bench::on_each_engine(sql::MIGRATIONS, &[]).await {
            for statement in sql::STATEMENTS {
                bench.db.understands(statement.text).await.unwrap();
                assert!(
                    statement.text.contains("org_id = $1") || statement.text.contains("(org_id")
                );
            }
        }
    }
}
