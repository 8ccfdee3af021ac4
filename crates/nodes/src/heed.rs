//! Who wants to hear what other nodes changed.

use access::{OrgId, Region};
use async_trait::async_trait;

/// A room that remembers something of an org from one request to the next.
#[async_trait]
pub trait Heed: Send + Sync + std::fmt::Debug {
    /// The rooms whose changes matter to it; none named: all. A person who is erased
    /// matters to everybody.
    fn rooms(&self) -> &'static [&'static str];

    /// Another node, or a command, changed one of these rooms of an org: what is
    /// remembered of it is out of date. May be told twice.
    async fn changed(&self, org: &OrgId, region: Region);

    /// Nobody can say what changed in a region, and has not been able to for long: what is
    /// remembered must be read anew before it is used. Told again while that lasts.
    async fn doubt(&self, region: Region);
}

/// Erasures: every room may hold something of whoever is erased.
const OF_EVERYBODY: &str = "privacy";

pub(crate) fn wants(heed: &dyn Heed, room: &str) -> bool {
    let rooms = heed.rooms();
    rooms.is_empty() || room == OF_EVERYBODY || rooms.contains(&room)
}
