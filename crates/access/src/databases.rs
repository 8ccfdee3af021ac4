//! The database of a region, chosen from the proof.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::args;
use base::db::{Db, DbError, Row, Statement, Tx, Value, Within};

use crate::{Region, Scope};

/// The databases of the regions that this node serves.
#[derive(Debug, Clone)]
pub struct Databases(Arc<BTreeMap<Region, Db>>);

/// One org's rows. The org is `$1` of every statement, whatever the caller binds.
#[derive(Debug)]
pub struct OrgDb<'a> {
    db: &'a Db,
    scope: &'a Scope,
}

impl Databases {
    /// The regions that this node serves.
    pub fn new(databases: impl IntoIterator<Item = (Region, Db)>) -> Self {
        Self(Arc::new(databases.into_iter().collect()))
    }

    /// The database of the scope's region, and in it the rows of the scope's org.
    pub fn of<'a>(&'a self, scope: &'a Scope) -> Result<OrgDb<'a>, DbError> {
        Ok(OrgDb { db: self.region(scope.region())?, scope })
    }

    /// The whole database of a region: for this node's own work, never for a request.
    pub fn region(&self, region: Region) -> Result<&Db, DbError> {
        let unserved = || {
            let cause = std::io::Error::other(format!("region `{region}` is not served here"));
            DbError::unreadable("region", cause)
        };
        self.0.get(&region).ok_or_else(unserved)
    }

    /// Whether this node serves the region.
    pub fn serves(&self, region: Region) -> bool {
        self.0.contains_key(&region)
    }

    /// Every region that this node serves, and its database.
    pub fn iter(&self) -> impl Iterator<Item = (Region, &Db)> {
        self.0.iter().map(|(region, db)| (*region, db))
    }
}

impl OrgDb<'_> {
    /// The rows that a read gives. `args` start at `$2`.
    pub async fn all(&self, statement: Statement, args: Vec<Value>) -> Result<Vec<Row>, DbError> {
        self.db.all(&self.within(), statement, with_org(self.scope, args)).await
    }

    /// The row that a read gives, if there is one. `args` start at `$2`.
    pub async fn maybe(
        &self,
        statement: Statement,
        args: Vec<Value>,
    ) -> Result<Option<Row>, DbError> {
        self.db.maybe(&self.within(), statement, with_org(self.scope, args)).await
    }

    /// Begins a unit of work. Only `audit::Change` can make it permanent.
    pub async fn begin(&self) -> Result<Tx, DbError> {
        self.db.begin(&self.within()).await
    }

    fn within(&self) -> Within {
        Within::org(self.scope.org().as_str())
    }
}

/// Puts the scope's org in front: `$1`.
pub(crate) fn with_org(scope: &Scope, args: Vec<Value>) -> Vec<Value> {
    let mut all = args![scope.org().as_str()];
    all.extend(args);
    all
}

impl Scope {
    /// The arguments of a statement with this scope's org in front, as `$1`.
    pub fn args(&self, args: Vec<Value>) -> Vec<Value> {
        with_org(self, args)
    }
}
