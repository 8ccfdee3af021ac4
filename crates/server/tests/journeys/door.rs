//! The door itself: probes, ids, shapes, drain.

use serde_json::json;

use crate::http::Http;
use crate::portico::Portico;
use crate::until::until;

#[tokio::test]
async fn every_answer_has_a_request_id_and_errors_have_the_shape_of_their_door() {
    let mut portico = Portico::on_sqlite("");
    let org = portico.org("acme", "eu");
    portico.serve().await;
    let problem = portico.http.get("", "/api/members").await;
    assert_eq!(problem.status, 401);
    assert_eq!(problem.headers["content-type"], "application/problem+json");
    assert_eq!(problem.json()["code"], "unauthenticated");
    let error = portico.http.get("pk_eu_nonsense", "/v1/models").await;
    assert_eq!((error.status, &error.json()["error"]["code"]), (401, &json!("malformed_key")));
    assert_eq!(error.json()["error"]["message"], "malformed key");
    for answer in [
        &problem,
        &error,
        &portico.http.get(&org.owner, "/api/nothing").await,
        &portico.http.get("", "/").await,
    ] {
        assert!(answer.headers["x-request-id"].to_str().expect("text").starts_with("req_"));
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    }
    let plain = portico.http.get("", "/").await.headers;
    assert!(!plain.contains_key("strict-transport-security"), "a door without TLS promises none");
    let wrong = portico.http.ask("PATCH", &org.owner, "/api/teams", None).await;
    assert_eq!(wrong.status, 405, "{}", wrong.text);
    let mistyped = portico.http.post(&org.owner, "/api/teams", &json!({ "nam": "x" })).await;
    assert_eq!(
        (mistyped.status, &mistyped.json()["param"]),
        (422, &json!("nam")),
        "{}",
        mistyped.text
    );
}

#[tokio::test]
async fn a_call_that_was_wrong_is_recorded_without_a_word_of_it_or_of_a_template() {
    let mut portico = Portico::on_sqlite("");
    let org = portico.org("acme", "eu");
    portico.serve().await;
    let taught = json!({
        "slug": "reply", "name": "Reply", "triggers": ["Write a reply"],
        "template": {
            "user": "Reply to {{customer}}: {{question}}", "model": "small",
            "variables": [{ "name": "customer", "type": "choice", "choices": ["Globex", "Initech"] }],
        },
    });
    let taught = portico.http.post(&org.admin, "/api/patterns", &taught).await;
    assert_eq!(taught.status, 201, "{}", taught.text);
    let ask = json!({
        "model": "pattern/reply", "messages": [{ "role": "user", "content": "x" }],
        "variables": { "customer": "Hooli" },
    });
    let refused = portico.http.post(&org.member, "/v1/chat/completions", &ask).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert!(refused.text.contains("Globex"), "whoever calls is told: {}", refused.text);
    let path = "/api/events?action=gateway.call.refused";
    until(async || portico.http.get(&org.owner, path).await.text.contains("call.refused")).await;
    let told = portico.http.get(&org.owner, path).await;
    assert_eq!(told.json()["items"][0]["reason"]["param"], refused.json()["error"]["param"]);
    for word in ["Globex", "Initech", "Hooli"] {
        assert!(!told.text.contains(word), "{word}: {}", told.text);
    }
}

#[tokio::test]
async fn probes_and_metrics_are_on_their_own_port() {
    let mut portico = Portico::on_sqlite("");
    let org = portico.org("acme", "eu");
    portico.serve().await;
    let ops = Http::new(&portico.ops);
    assert_eq!(ops.get("", "/livez").await.text, "ok\n");
    assert_eq!(ops.get("", "/readyz").await.json()["ready"], true);
    let ask = json!({ "model": "patterns", "messages": [{ "role": "user", "content": "x" }] });
    assert_eq!(portico.http.post(&org.member, "/v1/chat/completions", &ask).await.status, 200);
    let metrics = ops.get("", "/metrics").await.text;
    assert!(metrics.contains("portico_calls_total{model=\"patterns\""), "{metrics}");
    assert!(metrics.contains("portico_record_events_total"), "{metrics}");
    assert!(!metrics.contains(&org.id), "no org in a label");
    // At the public door it is a page like any other: a stranger is led to the sign-in, and a
    // member finds no such page.
    assert_eq!(portico.http.get("", "/metrics").await.status, 303, "not at the public door");
    assert_eq!(portico.http.get(&org.member, "/metrics").await.status, 404);
}
