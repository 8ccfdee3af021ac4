//! `Idempotency-Key` on POST (draft-ietf-httpapi-idempotency-key-header): a request
//! that is sent twice is done once, and the second answer is the first one. A form of the
//! console carries its key in its address (`base::page::post`): a second click waits for
//! the first one's answer.
//!
//! A request that began is finished and remembered though its caller left, and though the
//! database was away when it ended. One that a crash cut off may begin again when its lease is
//! over, by the clock of the database.

mod alive;
mod keeper;
mod memory;
pub(crate) mod sql;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use access::{Caller, Databases, Region};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use base::args;
use base::bodies::Bodies;
use base::db::{Db, DbError, Within};
use base::problem::Problem;
use base::seal::{Mac, RootKey, Sealer};
use base::tasks::Tasks;
use tokio::sync::oneshot;

pub(crate) use self::keeper::Answers;
use self::memory::{Memory, REMEMBERED_MICROS};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// How long a request that seems dead is watched before another one takes its place: a node that was
/// cut off from the database together with everybody else says by then what it did, though it has to
/// give up a write that hangs, look again, and write.
const WATCH: Duration = WRITE_MAX.saturating_mul(3).saturating_add(AGAIN);
/// How long a sign of life, or an answer, may take to be written down.
const WRITE_MAX: Duration = Duration::from_secs(2);
/// When a write that failed is tried on.
const AGAIN: Duration = Duration::from_secs(1);
/// How often old answers are looked for that nobody else forgets.
const SWEEP_EVERY: Duration = Duration::from_hours(1);
/// Old answers that go in one unit of work.
const SWEPT_AT_ONCE: u32 = 50;
/// Characters of a key at most.
const KEY_MAX: usize = 128;

#[derive(Debug)]
struct Keys {
    tag: Mac,
    sealer: Sealer,
}

/// Remembers answers by credential and key.
#[derive(Debug, Clone)]
pub(crate) struct Idempotency {
    databases: Databases,
    keys: Arc<BTreeMap<Region, Keys>>,
    tasks: Tasks,
    watch: Duration,
}

impl Idempotency {
    pub(crate) fn open(
        databases: &Databases,
        roots: &BTreeMap<Region, RootKey>,
        tasks: &Tasks,
    ) -> io::Result<Self> {
        let keys = roots.iter().map(|(region, root)| {
            let sealer = root.sealer("server/idempotency")?;
            Ok((*region, Keys { tag: root.mac("server/idempotency"), sealer }))
        });
        let keys = Arc::new(keys.collect::<io::Result<_>>()?);
        let (databases, tasks) = (databases.clone(), tasks.clone());
        Ok(Self { databases, keys, tasks, watch: WATCH })
    }

    /// Forgets what is older than a day, until the server stops.
    pub(crate) async fn tend(self) {
        while tokio::time::timeout(SWEEP_EVERY, self.tasks.stopping()).await.is_err() {
            if let Err(error) = self.sweep().await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "old answers could not be forgotten");
            }
        }
    }

    /// Forgets what is older than a day, also of orgs in which nobody asks any more.
    async fn sweep(&self) -> Result<u64, DbError> {
        let (mut forgotten, mut failed) = (0, None);
        for (_, db) in self.databases.iter() {
            match Self::sweep_one(db).await {
                Ok(gone) => forgotten += gone,
                // The other regions are swept all the same.
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(forgotten), Err)
    }

    #[expect(clippy::disallowed_methods, reason = "forgetting answers changes nothing of an org")]
    async fn sweep_one(db: &Db) -> Result<u64, DbError> {
        let old = db.clock().await?.as_microsecond() - REMEMBERED_MICROS;
        let mut forgotten = 0;
        loop {
            // A few at a time: whoever writes waits for no more than that.
            let mut tx = db.begin(&Within::node()).await?;
            let gone =
                tx.run(sql::FORGET_ALL_OLD, args!["", old, i64::from(SWEPT_AT_ONCE)]).await?;
            tx.commit().await?;
            forgotten += gone;
            if gone < u64::from(SWEPT_AT_ONCE) {
                return Ok(forgotten);
            }
        }
    }

    /// Puts itself around routes.
    pub(crate) fn around(self, routes: Router) -> Router {
        routes.route_layer(from_fn_with_state(self, once))
    }
}

async fn once(State(with): State<Idempotency>, request: Request, next: Next) -> Response {
    let key = request.headers().get(KEY).cloned();
    let form = key.is_none();
    let key = key.or_else(|| key_of_form(&request));
    let caller = request.extensions().get::<Caller>().cloned();
    match (request.method(), key, caller) {
        (&Method::POST, Some(key), Some(caller)) => {
            let asked = Asked { key: &key, form, caller: &caller };
            answer(with, asked, request, next).await.unwrap_or_else(Problem::into_response)
        }
        _ => next.run(request).await,
    }
}

/// The mark that a form carries.
fn key_of_form(request: &Request) -> Option<HeaderValue> {
    let pairs = request.uri().query()?.split('&').filter_map(|pair| pair.split_once('='));
    let (_, mark) = pairs.into_iter().find(|(name, _)| *name == base::page::ONCE)?;
    HeaderValue::from_str(mark).ok()
}

/// Under which key, and by whom.
struct Asked<'a> {
    key: &'a HeaderValue,
    form: bool,
    caller: &'a Caller,
}

async fn answer(
    with: Idempotency,
    asked: Asked<'_>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let Asked { key, form, caller } = asked;
    let key = key.to_str().ok().filter(|key| (1..=KEY_MAX).contains(&key.len()));
    let key = key.ok_or_else(|| {
        let detail = "`Idempotency-Key` must be 1 to 128 printable characters";
        Problem::bad_request("invalid_idempotency_key", detail).param("Idempotency-Key")
    })?;
    let tasks = with.tasks.clone();
    let memory = Memory::new(with, caller, key, form);
    let (mut parts, body) = request.into_parts();
    let whole = Request::from_parts(parts.clone(), body);
    // What is read here has its room: read again behind us, it must not wait for more.
    parts.extensions.remove::<Bodies>();
    let bytes = base::http::read(whole, base::http::BODY_MAX).await?;
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let asked = [parts.method.as_str().as_bytes(), target.as_bytes(), &bytes].join(&0);
    let request = Request::from_parts(parts, Body::from(bytes));
    let (done, waits) = oneshot::channel();
    tasks.spawn(async move {
        let answer = memory.once(&asked, next.run(request)).await;
        // A caller that has left finds the answer when it asks again.
        drop(done.send(answer));
    });
    waits.await.map_err(|gone| Problem::internal(&gone))?
}
