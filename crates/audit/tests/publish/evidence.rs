use std::io::Cursor;

use access::{Caller, Method, ShownSession, Standing};
use axum::http::StatusCode;
use base::args;
use jiff::SignedDuration;
use verify::{Agreement, Believed, Options, Outside, Verdict, VerifierKey};

use crate::house::House;
use crate::people::Answer;

pub(crate) const ALL: &str = "/api/record/evidence?from=2025-12-31&to=2027-01-01";

pub(crate) async fn bundle(house: &House, caller: &Caller, path: &str) -> Vec<u8> {
    let answer = house.ask(caller, path, "*/*").await;
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body.map(String::from_utf8));
    assert_eq!(answer.headers["content-type"], "application/zip");
    answer.bytes().to_vec()
}

pub(crate) fn judged(zip: &[u8], options: &Options) -> Verdict {
    let verdict = verify::check(Cursor::new(zip), options).expect("is a bundle");
    assert!(verdict.sound, "{verdict}");
    verdict
}

/// Entries from the first to behind the last, and those of the whole record.
fn shown(verdict: &Verdict) -> (u64, u64, u64) {
    let told = verdict.completeness.as_ref().expect("says which");
    assert_eq!(verdict.counts.entries, told.next - told.first);
    (told.first, told.next, told.size)
}

async fn key(house: &House, caller: &Caller) -> VerifierKey {
    let keys = house.ask(caller, "/api/record/log/keys", "*/*").await.json();
    let keys = keys["keys"].as_array().expect("keys").iter();
    let mut keys = keys.map(|key| key["vkey"].as_str().expect("text").parse().expect("a key"));
    let ed25519 = |key: &VerifierKey| key.algorithm() == verify::Algorithm::Ed25519;
    keys.find(ed25519).expect("an Ed25519 key")
}

#[tokio::test]
async fn a_bundle_is_sound_to_a_judge_that_shares_no_code() {
    for house in House::on_each_engine().await {
        let (ours, theirs) = (house.somebody(), house.somebody());
        house.grow(&theirs, 7).await;
        house.grow(&ours, 300).await;
        house.published().await;
        let earlier = house.ask(&ours, "/api/record/log/checkpoint", "*/*").await;
        for call in 0..150 {
            house.call(&ours, &format!("call_{call}")).await;
        }
        house.clock.advance(SignedDuration::from_secs(10));

        let zip = bundle(&house, &ours, ALL).await;
        let outside = Outside::parse("mine", earlier.bytes()).expect("a checkpoint");
        let trusted = vec![key(&house, &ours).await];
        let options = Options { outside: vec![outside], trusted, ..Options::default() };
        let verdict = judged(&zip, &options);
        assert_eq!(shown(&verdict), (0, 600, 601), "its own making is behind the period");
        assert_eq!(verdict.org.as_deref(), Some(ours.org.as_str()));
        assert_eq!(verdict.counts.openings, 600);
        assert_eq!(verdict.counts.payload_not_shown, 0);
        assert_eq!(verdict.outside[0].agreement, Agreement::Continued);
        let checkpoint = verdict.checkpoint.as_ref().expect("is signed");
        assert_eq!(checkpoint.log, Believed::Given);
        assert_eq!(checkpoint.signatures.len(), 2);
        assert!(verdict.own_page, "the page of the server");

        // What was forgotten is shown no more, and all is as sound as before.
        let forget = "UPDATE audit_key SET wrapped = NULL WHERE org_id = $1 AND tag <> ''";
        house.as_owner(&[(forget, args![ours.org.as_str()])]).await;
        house.clock.advance(SignedDuration::from_mins(2));
        let verdict = judged(&bundle(&house, &ours, ALL).await, &options);
        assert_eq!(shown(&verdict), (0, 601, 602));
        assert_eq!(verdict.counts.payload_not_shown, 300);
        // Each making is an event.
        let filter = audit::Filter { action: "audit.evidence.made".into(), ..Default::default() };
        let made = house.record.events(&ours, &filter).await.expect("reads").items;
        assert_eq!(made.len(), 2);
        assert_eq!(made[1]["changes"]["events"]["to"], 600);
    }
}

#[tokio::test]
async fn a_period_in_the_middle_and_an_empty_one_are_as_sound() {
    for house in House::on_each_engine().await {
        let ours = house.somebody();
        // At 00:00, 01:00 and 02:00.
        for events in [700, 300, 40] {
            house.grow(&ours, events).await;
            house.published().await;
            house.clock.advance(SignedDuration::from_hours(1));
        }
        let trusted = vec![key(&house, &ours).await];
        let options = Options { trusted, ..Options::default() };
        let period =
            |from, to| format!("/api/record/evidence?from=2026-01-01T{from}&to=2026-01-01T{to}");
        for (from, to, first, next) in [
            ("00:30", "01:30", 700, 1000),
            ("01:00", "02:00", 700, 1000),
            ("02:00", "02:00:01", 1000, 1040),
            ("00:00", "01:00", 0, 700),
            ("00:10", "00:50", 700, 700),
            ("02:30", "02:30", 1040, 1040),
        ] {
            let path = period(from, to);
            let verdict = judged(&bundle(&house, &ours, &path).await, &options);
            let (begins, ends, size) = shown(&verdict);
            assert_eq!((begins, ends), (first, next), "{from} to {to}");
            assert!(size > 1040, "{size}");
        }
        // Behind the last event, and of a record that has nothing but this.
        let later = "/api/record/evidence?from=2027-01-01&to=2027-01-02";
        let verdict = judged(&bundle(&house, &ours, later).await, &options);
        let (first, next, _) = shown(&verdict);
        assert_eq!(first, next);
        let new = house.somebody();
        let verdict = judged(&bundle(&house, &new, ALL).await, &Options::default());
        assert_eq!(shown(&verdict), (0, 0, 1));
    }
}

#[tokio::test]
async fn a_fault_on_the_way_leaves_no_bundle_behind() {
    let lost = "DELETE FROM audit_event WHERE org_id = $1 AND seq = 500";
    for house in House::on_each_engine().await {
        let ours = house.somebody();
        house.grow(&ours, 700).await;
        house.published().await;
        house.as_owner(&[(lost, args![ours.org.as_str()])]).await;
        let Answer { status, body, .. } = house.ask(&ours, ALL, "*/*").await;
        assert_eq!((status, body), (StatusCode::OK, None), "it breaks off before its directory");
    }
}

#[tokio::test]
async fn evidence_is_for_those_who_may_export_and_just_showed_a_second_factor() {
    for house in House::on_each_engine().await {
        let org = house.somebody().org.clone();
        let reader = house.member(&org, &["events:read"], Standing::default());
        assert_eq!(house.ask(&reader, ALL, "*/*").await.status, StatusCode::FORBIDDEN);
        let session = ShownSession {
            id: "ses_1".to_owned(),
            method: Method::Password,
            factor_at: None,
            factor_due: true,
            confined: false,
        };
        let standing = Standing { session: Some(session), ..Standing::default() };
        let auditor = house.member(&org, &["events:export"], standing);
        let asked = house.ask(&auditor, ALL, "*/*").await;
        assert_eq!(asked.status, StatusCode::FORBIDDEN);
        assert!(asked.text().contains("factor_required"), "{}", asked.text());
        assert_eq!(house.entries(&reader).await.len(), 0, "nothing was made");
        let auditor = house.member(&org, &["events:export"], Standing::default());
        judged(&bundle(&house, &auditor, ALL).await, &Options::default());
    }
}

#[tokio::test]
async fn a_period_that_no_bundle_can_hold_is_refused_by_its_beginning() {
    let copies = "WITH RECURSIVE n (i) AS
         (SELECT CAST(2 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
       INSERT INTO audit_event
         SELECT e.org_id, n.i, e.at, e.action, e.user_id, e.resource_type, e.resource_id,
                e.outcome, e.body
           FROM n, audit_event e WHERE e.org_id = $1 AND e.seq = 0";
    let size = "UPDATE audit_head SET size = 100001 WHERE org_id = $1";
    for house in House::on_each_engine().await {
        let ours = house.somebody();
        house.grow(&ours, 2).await;
        let org = ours.org.as_str();
        house.as_owner(&[(copies, args![org]), (size, args![org])]).await;
        let backwards = "/api/record/evidence?from=2026-01-02&to=2026-01-01";
        for (path, words) in [(ALL, "100001 events"), (backwards, "ends before it begins")] {
            let refused = house.ask(&ours, path, "*/*").await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
            let problem = refused.json();
            assert_eq!(problem["errors"][0]["pointer"], "/from");
            assert!(refused.text().contains(words), "{problem}");
        }
        for missing in ["?from=2026-01-01", "?to=2026-01-01", "", "?from=&to=2026-01-01", "?x=1"] {
            let path = format!("/api/record/evidence{missing}");
            assert_eq!(house.ask(&ours, &path, "*/*").await.status, StatusCode::BAD_REQUEST);
        }
    }
}
