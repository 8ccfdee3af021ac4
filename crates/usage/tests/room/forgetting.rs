//! Whoever is erased is added up under no id any more.

use std::sync::{Arc, Barrier};

use access::Role;
use audit::{CALL_ENDED, Change, Committed, Event, Rider};

use crate::bench::{CALL, Room};

/// Stands in the line when the end of a call is on disk, before anybody is told of it: until it
/// was met twice.
#[derive(Debug)]
struct Slow(Barrier);

impl Slow {
    async fn met(self: &Arc<Self>) {
        let slow = Arc::clone(self);
        tokio::task::spawn_blocking(move || slow.0.wait()).await.expect("is met");
    }
}

impl Rider for Slow {
    fn committed(&self, events: &[Committed<'_>]) {
        if events.iter().any(|event| event.action == CALL_ENDED) {
            self.0.wait();
            self.0.wait();
        }
    }
}

#[tokio::test]
async fn a_call_that_is_told_of_behind_the_erasure_of_its_caller_is_nobodys() {
    let slow = Arc::new(Slow(Barrier::new(2)));
    for room in Room::behind(&(Arc::clone(&slow) as _)).await {
        let org = room.org();
        let admin = room.member(&org, Role::Admin, &[]);
        let leaver = room.member(&org, Role::Member, &[]);
        let erased = async {
            slow.met().await;
            let mut change = Change::begin(&room.record, &admin.itself()).await.expect("begins");
            change.forget(&[leaver.actor.id().to_owned()]).await.expect("forgets");
            let event = Event::done("test.person.erased", "org", org.as_str());
            change.commit(event).await.expect("is erased");
            slow.met().await;
        };
        tokio::join!(room.called(&leaver, CALL), erased);

        let members = room.json(&admin, "/api/usage/by/member").await;
        assert_eq!(members["total"]["calls"], 1, "{:?}", room.engine());
        let subjects = members["items"].as_array().expect("items").iter();
        let subjects: Vec<_> = subjects.map(|item| item["subject"].clone()).collect();
        assert_eq!(subjects, [""], "{:?}", room.engine());
    }
}
