use audit::{Folder, Published, Store, StoreError};
use base::args;
use base::db::{Statement, Within};
use jiff::SignedDuration;
use tlog::proof::Tree;
use tlog::tile::Tile;
use tlog::{Hash, proof};

use crate::house::{EU, House, frontier};

#[tokio::test]
async fn whatever_is_published_when_every_entry_is_proven_by_the_published_files_alone() {
    for house in House::on_each_engine().await {
        let (ours, theirs) = (house.somebody(), house.somebody());
        house.grow(&theirs, 3).await;
        let mut size = 0;
        for step in [1, 2, 252, 1, 1, 256, 400] {
            house.grow(&ours, step).await;
            size += step;
            house.clock.advance(SignedDuration::from_secs(5));
            house.published().await;
            assert_eq!(house.published().await, 0, "nothing is new");

            let (entries, checkpoint) = (house.entries(&ours).await, house.checkpoint(&ours));
            assert_eq!(checkpoint.size(), u64::try_from(size).expect("small"));
            assert_eq!(*checkpoint.root(), frontier(&entries).root());
            let files = house.shelf.files();
            let read = |tile: Tile| {
                let path = format!("{}/{}", ours.org, tile.path());
                files.get(&path).cloned().ok_or_else(|| std::io::Error::other(path))
            };
            let mut tree = Tree::new(checkpoint.size(), read).expect("a size");
            for index in [0, size / 2, size - 1] {
                let leaf = Hash::of_leaf(&entries[index]);
                let index = u64::try_from(index).expect("small");
                let path = tree.inclusion(index).expect("the tiles are there");
                let root = checkpoint.root();
                let proven = proof::verify_inclusion(&leaf, index, checkpoint.size(), &path, root);
                assert_eq!(proven, Ok(()), "{index} of {size}");
            }
        }
        assert_eq!(house.checkpoint(&theirs).size(), 3);
    }
}

#[tokio::test]
async fn partial_files_stay_for_two_checkpoints_and_no_longer() {
    for house in House::on_each_engine().await {
        let ours = house.somebody();
        for step in [10, 10, 10, 10, 216, 300, 1] {
            house.grow(&ours, step).await;
            house.published().await;
        }
        let prefix = format!("{}/", ours.org);
        let files = house.shelf.files();
        let paths: Vec<&str> = files.keys().filter_map(|path| path.strip_prefix(&prefix)).collect();
        assert_eq!(
            paths,
            [
                "checkpoint",
                "tile/0/000",
                "tile/0/001",
                "tile/0/002.p/44",
                "tile/0/002.p/45",
                "tile/1/000.p/2",
                "tile/entries/000",
                "tile/entries/001",
                "tile/entries/002.p/44",
                "tile/entries/002.p/45",
            ]
        );
    }
}

#[tokio::test]
async fn each_hour_keeps_its_last_two_checkpoints() {
    let sizes =
        Statement::new("list", "SELECT size FROM audit_checkpoint WHERE org_id = $1 ORDER BY size");
    for house in House::on_each_engine().await {
        let ours = house.somebody();
        for _ in 0..3 {
            for _ in 0..4 {
                house.grow(&ours, 1).await;
                house.clock.advance(SignedDuration::from_secs(5));
                house.published().await;
            }
            house.clock.advance(SignedDuration::from_hours(1));
        }
        let within = Within::org(ours.org.as_str());
        let rows = house.bench.db.all(&within, sizes, args![ours.org.as_str()]).await;
        let kept: Vec<i64> =
            rows.expect("reads").iter().map(|row| row.int("size").expect("a size")).collect();
        assert_eq!(kept, [3, 4, 7, 8, 11, 12], "{:?}", house.bench.db.engine());
    }
}

#[tokio::test]
async fn a_long_record_is_published_in_pieces_and_signed_when_it_is_whole() {
    let bench = base::testing::Bench::sqlite(audit::sql::MIGRATIONS).await;
    let house = House::on(bench, crate::shelf::Shelf::default());
    let (long, short) = (house.somebody(), house.somebody());
    house.grow(&long, 17_000).await;
    house.grow(&short, 1).await;
    let first = house.log.publish(EU).await.expect("publishes");
    assert_eq!(first, Published { entries: 1, checkpoints: 1, behind: 1 }, "nobody waits");
    let mut rounds = 1;
    while house.log.publish(EU).await.expect("publishes").behind > 0 {
        let checkpoint = format!("{}/checkpoint", long.org);
        assert!(!house.shelf.files().contains_key(&checkpoint), "not before it is whole");
        rounds += 1;
    }
    assert_eq!(rounds, 3, "read, then written, then signed");
    let checkpoint = house.checkpoint(&long);
    assert_eq!(checkpoint.size(), 17_000);
    assert_eq!(*checkpoint.root(), frontier(&house.entries(&long).await).root());
}

#[tokio::test]
async fn a_folder_keeps_what_was_put_there_once_for_its_user_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().expect("a folder");
    let store = Folder::new(folder.path().join("log-eu"));
    assert_eq!(store.list("").await.expect("lists"), [""; 0]);
    assert_eq!(store.get("org_a/checkpoint").await.expect("reads"), None);
    store.put("org_a/tile/0/000.p/1", b"one").await.expect("puts");
    store.put("org_a/tile/0/000.p/1", b"one").await.expect("the same again");
    let other = store.put("org_a/tile/0/000.p/1", b"two").await;
    assert!(matches!(other, Err(StoreError::Conflict(_))), "{other:?}");
    assert_eq!(store.get("org_a/tile/0/000.p/1").await.expect("reads"), Some(b"one".to_vec()));
    let file = folder.path().join("log-eu/org_a/tile/0/000.p/1");
    let mode = std::fs::metadata(&file).expect("is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // As `base::seal::make_folder` makes them: on disk under their names.
    for made in file.ancestors().skip(1).take_while(|it| *it != folder.path()) {
        let mode = std::fs::metadata(made).expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{}", made.display());
    }

    store.replace("org_a/checkpoint", None, b"1").await.expect("puts");
    store.replace("org_a/checkpoint", Some(b"1"), b"2").await.expect("replaces");
    for before in [None, Some(&b"1"[..])] {
        let late = store.replace("org_a/checkpoint", before, b"1").await;
        assert!(matches!(late, Err(StoreError::Moved(_))), "{late:?}");
    }
    assert_eq!(store.get("org_a/checkpoint").await.expect("reads"), Some(b"2".to_vec()));
    store.remove("org_a/tile/0/000.p/1").await.expect("removes");
    store.remove("org_a/tile/0/000.p/1").await.expect("what is gone");
    assert!(!file.parent().expect("a folder").exists(), "nor its folder");
    assert_eq!(store.list("").await.expect("lists"), ["org_a"]);
    std::fs::write(folder.path().join("log-eu/large"), vec![0; (1 << 20) + 1]).expect("writes");
    assert!(matches!(store.get("large").await, Err(StoreError::TooLarge(_))));
}
