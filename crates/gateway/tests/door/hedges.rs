//! A second endpoint that is asked when the first one is late, and endpoints that are left out.

use std::time::Duration;

use gateway::testing::{FakeProvider, HELLO};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::bench::Door;

/// The first endpoint holds every call; the second one answers.
fn two(slow: &FakeProvider, far: &FakeProvider, hedge: &str) -> String {
    format!(
        r#"
[endpoints.eu-slow]
speaks = "openai"
base_url = "{}"
region = "eu"
[endpoints.eu-quick]
speaks = "openai"
base_url = "PROVIDER"
region = "eu"
[endpoints.us]
speaks = "openai"
base_url = "{}"
region = "us"
[models.small]
prices = [{{ from = "2025-01-01", input_per_million = "1.00", output_per_million = "2.00" }}]
routes = [{{ endpoint = "eu-slow", model = "held" }}, {{ endpoint = "us", order = 0 }},
          {{ endpoint = "eu-quick", model = "fixed", order = 1 }}]
{hedge}
"#,
        slow.base_url(),
        far.base_url()
    )
}

fn ask(stream: bool) -> Value {
    json!({ "model": "small", "stream": stream, "messages": [{ "role": "user", "content": "hi" }] })
}

#[tokio::test]
async fn a_late_endpoint_is_hedged_inside_the_region_and_the_loser_is_let_go_and_named() {
    for stream in [false, true] {
        let (slow, far) = (FakeProvider::start().await, FakeProvider::start().await);
        let text = two(&slow, &far, "hedge = { after_ms = 20, budget_percent = 50 }");
        let door = Door::on_sqlite(&text).await;
        let caller = door.member();
        let answer = door.chat(&caller, ask(stream)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        if stream {
            assert!(answer.text.ends_with("data: [DONE]\n\n"), "{}", answer.text);
            assert_eq!(answer.text.matches("\"content\":\"Hello").count(), 1, "{}", answer.text);
        } else {
            assert_eq!(answer.json()["choices"][0]["message"]["content"], HELLO);
        }
        assert_eq!((slow.calls(), door.provider.calls(), far.calls()), (1, 1, 0));
        // The loser hears that nobody waits for it any longer.
        while slow.in_hand() > 0 {
            tokio::task::yield_now().await;
        }
        let end = door.events_once(&caller.org, 2).await.pop().expect("an event");
        let call = &end["call"];
        assert_eq!((&call["endpoint"], &call["hedge"]), (&json!("eu-quick"), &json!("eu-slow")));
        assert_eq!((&call["attempts"], &call["tokensIn"]), (&json!(2), &json!(12)), "charged once");
        let text = door.metrics.render().expect("renders");
        assert!(text.contains("provider_hedges_total{model=\"small\"} 1"), "{text}");
        assert!(text.contains("provider_hedges_won_total{model=\"small\"} 1"), "{text}");
    }
}

#[tokio::test]
async fn without_budget_or_without_the_operators_wish_nobody_else_is_asked() {
    let (slow, far) = (FakeProvider::start().await, FakeProvider::start().await);
    let door =
        Door::on_sqlite(&two(&slow, &far, "hedge = { after_ms = 5, budget_percent = 1 }")).await;
    let caller = door.member();
    assert_eq!(door.chat(&caller, ask(false)).await.status, 200, "one is there to begin with");
    for hedge in ["hedge = { after_ms = 5, budget_percent = 1 }", ""] {
        let before = door.provider.calls();
        let waits = door.chat(&caller, ask(false));
        let lets_go = async {
            let calls = slow.calls();
            while slow.calls() == calls {
                tokio::task::yield_now().await;
            }
            // Ten times as long as a hedge would take: none may come.
            let none = async {
                while door.provider.calls() == before {
                    tokio::task::yield_now().await;
                }
            };
            assert!(
                tokio::time::timeout(Duration::from_millis(50), none).await.is_err(),
                "{hedge}"
            );
            slow.let_go(1);
        };
        let (answer, ()) = tokio::join!(waits, lets_go);
        assert_eq!(answer.status, 200, "{hedge}: {}", answer.text);
        assert_eq!(door.provider.calls(), before, "{hedge}");
        door.apply(&two(&slow, &far, "")).expect("a catalogue without fault");
    }
    let events = door.events(&caller.org).await;
    let last = events.last().expect("an event");
    assert_eq!(
        (&last["call"]["endpoint"], &last["call"]["attempts"]),
        (&json!("eu-slow"), &json!(1))
    );
    assert_eq!(last["call"].get("hedge"), None);
}

#[tokio::test]
async fn a_caller_that_leaves_while_two_are_asked_leaves_both_named() {
    let (slow, far) = (FakeProvider::start().await, FakeProvider::start().await);
    let text = two(&slow, &far, "hedge = { after_ms = 5 }").replace("\"fixed\"", "\"held\"");
    let door = Door::on_sqlite(&text).await;
    let caller = door.member();
    let both = async {
        while door.provider.in_hand() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = door.chat(&caller, ask(true)) => unreachable!("nobody answers: {}", answer.text),
        () = both => {}
    }
    let end = door.events_once(&caller.org, 2).await.pop().expect("an event");
    let call = &end["call"];
    assert_eq!(end["outcome"], "aborted");
    assert_eq!((&call["endpoint"], &call["hedge"]), (&json!("eu-slow"), &json!("eu-quick")));
    assert!(call["tokensIn"].as_u64() > Some(0), "the prompt was sent");
    while slow.in_hand() + door.provider.in_hand() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_endpoint_that_fails_beside_its_peers_is_left_out_and_tried_by_one_call_later() {
    let text = r#"
[endpoints.good]
speaks = "openai"
base_url = "PROVIDER"
region = "eu"
[endpoints.bad]
speaks = "openai"
base_url = "PROVIDER"
region = "eu"
breaker_failures = 1000000
[models.small]
free = true
routes = [{ endpoint = "good", model = "fixed" }, { endpoint = "bad", model = "down" }]
"#;
    let door = Door::on_sqlite(text).await;
    let caller = door.member();
    let health = |door: &Door| {
        let seen = door.gateway.catalogue_view(&caller).items.remove(0).endpoints;
        let bad = seen.into_iter().find(|one| one.name == "bad").expect("the bad one");
        serde_json::to_value(bad).expect("json")
    };
    let mut rounds = 0;
    while health(&door)["health"] != "ejected" {
        assert_eq!(door.chat(&caller, ask(false)).await.status, 200, "the other one answers");
        door.clock.advance(SignedDuration::from_millis(300));
        rounds += 1;
        assert!(rounds < 500, "{}", health(&door));
    }
    assert_eq!(health(&door)["success_percent"], 0);
    let before = door.provider.calls();
    for _ in 0..20 {
        assert_eq!(door.chat(&caller, ask(false)).await.status, 200);
    }
    assert_eq!(door.provider.calls() - before, 20, "nobody tries the one that is left out");
    door.clock.advance(SignedDuration::from_secs(30));
    assert_eq!(health(&door)["health"], "on_trial");
    for _ in 0..40 {
        assert_eq!(door.chat(&caller, ask(false)).await.status, 200);
    }
    assert_eq!(health(&door)["health"], "ejected", "one probe, which failed");
    assert_eq!(door.provider.calls() - before, 61, "one call was tried twice");
    let text = door.metrics.render().expect("renders");
    let line = "provider_ejections_total{model=\"small\",endpoint=\"bad\",upstream=\"down\"} 2";
    assert!(text.contains(line), "{text}");
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_with_the_key_that_is_wrong() {
    let door = Door::on_sqlite("").await;
    let base = |endpoint: &str, model: &str| {
        format!(
            "[endpoints.a]\nspeaks = \"openai\"\nbase_url = \"PROVIDER\"\nregion = \"eu\"\n{endpoint}\n\
             [endpoints.b]\nspeaks = \"openai\"\nbase_url = \"PROVIDER\"\nregion = \"us\"\n\
             [models.m]\nfree = true\nroutes = [{{ endpoint = \"a\" }}, {{ endpoint = \"b\" }}]\n{model}\n"
        )
    };
    let cases = [
        ("concurrency_max = 0", "", "gateway.endpoints.a.concurrency_max"),
        ("concurrency_max = 5\nqueue_max = 10001", "", "gateway.endpoints.a.queue_max"),
        ("concurrency_max = 5\nqueue_wait_max_ms = 0", "", "gateway.endpoints.a.queue_wait_max_ms"),
        ("queue_max = 5", "", "gateway.endpoints.a.queue_max"),
        (
            "",
            "ejection = { share_max_percent = 101 }",
            "gateway.models.m.ejection.share_max_percent",
        ),
        (
            "",
            "ejection = { failures_above_percent = 0 }",
            "gateway.models.m.ejection.failures_above_percent",
        ),
        ("", "ejection = { slow_factor = 1 }", "gateway.models.m.ejection.slow_factor"),
        ("", "ejection = { duration_ms = 0 }", "gateway.models.m.ejection.duration_ms"),
        ("", "hedge = { after_ms = 0 }", "gateway.models.m.hedge.after_ms"),
        ("", "hedge = { budget_percent = 51 }", "gateway.models.m.hedge.budget_percent"),
        ("", "attempts_max = 1\nhedge = {}", "gateway.models.m.hedge"),
        ("", "hedge = {}", "gateway.models.m.hedge"),
    ];
    for (endpoint, model, path) in cases {
        let faults = door.apply(&base(endpoint, model)).expect_err("a fault");
        assert_eq!(faults.iter().map(|fault| fault.path.as_str()).collect::<Vec<_>>(), [path]);
    }
    assert!(door.apply(&base("concurrency_max = 5\nqueue_max = 0", "ejection = {}")).is_ok());
}
