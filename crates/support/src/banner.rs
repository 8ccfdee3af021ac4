//! What stands above every page of a visit.

use access::{Caller, Method};
use base::page::Banner;
use base::time::At;
use jiff::SignedDuration;

use crate::{Error, RequestId, Support, VISIT_SECS_MAX};

impl Support {
    /// The banner of a caller who is on a visit; nobody else has one.
    pub async fn banner(&self, caller: &Caller) -> Result<Option<Banner>, Error> {
        let shown = caller.standing.session.as_ref();
        let Some(shown) = shown.filter(|shown| shown.method == Method::Support) else {
            return Ok(None);
        };
        let id: RequestId = shown.id.parse().map_err(|_| Error::NotFound)?;
        let request = self.read(&caller.itself(), &id).await?;
        let longest = |at: At| at + SignedDuration::from_secs(VISIT_SECS_MAX);
        let ends = request.until.into_iter().chain(request.entered_at.map(longest)).min();
        Ok(Some(Banner {
            who: request.operator_name,
            why: request.reason,
            until: ends.ok_or(Error::NotGranted)?,
        }))
    }
}
