//! Calls whose intent the record refuses, at once or late.
#![expect(clippy::disallowed_methods, reason = "a database that is broken on purpose")]

use std::time::Duration;

use access::Caller;
use audit::{Event, Outcome};
use base::args;
use base::db::{Statement, Tx, Within};
use gateway::Piece;
use serde_json::{Value, json};

use crate::bench::{Door, PLAIN};

const BREAK: Statement =
    Statement::new("break the record", "ALTER TABLE audit_event RENAME TO audit_gone");
const MEND: Statement =
    Statement::new("mend the record", "ALTER TABLE audit_gone RENAME TO audit_event");

/// As long as it is there, nobody else writes.
async fn alone(door: &Door) -> Tx {
    door.bench.db.begin(&Within::node()).await.expect("begins")
}

async fn change(mut tx: Tx, how: Statement) {
    tx.run(how, args![]).await.expect("runs");
    tx.commit().await.expect("commits");
}

/// Events that the record refused, all that came before included.
async fn refused(door: &Door, caller: &Caller) -> u64 {
    let seen = Event::done("test.thing.seen", "thing", "t1");
    assert!(door.record.note(caller, &seen).await.is_err(), "the record takes nothing");
    let text = door.metrics.render().expect("renders");
    let name = "portico_record_events_refused_total ";
    let refused = text.lines().find_map(|line| line.strip_prefix(name)?.parse().ok());
    refused.expect("it is counted")
}

/// Tokens of prompts, as the metrics say.
fn charged(door: &Door) -> String {
    let text = door.metrics.render().expect("renders");
    let charged =
        text.lines().find(|line| line.starts_with("portico_tokens_total{direction=\"in\""));
    charged.expect("it is counted").to_owned()
}

fn ask(model: &str, stream: bool) -> Value {
    json!({ "model": model, "stream": stream, "messages": [{ "role": "user", "content": "hi" }] })
}

#[tokio::test]
async fn a_call_whose_intent_is_refused_is_told_at_once_and_its_provider_is_let_go() {
    let held = "[models.held]\nfree = true\nroutes = [{ endpoint = \"fake-eu\" }]\n";
    for stream in [false, true] {
        let door = Door::on_sqlite(&format!("{PLAIN}{held}")).await;
        let caller = door.member();
        // The org is known by now, so that only the record stands in the way.
        assert_eq!(door.chat(&caller, ask("fixed", false)).await.status, 200);
        change(alone(&door).await, BREAK).await;
        // The provider would not answer before it is given up as too slow.
        let answer = door.chat(&caller, ask("held", stream)).await;
        assert_eq!(answer.status, 503, "{}", answer.text);
        assert_eq!(answer.json()["error"]["code"], "record_unavailable");
        assert!(answer.headers.contains_key("retry-after"));
        assert!(!answer.headers.contains_key("portico-receipt"), "nothing is proven");
        while door.provider.in_hand() > 0 {
            tokio::task::yield_now().await;
        }
        change(alone(&door).await, MEND).await;
        let events = door.events_once(&caller.org, 3).await;
        assert_eq!(events[2]["action"], "gateway.call.ended");
        assert_eq!(events[2]["outcome"], "failed");
        assert_eq!(events[2]["reason"]["code"], "record_unavailable");
        assert_eq!(events[2]["call"]["tokensOut"], 0);
    }
}

#[tokio::test]
async fn in_a_known_outage_no_prompt_leaves_for_a_provider() {
    for stream in [false, true] {
        let door = Door::on_sqlite(PLAIN).await;
        let caller = door.member();
        assert_eq!(door.chat(&caller, ask("fixed", false)).await.status, 200);
        door.bench.db.stand_in();
        // Whoever comes first finds it out.
        let before = refused(&door, &caller).await;
        let (asked, charged) = (door.provider.calls(), charged(&door));
        for _ in 0..20 {
            let answer = door.chat(&caller, ask("fixed", stream)).await;
            assert_eq!(answer.status, 503, "{}", answer.text);
            assert_eq!(answer.json()["error"]["code"], "record_unavailable");
            assert!(answer.headers.contains_key("retry-after"));
        }
        assert_eq!(refused(&door, &caller).await, before + 1, "no outcome of these waits");
        assert_eq!(door.provider.calls(), asked, "it was asked in vain");
        assert_eq!(self::charged(&door), charged, "the prompt was on its way");
    }
}

#[tokio::test]
async fn a_stream_whose_intent_is_refused_late_is_charged_what_was_produced() {
    let door = Door::on_sqlite(PLAIN).await;
    let caller = door.member();
    assert_eq!(door.chat(&caller, ask("fixed", false)).await.status, 200);
    let alone = alone(&door).await;
    let body = ask("paced", true).to_string().into();
    let mut hearing = door.gateway.chat(&caller, body).await.expect("it has begun");
    let early = tokio::time::timeout(Duration::from_millis(300), hearing.next()).await;
    assert!(early.is_err(), "nothing is released before the intent is on disk: {early:?}");
    change(alone, BREAK).await;
    let Some(Piece::Broken { code, .. }) = hearing.next().await else { unreachable!() };
    assert_eq!(code, "record_unavailable");
    let ended = hearing.end().expect("it ended");
    assert_eq!(ended.outcome, Outcome::Failed);
    let (read, written) = (ended.facts.tokens_in, ended.facts.tokens_out);
    assert!(read > 0 && written > 5, "{ended:?}");
    change(self::alone(&door).await, MEND).await;
    let events = door.events_once(&caller.org, 3).await;
    assert_eq!(events[2]["reason"]["code"], "record_unavailable");
    let price = read * 100_000 + written * 200_000;
    assert_eq!(events[2]["call"]["priceNanocents"], price);
}
