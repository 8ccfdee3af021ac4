//! Forgetting: the keys of people and things are destroyed, and never made again.
//!
//! Values and salts stand under those keys, so without them nobody can read a value or try
//! one out; entries and proofs are made of commitments, and stay.
//!
//! A node remembers keys. This one forgets a destroyed key with the commit; another one that
//! shares the database looks every second for what was destroyed elsewhere.

use std::sync::Arc;
use std::time::Duration;

use access::{Databases, OrgId, Region, Scope};
use base::args;
use base::db::{DbError, Within};
use base::tasks::Tasks;
use base::time::{At, SharedClock};
use jiff::SignedDuration;
use tokio::sync::watch;

use crate::keys::{Found, Holder, Keys, Tag};
use crate::{Change, Record, sql};

/// How often a node looks for keys that another one destroyed.
const EVERY: Duration = Duration::from_secs(1);
/// How far back it looks: clocks of nodes may differ, and a commit may come late. Remembered
/// keys are read anew after a minute in any case.
const BACK: SignedDuration = SignedDuration::from_secs(90);

impl Change {
    /// Destroys the keys of these people and things, also those that were never made: whatever
    /// is written about them later is forgotten as it is written. Says how many keys that were
    /// in use are gone. Forgotten is forgotten only with the commit.
    pub async fn forget(&mut self, ids: &[String]) -> Result<u64, DbError> {
        let tags = self.tags(ids)?;
        self.forget_tags(tags).await
    }

    /// The same for keyed hashes of people and things, which need not be known any more.
    pub(crate) async fn forget_tags(&mut self, tags: Vec<Tag>) -> Result<u64, DbError> {
        let mut destroyed = 0;
        let now = self.clock.now();
        for tag in tags {
            destroyed += self.run(sql::KEY_DESTROY, args![tag.as_str()]).await?;
            self.run(sql::KEY_GONE, args![tag.as_str(), now]).await?;
            self.run(sql::RESTRICTED_DROP, args![tag.as_str()]).await?;
            self.forgotten.push(tag);
        }
        Ok(destroyed)
    }

    /// Withholds the values of these people and things in what is shown and exported of the
    /// record, until [`Change::release`] or [`Change::forget`].
    pub async fn restrict(&mut self, ids: &[String]) -> Result<(), DbError> {
        let now = self.clock.now();
        for tag in self.tags(ids)? {
            self.run(sql::RESTRICTED_ADD, args![tag.as_str(), now]).await?;
        }
        Ok(())
    }

    /// Shows them again.
    pub async fn release(&mut self, ids: &[String]) -> Result<(), DbError> {
        for tag in self.tags(ids)? {
            self.run(sql::RESTRICTED_DROP, args![tag.as_str()]).await?;
        }
        Ok(())
    }

    /// In one order, so that two changes never wait for each other in a circle.
    fn tags(&self, ids: &[String]) -> Result<Vec<Tag>, DbError> {
        let (region, org) = (self.scope().region(), self.scope().org());
        let tag = |id: &String| self.keys.tag(region, org, &Holder::Of(id.clone()));
        let mut tags = ids.iter().map(tag).collect::<Result<Vec<_>, _>>()?;
        tags.sort_unstable();
        tags.dedup();
        Ok(tags)
    }
}

impl Record {
    /// When the newest event of a person was recorded: theirs, or about them.
    pub async fn last_of(&self, scope: &Scope, id: &str) -> Result<Option<At>, DbError> {
        let stored = self.keys.stored(scope.region(), scope.org(), id)?;
        let row = self.databases().of(scope)?.maybe(sql::LAST_OF, args![stored]).await?;
        row.map(|row| row.opt_at("at")).transpose().map(Option::flatten)
    }

    /// What stands for a person in the columns of the record, in receipts and in proofs: a
    /// keyed hash.
    pub fn pseudonym(&self, scope: &Scope, id: &str) -> Result<String, DbError> {
        self.keys.tag(scope.region(), scope.org(), &Holder::Of(id.to_owned()))
    }

    /// Forgets here what other nodes destroyed, once: see the start of this file.
    pub async fn catch_up_on_forgetting(&self) -> Result<(), DbError> {
        Lookout::new(&self.databases, &self.clock, &self.keys).once().await
    }
}

/// Looks for keys that other nodes destroyed.
pub(crate) struct Lookout {
    databases: Databases,
    clock: SharedClock,
    keys: Arc<Keys>,
}

impl Lookout {
    pub(crate) fn new(databases: &Databases, clock: &SharedClock, keys: &Arc<Keys>) -> Self {
        Self { databases: databases.clone(), clock: clock.clone(), keys: Arc::clone(keys) }
    }

    /// Until the server stops, or the room is gone.
    pub(crate) async fn tend(self, tasks: Tasks, mut room: watch::Receiver<()>) {
        loop {
            tokio::select! {
                () = tasks.stopping() => break,
                _gone = room.changed() => break,
                () = tokio::time::sleep(EVERY) => {}
            }
            if let Err(error) = self.once().await {
                let error = &error as &dyn std::error::Error;
                tracing::debug!(error, "destroyed keys could not be looked for; it is tried again");
            }
        }
    }

    async fn once(&self) -> Result<(), DbError> {
        for (region, _) in self.databases.iter() {
            self.region(region).await?;
        }
        Ok(())
    }

    async fn region(&self, region: Region) -> Result<(), DbError> {
        let Ok(since) = self.clock.now().checked_sub(BACK) else { return Ok(()) };
        let db = self.databases.region(region)?;
        let (mut org, mut tag) = (String::new(), Tag::new());
        loop {
            let args = args![org.as_str(), tag.as_str(), since];
            let rows = db.all(&Within::node(), sql::KEYS_DESTROYED, args).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            (org, tag) = (last.text("org_id")?, last.text("tag")?);
            for row in &rows {
                let org: OrgId = row.parse("org_id")?;
                self.keys.remember(&org, &row.text("tag")?, Found::Destroyed);
            }
        }
    }
}
