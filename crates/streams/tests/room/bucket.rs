//! A bucket of a real server: `moto`, from `PyPI`, on a port.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::bench::Room;
use crate::judged::python;

/// Ends the server with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

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

fn boto(python: &Path, endpoint: &str, what: &str, below: &str) -> String {
    let done =
        Command::new(python).args(["-c", BOTO, endpoint, what, below]).output().expect("runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).into_owned()
}

async fn serve(python: &Path) -> Option<(Server, String)> {
    let server = python.with_file_name("moto_server");
    if !server.exists() {
        return None;
    }
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("an address").port();
    drop(free);
    let mut command = Command::new(server);
    command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let server = Server(command.spawn().expect("starts"));
    for _ in 0..200 {
        if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return Some((server, format!("http://127.0.0.1:{port}")));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the server does not answer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_gets_each_delivery_once_under_the_indexes_in_it() {
    let Some(python) = python() else { return };
    let Some((_server, endpoint)) = serve(&python).await else { return };
    boto(&python, &endpoint, "make", "");
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
            serde_json::from_str(&boto(&python, &endpoint, "list", &below)).expect("a list")
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
