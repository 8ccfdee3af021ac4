//! Calls go on while the database is away, and are in the record afterwards, on each engine.
#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

mod house;

use std::collections::BTreeMap;
use std::io::Write as _;

use access::Unrecorded;
use audit::{JournalConfig, JournalState, NotKept};
use futures_util::future::join_all;
use house::Ground;

const CALLS: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_database_does_not_take_is_journalled_and_replayed_once() {
    for ground in Ground::on_each_engine().await {
        let life = ground.begin().await;
        let caller = ground.member(Unrecorded::Journal);
        let before = life.calls(&ground, &caller, "call_before").await.expect("durable");
        assert_eq!((before.is_journalled(), before.seq()), (false, Some(1)));
        life.starts(&ground, &caller, "call_across").await.expect("durable");
        ground.away(true);
        let across = life.ends(&ground, &caller, "call_across").await.expect("journalled");
        assert!(across.is_journalled() && across.seq().is_none());
        let ids: Vec<_> = (0..CALLS).map(|number| format!("call_{number}")).collect();
        let calls = join_all(ids.iter().map(|id| life.calls(&ground, &caller, id))).await;
        assert!(calls.iter().all(|call| call.as_ref().is_ok_and(audit::Durable::is_journalled)));
        assert_eq!(life.events(&caller).await.len(), 3, "nothing more is in the record");
        let pending = life.record.pending_receipt(&caller, "call_7").expect("is known");
        assert_eq!((pending.id.as_str(), pending.state), ("call_7", "pending"));
        let stranger = ground.member(Unrecorded::Journal);
        assert_eq!(life.record.pending_receipt(&stranger, "call_7"), None);
        let [(_, state, serves)] = life.record.journals()[..] else { unreachable!("one region") };
        assert_eq!((state, serves), (JournalState::Waits(2 * 60 + 1), true));

        ground.away(false);
        life.recovers().await;
        let events = life.events(&caller).await;
        assert_eq!(events.len(), 2 + 2 + 2 * CALLS);
        for (place, (seq, ..)) in (0..).zip(&events) {
            assert_eq!(*seq, place, "no gap");
        }
        for id in ids.iter().map(String::as_str).chain(["call_before", "call_across"]) {
            let of_call = events.iter().filter(|(_, _, of)| of == id);
            let actions: Vec<_> = of_call.map(|(_, action, _)| action.as_str()).collect();
            assert_eq!(actions, ["gateway.call.started", "gateway.call.ended"], "{id}");
        }
        assert_eq!(ground.outage.booked.lock().expect("whole").len(), 2 + CALLS, "charged once");
        for event in life.told(&caller).await {
            let through = event["journal"].as_str();
            let direct = event["sequence"].as_i64().is_some_and(|seq| seq < 3);
            assert_eq!(through.is_none(), direct, "{event}");
            assert_eq!(event["userId"], caller.actor.id());
            assert_eq!(event["ipAddress"], "203.0.113.77");
        }
        assert_eq!(life.record.pending_receipt(&caller, "call_7"), None);
        assert!(!ground.file().exists(), "what is in the record is not kept twice");
        let after = life.calls(&ground, &caller, "call_after").await.expect("durable");
        assert!(!after.is_journalled());
        life.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_org_that_did_not_choose_the_journal_is_refused() {
    for ground in Ground::on_each_engine().await {
        let life = ground.begin().await;
        let (ours, theirs) =
            (ground.member(Unrecorded::Journal), ground.member(Unrecorded::Refuse));
        for caller in [&ours, &theirs] {
            life.calls(&ground, caller, "call_before").await.expect("durable");
        }
        ground.away(true);
        for number in 0..5 {
            let id = format!("call_{number}");
            let (one, other) =
                tokio::join!(life.calls(&ground, &ours, &id), life.calls(&ground, &theirs, &id));
            assert!(one.is_ok() && other.is_err());
        }
        ground.away(false);
        life.recovers().await;
        assert_eq!(life.events(&theirs).await.len(), 2);
        life.calls(&ground, &theirs, "call_after").await.expect("durable");
        life.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_was_left_is_replayed_once_wherever_it_was_cut_off() {
    for ground in Ground::on_each_engine().await {
        let life = ground.begin().await;
        let caller = ground.member(Unrecorded::Journal);
        life.starts(&ground, &caller, "call_across").await.expect("durable");
        ground.away(true);
        life.ends(&ground, &caller, "call_across").await.expect("journalled");
        for number in 0..10 {
            let id = format!("call_{number}");
            life.calls(&ground, &caller, &id).await.expect("journalled");
        }
        life.stop().await;
        let left = std::fs::read(ground.file()).expect("it is left");
        ground.away(false);
        // The last write was torn.
        let mut file = std::fs::OpenOptions::new().append(true).open(ground.file()).expect("opens");
        file.write_all(&left[left.len() - 100..][..20]).expect("writes");
        let [mut second, third] = [&left[..], &left[..left.len() / 2]].map(<[u8]>::to_vec);
        second.extend([0; 4096]);
        let expected = 2 + 20;
        // As it was left; as a crash leaves it between the commit and the removal; a part of it.
        for again in [None, Some(second), Some(third)] {
            if let Some(bytes) = again {
                std::fs::write(ground.file(), bytes).expect("writes");
            }
            let life = ground.begin().await;
            assert_eq!(life.record.sweep().await.expect("sweeps"), 0, "no call was cut off");
            assert_eq!(life.events(&caller).await.len(), expected);
            assert!(!ground.file().exists());
            life.stop().await;
        }
        assert_eq!(ground.outage.booked.lock().expect("whole").len(), 11, "charged once");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_was_cut_off_is_closed_behind_the_journal_of_those_that_were_not() {
    for ground in Ground::on_each_engine().await {
        let life = ground.begin().await;
        let caller = ground.member(Unrecorded::Journal);
        for id in ["call_cut_off", "call_across"] {
            life.starts(&ground, &caller, id).await.expect("durable");
        }
        ground.away(true);
        life.ends(&ground, &caller, "call_across").await.expect("journalled");
        life.starts(&ground, &caller, "call_cut_off_too").await.expect("journalled");
        life.stop().await;
        ground.away(false);
        let life = ground.begin().await;
        assert_eq!(life.record.sweep().await.expect("sweeps"), 2, "{:?}", ground.bench.db.engine());
        let ends = life.told(&caller).await.into_iter().filter_map(|event| {
            let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
            let ended = text("action") == "gateway.call.ended";
            ended.then(|| (text("resourceId"), text("outcome")))
        });
        let ends: BTreeMap<_, _> = ends.collect();
        let expected = [
            ("call_across", "success"),
            ("call_cut_off", "unknown"),
            ("call_cut_off_too", "unknown"),
        ];
        let expected = expected.map(|(id, outcome)| (id.to_owned(), outcome.to_owned()));
        assert_eq!(ends, BTreeMap::from(expected));
        life.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_left_in_a_journal_is_told_of_a_call_that_others_closed_and_ends_it_not_again() {
    for ground in Ground::on_each_engine().await {
        let life = ground.begin().await;
        let caller = ground.member(Unrecorded::Journal);
        life.starts(&ground, &caller, "call_across").await.expect("durable");
        ground.away(true);
        life.ends(&ground, &caller, "call_across").await.expect("journalled");
        life.stop().await;
        ground.away(false);
        // Somebody who does not know of the journal closes the calls of the dead node.
        let other = ground.life();
        assert_eq!(other.record.sweep().await.expect("sweeps"), 1);
        other.stop().await;
        let booked = || ground.outage.booked.lock().expect("whole").len();
        assert_eq!(booked(), 1);
        let life = ground.begin().await;
        let actions: Vec<_> = life.told(&caller).await;
        let actions: Vec<_> = actions
            .iter()
            .map(|it| (it["action"].as_str().expect("text"), it["outcome"].as_str().expect("text")))
            .collect();
        let expected = [
            ("gateway.call.started", "started"),
            ("gateway.call.ended", "unknown"),
            ("gateway.call.reported", "success"),
        ];
        assert_eq!(actions, expected);
        assert_eq!(booked(), 1, "nothing is charged beside its one end");
        life.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_tells_nothing_to_whoever_reads_the_disk() {
    for ground in Ground::on_each_engine().await {
        let life = ground.begin().await;
        let caller = ground.member(Unrecorded::Journal);
        life.calls(&ground, &caller, "call_before").await.expect("durable");
        ground.away(true);
        life.calls(&ground, &caller, "call_secret").await.expect("journalled");
        let bytes = std::fs::read(ground.file()).expect("it is there");
        let holds = |text: &str| bytes.windows(text.len()).any(|some| some == text.as_bytes());
        assert!(holds("portico-journal/v1") && holds(caller.org.as_str()));
        for told in [caller.actor.id(), "call_secret", "203.0.113.77", "tell-tale", "small"] {
            assert!(!holds(told), "{told}");
        }
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &std::fs::metadata(ground.file()).expect("it is there").permissions(),
        );
        assert_eq!(mode & 0o777, 0o600, "nobody else reads it");
        ground.away(false);
        life.recovers().await;
        life.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_was_altered_is_kept_and_not_replayed() {
    for ground in Ground::on_each_engine().await {
        let life = ground.begin().await;
        let caller = ground.member(Unrecorded::Journal);
        life.calls(&ground, &caller, "call_before").await.expect("durable");
        ground.away(true);
        life.calls(&ground, &caller, "call_1").await.expect("journalled");
        life.stop().await;
        ground.away(false);
        let left = std::fs::read(ground.file()).expect("it is left");
        for at in [0, 25, left.len() / 2, left.len() - 1] {
            let mut altered = left.clone();
            altered[at] ^= 1;
            std::fs::write(ground.file(), &altered).expect("writes");
            let life = ground.life();
            let refused = ground.keep(&life).expect_err("is refused");
            assert!(matches!(refused, NotKept::Left { .. }), "{refused}");
            assert_eq!(std::fs::read(ground.file()).expect("is kept"), altered);
            assert_eq!(life.events(&caller).await.len(), 2, "nothing of it is in the record");
            life.stop().await;
        }
        // Altered while its node lives.
        std::fs::write(ground.file(), &left).expect("writes");
        ground.away(true);
        let life = ground.life();
        ground.keep(&life).expect("is whole");
        life.calls(&ground, &caller, "call_2").await.expect("journalled");
        let mut altered = std::fs::read(ground.file()).expect("is there");
        let at = altered.len() - 1;
        altered[at] ^= 1;
        std::fs::write(ground.file(), &altered).expect("writes");
        ground.away(false);
        let stopped = life.record.journals_replayed().await.expect_err("stops");
        assert!(matches!(stopped, NotKept::Stuck(_)), "{stopped}");
        assert_eq!(std::fs::read(ground.file()).expect("is kept"), altered);
        let [(_, state, serves)] = life.record.journals()[..] else { unreachable!("one region") };
        assert_eq!((state, serves), (JournalState::Stuck, false));
        let after = life.calls(&ground, &caller, "call_3").await.expect("durable");
        assert!(!after.is_journalled(), "the record itself goes on");
        ground.away(true);
        life.calls(&ground, &caller, "call_4").await.expect_err("there is no journal to trust");
        life.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_journal_refuses() {
    for mut ground in Ground::on_each_engine().await {
        ground.config = JournalConfig { bytes_max: 6_000, age_max_secs: 600 };
        let life = ground.begin().await;
        let caller = ground.member(Unrecorded::Journal);
        life.calls(&ground, &caller, "call_before").await.expect("durable");
        ground.away(true);
        let mut taken = 0;
        while life.calls(&ground, &caller, &format!("call_{taken}")).await.is_ok() {
            taken += 1;
            assert!(taken < 100, "it has a bound");
        }
        assert!(taken > 0);
        assert!(std::fs::metadata(ground.file()).expect("it is there").len() <= 6_000);
        assert!(life.is_refused_at_once(&ground, &caller), "its prompt would leave in vain");
        assert!(!life.record.journals().iter().any(|(.., serves)| *serves), "no call goes on");
        ground.away(false);
        life.recovers().await;
        life.calls(&ground, &caller, "call_room").await.expect("there is room again");
        assert!(life.events(&caller).await.len() >= 2 + 2 * taken, "what it took is there");

        // So does one that is too old.
        ground.away(true);
        life.calls(&ground, &caller, "call_young").await.expect("journalled");
        ground.pass(601);
        life.calls(&ground, &caller, "call_old").await.expect_err("too old");
        assert!(life.is_refused_at_once(&ground, &caller), "its prompt would leave in vain");
        ground.away(false);
        life.recovers().await;
        life.calls(&ground, &caller, "call_new").await.expect("it was emptied");
        ground.config.bytes_max = 0;
        life.stop().await;

        let life = ground.begin().await;
        ground.away(true);
        life.calls(&ground, &caller, "call_none").await.expect_err("the operator wants none");
        life.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_whose_disk_failed_is_tried_again_in_the_same_outage() {
    for ground in Ground::on_each_engine().await {
        let life = ground.begin().await;
        let caller = ground.member(Unrecorded::Journal);
        life.calls(&ground, &caller, "call_before").await.expect("durable");
        ground.bench.db.stand_in();
        std::fs::create_dir(ground.file()).expect("nothing else can be there");
        life.starts(&ground, &caller, "call_failed").await.expect_err("it is in the way");
        std::fs::remove_dir(ground.file()).expect("removes");
        let begun = std::time::Instant::now();
        let mut next = life.starts(&ground, &caller, "call_again").await;
        while next.is_err() {
            assert!(begun.elapsed() < std::time::Duration::from_secs(30), "it is never tried");
            tokio::task::yield_now().await;
            next = life.starts(&ground, &caller, "call_again").await;
        }
        assert!(next.is_ok_and(|durable| durable.is_journalled()));
        life.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_database_took_or_not_without_an_answer_is_in_the_record_once() {
    let Some((ground, relay)) = Ground::behind_a_relay().await else { return };
    let life = ground.begin().await;
    let caller = ground.member(Unrecorded::Journal);
    for (id, taken) in [("call_taken", true), ("call_lost", false), ("call_again", true)] {
        life.starts(&ground, &caller, id).await.expect("durable");
        if taken {
            relay.lose_the_answer_to_the_next_commit();
        } else {
            relay.lose_the_next_commit();
        }
        let end = life.ends(&ground, &caller, id).await.expect("journalled");
        assert!(end.is_journalled(), "nobody knows what became of it");
        life.recovers().await;
        let events = life.events(&caller).await;
        let of_call = events.iter().filter(|(_, _, of)| of == id);
        let actions: Vec<_> = of_call.map(|(_, action, _)| action.as_str()).collect();
        assert_eq!(actions, ["gateway.call.started", "gateway.call.ended"], "{id}");
    }
    life.stop().await;
}
