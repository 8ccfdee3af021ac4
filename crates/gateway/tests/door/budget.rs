//! Limits and money at the door.

use access::{Permission, Role};
use base::time::Clock;
use limits::{Ceiling, Level};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::bench::{Door, PLAIN};

fn ask(stream: bool) -> Value {
    json!({ "model": "fake", "stream": stream, "max_tokens": 100,
            "messages": [{ "role": "user", "content": "hi" }] })
}

#[tokio::test]
async fn eight_clients_at_once_get_exactly_twenty_of_twenty_calls() {
    for door in Door::on_each_engine().await {
        let org = access::OrgId::new(door.clock.now());
        let owner = door.somebody(org.clone(), Role::Owner, None);
        let ceiling = Ceiling { requests_per_minute: Some(20), ..Ceiling::default() };
        door.limits.set(&owner, Level::Org, "org", ceiling).await.expect("sets");
        let door = std::sync::Arc::new(door);
        let mut clients = JoinSet::new();
        for _ in 0..8 {
            let (door, caller) = (door.clone(), door.somebody(org.clone(), Role::Member, None));
            clients.spawn(async move {
                let mut answered = 0;
                for _ in 0..10 {
                    let answer = door.chat(&caller, ask(false)).await;
                    if answer.status == 200 {
                        answered += 1;
                        continue;
                    }
                    assert_eq!(answer.status, 429, "{}", answer.text);
                    assert_eq!(answer.json()["error"]["code"], "rate_limit_exceeded");
                    let after = answer.headers["retry-after"].to_str().expect("text");
                    assert!((1..=60).contains(&after.parse::<u32>().expect("a number")));
                    assert!(
                        answer.json()["error"]["message"]
                            .as_str()
                            .expect("text")
                            .contains("organization")
                    );
                }
                answered
            });
        }
        assert_eq!(clients.join_all().await.iter().sum::<i32>(), 20);
        assert_eq!(door.provider.calls(), 20, "a refused call reaches no provider");
    }
}

#[tokio::test]
async fn a_money_budget_is_never_overshot_by_concurrent_streams() {
    for door in Door::on_each_engine().await {
        let org = access::OrgId::new(door.clock.now());
        let owner = door.somebody(org.clone(), Role::Owner, None);
        // A stream costs 12 * 100,000 + 5 * 200,000 = 2,200,000 nano-cents; at admission
        // up to about 1,150 tokens in and 100 out, some 135,000,000, are held for it.
        let budget = "0.0050".parse().expect("money");
        let ceiling = Ceiling { money_per_day: Some(budget), ..Ceiling::default() };
        door.limits.set(&owner, Level::Org, "org", ceiling).await.expect("sets");
        let door = std::sync::Arc::new(door);
        let mut streams = JoinSet::new();
        for _ in 0..40 {
            let (door, caller) = (door.clone(), door.somebody(org.clone(), Role::Member, None));
            streams.spawn(async move {
                let mut answered = 0;
                for _ in 0..5 {
                    let answer = door.chat(&caller, ask(true)).await;
                    answered += i64::from(answer.status == 200);
                    assert!([200, 429].contains(&answer.status), "{}", answer.text);
                }
                answered
            });
        }
        let answered: i64 = streams.join_all().await.iter().sum();
        let events = door.events(&org).await;
        let spent: i64 = events.iter().filter_map(|e| e["call"]["priceNanocents"].as_i64()).sum();
        assert_eq!(spent, answered * 2_200_000);
        assert!(spent <= budget.0, "{spent} of {}", budget.0);
        assert!(answered > 0);
        let scope = owner.require(Permission::SettingsRead).expect("may");
        let ledger = base::db::Statement::new(
            "sum",
            "SELECT nanocents FROM limits_ledger WHERE org_id = $1 AND subject = 'org'",
        );
        let rows = door.databases.of(&scope).expect("eu").all(ledger, vec![]).await.expect("reads");
        let booked: i64 = rows.iter().map(|row| row.int("nanocents").expect("a number")).sum();
        assert_eq!(booked, spent, "the ledger equals the events to the nano-cent");
    }
}

#[tokio::test]
async fn what_is_left_stands_in_the_headers() {
    let door = Door::on_sqlite(PLAIN).await;
    let owner = door.somebody(access::OrgId::new(door.clock.now()), Role::Owner, None);
    let ceiling = Ceiling { requests_per_minute: Some(20), ..Ceiling::default() };
    door.limits.set(&owner, Level::Key, "*", ceiling).await.expect("sets");
    let answer = door.chat(&owner, ask(false)).await;
    assert_eq!(answer.headers["x-ratelimit-limit-requests"], "20");
    assert_eq!(answer.headers["x-ratelimit-remaining-requests"], "19");
    assert!(answer.headers.contains_key("ratelimit"));
}

/// One event of a call that ended otherwise than well.
async fn only_end(door: &Door, org: &access::OrgId) -> Value {
    let events = door.events_once(org, 2).await;
    assert_eq!(events.len(), 2, "{events:?}");
    events[1].clone()
}

#[tokio::test]
async fn a_caller_that_leaves_before_the_answer_pays_for_the_prompt() {
    let door = Door::on_sqlite(PLAIN).await;
    let caller = door.member();
    let ask = json!({ "model": "silent", "messages": [{ "role": "user", "content": "hi" }] });
    let left = tokio::time::timeout(std::time::Duration::from_millis(300), door.chat(&caller, ask));
    assert!(left.await.is_err(), "the provider is silent, and the caller leaves");
    let end = only_end(&door, &caller.org).await;
    assert_eq!(end["outcome"], "aborted");
    let call = &end["call"];
    assert_eq!((&call["endpoint"], &call["providerRegion"]), (&json!("fake-eu"), &json!("eu")));
    assert_eq!((&call["attempts"], &call["estimated"]), (&json!(1), &json!(true)));
    assert!(call["tokensIn"].as_u64() > Some(0), "{call}");
}

#[tokio::test]
async fn a_provider_that_is_too_slow_is_asked_once_and_its_prompt_is_charged() {
    let door =
        Door::on_sqlite(&PLAIN.replace(
            "[models.silent]\nfree = true\nattempts_max = 1",
            "[models.silent]\nfree = true",
        ))
        .await;
    let caller = door.member();
    let ask = json!({ "model": "silent", "messages": [{ "role": "user", "content": "hi" }] });
    let answer = door.chat(&caller, ask).await;
    assert_eq!(answer.status, 504, "{}", answer.text);
    assert!(answer.headers.contains_key("portico-receipt"), "it can be found in the record");
    assert_eq!(door.provider.calls(), 1, "asking again would pay twice");
    let end = only_end(&door, &caller.org).await;
    assert!(end["call"]["tokensIn"].as_u64() > Some(0), "{end}");
}

#[tokio::test]
async fn an_image_holds_what_the_operator_says_that_it_costs() {
    let dear = "[models.fake]\nimage_tokens = 100000";
    let door = Door::on_sqlite(&PLAIN.replace("[models.fake]", dear)).await;
    let owner = door.somebody(access::OrgId::new(door.clock.now()), Role::Owner, None);
    // Two images of 100,000 tokens at 1.00 per million are 0.20.
    let budget = Some("0.20".parse().expect("money"));
    let ceiling = Ceiling { money_per_day: budget, ..Ceiling::default() };
    door.limits.set(&owner, Level::Org, "org", ceiling).await.expect("sets");
    let image =
        json!({ "type": "image_url", "image_url": { "url": "data:image/png;base64,AA==" } });
    for (images, status) in [(2, 429), (1, 200)] {
        let content = vec![image.clone(); images];
        let ask = json!({ "model": "fake", "max_tokens": 1, "messages": [{ "role": "user", "content": content }] });
        let answer = door.chat(&owner, ask).await;
        assert_eq!(answer.status, status, "{images} {}", answer.text);
    }
}

#[tokio::test]
async fn content_by_reference_holds_the_whole_context() {
    let door = Door::on_sqlite(PLAIN).await;
    let owner = door.somebody(access::OrgId::new(door.clock.now()), Role::Owner, None);
    // 128,000 tokens at 1.00 per million are 0.128: more than the budget.
    let budget = Some("0.10".parse().expect("money"));
    let ceiling = Ceiling { money_per_day: budget, ..Ceiling::default() };
    door.limits.set(&owner, Level::Org, "org", ceiling).await.expect("sets");
    let part = |part: Value| json!({ "model": "fake", "max_tokens": 1, "messages": [{ "role": "user", "content": [part] }] });
    let text = door.chat(&owner, part(json!({ "type": "text", "text": "hi" }))).await;
    assert_eq!(text.status, 200, "{}", text.text);
    let file = json!({ "type": "file", "file": { "file_id": "file-1" } });
    let file = door.chat(&owner, part(file)).await;
    assert_eq!(file.status, 429, "{}", file.text);
    assert_eq!(door.provider.calls(), 1);
}
