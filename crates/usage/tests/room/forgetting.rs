//! Whoever is erased is added up under no id any more.

use std::sync::{Arc, Barrier};

use access::{Caller, Role};
use audit::{CALL_ENDED, Change, Committed, Event, Record, Rider};

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

async fn erase(record: &Record, admin: &Caller, leaver: &Caller) {
    let mut change = Change::begin(record, &admin.itself()).await.expect("begins");
    change.forget(&[leaver.actor.id().to_owned()]).await.expect("forgets");
    let event = Event::done("test.person.erased", "org", admin.org.as_str());
    change.commit(event).await.expect("is erased");
}

/// One call was made, and nobody is named as who made it.
async fn is_nobodys(room: &Room, admin: &Caller) {
    let members = room.json(admin, "/api/usage/by/member").await;
    let at = |pointer| members.pointer(pointer).cloned();
    assert_eq!(at("/total/calls"), Some(1.into()), "{:?}", room.engine());
    assert_eq!(at("/items/0/subject"), Some("".into()), "{:?}", room.engine());
    assert_eq!(at("/items/1"), None, "{:?}", room.engine());
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
            erase(&room.record, &admin, &leaver).await;
            slow.met().await;
        };
        tokio::join!(room.called(&leaver, CALL), erased);
        is_nobodys(&room, &admin).await;
    }
}

#[tokio::test]
async fn a_call_that_ends_behind_the_erasure_of_its_caller_is_nobodys() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let admin = room.member(&org, Role::Admin, &[]);
        let leaver = room.member(&org, Role::Member, &[]);
        erase(&room.record, &admin, &leaver).await;
        room.called(&leaver, CALL).await;
        is_nobodys(&room, &admin).await;
    }
}

#[tokio::test]
async fn a_call_whose_caller_another_node_erased_is_nobodys() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let admin = room.member(&org, Role::Admin, &[]);
        let leaver = room.member(&org, Role::Member, &[]);
        room.called(&leaver, CALL).await;
        erase(&room.record_elsewhere(), &admin, &leaver).await;
        // What the server does when it hears of it.
        room.record.catch_up_on_forgetting().await.expect("looks");
        room.ahead.heed(&org);
        is_nobodys(&room, &admin).await;
    }
}
