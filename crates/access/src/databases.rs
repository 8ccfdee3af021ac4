//! The database of a region, chosen from the proof.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::args;
use base::db::{Ask, Db, DbError, Row, Statement, Tx, Value, Within};

use crate::{Homes, Region, Scope};

/// The databases of the regions that this node serves.
#[derive(Debug, Clone)]
pub struct Databases {
    regions: Arc<BTreeMap<Region, Db>>,
    homes: Homes,
}

/// One org's rows, wherever they are. The org is `$1` of every statement, whatever the caller
/// binds.
#[derive(Debug)]
pub struct OrgDb<'a> {
    databases: &'a Databases,
    scope: &'a Scope,
}

impl Databases {
    /// The regions that this node serves.
    pub fn new(databases: impl IntoIterator<Item = (Region, Db)>) -> Self {
        Self { regions: Arc::new(databases.into_iter().collect()), homes: Homes::default() }
    }

    /// Where orgs are that moved, and the gate before their rows.
    pub fn homes(&self) -> &Homes {
        &self.homes
    }

    /// The database in which the scope's org is at home, and in it the rows of that org. A
    /// scope that was made before the org moved leads to where it is now.
    pub fn of<'a>(&'a self, scope: &'a Scope) -> Result<OrgDb<'a>, DbError> {
        self.whole(scope)?;
        Ok(OrgDb { databases: self, scope })
    }

    /// The whole database in which the scope's org is at home, for a node's own work.
    pub fn whole(&self, scope: &Scope) -> Result<&Db, DbError> {
        self.region(self.homes.home(scope.org(), scope.region()))
    }

    /// The whole database of a region: for this node's own work, never for a request.
    pub fn region(&self, region: Region) -> Result<&Db, DbError> {
        let unserved = || {
            let cause = std::io::Error::other(format!("region `{region}` is not served here"));
            DbError::unreadable("region", cause)
        };
        self.regions.get(&region).ok_or_else(unserved)
    }

    /// Whether this node serves the region.
    pub fn serves(&self, region: Region) -> bool {
        self.regions.contains_key(&region)
    }

    /// Every region that this node serves, and its database.
    pub fn iter(&self) -> impl Iterator<Item = (Region, &Db)> {
        self.regions.iter().map(|(region, db)| (*region, db))
    }
}

impl OrgDb<'_> {
    /// The rows that a read gives. `args` start at `$2`.
    pub async fn all(&self, statement: Statement, args: Vec<Value>) -> Result<Vec<Row>, DbError> {
        let db = self.databases.whole(self.scope)?;
        db.all(&self.within(), statement, with_org(self.scope, args)).await
    }

    /// The row that a read gives, if there is one. `args` start at `$2`.
    pub async fn maybe(
        &self,
        statement: Statement,
        args: Vec<Value>,
    ) -> Result<Option<Row>, DbError> {
        let db = self.databases.whole(self.scope)?;
        db.maybe(&self.within(), statement, with_org(self.scope, args)).await
    }

    /// The rows that each of some reads gives, all of one moment. `args` start at `$2`.
    pub async fn together<const N: usize>(
        &self,
        asked: [Ask; N],
    ) -> Result<[Vec<Row>; N], DbError> {
        let db = self.databases.whole(self.scope)?;
        let asked = asked.map(|(statement, args)| (statement, with_org(self.scope, args)));
        db.together(&self.within(), asked).await
    }

    /// Begins a unit of work. Only `audit::Change` can make it permanent. While the org moves
    /// from one region to another it waits, and then goes on where the org is.
    pub async fn begin(&self) -> Result<Tx, DbError> {
        let entered = self.databases.homes.enter(self.scope.org()).await;
        let pass = entered.map_err(|moving| DbError::elsewhere("begin", moving))?;
        let mut tx = self.databases.whole(self.scope)?.begin(&self.within()).await?;
        tx.hold(pass);
        Ok(tx)
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
