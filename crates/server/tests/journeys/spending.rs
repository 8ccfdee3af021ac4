//! An organization with a budget calls on through starts without databases.

use std::collections::BTreeSet;

use base::money::NanoCents;
use gateway::testing::FakeProvider;
use serde_json::{Value, json};

use crate::crash::audit;
use crate::http::{Answer, Http};
use crate::outage::{CHAT, through_a_relay};
use crate::portico::{Org, Portico, text};
use crate::shelter::{gateway, journals, kept, limited};
use crate::until::until;

/// A call costs 0.000026, and holds 0.0011 while it is under way: some 340 calls.
const BUDGET: &str = "0.01";

/// Calls so many times, or until one is refused; gives how many were answered, and that one.
async fn spend(
    portico: &Portico,
    org: &Org,
    calls: usize,
    seen: &mut BTreeSet<String>,
) -> (usize, Option<Answer>) {
    let ask = json!({ "model": "fixed", "max_tokens": 10,
                      "messages": [{ "role": "user", "content": "hi" }] });
    for call in 0..calls {
        let answer = portico.http.post(&org.member, CHAT, &ask).await;
        if answer.status != 200 {
            return (call, Some(answer));
        }
        seen.insert(answer.headers["portico-receipt"].to_str().expect("text").to_owned());
    }
    (calls, None)
}

async fn spent(portico: &Portico, org: &Org) -> NanoCents {
    let limit: Value = portico.http.get(&org.owner, "/api/limits/org/org").await.json();
    text(&limit["used"]["money_per_month"]).parse().expect("money")
}

fn is_out_of_budget(answer: Option<&Answer>) {
    let answer = answer.expect("the budget ends");
    assert_eq!(answer.status, 429, "{}", answer.text);
    assert_eq!(answer.json()["error"]["code"], "insufficient_quota", "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organization_with_a_budget_calls_on_through_starts_without_databases_and_never_beyond()
{
    let provider = FakeProvider::start().await;
    let Some(mut portico) = Portico::on_postgres(&gateway(&provider)).await else { return };
    let org = portico.org("acme", "eu");
    let mut relay = through_a_relay(&portico).await;
    portico.serve().await;
    limited(&portico, &org, json!({ "money_per_month": BUDGET })).await;
    journals(&portico, &org).await;
    kept(&portico, &org).await;
    let mut seen = BTreeSet::new();

    // Spent in the record, behind the last snapshot; then in the outage; then it dies, twice.
    assert_eq!(spend(&portico, &org, 60, &mut seen).await.0, 60);
    relay.cut().await;
    assert_eq!(spend(&portico, &org, 60, &mut seen).await.0, 60);
    for _ in 0..2 {
        portico.kill();
        portico.serve().await;
        let ready = Http::new(&portico.ops).get("", "/readyz").await;
        assert!(ready.text.contains("from a snapshot"), "{}", ready.text);
        let (calls, refused) = spend(&portico, &org, 40, &mut seen).await;
        assert_eq!(calls, 40, "{}", refused.map(|answer| answer.text).unwrap_or_default());
    }
    let (calls, refused) = spend(&portico, &org, 400, &mut seen).await;
    is_out_of_budget(refused.as_ref());
    assert!(calls > 20, "{calls}");

    // The databases come back: the ledger is exact, and what is left is spent.
    relay.restore().await;
    until(async || portico.http.get(&org.owner, "/api/events").await.status == 200).await;
    audit(&portico, &org, &seen).await;
    let budget: NanoCents = BUDGET.parse().expect("money");
    let before = spent(&portico, &org).await;
    assert!(before <= budget, "{before} of {budget}");
    let (_, refused) = spend(&portico, &org, 400, &mut seen).await;
    is_out_of_budget(refused.as_ref());
    audit(&portico, &org, &seen).await;
    let after = spent(&portico, &org).await;
    assert!(before <= after && after <= budget, "{after} of {budget}");
}
