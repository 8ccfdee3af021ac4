//! What other rooms write in the transactions of the record.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use access::{Caller, KeyId, OrgId, Scope, TeamId};
use base::db::{DbError, Tx};
use base::time::At;

use crate::event::{CallFacts, Outcome};

/// What a rider sees of an event.
#[derive(Debug, Clone)]
pub struct Passed {
    /// To whom it is charged.
    pub payer: Payer,
    /// What the call was made of and cost.
    pub call: CallFacts,
}

impl Passed {
    /// The same of somebody who is forgotten: a charge to the org, and to the teams.
    pub(crate) fn of_nobody(&self) -> Self {
        let payer = Payer { member: None, key: None, ..self.payer.clone() };
        Self { payer, call: self.call.clone() }
    }
}

/// To whom a call is charged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payer {
    /// The org.
    pub org: OrgId,
    /// The member or service account; the operator and a node are nobody's.
    pub member: Option<String>,
    /// The key, if one was shown.
    pub key: Option<KeyId>,
    /// The teams of whoever called.
    pub teams: Arc<[TeamId]>,
}

impl From<&Caller> for Payer {
    fn from(caller: &Caller) -> Self {
        Self {
            org: caller.org.clone(),
            member: caller.actor.payer().map(str::to_owned),
            key: caller.key.clone(),
            teams: caller.teams.clone(),
        }
    }
}

/// What a rider hears of an event that is on disk.
#[derive(Debug, Clone, Copy)]
pub struct Committed<'a> {
    /// The org.
    pub org: &'a OrgId,
    /// Its position in the org's record, from 0.
    pub seq: i64,
    /// The instant that it is found under.
    pub at: At,
    /// What happened.
    pub action: &'a str,
    /// How it ended.
    pub outcome: Outcome,
    /// The ended call that it tells of; none if whoever called is forgotten: what the record
    /// says of it is read there.
    pub call: Option<&'a Passed>,
}

/// What a rider does; its failure is the failure of the whole transaction.
pub type Riding<'a> = Pin<Box<dyn Future<Output = Result<(), DbError>> + Send + 'a>>;

/// Writes in the very transaction that makes events durable, so that neither can exist
/// without the other.
pub trait Rider: Send + Sync + std::fmt::Debug {
    /// Adds what these ended calls used to a ledger. Those of whoever is forgotten have neither
    /// a member nor a key.
    fn ride<'a>(&'a self, _tx: &'a mut Tx, _ended: &'a [&'a Passed]) -> Riding<'a> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Whether this node may still say how calls begin and end: others close the calls of
    /// a node that they took for dead. Asked while the heads of the orgs are locked.
    fn fence<'a>(&'a self, _tx: &'a mut Tx) -> Riding<'a> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Hears of every change, whoever makes it and whatever of: no room can forget to tell. `seq`
    /// is the position of its event, if it is committed. What was committed before may be told to
    /// [`Rider::committed`] later.
    fn changed<'a>(
        &'a self,
        _tx: &'a mut Tx,
        _scope: &'a Scope,
        _action: &'static str,
        _seq: i64,
    ) -> Riding<'a> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Hears what this node's line has committed, of each org in its order: what can be read
    /// in the record need not be. A change is told to [`Rider::changed`] alone, and what other
    /// nodes commit to nobody: their positions are missing.
    fn committed(&self, _events: &[Committed<'_>]) {}
}
