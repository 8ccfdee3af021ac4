//! A bucket of a real server: `moto`, from `PyPI`, on a port.

use base::testing::{Moto, Python};
use serde_json::{Value, json};

use crate::bench::Room;
use crate::hook::{Act, Hook};

/// Makes a bucket with object lock; or says what lies in it: names, locks and bodies.
const BOTO: &str = "
import boto3, json, sys
s3 = boto3.client('s3', endpoint_url=sys.argv[1], region_name='eu-west-1',
                  aws_access_key_id='id', aws_secret_access_key='secret-key')
if sys.argv[2] == 'make':
    s3.create_bucket(Bucket='siem', ObjectLockEnabledForBucket=True,
                     CreateBucketConfiguration={'LocationConstraint': 'eu-west-1'})
    rule = {'DefaultRetention': {'Mode': 'COMPLIANCE', 'Days': 3650}}
    s3.put_object_lock_configuration(Bucket='siem', ObjectLockConfiguration={
        'ObjectLockEnabled': 'Enabled', 'Rule': rule})
else:
    found = []
    for version in s3.list_object_versions(Bucket='siem', Prefix=sys.argv[3]).get('Versions', []):
        one = s3.get_object(Bucket='siem', Key=version['Key'], VersionId=version['VersionId'])
        found.append([version['Key'], one.get('ObjectLockMode'), one['Body'].read().decode()])
    json.dump(sorted(found), sys.stdout)
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_gets_each_delivery_once_under_the_indexes_in_it() {
    let Some(python) = Python::installed() else { return };
    let Some(moto) = Moto::start(&python).await else { return };
    let endpoint = &*moto.endpoint;
    python.says(BOTO, &[endpoint, "make"], "");
    for room in Room::on_each_engine().await {
        let org = room.org("acme").await;
        room.grow(&org, 600).await;
        let target = json!({ "kind": "s3", "bucket": "siem", "prefix": "from/portico", "region": "eu-west-1",
                             "endpoint": endpoint, "access_key_id": "id" });
        let made =
            room.made(&org, json!({ "name": "B", "target": target, "secret": "secret-key" })).await;
        let id = made["sink"]["id"].as_str().expect("an id").to_owned();
        room.until_delivered(&org, &id).await;
        let below = format!("from/portico/{}/", org.id);
        let listed = || -> Vec<(String, Option<String>, String)> {
            serde_json::from_str(&python.says(BOTO, &[endpoint, "list", &below], ""))
                .expect("a list")
        };
        let first = listed();
        assert_eq!(first.len(), 2, "five hundred at once");
        let mut next = 0;
        for (name, lock, body) in &first {
            assert_eq!(lock.as_deref(), Some("COMPLIANCE"), "{name}");
            assert!(
                name.starts_with(&format!("{below}{next:020}-"))
                    && name.rsplit('.').next() == Some("jsonl"),
                "{name}"
            );
            for line in body.lines() {
                let event: Value = serde_json::from_str(line).expect("JSON");
                assert_eq!(event["metadata"]["sequence"], next);
                next += 1;
            }
        }
        assert_eq!(next, room.size(&org).await);
        // The same again is the same object, and no second version of it.
        room.does(&org, &id, "replay", json!({ "from": 0 })).await;
        room.streams.deliver().await.expect("delivers");
        assert_eq!(room.shown(&org, &id).await["lag_events"], 0);
        let again = listed();
        assert_eq!(again[0], first[0]);
        assert!(again.len() <= 3, "only the end is new: {}", again.len());
        let missing = json!({ "target": { "kind": "s3", "bucket": "nobodys", "region": "eu-west-1",
                                          "endpoint": endpoint, "access_key_id": "id" } });
        let path = format!("/api/streams/{id}");
        assert_eq!(room.ask(&org.owner.key, "PATCH", &path, missing).await.status, 200);
        room.streams.deliver().await.expect("delivers");
        let shown = room.shown(&org, &id).await;
        assert_eq!(shown["state"], "failing");
        assert!(shown["error"].as_str().expect("an error").contains("NoSuchBucket"), "{shown}");
    }
}

#[tokio::test]
async fn a_bucket_that_tells_of_a_conflict_has_stored_nothing_and_is_asked_again() {
    let conflict = "<Error><Code>ConditionalRequestConflict</Code></Error>";
    for room in Room::on_each_engine().await {
        let (org, hook) = (room.org("acme").await, Hook::listening().await);
        let target = json!({ "kind": "s3", "bucket": "siem", "region": "eu-west-1",
                             "endpoint": hook.url, "access_key_id": "id" });
        let new = json!({ "name": "B", "target": target, "secret": "secret-key" });
        let id = room.made(&org, new).await["sink"]["id"].as_str().expect("an id").to_owned();
        hook.will([Act::Say(409, "", conflict), Act::TakeAndSay(200, "etag: \"1\"\r\n", "")]);
        room.streams.deliver().await.expect("delivers");
        let shown = room.shown(&org, &id).await;
        assert_eq!((&shown["state"], &shown["next"]), (&json!("failing"), &json!(0)), "{shown}");
        let error = shown["error"].as_str().expect("an error");
        assert!(error.contains("409") && error.contains("ConditionalRequestConflict"), "{error}");
        room.pass(660);
        room.streams.deliver().await.expect("delivers");
        let size = room.size(&org).await;
        assert_eq!(room.shown(&org, &id).await["next"], size);
        let kept = hook.state().kept.clone();
        assert_eq!((kept.len(), kept[0].method.as_str()), (1, "PUT"));
        assert_eq!(i64::try_from(kept[0].body.lines().count()), Ok(size));
        // What is there already is there.
        hook.will([Act::Say(412, "", "<Error><Code>PreconditionFailed</Code></Error>")]);
        let back = room.does(&org, &id, "replay", json!({ "from": 0 })).await;
        assert_eq!(back.status, 200, "{}", back.text);
        room.streams.deliver().await.expect("delivers");
        let shown = room.shown(&org, &id).await;
        assert_eq!((&shown["state"], &shown["error"]), (&json!("delivering"), &Value::Null));
        assert_eq!(hook.state().heard.len(), 3);
        assert!(shown["next"].as_i64() > Some(size), "{shown}");
    }
}
