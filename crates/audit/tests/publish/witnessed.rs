//! A node that asks witnesses: the real ones, over HTTP.

use std::collections::BTreeMap;
use std::sync::Arc;

use access::Caller;
use async_trait::async_trait;
use audit::{Asked, Growth, Log, NotCosigned, WitnessConfig};
use axum::http::StatusCode;
use base::fetch::{Fetch, FetchConfig};
use base::metrics::Metrics;
use base::tasks::Tasks;
use base::testing::StillClock;
use jiff::SignedDuration;
use tempfile::TempDir;
use tlog::note::Signature;
use tlog::{Note, Verifier};
use witness::{Client, Config, LogConfig, Serving};

use crate::house::{EU, House, open, verifiers};
use crate::shelf::Shelf;

/// A witness behind its own door.
struct Stand {
    _folder: TempDir,
    tasks: Tasks,
    keys: Vec<Verifier>,
    url: String,
}

/// Asks as the server does.
#[derive(Debug)]
struct Http(Client);

#[async_trait]
impl audit::Witness for Http {
    async fn cosign(
        &self,
        note: &Note,
        seen: u64,
        growth: &dyn Growth,
    ) -> Result<Vec<Signature>, NotCosigned> {
        match self.0.submit(note, seen, |size| growth.since(size)).await {
            Ok(lines) => Ok(lines.into_iter().map(|line| line.signature).collect()),
            Err(why) if why.is_contradiction() => Err(NotCosigned::Contradicted(why.to_string())),
            Err(why) if why.is_silence() => Err(NotCosigned::Unreached(why.to_string())),
            Err(why) => Err(NotCosigned::Failed(why.to_string())),
        }
    }
}

impl Stand {
    /// One that watches these logs of the cell.
    async fn watching(logs: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let log = |log: &&str| {
            let origin = format!("portico.example/eu/{log}");
            let keys = verifiers(&origin).iter().map(ToString::to_string).collect();
            LogConfig { origin, keys }
        };
        let config = Config {
            name: "witness.customer.example/w1".to_owned(),
            listen: ([127, 0, 0, 1], 0).into(),
            data: folder.path().join("data"),
            logs: logs.iter().map(log).collect(),
        };
        let serving = Serving::start(&config, StillClock::new().shared()).await.expect("listens");
        let url = format!("http://{}/", serving.address());
        let keys = serving.witness().verifiers().to_vec();
        let tasks = Tasks::new();
        let stop = tasks.clone();
        tasks.spawn(serving.until(async move { stop.stopping().await }));
        Self { _folder: folder, tasks, keys, url }
    }

    /// The log of a house, whose node knows this witness.
    fn known_to(&self, house: &House, logs: &[&str], metrics: &Metrics) -> Log {
        let config =
            FetchConfig { private_addresses: true, plain_http: true, ..Default::default() };
        let fetch = Fetch::new(config).expect("a client");
        let client = Client::new(&self.url, self.keys.clone(), fetch).expect("an address");
        let config = WitnessConfig {
            url: self.url.clone(),
            keys: self.keys.iter().map(ToString::to_string).collect(),
            logs: logs.iter().map(|log| (*log).to_owned()).collect(),
            region: None,
        };
        let ask: Arc<dyn audit::Witness> = Arc::new(Http(client));
        open(&house.record, Arc::new(house.shelf.clone()), metrics, vec![(config, ask)])
    }
}

async fn ask(log: &Log) -> Asked {
    log.ask_witnesses(EU).await.expect("asks")
}

/// Who of these cosigned a published checkpoint.
fn cosigned(house: &House, log: &str, keys: &[Verifier]) -> usize {
    let files = house.shelf.files();
    let note = Note::parse(&files[&format!("{log}/checkpoint")]).expect("a note");
    note.verify(keys).map_or(0, |verified| verified.len())
}

const fn asked(cosigned: u64, failed: u64, contradicted: u64) -> Asked {
    Asked { cosigned, failed, contradicted }
}

#[tokio::test]
async fn a_witness_cosigns_what_is_published_and_its_lines_are_published_too() {
    for house in House::on_each_engine().await {
        let ours = house.somebody();
        let logs = [ours.org.as_str(), "directory"];
        let stand = Stand::watching(&logs).await;
        let log = stand.known_to(&house, &logs, &Metrics::new());
        assert_eq!(ask(&log).await, asked(0, 0, 0), "nothing is published yet");
        let mut text = String::new();
        for round in 0..4 {
            house.grow(&ours, 150).await;
            log.publish(EU).await.expect("publishes");
            log.close_epoch(EU).await.expect("closes");
            text = house.checkpoint(&ours).to_string();
            // It may miss some, and finds the way back.
            if round != 1 {
                assert_eq!(ask(&log).await, asked(2, 0, 0), "{round}");
                assert_eq!(cosigned(&house, ours.org.as_str(), &stand.keys), 2, "by both keys");
                assert_eq!(cosigned(&house, "directory", &stand.keys), 2);
                assert_eq!(ask(&log).await, asked(0, 0, 0), "once is enough");
            }
        }
        assert_eq!(house.checkpoint(&ours).to_string(), text, "what is signed stays");
        // A receipt bears the lines, and so does that of the directory; the log goes on.
        house.call(&ours, "call_1").await;
        house.receipt_from(&log, &ours, "call_1").await;
        assert_eq!(ask(&log).await, asked(2, 0, 0));
        let receipt = house.receipt_from(&log, &ours, "call_1").await;
        let lines = |text: &str| text.matches("\u{2014} witness.customer.example/w1 ").count();
        assert_eq!(lines(receipt["checkpoint"]["note"].as_str().expect("text")), 2);
        assert_eq!(lines(receipt["directory"]["proof"].as_str().expect("text")), 2);
        house.restarted().check().await.expect("all is well");
        let said = log.witnesses(&ours).await.expect("says");
        assert_eq!(said.len(), 2);
        assert!(said.iter().all(|said| said.behind_since.is_none() && said.failure.is_none()));
    }
}

#[tokio::test]
async fn publishing_goes_on_without_a_witness_and_says_how_long() {
    for house in House::on_each_engine().await {
        let ours = house.somebody();
        let logs = [ours.org.as_str()];
        let stand = Stand::watching(&logs).await;
        let metrics = Metrics::new();
        let log = stand.known_to(&house, &logs, &metrics);
        house.grow(&ours, 3).await;
        log.publish(EU).await.expect("publishes");
        assert_eq!(ask(&log).await, asked(1, 0, 0));
        stand.tasks.stop();
        stand.tasks.ended().await;

        house.grow(&ours, 3).await;
        log.publish(EU).await.expect("publishes");
        assert_eq!(ask(&log).await, asked(0, 1, 0));
        assert_eq!(ask(&log).await, asked(0, 0, 0), "it is left alone for a while");
        house.clock.advance(SignedDuration::from_secs(90));
        assert_eq!(ask(&log).await, asked(0, 1, 0));
        assert_eq!(house.checkpoint(&ours).size(), 6);
        let said = &log.witnesses(&ours).await.expect("says")[0];
        assert_eq!((said.size, said.log), (3, "record"));
        assert_eq!(said.failure.as_deref(), Some("the witness could not be asked"));
        assert!(said.behind_since.is_some() && said.contradiction.is_none());
        let told = metrics.render().expect("text");
        let name = "witness=\"witness.customer.example/w1\",region=\"eu\"";
        assert!(told.contains(&format!("record_witness_lag_seconds{{{name}}} 90")), "{told}");
        assert!(told.contains(&format!("record_witness_behind{{{name}}} 1")), "{told}");
        assert!(told.contains(&format!("record_witness_contradictions{{{name}}} 0")), "{told}");
    }
}

#[tokio::test]
async fn a_log_that_a_witness_does_not_know_keeps_it_from_no_other() {
    for house in House::on_each_engine().await {
        let ours = house.somebody();
        let stand = Stand::watching(&["directory"]).await;
        let log = stand.known_to(&house, &[ours.org.as_str(), "directory"], &Metrics::new());
        for _ in 0..2 {
            house.grow(&ours, 3).await;
            log.publish(EU).await.expect("publishes");
            log.close_epoch(EU).await.expect("closes");
            assert_eq!(ask(&log).await, asked(1, 1, 0));
            house.clock.advance(SignedDuration::from_secs(90));
        }
        assert_eq!(cosigned(&house, "directory", &stand.keys), 2);
        assert_eq!(cosigned(&house, ours.org.as_str(), &stand.keys), 0);
    }
}

/// A house whose record of an org is another one behind the same origin.
async fn other_face(caller: &Caller, stand: &Stand) {
    let org = caller.org.clone();
    let bench =
        base::testing::Bench::on_each_engine(audit::sql::MIGRATIONS, audit::sql::APPEND_ONLY);
    let other = House::on(bench.await.remove(0), Shelf::default());
    let theirs = Caller::operator(org, EU, "other");
    other.grow(&theirs, 9).await;
    let log = stand.known_to(&other, &[theirs.org.as_str()], &Metrics::new());
    log.publish(EU).await.expect("publishes");
    assert_eq!(ask(&log).await, asked(1, 0, 0));
}

#[tokio::test]
async fn a_witness_that_was_shown_another_face_is_an_alarm_until_somebody_looked() {
    for house in House::on_each_engine().await {
        let ours = house.somebody();
        let logs = [ours.org.as_str()];
        let stand = Stand::watching(&logs).await;
        other_face(&ours, &stand).await;
        let metrics = Metrics::new();
        let log = stand.known_to(&house, &logs, &metrics);
        house.grow(&ours, 20).await;
        log.publish(EU).await.expect("publishes");
        assert_eq!(ask(&log).await, asked(0, 0, 1));

        // In the metrics, in the record, and on the page.
        let told = metrics.render().expect("text");
        let name = "witness=\"witness.customer.example/w1\",region=\"eu\"";
        assert!(told.contains(&format!("record_witness_contradictions{{{name}}} 1")), "{told}");
        let events = async |action: &str| {
            let filter = audit::Filter { action: action.into(), ..Default::default() };
            house.record.events(&ours, &filter).await.expect("reads").items
        };
        let noted = events("audit.witness.contradicted").await;
        assert_eq!(noted.len(), 1);
        assert_eq!(noted[0]["resourceId"], "witness.customer.example/w1");
        assert_eq!(noted[0]["reason"]["size"], 20);
        let contradiction = |said: Vec<audit::WitnessState>| said[0].contradiction.clone();
        let stands = contradiction(log.witnesses(&ours).await.expect("says")).expect("stands");
        assert_eq!(stands.size, 20);

        // It stands whatever happens, and is told once; publishing goes on.
        house.clock.advance(SignedDuration::from_mins(20));
        log.publish(EU).await.expect("publishes");
        assert_eq!(ask(&log).await, asked(0, 0, 1));
        assert_eq!(events("audit.witness.contradicted").await.len(), 1);
        assert_eq!(contradiction(log.witnesses(&ours).await.expect("says")), Some(stands));

        let may_not = house.member(&ours.org, &["events:read"], access::Standing::default());
        let refused = log.acknowledge(&may_not, "witness.customer.example/w1").await;
        assert!(refused.is_err());
        log.acknowledge(&ours, "witness.customer.example/w1").await.expect("looked");
        assert_eq!(contradiction(log.witnesses(&ours).await.expect("says")), None);
        assert_eq!(events("audit.witness.acknowledged").await.len(), 1);
        let again = log.acknowledge(&ours, "witness.customer.example/w1").await;
        assert!(again.is_err(), "there is nothing to look at any more");
        // The next time that it contradicts is another alarm.
        house.clock.advance(SignedDuration::from_mins(20));
        assert_eq!(ask(&log).await, asked(0, 0, 1));
        assert_eq!(events("audit.witness.contradicted").await.len(), 2);
    }
}

#[tokio::test]
async fn an_org_sees_witnesses_of_its_own_log_and_of_the_directory_alone() {
    for house in House::on_each_engine().await {
        let (ours, theirs) = (house.somebody(), house.somebody());
        let logs = [ours.org.as_str(), "directory"];
        let stand = Stand::watching(&logs).await;
        let log = stand.known_to(&house, &logs, &Metrics::new());
        for caller in [&ours, &theirs] {
            house.grow(caller, 2).await;
        }
        log.publish(EU).await.expect("publishes");
        log.close_epoch(EU).await.expect("closes");
        ask(&log).await;
        let of = async |caller: &Caller| -> Vec<&'static str> {
            log.witnesses(caller).await.expect("says").iter().map(|said| said.log).collect()
        };
        assert_eq!(of(&ours).await, ["record", "directory"]);
        assert_eq!(of(&theirs).await, ["directory"]);
        // The directory's files are for everybody who reads the record, and name no org.
        let mut told = BTreeMap::new();
        for caller in [&ours, &theirs] {
            for path in ["checkpoint", "keys", "tile/entries/000.p/1", "tile/0/000.p/1"] {
                let path = format!("/api/record/directory/{path}");
                let answer = house.ask(caller, &path, "*/*").await;
                assert_eq!(answer.status, StatusCode::OK, "{path}");
                let bytes = answer.bytes().to_vec();
                let text = String::from_utf8_lossy(&bytes).into_owned();
                assert!(!text.contains("org_"), "{path}");
                let before = told.insert(path, bytes.clone());
                assert!(before.is_none_or(|before| before == bytes), "the same for all");
            }
        }
    }
}

#[tokio::test]
async fn what_a_witness_has_not_seen_does_not_leave_the_database() {
    for house in House::on_each_engine().await {
        let ours = house.somebody();
        house.grow(&ours, 600).await;
        let log = ours.org.as_str();
        let (own, of_directory) =
            (Stand::watching(&[log]).await, Stand::watching(&["directory"]).await);
        let metrics = Metrics::new();
        let own_log = own.known_to(&house, &[log], &metrics);
        let directory_log = of_directory.known_to(&house, &["directory"], &metrics);
        house.published().await;
        house.clock.advance(SignedDuration::from_hours(48));
        let (owner, before) = (house.owner().await, base::time::Clock::now(&house.clock));
        let waits = async |log: &Log| {
            let piece = log.tier(&ours, &owner, before).await.expect("looks");
            assert_eq!(piece.moved, 0);
            piece.waits
        };
        assert_eq!(waits(&own_log).await, Some(audit::Waits::Witnessed));
        assert_eq!(waits(&directory_log).await, Some(audit::Waits::Witnessed));
        assert_eq!(ask(&own_log).await, asked(1, 0, 0));
        let seen = own_log.tierable(&ours, before).await.expect("looks");
        assert_eq!((seen.until, seen.waits), (512, Some(audit::Waits::Published)));

        // The directory lists the checkpoint, and its witness has not seen that yet.
        house.log.close_epoch(EU).await.expect("closes");
        assert_eq!(waits(&directory_log).await, Some(audit::Waits::Witnessed));
        assert_eq!(ask(&directory_log).await, asked(1, 0, 0));
        let moved = directory_log.tier(&ours, &owner, before).await.expect("moves");
        assert_eq!((moved.moved, moved.waits), (512, Some(audit::Waits::Published)));
        own.tasks.stop();
        of_directory.tasks.stop();
    }
}
