//! What the line does with a group that the database does not take.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use access::Region;
use base::args;
use base::db::{Db, DbError, Within};
use tokio::time::{sleep, timeout};

use super::Desks;
use super::desk::{Desk, Named, ToWrite};
use super::entry::{Tried, sealed};
use crate::durable::{Durable, Submission};
use crate::line::Line;
use crate::sql;

/// Longer than this nobody waits for the database whose org chose the journal.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often a database that is away is asked whether it is back, and how long for an answer.
const PROBE_EVERY: Duration = Duration::from_millis(250);
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
/// How soon a replay is tried again that the database refused.
const AGAIN: Duration = Duration::from_secs(1);

/// What the line of a region knows of its journal.
pub(crate) struct Books {
    pub(super) desk: Arc<Desk>,
    pub(super) region: Region,
    /// Ends when it is worth a try again.
    probe: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Books {
    /// Of one region.
    pub(crate) fn of(desks: &Desks, region: Region) -> Self {
        Self { desk: desks.of_region(region), region, probe: None }
    }

    /// Resolves when there is something to replay that there was not before.
    pub(crate) async fn found(&mut self) {
        let well = if let Some(probe) = &mut self.probe {
            tokio::select! {
                () = probe.as_mut() => true,
                () = self.desk.woken() => false,
            }
        } else {
            self.desk.woken().await;
            false
        };
        if well {
            self.probe = None;
            self.desk.database_is_away(false);
        }
    }

    /// Whether the database is known to take nothing: nothing is tried against it then.
    pub(crate) fn is_away(&self) -> bool {
        self.desk.is_away()
    }

    /// Whether what waits may be written into the record now.
    pub(crate) fn may_replay(&self) -> bool {
        self.probe.is_none() && self.desk.is_behind()
    }

    /// The database is away until it takes what this node writes.
    pub(super) fn lose(&mut self, db: &Db, node: &str) {
        let (db, node, desk) = (db.clone(), node.to_owned(), Arc::clone(&self.desk));
        desk.database_is_away(true);
        self.probe = Some(Box::pin(async move {
            loop {
                sleep(PROBE_EVERY).await;
                if matches!(timeout(PROBE_TIMEOUT, takes_writes(&db, &node)).await, Ok(Ok(()))) {
                    return;
                }
                desk.retry_disk();
            }
        }));
    }

    /// The database answers, and refused what was replayed.
    pub(super) fn rest(&mut self) {
        self.probe = Some(Box::pin(sleep(AGAIN)));
    }
}

/// Whether a database takes what is written: one that is only read, or whose disk is full or
/// broken, answers too. A row comes and goes in one commit, so that nobody sees it and the
/// engine has something to put on its disk.
#[expect(clippy::disallowed_methods, reason = "nothing is changed")]
async fn takes_writes(db: &Db, node: &str) -> Result<(), DbError> {
    const NO_ORG: &str = "";
    let mut tx = db.begin(&Within::node()).await?;
    tx.many(&sql::OPEN, [args![NO_ORG, node, 0]]).await?;
    tx.run(sql::OPEN_DROP, args![NO_ORG, node]).await?;
    tx.commit().await
}

impl Line {
    /// Has in the journal what has to go there: the database is away, or what is older of the
    /// same orgs waits there. While it is away nothing else is tried.
    pub(crate) fn go_round(&mut self, group: &mut Vec<Submission>) {
        let away = self.journal.is_away();
        if (away && self.journal.desk.is_kept()) || self.journal.desk.is_behind() {
            self.put_in_journal(group, Tried::No);
        }
        if away {
            for submission in group.drain(..) {
                self.refuse(submission);
            }
        }
    }

    /// The database did not take a group. If it is away, what may go on goes into the journal.
    pub(crate) fn lost(&mut self, error: &DbError, group: &mut Vec<Submission>) {
        if !error.is_away() {
            return;
        }
        self.journal.lose(&self.db, self.open.node());
        if self.journal.desk.is_kept() {
            // It may have taken it, and only its answer was lost.
            self.put_in_journal(group, Tried::Yes);
        }
    }

    /// Commits a group, and waits for it no longer than somebody would who has a journal.
    pub(crate) async fn commit_patiently(
        &mut self,
        group: &[Submission],
    ) -> Result<Vec<i64>, DbError> {
        let hurries = group.iter().any(|one| one.journals) && self.journal.desk.is_kept();
        let committed = self.commit_stubbornly(group);
        if !hurries {
            return committed.await;
        }
        let too_slow = |_| DbError::too_slow("append to the record");
        timeout(PATIENCE, committed).await.map_err(too_slow).flatten()
    }

    fn put_in_journal(&mut self, group: &mut Vec<Submission>, tried: Tried) {
        let wanted: Vec<_> = group.extract_if(.., |one| one.journals).collect();
        if wanted.is_empty() {
            return;
        }
        let (desk, now) = (Arc::clone(&self.journal.desk), self.clock.now());
        let (journal, mut number) = match desk.next(now) {
            Ok(next) => next,
            Err(error) => return self.not_journalled(&error, wanted),
        };
        let (mut written, mut entries, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        for one in wanted {
            if let Some(entry) = sealed(&self.keys, (&journal, number), &one, tried) {
                let call = one.is_of_a_call().then(|| Named {
                    org: one.entry.org.clone(),
                    id: one.entry.resource_id.clone(),
                    by: one.entry.draft().user.id.clone(),
                });
                entries.push(ToWrite { entry, call });
                written.push(one);
                number += 1;
            } else {
                refused.push(one);
            }
        }
        if !refused.is_empty() {
            self.not_journalled(&io::Error::other("a key is not at hand"), refused);
        }
        if entries.is_empty() {
            return;
        }
        match desk.write(entries, now) {
            Ok(()) => {
                for one in written {
                    let durable = Durable::in_journal(one.entry.org);
                    drop(one.ack.send(Ok(durable)));
                }
            }
            Err(error) => self.not_journalled(&error, written),
        }
    }

    fn not_journalled(&mut self, error: &io::Error, refused: Vec<Submission>) {
        let events = refused.len();
        let error = error as &dyn std::error::Error;
        tracing::error!(error, events, "the journal did not take events: they are refused");
        self.journal.desk.refused(events);
        for submission in refused {
            self.refuse(submission);
        }
    }
}

#[cfg(test)]
mod tests {
    use base::db::Statement;
    use base::testing::Bench;

    use super::*;

    async fn is_taken(db: &Db) -> bool {
        matches!(timeout(PROBE_TIMEOUT, takes_writes(db, "n1")).await, Ok(Ok(())))
    }

    #[tokio::test]
    async fn a_database_that_is_only_read_is_not_taken_for_one_that_is_back() {
        for bench in Bench::on_each_engine(sql::MIGRATIONS, sql::APPEND_ONLY).await {
            assert!(is_taken(&bench.db).await, "{:?}", bench.db.engine());
            let rows = Statement::new("look", "SELECT org_id FROM audit_open");
            let left = bench.db.all(&Within::node(), rows, args![]).await.unwrap();
            assert_eq!(left.len(), 0, "nothing is changed");

            let db = if bench.url.starts_with("sqlite") {
                let only_read = Statement::new("only read", "PRAGMA query_only = ON");
                let mut tx = bench.db.begin(&Within::node()).await.unwrap();
                tx.all(only_read, args![]).await.unwrap();
                drop(tx);
                bench.db.clone()
            } else {
                let only_read = "options=-cdefault_transaction_read_only%3Don%20";
                Db::open(&bench.url.replace("options=", only_read)).await.unwrap()
            };
            assert!(db.ping().await.is_ok(), "it answers");
            assert!(!is_taken(&db).await, "{:?}", db.engine());
        }
    }
}
