//! A bucket of a real server: `moto`, from `PyPI`, on a port.

use audit::{S3, S3Config, Store, StoreError};
use base::secret::Secret;
use base::testing::{Moto, Python};

use crate::house::House;

/// A bucket with object lock and a default retention, and what lies in it.
const BOTO: &str = "
import boto3, sys
s3 = boto3.client('s3', endpoint_url=sys.argv[1], region_name='eu-west-1',
                  aws_access_key_id='id', aws_secret_access_key='secret')
if sys.argv[2] == 'make':
    s3.create_bucket(Bucket='log', ObjectLockEnabledForBucket=True,
                     CreateBucketConfiguration={'LocationConstraint': 'eu-west-1'})
    rule = {'DefaultRetention': {'Mode': 'COMPLIANCE', 'Days': 3650}}
    s3.put_object_lock_configuration(Bucket='log', ObjectLockConfiguration={
        'ObjectLockEnabled': 'Enabled', 'Rule': rule})
else:
    for version in s3.list_object_versions(Bucket='log')['Versions']:
        head = s3.head_object(Bucket='log', Key=version['Key'], VersionId=version['VersionId'])
        print(version['Key'], head.get('ObjectLockMode'))
";

/// Makes the bucket `log` on this server.
pub(crate) fn make(python: &Python, moto: &Moto) {
    python.says(BOTO, &[&moto.endpoint, "make"], "");
}

pub(crate) fn bucket(endpoint: &str, bucket: &str) -> S3 {
    let config = S3Config {
        bucket: bucket.to_owned(),
        prefix: "cell-1/eu".to_owned(),
        region: "eu-west-1".to_owned(),
        endpoint: Some(endpoint.to_owned()),
        access_key_id: Some("id".to_owned()),
        secret_key_env: None,
        secret_key_file: None,
    };
    let tls = base::tls::client(&[]).expect("a configuration");
    S3::open(&config, Some(&Secret::new("secret".to_owned())), tls).expect("opens")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_keeps_a_log_as_a_folder_does_and_locks_every_file() {
    let Some(python) = Python::installed() else { return };
    let Some(moto) = Moto::start(&python).await else { return };
    let endpoint = &*moto.endpoint;
    python.says(BOTO, &[endpoint, "make"], "");
    let store = bucket(endpoint, "log");
    assert_eq!(store.list("").await.expect("lists"), [""; 0]);
    assert_eq!(store.get("org_a/checkpoint").await.expect("reads"), None);
    store.put("org_a/tile/0/000.p/1", b"one").await.expect("puts");
    store.put("org_a/tile/0/000.p/1", b"one").await.expect("the same again");
    let other = store.put("org_a/tile/0/000.p/1", b"two").await;
    assert!(matches!(other, Err(StoreError::Conflict(_))), "{other:?}");
    store.replace("org_a/checkpoint", None, b"1").await.expect("puts");
    store.replace("org_a/checkpoint", Some(b"1"), b"2").await.expect("replaces");
    for before in [None, Some(&b"1"[..])] {
        let late = store.replace("org_a/checkpoint", before, b"1").await;
        assert!(matches!(late, Err(StoreError::Moved(_))), "{late:?}");
    }
    assert_eq!(store.get("org_a/checkpoint").await.expect("reads"), Some(b"2".to_vec()));
    assert_eq!(store.list("").await.expect("lists"), ["org_a"]);
    store.remove("org_a/tile/0/000.p/1").await.expect("removes");
    store.remove("org_a/tile/0/000.p/1").await.expect("what is gone");
    assert_eq!(store.get("org_a/tile/0/000.p/1").await.expect("reads"), None);
    let versions = python.says(BOTO, &[endpoint, "list"], "");
    assert_eq!(versions.lines().count(), 3, "each version stays: {versions}");
    assert!(versions.lines().all(|line| line.ends_with(" COMPLIANCE")), "{versions}");

    let missing = bucket(endpoint, "nobodys").put("org_a/x", b"x").await;
    assert!(matches!(missing, Err(StoreError::Failed(..))), "{missing:?}");
    let silent = bucket("http://127.0.0.1:1", "log").get("org_a/x").await;
    assert!(matches!(silent, Err(StoreError::Failed(..))), "{silent:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_in_a_bucket_is_published_checked_and_verified() {
    let Some(python) = Python::installed() else { return };
    let Some(moto) = Moto::start(&python).await else { return };
    let endpoint = &*moto.endpoint;
    python.says(BOTO, &[endpoint, "make"], "");
    let bench = base::testing::Bench::sqlite(audit::sql::MIGRATIONS).await;
    let house = House::on(bench, crate::shelf::Shelf::default());
    let log = house.within(std::sync::Arc::new(bucket(endpoint, "log")));
    let ours = house.somebody();
    for step in [3, 300, 1] {
        house.grow(&ours, step).await;
        log.publish(crate::house::EU).await.expect("publishes");
    }
    log.check().await.expect("all is well");
    let verified = log.verify_some(crate::house::EU, 1_000).await.expect("verifies");
    assert_eq!((verified.checked, verified.faults), (304, vec![]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_in_a_bucket_is_read_as_one_in_a_folder_is() {
    let Some(python) = Python::installed() else { return };
    let Some(moto) = Moto::start(&python).await else { return };
    let endpoint = &*moto.endpoint;
    python.says(BOTO, &[endpoint, "make"], "");
    let bench = base::testing::Bench::sqlite(audit::sql::MIGRATIONS).await;
    let house = House::on(bench, crate::shelf::Shelf::default());
    let log = house.within(std::sync::Arc::new(bucket(endpoint, "log")));
    let ours = house.somebody();
    house.grow(&ours, 1_500).await;
    log.publish(crate::house::EU).await.expect("publishes");
    let before = house.record.read_on(&ours.itself(), 0).await.expect("reads");
    house.clock.advance(jiff::SignedDuration::from_hours(48));
    let moved = house.tier_from(&log, &ours, "2026-01-02T00:00:00Z").await;
    assert_eq!(moved.moved, 1_280);
    assert_eq!(house.record.read_on(&ours.itself(), 0).await.expect("reads"), before);
    let verified = log.verify_some(crate::house::EU, 10_000).await.expect("verifies");
    assert_eq!((verified.checked, verified.faults), (1_500, vec![]));
    log.check().await.expect("what lies beside the logs is no org of its own");
    let versions = python.says(BOTO, &[endpoint, "list"], "");
    let chunks: Vec<_> = versions.lines().filter(|line| line.contains("/archive/org_")).collect();
    assert_eq!(chunks.len(), 2, "{versions}");
    assert!(chunks.iter().all(|line| line.ends_with(" COMPLIANCE")), "locked like the log");
}
