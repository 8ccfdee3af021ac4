//! Once a second: leases that have ended, and notes of what was spent. Once a minute: forgets
//! what is over.

use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use base::tasks::Tasks;

use crate::Room;

const EVERY: Duration = Duration::from_secs(1);
const TIDY_EVERY_TICKS: u32 = 60;
/// Orgs that stay in memory however long they rest; of more, those go that rest.
const ORGS_KEPT: usize = 4_096;

/// Watches until the room is gone or shutdown begins.
pub(crate) async fn watch(room: Weak<Room>, tasks: Tasks) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut tick = 0;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = tasks.stopping() => return,
        }
        let Some(room) = room.upgrade() else { return };
        tick = (tick + 1) % TIDY_EVERY_TICKS;
        round(&room, tick == 0);
        for (_, org) in room.orgs() {
            org.note_if_due(room.clock.now()).await;
        }
        if tick == 0 && answers(&room).await {
            make_room(&room, ORGS_KEPT);
        }
    }
}

fn round(room: &Room, tidy: bool) {
    let now = room.clock.now();
    for (id, org) in room.orgs() {
        for lapsed in org.expired(now) {
            room.counts.lapsed.inc();
            tracing::warn!(
                org = id.as_str(),
                request = &*lapsed.request,
                money = %lapsed.money,
                "nobody settled a reservation before its lease ended"
            );
        }
        if tidy {
            org.tidy(now);
        }
    }
}

/// Whether every database is there: while one is away, the ledger lacks what ended meanwhile.
async fn answers(room: &Room) -> bool {
    for (_, db) in room.databases.iter() {
        if db.ping().await.is_err() {
            return false;
        }
    }
    true
}

/// Forgets orgs that rest where there are too many: their next call reads them again.
pub(crate) fn make_room(room: &Room, most: usize) {
    let now = room.clock.now();
    let mut orgs = room.orgs.write().unwrap_or_else(PoisonError::into_inner);
    let mut over = orgs.len().saturating_sub(most);
    orgs.retain(|_, org| {
        // Nobody else has it, and nobody can come to it meanwhile.
        let goes = over > 0 && Arc::strong_count(org) == 1 && org.rests(now);
        over -= usize::from(goes);
        !goes
    });
}
