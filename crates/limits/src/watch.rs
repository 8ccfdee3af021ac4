//! Once a second: leases that have ended, and notes of what was spent. Once a minute: forgets
//! what is over.

use std::sync::Weak;
use std::time::Duration;

use base::tasks::Tasks;

use crate::Room;

const EVERY: Duration = Duration::from_secs(1);
const TIDY_EVERY_TICKS: u32 = 60;

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
