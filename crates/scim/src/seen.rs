//! When a directory was last seen and what it asked last: noted in memory, written every
//! few seconds, shown to who connects it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use access::{Caller, OrgId, Permission, Region};
use base::args;
use base::db::{DbError, Row};
use base::tasks::Tasks;
use base::time::At;
use serde::Serialize;

use crate::enter::Entered;
use crate::kept::{DirectoryId, TokenId};
use crate::reply::Reply;
use crate::{Error, Scim, sql};

/// How often what was noted is written.
const FLUSH_EVERY: Duration = Duration::from_secs(5);
/// Requests of one directory that are kept.
const KEPT: usize = 50;
/// Characters of what was told that are kept.
const DETAIL_CHARS_MAX: usize = 300;

base::ids! {
    /// A request of a directory.
    AskedId = "scr";
}

/// A request of a directory, and how it ended. Of whom it was, the record says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Asked {
    #[serde(skip)]
    id: String,
    /// When.
    #[schema(value_type = String)]
    pub at: At,
    /// `GET`, `PATCH` and so on.
    pub method: String,
    /// Where: `Users/scu_01…`, without a query.
    pub path: String,
    /// The status of the answer.
    pub status: i64,
    /// Why it was refused.
    pub detail: Option<String>,
}

/// What was noted since the last writing.
#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<HashMap<DirectoryId, Notes>>);

#[derive(Debug, Clone)]
struct Notes {
    org: OrgId,
    region: Region,
    at: At,
    tokens: HashMap<TokenId, At>,
    asked: VecDeque<Asked>,
}

impl Asked {
    fn of(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            id: row.text("request_id")?,
            at: row.at("at")?,
            method: row.text("method")?,
            path: row.text("path")?,
            status: row.int("status")?,
            detail: row.opt_text("detail")?,
        })
    }

    /// Whether it was refused or went wrong.
    pub fn is_fault(&self) -> bool {
        self.status >= 400
    }
}

impl Scim {
    /// Notes a request and its answer. Of those that went well the reading ones are not
    /// kept: they would push out what one looks for.
    pub(crate) fn note(&self, by: &Entered, method: &str, path: &str, reply: &Reply) {
        let at = self.now();
        let mut all = self.0.seen.0.lock().unwrap_or_else(PoisonError::into_inner);
        let notes = all.entry(by.directory.id.clone()).or_insert_with(|| Notes {
            org: by.caller.org.clone(),
            region: by.caller.region,
            at,
            tokens: HashMap::new(),
            asked: VecDeque::new(),
        });
        notes.at = at;
        notes.tokens.insert(by.token.clone(), at);
        if method == "GET" && reply.status.as_u16() < 400 {
            return;
        }
        if notes.asked.len() >= KEPT {
            notes.asked.pop_front();
        }
        let detail = reply.detail();
        notes.asked.push_back(Asked {
            id: AskedId::new(at).to_string(),
            at,
            method: method.to_owned(),
            path: path.to_owned(),
            status: i64::from(reply.status.as_u16()),
            detail: detail.map(|detail| detail.chars().take(DETAIL_CHARS_MAX).collect()),
        });
    }

    /// Writes what was noted, until the stop.
    pub(crate) async fn tend(self, tasks: Tasks) {
        while tokio::time::timeout(FLUSH_EVERY, tasks.stopping()).await.is_err() {
            self.flush().await;
        }
        self.flush().await;
    }

    /// Writes what was noted. What cannot be written is forgotten: it is a courtesy, and
    /// the record has what matters.
    pub(crate) async fn flush(&self) {
        let noted = {
            let mut noted = self.0.seen.0.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *noted)
        };
        for (directory, notes) in noted {
            if let Err(error) = self.write(&directory, notes).await {
                tracing::warn!(
                    directory.id = %directory,
                    error = &error as &dyn std::error::Error,
                    "what a directory asked could not be noted"
                );
            }
        }
    }

    // Bookkeeping, not a change that anybody asked for: what was done is in the record.
    #[expect(
        clippy::disallowed_methods,
        reason = "last requests are bookkeeping beside the record"
    )]
    async fn write(&self, directory: &DirectoryId, notes: Notes) -> Result<(), DbError> {
        let scope = Caller::node(notes.org, notes.region, "scim").itself();
        let mut tx = self.0.databases.of(&scope)?.begin().await?;
        let id = directory.as_str();
        if tx.run(sql::DIRECTORY_SEEN, scope.args(args![id, notes.at])).await? == 0 {
            // Removed meanwhile, or another node noted later.
            let known = tx.maybe(sql::DIRECTORY_ONE, scope.args(args![id])).await?;
            if known.is_none() {
                return Ok(());
            }
        }
        for (token, at) in notes.tokens {
            tx.run(sql::TOKEN_SEEN, scope.args(args![token.as_str(), at])).await?;
        }
        let rows = notes.asked.into_iter().map(|asked| {
            let (status, detail) = (asked.status, asked.detail);
            scope.args(args![id, asked.id, asked.at, asked.method, asked.path, status, detail])
        });
        tx.many(&sql::REQUESTS_ADD, rows).await?;
        let kept = i64::try_from(KEPT).unwrap_or(i64::MAX);
        tx.run(sql::REQUESTS_FORGET, scope.args(args![id, kept])).await?;
        tx.commit().await
    }

    /// What a directory asked last, the newest first: changes, and whatever was refused.
    pub async fn asked(&self, caller: &Caller, id: &DirectoryId) -> Result<Vec<Asked>, Error> {
        let scope = caller.require(Permission::UsersConnections)?;
        self.flush().await;
        let args = args![id.as_str(), i64::try_from(KEPT).unwrap_or(i64::MAX)];
        let rows = self.0.databases.of(&scope)?.all(sql::REQUEST_LIST, args).await?;
        Ok(rows.iter().map(Asked::of).collect::<Result<_, _>>()?)
    }
}
