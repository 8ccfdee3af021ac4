//! A turn that is cut off, at every step.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use crate::copies::Copy;
use crate::house::{AHEAD, EU, House, Kms};

/// Runs until it has waited so many times, and is then cut off: what it had asked for last
/// was done, and nobody learnt of it.
async fn cut_off<T>(work: impl Future<Output = T>, mut waits: usize) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|context| {
        if waits == 0 {
            return Poll::Ready(None);
        }
        waits -= 1;
        work.as_mut().poll(context).map(Some)
    })
    .await
}

/// The state of the KMS, to begin again from.
enum Kept {
    File(Vec<u8>),
    Key(crate::vault::Key),
}

fn keep(house: &House) -> Kept {
    match &house.kms {
        Kms::Vault(vault) => Kept::Key(vault.said().key.clone()),
        _ => Kept::File(std::fs::read(house.epochs_file()).expect("reads")),
    }
}

fn put_back(house: &House, kept: &Kept) {
    match (&house.kms, kept) {
        (Kms::Vault(vault), Kept::Key(key)) => vault.said().key = key.clone(),
        (_, Kept::File(bytes)) => std::fs::write(house.epochs_file(), bytes).expect("writes"),
        (kms, Kept::Key(_)) => panic!("{kms:?}"),
    }
}

#[tokio::test]
async fn a_turn_that_is_cut_off_at_any_step_loses_no_key_and_is_gone_on_with() {
    for house in House::on_everything().await {
        let (org, other) = (house.somebody(), house.somebody());
        for who in ["mem_ada", "mem_bob", "mem_cyd"] {
            house.tell(&org, who).await;
        }
        house.tell(&other, "mem_eve").await;
        // An epoch is there to be destroyed, one to be begun, a key to be replaced.
        house.epoch().await;
        house.erase(&org, "mem_bob").await;
        house.almost().await;
        house.pass(AHEAD);
        let (keys, kept) = (Copy::of(&house.bench).await, keep(&house));
        let all_is_there = async |at: usize| {
            let node = house.another();
            node.epochs.check().await.expect("may be served");
            assert_eq!(node.known(&org).await, ["?", "mem_ada", "mem_cyd"], "at {at}");
            assert_eq!(node.known(&other).await, ["mem_eve"], "at {at}");
        };
        let (mut crashes, mut waits) = (0, 0);
        loop {
            keys.put_keys_back(&house.bench).await;
            put_back(&house, &kept);
            let node = house.another();
            let ended = cut_off(node.epochs.turn(EU), waits).await;
            drop(node);
            all_is_there(waits).await;
            // Another process goes on from there.
            let rest = house.another();
            rest.epochs.turn(EU).await.expect("turns");
            all_is_there(waits).await;
            let rows = house.rows("SELECT epoch FROM audit_wrapper").await;
            assert_eq!(rows.len(), 2, "at {waits}");
            if let Kms::Vault(vault) = &house.kms {
                assert_eq!(vault.said().key.existing(), [2, 3], "at {waits}");
                assert_eq!(vault.said().key.min_available, 2);
            }
            if let Some(turned) = ended {
                assert_eq!(turned.expect("turns").destroyed, 1);
                if crashes > 10 {
                    break;
                }
                // It waited seldom, as the engine answered at once: through all steps again.
                waits = 0;
            } else {
                (crashes, waits) = (crashes + 1, waits + 1);
            }
        }
    }
}
