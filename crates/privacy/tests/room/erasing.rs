//! Erasing somebody, and what is left.

use std::io::Cursor;
use std::sync::Arc;

use async_trait::async_trait;
use audit::{Change, Held, Holds, Keeper, Person, Record, Table};
use base::db::DbError;
use base::metrics::Metrics;
use base::tasks::Tasks;
use identity::testing;
use serde_json::{Value, json};
use tlog::note::Verifier;
use tlog::{Checkpoint, Note};
use verify::Options;

use crate::bench::{EMAIL, House, NAME, TRACES};
use crate::searching::{bytes_below, traces_in, traces_in_database, unpacked};

/// What the verifier says of a bundle.
fn judged(zip: &[u8]) -> verify::Verdict {
    let verdict = verify::check(Cursor::new(zip), &Options::default()).expect("is a bundle");
    assert!(verdict.sound, "{verdict}");
    verdict
}

#[tokio::test]
async fn whoever_was_erased_is_found_nowhere_and_every_proof_stands() {
    for house in House::on_each_engine().await {
        let id = house.former().await;
        house.log.publish(access::Region::Eu).await.expect("publishes");
        let before = house.bundle().await;
        assert_eq!(judged(&before).counts.subject_not_shown, 0);
        let seen = traces_in_database(&house.bench, &TRACES).await;
        assert!(seen.len() >= 3, "the search finds what is there: {seen:?}");
        let seen = traces_in(&unpacked(&before), &["ZwetschgenBrowser", "203.0.113.77"]);
        assert_eq!(seen.len(), 2, "the bundle opened them");

        let (status, request) = house.erase(&id).await;
        assert_eq!((status, &request["state"]), (201, &json!("erased")), "{request}");

        assert_eq!(traces_in_database(&house.bench, &TRACES).await, Vec::<String>::new());
        let published = bytes_below(house.published.path());
        assert_eq!(traces_in(&published, &TRACES), Vec::<String>::new());
        let after = house.bundle().await;
        let verdict = judged(&after);
        assert!(verdict.counts.subject_not_shown > 0, "what they did is withheld for ever");
        assert_eq!(traces_in(&unpacked(&after), &TRACES), Vec::<String>::new());
        // The bundle of before is as sound as it was.
        judged(&before);
        let path = "/api/events?limit=200";
        let shown = house.get(&house.acme.owner.key, path).await.text;
        assert_eq!(traces_in(shown.as_bytes(), &TRACES), Vec::<String>::new());
        let events = house.events(&house.acme).await;
        let erased = events.iter().filter(|event| event["erased"].is_array()).count();
        assert!(erased >= 3, "{events:?}");
        let verified = house.log.verify_some(access::Region::Eu, 10_000).await.expect("verifies");
        assert!(verified.faults.is_empty(), "{verified:?}");
        // Neither by address nor by name is anybody found any more.
        let path = format!("/api/privacy/person?person={EMAIL}");
        assert_eq!(house.get(&house.acme.owner.key, &path).await.status, 404);
        let who = house.identity.names(&house.acme.operator, &[id]).await.expect("names");
        assert!(who.is_empty(), "{who:?}");
    }
}

#[tokio::test]
async fn an_erasure_is_done_once_and_asking_again_gives_the_same_answer() {
    for house in House::on_each_engine().await {
        let id = house.former().await;
        let (first, again) = (house.erase(EMAIL).await, house.erase(&id).await);
        assert_eq!(first.0, 201, "{}", first.1);
        assert_eq!(first.1, again.1);
        let events = house.events(&house.acme).await;
        let erasures = |event: &&Value| event["action"] == "privacy.person.erased";
        let event = events.iter().find(erasures).expect("is recorded");
        assert_eq!(events.iter().filter(erasures).count(), 1);
        assert_eq!(first.1["event"], event["sequence"]);
        assert_eq!(event["resourceId"], first.1["id"]);
        assert!(event["changes"]["keys"].as_u64() > Some(0), "{event}");
    }
}

/// A room whose database breaks down in the middle.
#[derive(Debug)]
struct Broken;

#[async_trait]
impl Keeper for Broken {
    fn tables(&self) -> &'static [Table] {
        &[]
    }

    async fn erase(&self, _: &mut Change, _: &Person) -> Result<Vec<Held>, DbError> {
        Err(DbError::unreadable("everything", std::io::Error::other("cut off")))
    }
}

#[tokio::test]
async fn an_erasure_that_was_cut_off_left_everything_as_it_was() {
    for house in House::on_each_engine().await {
        let id = house.former().await;
        let broken = house.with(Arc::new(Broken));
        let ask = privacy::Ask { person: id.clone() };
        let held = located(&house, &id).await;
        let events = house.events(&house.acme).await.len();
        broken.erase(&house.acme.operator, &ask).await.expect_err("is cut off");
        assert_eq!(house.events(&house.acme).await.len(), events, "nothing was recorded");
        let after = located(&house, &id).await;
        // Looking is itself an event about them.
        let kept = |located: &Value| {
            let stores = located["stores"].as_array().expect("stores").clone();
            stores.into_iter().filter(|held| held["store"] != "audit_event").collect::<Vec<_>>()
        };
        assert_eq!(kept(&after), kept(&held));
        assert_eq!(after["name"], NAME);
        assert!(after["request"].is_null(), "{after}");
        assert_eq!(house.erase(&id).await.0, 201, "and it can be done");
    }
}

async fn located(house: &House, who: &str) -> Value {
    let path = format!("/api/privacy/person?person={who}");
    let answer = house.get(&house.acme.owner.key, &path).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

#[tokio::test]
async fn whoever_is_still_a_member_is_removed_first() {
    for house in House::on_each_engine().await {
        let id = house.ingrid().await;
        let (status, problem) = house.erase(&id).await;
        assert_eq!((status, &problem["code"]), (409, &json!("still_a_member")), "{problem}");
        assert_eq!(located(&house, EMAIL).await["present"], true);
        house.removed(&id).await;
        assert_eq!(located(&house, EMAIL).await["present"], false);
        assert_eq!(house.erase(&id).await.0, 201);
    }
}

#[tokio::test]
async fn people_of_another_org_are_not_found() {
    for house in House::on_each_engine().await {
        for who in
            [house.globex.member.id.as_str(), house.globex.member.email.as_str(), "mem_x", "x"]
        {
            let (status, problem) = house.erase(who).await;
            assert_eq!((status, &problem["code"]), (404, &json!("no_such_person")), "{who}");
        }
        let id = house.former().await;
        let (_, request) = house.erase(&id).await;
        let path = format!("/api/privacy/requests/{}", request["id"].as_str().expect("an id"));
        assert_eq!(house.get(&house.globex.owner.key, &path).await.status, 404);
        assert_eq!(house.get(&house.acme.owner.key, &path).await.status, 200);
    }
}

#[tokio::test]
async fn a_receipt_of_an_erasure_is_verified_by_code_of_others() {
    for house in House::on_each_engine().await {
        let id = house.former().await;
        let (_, request) = house.erase(&id).await;
        let path =
            format!("/api/privacy/requests/{}/receipt", request["id"].as_str().expect("an id"));
        let receipt = house.get(&house.acme.owner.key, &path).await.json();
        let (note, vkey) = (receipt["note"].as_str().expect("a note"), &receipt["vkey"]);
        let vkey = vkey.as_str().expect("a key");
        let verifier: Verifier = vkey.parse().expect("a key");
        let read = Note::parse(note.as_bytes()).expect("a note");
        read.verify(std::slice::from_ref(&verifier)).expect("is signed");
        assert!(read.text().starts_with("portico-erasure/v1\nevent "), "{note}");
        // By code that shares nothing with what signed it.
        let key = vkey.parse().expect("a key");
        let judged = verify::erasure(note.as_bytes(), &[key]).expect("is signed");
        assert_eq!(judged.statement["request"], request["id"]);
        assert_eq!(serde_json::to_value(&judged).expect("JSON")["sound"], true);
        assert_eq!(judged.event, receipt["event"].as_u64().expect("a position"));
        let other = note.replace("\"keysDestroyed\":", "\"keysDestroyed\":1");
        let key = vkey.parse().expect("a key");
        verify::erasure(other.as_bytes(), &[key]).expect_err("was altered");
        // Neither passes for the other.
        let origin = format!("portico.example/eu/{}", house.acme.id);
        Checkpoint::open(&read, &origin, &[verifier]).expect_err("no checkpoint");
        // It names every store and nobody, and is the same again.
        assert_eq!(traces_in(note.as_bytes(), &TRACES), Vec::<String>::new());
        let stores = receipt["statement"]["stores"].as_array().expect("stores");
        for store in ["identity_member", "identity_session", "audit_event", "privacy_request"] {
            assert!(stores.iter().any(|held| held["store"] == store), "{store}: {stores:?}");
        }
        // Every table that could hold something of a person, once.
        let rooms: [&dyn Keeper; 3] = [&house.identity, &house.record, &privacy::Requests];
        let tables = rooms.iter().flat_map(|room| room.tables());
        let holding = tables.filter(|table| table.holds != Holds::Nothing);
        let mut holding: Vec<_> = holding.map(|table| table.name).collect();
        let mut told: Vec<_> = stores.iter().filter_map(|held| held["store"].as_str()).collect();
        holding.sort_unstable();
        told.sort_unstable();
        assert_eq!(told, holding);
        let fate = |store| stores.iter().find(|held| held["store"] == store).expect("is told");
        assert!(fate("audit_key")["stays"].is_null(), "keys are destroyed");
        assert!(receipt["statement"]["keysDestroyed"].as_u64() > Some(0));
        for stays in ["audit_cold_person", "audit_cold_thing"] {
            assert!(fate(stays)["stays"].as_str().is_some_and(|why| !why.is_empty()), "{stays}");
        }
        assert_eq!(receipt["statement"]["forgetDays"], 30);
        assert_eq!(house.get(&house.acme.owner.key, &path).await.json(), receipt);
        let shown = testing::shown(&house.acme.owner.key);
        let heads = [shown, ("accept", "text/plain, */*".to_owned())];
        let plain = house.send(testing::request("GET", &path, &heads, Value::Null)).await;
        assert_eq!(plain.text, note);
    }
}

#[tokio::test]
async fn erasing_asks_for_a_second_factor() {
    for house in House::on_each_engine().await {
        let id = house.former().await;
        let bare = house.session(&house.acme.owner.id, false).await;
        let body = json!({ "person": id });
        let refused = house.post(&bare, "/api/privacy/requests", body.clone()).await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (403, "factor_required"),
            "{}",
            refused.text
        );
        let path = format!("/api/privacy/export?person={id}");
        assert_eq!(house.get(&bare, &path).await.status, 403);
        let shown = house.session(&house.acme.owner.id, true).await;
        assert_eq!(house.get(&shown, &path).await.status, 200);
        let done = house.post(&shown, "/api/privacy/requests", body).await;
        assert_eq!(done.status, 201, "{}", done.text);
        // And for the permission: an admin has none of privacy.
        let body = json!({ "person": id });
        let admin = house.post(&house.acme.admin.key, "/api/privacy/requests", body).await;
        assert_eq!(admin.status, 403);
    }
}

#[tokio::test]
async fn another_node_forgets_within_a_second_and_nothing_is_made_again() {
    for house in House::on_each_engine().await {
        let id = house.former().await;
        let other = Record::open(
            &house.databases,
            &house.clock.shared(),
            "n2",
            &house.roots,
            &[],
            &Tasks::new(),
            &Metrics::new(),
        );
        let other = other.expect("opens");
        let scope = house.acme.operator.itself();
        let shows = async |record: &Record| {
            let events = record.read_on(&scope, 0).await.expect("reads");
            events.iter().any(|event| event["userId"] == id.as_str())
        };
        assert!(shows(&other).await, "it remembers the key");
        assert_eq!(house.erase(&id).await.0, 201);
        assert!(!shows(&house.record).await, "this one has forgotten at once");
        other.catch_up_on_forgetting().await.expect("looks");
        assert!(!shows(&other).await);
        // Whatever is told of them later is forgotten as it is written.
        let event = audit::Event::done("identity.member.changed", "member", &id);
        let event = event.changes(json!({ "name": { "to": "Zwetschgenbaum" } }));
        for record in [&house.record, &other] {
            let seq = record
                .note(&house.acme.operator, &event)
                .await
                .expect("durable")
                .seq()
                .expect("in the record");
            let told = record.read_on(&scope, seq).await.expect("reads");
            assert_eq!(told[0]["erased"], json!(["payload"]), "{told:?}");
        }
        drop(other);
    }
}
