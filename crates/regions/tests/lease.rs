//! One node for each region, on each engine.
#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

use std::time::Duration;

use access::Region;
use base::seal::RootKey;
use base::testing::{Bench, StillClock};
use base::time::Clock as _;
use regions::{Candidate, Directory, Error, InstanceId, Lease, Pulse};

const PULSE: Pulse =
    Pulse { beat: Duration::from_millis(100), dead_after: Duration::from_millis(600) };

async fn each() -> Vec<(Bench, Directory)> {
    let benches = Bench::on_each_engine(regions::sql::MIGRATIONS, &[]).await;
    let root = RootKey::fresh().expect("randomness");
    let open = |bench: Bench| {
        let clock = StillClock::new().shared();
        let directory = Directory::open(bench.db.clone(), clock, &root);
        (bench, directory)
    };
    benches.into_iter().map(open).collect()
}

fn candidate(node: &str) -> Candidate {
    let instance = InstanceId::new(StillClock::new().now());
    Candidate { node: node.to_owned(), instance, dead: Vec::new(), pulse: PULSE, sharing: false }
}

fn refused_by(taken: Result<Lease, Error>) -> (Region, String) {
    match taken {
        Err(Error::Served { region, node }) => (region, node),
        other => unreachable!("{other:?}"),
    }
}

#[tokio::test]
async fn two_living_nodes_never_serve_one_region() {
    for (bench, directory) in each().await {
        let both = [Region::Us, Region::Eu];
        let lease = directory.take(&both, &candidate("a")).await.expect("is free");
        // Also under its own name: a copy of its configuration is another process.
        for name in ["a", "b"] {
            let regions = [Region::Apac, Region::Eu];
            let taken = directory.take(&regions, &candidate(name)).await;
            assert_eq!(refused_by(taken), (Region::Eu, "a".to_owned()), "{:?}", bench.db.engine());
        }
        let other = directory.take(&[Region::Apac], &candidate("b")).await;
        other.expect("a refused one holds nothing").release().await.expect("gives it back");
        lease.release().await.expect("gives them back");
        let begun = std::time::Instant::now();
        directory
            .take(&both, &candidate("b"))
            .await
            .expect("is free")
            .release()
            .await
            .expect("ends");
        assert!(begun.elapsed() < PULSE.dead_after, "what was given back is free at once");
    }
}

#[tokio::test]
async fn nodes_that_share_a_region_never_serve_it_beside_one_that_does_not() {
    let sharing = |node: &str| Candidate { sharing: true, ..candidate(node) };
    for (bench, directory) in each().await {
        let alone = directory.take(&[Region::Eu], &candidate("alone")).await.expect("is free");
        let told = directory.take(&[Region::Eu], &sharing("a")).await.expect_err("is another's");
        let told = told.to_string();
        assert!(told.contains("node `alone`, which shares it with nobody"), "{told}");
        alone.release().await.expect("gives it back");
        let begun = std::time::Instant::now();
        let a = directory.take(&[Region::Eu], &sharing("a")).await.expect("is free");
        let b = directory.take(&[Region::Eu], &sharing("b")).await.expect("joins");
        assert!(begun.elapsed() < PULSE.dead_after, "at once: {:?}", bench.db.engine());
        a.release().await.expect("leaves");
        let told = directory.take(&[Region::Eu], &candidate("alone")).await.expect_err("is shared");
        assert!(told.to_string().contains("set `cell.shared = true` here too"), "{told}");
        b.release().await.expect("leaves");
        // The last one does not know that it is: whoever wants to be alone looks first.
        let alone = directory.take(&[Region::Eu], &candidate("alone")).await.expect("they left");
        assert!(begun.elapsed() >= PULSE.dead_after);
        alone.release().await.expect("gives it back");
    }
}

#[tokio::test]
async fn a_dead_nodes_region_is_taken() {
    for (bench, directory) in each().await {
        let first = candidate("a");
        // A heart that does not beat within this test.
        let still = Pulse { beat: Duration::from_hours(1), ..PULSE };
        let dead = Candidate { pulse: still, ..first.clone() };
        let lease = directory.take(&[Region::Eu], &dead).await.expect("is free");
        tokio::time::sleep(Duration::from_millis(50)).await;
        let begun = std::time::Instant::now();
        let second =
            Candidate { pulse: Pulse { dead_after: PULSE.dead_after, ..still }, ..candidate("b") };
        let taken = directory.take(&[Region::Eu], &second).await.expect("it is dead");
        assert!(begun.elapsed() >= PULSE.dead_after, "{:?}", bench.db.engine());
        drop(lease);
        // The next life of `b`, which knows that the last one is over, need not wait.
        drop(taken);
        let begun = std::time::Instant::now();
        let next = Candidate { dead: vec![second.instance.clone()], ..candidate("b") };
        let next = directory.take(&[Region::Eu], &next).await.expect("it is dead");
        assert!(begun.elapsed() < PULSE.dead_after);
        next.release().await.expect("ends");
    }
}

#[tokio::test]
async fn a_node_that_was_silent_too_long_learns_that_it_lost_its_region() {
    for (_, directory) in each().await {
        let silent = candidate("a");
        let regions = [Region::Eu, Region::Us];
        let lease = directory.take(&regions, &silent).await.expect("is free");
        let proven = Candidate { dead: vec![silent.instance.clone()], ..candidate("a") };
        // It is said to be dead, and its beats do not object.
        let other = directory.take(&[Region::Eu], &proven).await.expect("it is said to be dead");
        tokio::time::timeout(Duration::from_secs(5), lease.lost()).await.expect("it is told");
        // What it still has it keeps until it gave it back, as its calls end meanwhile.
        let taken = directory.take(&[Region::Us], &candidate("b")).await;
        assert_eq!(refused_by(taken), (Region::Us, "a".to_owned()));
        lease.release().await.expect("ends");
        let third = directory.take(&[Region::Eu], &candidate("b")).await;
        assert_eq!(refused_by(third).1, "a", "the loser gave back nothing that is another's");
        other.release().await.expect("ends");
    }
}

#[tokio::test]
async fn a_node_that_gave_up_is_not_taken_for_one_that_lives() {
    for (bench, directory) in each().await {
        let first = candidate("a");
        let given_up = directory.take(&[Region::Eu], &first).await.expect("is free");
        drop(given_up);
        // Whoever knows nothing of it watches, and sees no life.
        let taken = directory.take(&[Region::Eu], &candidate("b")).await;
        taken.expect("nothing beats").release().await.expect("ends");

        // Whoever knows that it is over takes the region, whatever still beats under its name.
        let second = candidate("a");
        let beat = Duration::from_millis(1);
        let hectic = Candidate { pulse: Pulse { beat, ..PULSE }, ..second.clone() };
        for _ in 0..20 {
            let late = directory.take(&[Region::Eu], &hectic).await.expect("is free");
            tokio::time::sleep(beat * 5).await;
            let dead = vec![second.instance.clone()];
            let next = Candidate { dead, ..candidate("a") };
            let next = directory.take(&[Region::Eu], &next).await;
            let next = next.unwrap_or_else(|told| unreachable!("{:?}: {told}", bench.db.engine()));
            next.release().await.expect("ends");
            drop(late);
        }
    }
}
