//! The directory, on each engine.
#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

use access::{OrgId, Region};
use base::args;
use base::db::{Statement, Within};
use base::seal::RootKey;
use base::testing::{Bench, StillClock};
use base::time::Clock;
use regions::{Directory, Error};

async fn each() -> Vec<(Bench, Directory, OrgId)> {
    let benches = Bench::on_each_engine(regions::sql::MIGRATIONS, &[]).await;
    let clock = StillClock::new();
    let root = RootKey::fresh().expect("randomness");
    let open = |bench: Bench| {
        let directory = Directory::open(bench.db.clone(), clock.shared(), &root);
        (bench, directory, OrgId::new(clock.now()))
    };
    benches.into_iter().map(open).collect()
}

#[tokio::test]
async fn a_short_name_is_claimed_once() {
    for (bench, directory, org) in each().await {
        let home = directory.claim(&org, Region::Eu, "nordwind").await.expect("claims");
        let other = OrgId::new(StillClock::new().now());
        let again = directory.claim(&other, Region::Us, "nordwind").await;
        assert!(matches!(again, Err(Error::Taken(_))), "{:?}", bench.db.engine());
        assert_eq!(directory.home(&org).await.expect("reads"), Some(home.clone()));
        assert_eq!(directory.by_slug("nordwind").await.expect("reads"), Some(home));
        assert_eq!(directory.by_slug("Nordwind").await.expect("reads"), None);
        assert_eq!(directory.home(&other).await.expect("reads"), None);
    }
}

#[tokio::test]
async fn a_known_home_is_answered_without_the_database() {
    for (bench, directory, org) in each().await {
        directory.claim(&org, Region::Apac, "harbour").await.expect("claims");
        bench.db.close().await;
        let home = directory.home(&org).await.expect("remembers").expect("is at home");
        assert_eq!(home.region, Region::Apac);
        assert!(directory.by_slug("unknown").await.is_err(), "an unknown one is not guessed");
    }
}

#[tokio::test]
async fn the_directory_holds_no_name() {
    for (bench, directory, org) in each().await {
        directory.claim(&org, Region::Us, "cascade-freight").await.expect("claims");
        let tags = Statement::new("read", "SELECT slug_tag FROM regions_home WHERE org_id = $1");
        let row = bench.db.maybe(&Within::node(), tags, args![org.as_str()]).await.expect("reads");
        let tag = row.expect("a row").bytes("slug_tag").expect("bytes");
        assert_eq!(tag.len(), 32);
        assert!(!tag.windows(7).any(|part| part == b"cascade"), "{:?}", bench.db.engine());
    }
}

#[tokio::test]
async fn a_domain_is_of_one_org() {
    for (bench, directory, org) in each().await {
        let other = OrgId::new(StillClock::new().now());
        directory.claim(&org, Region::Eu, "nordwind").await.expect("claims");
        assert!(directory.put_domain("nordwind.example", &org).await.expect("writes"));
        assert!(directory.put_domain("nordwind.example", &org).await.expect("writes"), "its own");
        let taken = directory.put_domain("nordwind.example", &other).await.expect("writes");
        assert!(!taken, "{:?}", bench.db.engine());
        directory.release_domain("nordwind.example", &other).await.expect("writes");
        let home = directory.by_domain("nordwind.example").await.expect("reads");
        assert_eq!(
            home.map(|home| home.org),
            Some(org.clone()),
            "another's release changes nothing"
        );
        directory.release_domain("nordwind.example", &org).await.expect("writes");
        assert_eq!(directory.by_domain("nordwind.example").await.expect("reads"), None);
    }
}
