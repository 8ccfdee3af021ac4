//! One remembered request.

use std::future::Future;
use std::time::Duration;

use access::{Caller, Scope};
use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, LOCATION, SET_COOKIE};
use axum::http::response::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base::args;
use base::db::{DbError, Statement, Value};
use base::problem::Problem;
use base::time::At;
use serde::{Deserialize, Serialize};

use super::alive::{Failed, in_time, keep_saying};
use super::{AGAIN, Idempotency, Keys, sql};

/// Bytes of an answer that is remembered at most.
const ANSWER_MAX: usize = 1 << 20;
/// How long a request is remembered, in microseconds: a day.
pub(super) const REMEMBERED_MICROS: i64 = 86_400_000_000;
/// A request that was not heard of for this long was cut off by a crash. By the database's clock,
/// like all times here.
const LEASE_MICROS: i64 = 60_000_000;
/// How long a node tries on to remember what it did.
const END_FOR: Duration = Duration::from_mins(5);
/// A sign of life that nobody gives.
const NONE_SEEN: i64 = i64::MIN;

/// The code of a request whose first sending has no answer yet.
const IN_PROGRESS: &str = "idempotency_in_progress";
/// How long a second click on a form waits for the answer of the first.
const FORM_PATIENCE: Duration = Duration::from_secs(20);
/// How often whoever waits for another's answer looks for it.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What was answered.
#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    kind: Option<String>,
    location: Option<String>,
    /// Of a form: the browser takes the second answer in the place of the first.
    #[serde(default)]
    cookies: Vec<String>,
    body: String,
}

/// One remembered request.
#[derive(Clone)]
pub(super) struct Memory {
    with: Idempotency,
    scope: Scope,
    /// Who asked, and with which key: another key of the same member is another memory.
    credential: String,
    key: String,
    /// A form: a person waits in front of it.
    form: bool,
}

impl Memory {
    pub(super) fn new(with: Idempotency, caller: &Caller, key: &str, form: bool) -> Self {
        let credential = match &caller.key {
            Some(shown) => format!("{}/{shown}", caller.actor.id()),
            None => caller.actor.id().to_owned(),
        };
        Self { with, scope: caller.itself(), credential, key: key.to_owned(), form }
    }

    /// The answer of `run`; or the one that was given when the same was asked before.
    pub(super) async fn once(
        &self,
        asked: &[u8],
        run: impl Future<Output = Response>,
    ) -> Result<Response, Problem> {
        let tag = self.keys()?.tag.tag(asked);
        let Some(began) = self.begin(&tag).await? else {
            return if self.form { self.wait_for(&tag).await } else { self.recall(&tag).await };
        };
        let response = tokio::select! {
            response = run => response,
            never = self.stay_alive(began) => match never {},
        };
        self.end(began, response).await
    }

    fn keys(&self) -> Result<&Keys, Problem> {
        let homes = self.with.databases.homes();
        let born = homes.born(self.scope.org(), self.scope.region());
        self.with.keys.get(&born).ok_or_else(Problem::not_found)
    }

    fn args(&self) -> Vec<Value> {
        args![self.credential.as_str(), self.key.as_str()]
    }

    /// What binds a sealed answer to its request.
    fn purpose(&self) -> String {
        format!("{}/{}/{}", self.scope.org(), self.credential, self.key)
    }

    /// When it began, if it is for this request to begin.
    async fn begin(&self, tag: &[u8]) -> Result<Option<At>, Problem> {
        let now = self.now().await?;
        let old = args![now.as_microsecond() - REMEMBERED_MICROS];
        self.write(sql::FORGET_OLD, old).await?;
        if let Some(began) = self.take(tag, now, NONE_SEEN).await? {
            return Ok(Some(began));
        }
        let dead = now.as_microsecond() - LEASE_MICROS;
        let Some(seen) = self.alive_at(tag).await?.filter(|alive_at| *alive_at <= dead) else {
            return Ok(None);
        };
        let patience = tokio::time::Instant::now() + self.with.watch;
        while tokio::time::Instant::now() < patience {
            tokio::time::sleep(LOOK_EVERY).await;
            if self.alive_at(tag).await? != Some(seen) {
                return Ok(None);
            }
        }
        let now = self.now().await?;
        Ok(self.take(tag, now, seen).await?)
    }

    /// Takes the key: from nobody, or from the same request that was last heard of at `seen`.
    async fn take(&self, tag: &[u8], now: At, seen: i64) -> Result<Option<At>, DbError> {
        let args = [self.args(), args![tag, now, seen]].concat();
        Ok((self.write(sql::BEGIN, args).await? == 1).then_some(now))
    }

    /// When the same request was last heard of, if it has no answer yet.
    async fn alive_at(&self, tag: &[u8]) -> Result<Option<i64>, DbError> {
        let row = self.with.databases.of(&self.scope)?.maybe(sql::READ, self.args()).await?;
        let Some(row) = row else { return Ok(None) };
        let under_way = row.opt_int("status")?.is_none() && row.bytes("tag")? == tag;
        under_way.then(|| row.int("alive_at")).transpose()
    }

    async fn now(&self) -> Result<At, DbError> {
        self.with.databases.whole(&self.scope)?.clock().await
    }

    async fn stay_alive(&self, began: At) -> std::convert::Infallible {
        keep_saying(|| self.say_alive(began)).await
    }

    async fn say_alive(&self, began: At) -> Result<(), DbError> {
        let args = [self.args(), args![began, self.now().await?]].concat();
        self.write(sql::STILL_ALIVE, args).await.map(drop)
    }

    /// The first answer, which may still be under way.
    async fn wait_for(&self, tag: &[u8]) -> Result<Response, Problem> {
        let patience = tokio::time::Instant::now() + FORM_PATIENCE;
        loop {
            match self.recall(tag).await {
                Err(problem)
                    if problem.code() == IN_PROGRESS && tokio::time::Instant::now() < patience =>
                {
                    tokio::time::sleep(LOOK_EVERY).await;
                }
                answer => return answer,
            }
        }
    }

    async fn recall(&self, tag: &[u8]) -> Result<Response, Problem> {
        let db = self.with.databases.of(&self.scope)?;
        let row = db.maybe(sql::READ, self.args()).await?.ok_or_else(in_progress)?;
        if row.bytes("tag")? != tag {
            let detail = "this `Idempotency-Key` was used for another request";
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return Err(
                Problem::new(status, "idempotency_key_reused", detail).param("Idempotency-Key")
            );
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
        for cookie in answer.cookies.iter().filter_map(|cookie| cookie.parse().ok()) {
            headers.append(SET_COOKIE, cookie);
        }
        headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
        Ok(response)
    }

    /// Remembers the answer. A fault of ours is forgotten, so that it can be tried again.
    async fn end(&self, began: At, response: Response) -> Result<Response, Problem> {
        let (parts, bytes) = whole(response).await?;
        // A form that was refused did nothing: filled in again, it is refused in the same way.
        let refused = self.form && parts.status.is_client_error();
        let passing = parts.status.is_server_error();
        if passing || refused || parts.status == StatusCode::TOO_MANY_REQUESTS {
            self.write(sql::FORGET, [self.args(), args![began]].concat()).await?;
        } else if bytes.len() <= ANSWER_MAX {
            self.keep(began, &parts, &bytes).await?;
        } else {
            // It was done, and must not be done again.
            let (parts, bytes) = whole(too_large().into_response()).await?;
            self.keep(began, &parts, &bytes).await?;
        }
        Ok(Response::from_parts(parts, Body::from(bytes)))
    }

    async fn keep(&self, began: At, parts: &Parts, bytes: &Bytes) -> Result<(), Problem> {
        let text =
            |name| parts.headers.get(name).and_then(|v| v.to_str().ok()).map(ToOwned::to_owned);
        let body = String::from_utf8_lossy(bytes).into_owned();
        let cookies = parts.headers.get_all(SET_COOKIE).iter().filter(|_| self.form);
        let cookies = cookies.filter_map(|v| v.to_str().ok()).map(ToOwned::to_owned).collect();
        let answer = Answer { kind: text(CONTENT_TYPE), location: text(LOCATION), cookies, body };
        let plain = serde_json::to_vec(&answer).map_err(|error| Problem::internal(&error))?;
        let sealed = self.keys()?.sealer.seal(&self.purpose(), &plain);
        let sealed = sealed.map_err(|error| Problem::internal(&error))?;
        let status = i64::from(parts.status.as_u16());
        let end = [self.args(), args![began, status, sealed]].concat();
        if let Err(error) = self.remember(end.clone()).await {
            let error = &*error;
            tracing::warn!(error, "an answer could not be remembered; it is tried on");
            self.with.tasks.spawn(self.clone().try_on(began, end));
        }
        Ok(())
    }

    /// Writes the answer down, once or again: whether it is there now.
    pub(super) async fn remember(&self, end: Vec<Value>) -> Result<bool, Failed> {
        let there = in_time(self.write(sql::END, end)).await? == 1;
        if !there {
            tracing::error!(
                credential = self.credential,
                key = self.key,
                "an answer was not remembered, as its request was taken for dead or forgotten: \
                 it may be done twice"
            );
        }
        Ok(there)
    }

    /// What was done must not be done again: the request counts as under way until its answer is
    /// remembered.
    async fn try_on(self, began: At, end: Vec<Value>) {
        let written = async {
            loop {
                tokio::time::sleep(AGAIN).await;
                if self.remember(end.clone()).await.is_ok() {
                    return;
                }
            }
        };
        let tried = tokio::select! {
            tried = tokio::time::timeout(END_FOR, written) => tried,
            never = self.stay_alive(began) => match never {},
        };
        if tried.is_err() {
            tracing::error!("an answer was not remembered: sent again, it is done again");
        }
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

async fn whole(response: Response) -> Result<(Parts, Bytes), Problem> {
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await;
    Ok((parts, bytes.map_err(|error| Problem::internal(&error))?))
}

fn in_progress() -> Problem {
    let detail = "the first request with this `Idempotency-Key` is still under way";
    Problem::new(StatusCode::CONFLICT, IN_PROGRESS, detail).retry_after(1)
}

fn too_large() -> Problem {
    let detail = "this request was done before; its answer was too large to be remembered";
    Problem::new(StatusCode::CONFLICT, "idempotency_answer_too_large", detail)
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: Option<String>) {
    if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
        headers.insert(name, value);
    }
}
