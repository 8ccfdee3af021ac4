//! The order to move: by whoever may say so in the org, and by nobody else.

use std::sync::Arc;

use access::{Caller, Denied, NeedsFactor, Permission, Region};
use audit::{Event, NotDurable, Record};
use axum::http::StatusCode;
use base::problem::Problem;
use base::time::At;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::directory::{Directory, Error as DirectoryError};
use crate::moves::{Move, Step};

/// Where orgs are at home, and where they may go. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Regions {
    directory: Directory,
    record: Record,
    served: Arc<[Region]>,
}

/// What is ordered.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Where the organization goes: `us`, `eu` or `apac`.
    #[schema(value_type = String)]
    pub to: Region,
}

/// A move, as the org sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MoveView {
    /// Where the organization was at home.
    #[schema(value_type = String)]
    pub from: Region,
    /// Where it goes.
    #[schema(value_type = String)]
    pub to: Region,
    /// How far it is.
    pub step: Step,
    /// Since when.
    #[schema(value_type = String)]
    pub since: At,
}

/// Why it was not ordered.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// A second factor is to be shown first.
    #[error(transparent)]
    NeedsFactor(#[from] NeedsFactor),
    /// No such place to go.
    #[error("{0}")]
    NotThere(&'static str),
    /// It is too late, or there is nothing to take back.
    #[error("{0}")]
    Conflict(&'static str),
    /// The record is not available.
    #[error(transparent)]
    NotDurable(#[from] NotDurable),
    /// The directory failed.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

impl From<OrderError> for Problem {
    fn from(error: OrderError) -> Self {
        match error {
            OrderError::Denied(denied) => denied.into(),
            OrderError::NeedsFactor(needs) => needs.into(),
            OrderError::NotThere(detail) => Self::invalid("to", detail),
            OrderError::Conflict(detail) => {
                Self::new(StatusCode::CONFLICT, "move_under_way", detail)
            }
            OrderError::NotDurable(cause) => cause.into(),
            OrderError::Directory(cause) => cause.into(),
        }
    }
}

impl From<Move> for MoveView {
    fn from(found: Move) -> Self {
        let Move { from, to, step, at, .. } = found;
        Self { from, to, step, since: at }
    }
}

impl Regions {
    /// `served`: the regions that this node serves, where an org can go.
    pub fn open(directory: &Directory, record: &Record, served: Vec<Region>) -> Self {
        let (directory, record) = (directory.clone(), record.clone());
        Self { directory, record, served: served.into() }
    }

    pub(crate) fn record(&self) -> &Record {
        &self.record
    }

    /// The other regions that are served here.
    pub(crate) fn others(&self, home: Region) -> Vec<Region> {
        self.served.iter().copied().filter(|region| *region != home).collect()
    }

    /// The last move of the caller's org, if it ever moved.
    pub async fn last_move(&self, caller: &Caller) -> Result<Option<MoveView>, OrderError> {
        Ok(self.directory.move_of(&caller.org).await?.map(MoveView::from))
    }

    /// Orders the org to move. The operator carries it out.
    pub async fn order(&self, caller: &Caller, order: &Order) -> Result<MoveView, OrderError> {
        caller.require(Permission::RegionMove)?;
        caller.recent_factor()?;
        let home = self.directory.home(&caller.org).await?;
        let home = home.filter(|home| home.region == caller.region);
        let home = home.ok_or(OrderError::Conflict("the organization is moving"))?;
        if order.to == home.region {
            return Err(OrderError::NotThere("must be another region than its own"));
        }
        if !self.served.contains(&order.to) {
            return Err(OrderError::NotThere("must be a region that is served here"));
        }
        // First the event: an order that nobody can find in the record is none.
        let event = Event::done("regions.move.ordered", "org", caller.org.as_str());
        let event = event.changes(json!({ "from": home.region, "to": order.to }));
        self.record.note(caller, &event).await?;
        if !self.directory.order_move(&home, order.to).await? {
            return Err(OrderError::Conflict("a move of the organization is under way"));
        }
        let found = self.last_move(caller).await?;
        found.ok_or(OrderError::Conflict("the order was taken back meanwhile"))
    }

    /// Takes an order back, as long as the operator has not begun.
    pub async fn withdraw(&self, caller: &Caller) -> Result<(), OrderError> {
        caller.require(Permission::RegionMove)?;
        if !self.directory.withdraw_move(&caller.org).await? {
            return Err(OrderError::Conflict("no order waits: there is none, or it was begun"));
        }
        let event = Event::done("regions.move.withdrawn", "org", caller.org.as_str());
        self.record.note(caller, &event).await?;
        Ok(())
    }
}
