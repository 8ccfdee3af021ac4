//! Reading orgs: at their first use, after a change, and when another process changed them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use access::{Caller, OrgId, Region, Scope};
use base::args;
use base::db::{DbError, Value, Within};

use crate::snapshot::OrgSnapshot;
use crate::{Error, Identity, load, sql};

/// How long a second reading of an org may take while calls run on what was before.
const SETTLE_WITHIN: Duration = Duration::from_millis(300);

impl Identity {
    /// Reads every org of the regions served here, so that the first call of each
    /// finds it ready and a lost database does not stop them.
    pub async fn preload(&self) -> Result<(), Error> {
        for (org, region, _) in self.versions().await? {
            self.snapshot(&org, region).await?;
        }
        Ok(())
    }

    /// Reads the orgs whose calls go on while the database is away, so that it may be gone
    /// before their first call. For rooms that have something of an org to read too.
    pub async fn ready_for_outages(&self) -> Result<Vec<Scope>, Error> {
        let mut scopes = Vec::new();
        for (region, _) in self.0.databases.iter() {
            for (scope, _) in self.journalling(region).await? {
                self.snapshot(scope.org(), region).await?;
                scopes.push(scope);
            }
        }
        Ok(scopes)
    }

    /// The orgs of a region whose calls go on while the database is away, and of which version
    /// each is: it grows with every change of who may what.
    pub async fn journalling(&self, region: Region) -> Result<Vec<(Scope, u64)>, Error> {
        let db = self.0.databases.region(region)?;
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let rows = db.all(&Within::node(), sql::ORG_JOURNALS, args![after.as_str()]).await?;
            for row in &rows {
                after = row.text("org_id")?;
                let scope = Caller::node(row.parse("org_id")?, region, "identity").itself();
                all.push((scope, row.count("version")?));
            }
            if rows.len() < sql::CHUNK {
                return Ok(all);
            }
        }
    }

    /// Reads orgs anew that another process changed: the command line, another node. Looks at
    /// the next few of those that stand ready; what is told is heeded at once. Called twice a
    /// second by the room itself.
    pub async fn watch(&self) {
        self.settle_forgotten().await;
        self.0.shelf.tidy(&self.0.turns);
        let mut watched = self.0.watched.lock().await;
        let standing = self.0.shelf.behind(watched.as_ref(), sql::ORGS_ASKED);
        *watched = standing
            .last()
            .filter(|_| standing.len() == sql::ORGS_ASKED)
            .map(|(org, ..)| org.clone());
        drop(watched);
        let Ok(versions) = self.versions_of(&standing).await else { return };
        for (org, region, before) in standing {
            if let Some(version) = versions.get(&org).filter(|version| **version > before) {
                self.0.shelf.raise(&org, *version);
                self.catch_up(&org, region).await;
            }
        }
    }

    async fn versions_of(
        &self,
        orgs: &[(OrgId, Region, u64)],
    ) -> Result<HashMap<OrgId, u64>, DbError> {
        let mut versions = HashMap::new();
        for (region, db) in self.0.databases.iter() {
            let here =
                orgs.iter().filter(|(_, home, _)| *home == region).map(|(org, ..)| org.as_str());
            // What is left of the places names nobody.
            let ids = here.chain(std::iter::repeat("")).take(sql::ORGS_ASKED);
            let args: Vec<Value> = ids.map(Value::from).collect();
            for row in db.all(&Within::node(), sql::ORG_VERSIONS_OF, args).await? {
                versions.insert(row.parse("org_id")?, row.count("version")?);
            }
        }
        Ok(versions)
    }

    /// An org that could not be read after a change is read again. If nobody can say
    /// whose credentials are still good, nothing goes on running on them.
    async fn settle_forgotten(&self) {
        for (org, region) in self.0.shelf.forgotten() {
            let read = tokio::time::timeout(SETTLE_WITHIN, self.reload(&org, region)).await;
            if read.is_err() || self.0.shelf.get(&org).is_none() {
                self.0.shelf.end_forgotten(&org);
            }
        }
    }

    async fn versions(&self) -> Result<Vec<(OrgId, Region, u64)>, Error> {
        let mut all = Vec::new();
        for (region, db) in self.0.databases.iter() {
            let mut after = String::new();
            loop {
                let args = args![after.as_str()];
                let rows = db.all(&Within::node(), sql::ORG_VERSIONS, args).await?;
                for row in &rows {
                    after = row.text("org_id")?;
                    all.push((row.parse("org_id")?, region, row.count("version")?));
                }
                if rows.len() < sql::CHUNK {
                    break;
                }
            }
        }
        Ok(all)
    }

    /// The org, read at its first use; none if the region has no such org.
    pub(crate) async fn snapshot(
        &self,
        org: &OrgId,
        region: Region,
    ) -> Result<Option<Arc<OrgSnapshot>>, Error> {
        let region = self.home(org, region);
        let standing =
            |standing: Arc<OrgSnapshot>| (standing.org.region == region).then_some(standing);
        // What was read before the org moved says nothing of where it is now.
        let stale = |found: &Arc<OrgSnapshot>| found.org.region != region && self.has_moved(org);
        if let Some(found) = self.0.shelf.get(org).filter(|found| !stale(found)) {
            return Ok(standing(found));
        }
        let _place = self.0.loads.enter().await?;
        let _turn = self.0.turns.of(org).await;
        if let Some(found) = self.0.shelf.get(org).filter(|found| !stale(found)) {
            return Ok(standing(found));
        }
        Ok(self.read(org, region).await?.and_then(standing))
    }

    /// The org of a caller.
    pub(crate) async fn own(&self, caller: &Caller) -> Result<Arc<OrgSnapshot>, Error> {
        self.snapshot(&caller.org, caller.region).await?.ok_or(Error::NotFound)
    }

    /// Reads an org anew, unless somebody did since the change that the caller waits for.
    pub(crate) async fn catch_up(&self, org: &OrgId, region: Region) {
        let _turn = self.0.turns.of(org).await;
        if self.0.shelf.is_behind(org) {
            self.renew(org, region).await;
        }
    }

    /// Reads an org anew.
    pub(crate) async fn reload(&self, org: &OrgId, region: Region) {
        let _turn = self.0.turns.of(org).await;
        self.renew(org, region).await;
    }

    /// When the database fails the snapshot is taken away: better no answer than one
    /// from a key that may be revoked.
    ///
    /// INVARIANT: the caller holds the turn of the org.
    async fn renew(&self, org: &OrgId, region: Region) {
        match self.read(org, region).await {
            Ok(Some(_)) => {}
            Ok(None) => {
                self.0.shelf.forget(org);
                self.0.shelf.end_forgotten(org);
            }
            Err(error) => {
                self.0.shelf.forget(org);
                tracing::error!(
                    org.id = %org,
                    error = &error as &dyn std::error::Error,
                    "the org is refused until it can be read again"
                );
            }
        }
    }

    async fn load(&self, org: &OrgId, region: Region) -> Result<Option<OrgSnapshot>, DbError> {
        let region = self.home(org, region);
        load::load(&self.0.databases, self.0.guards.as_ref(), org, region, self.now()).await
    }

    /// Reads an org and puts it in its place. What is older than a change made
    /// meanwhile is read again: whoever made it waits for the turn and changes nothing
    /// more before, so this ends.
    ///
    /// INVARIANT: the caller holds the turn of the org.
    async fn read(&self, org: &OrgId, region: Region) -> Result<Option<Arc<OrgSnapshot>>, Error> {
        loop {
            let floor = self.0.shelf.floor(org);
            let Some(read) = self.load(org, region).await? else {
                return Ok(None);
            };
            if read.version < floor {
                let cause = "the database forgot a change that it had committed";
                return Err(Error::Db(DbError::unreadable(
                    "version",
                    std::io::Error::other(cause),
                )));
            }
            if let Some(standing) = self.0.shelf.put(read, self.now()) {
                return Ok(Some(standing));
            }
        }
    }
}
