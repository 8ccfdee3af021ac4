//! The door itself: probes, ids, shapes, drain.

use serde_json::json;

use crate::http::Http;
use crate::portico::Portico;

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
