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
    assert_eq!(portico.http.get("", "/metrics").await.status, 401, "not at the public door");
}

#[tokio::test]
async fn an_idempotency_key_does_a_post_once() {
    for mut portico in Portico::on_each_engine("").await {
        let org = portico.org("acme", "eu");
        portico.serve().await;
        let body = json!({ "name": "Research" });
        let send = async |body: &serde_json::Value| {
            let request = axum::http::Request::post(format!("{}/api/teams", portico.base))
                .header("authorization", format!("Bearer {}", org.owner))
                .header("content-type", "application/json")
                .header("idempotency-key", "k-1")
                .body(http_body_util::Full::new(axum::body::Bytes::from(body.to_string())));
            portico.http.send(request.expect("a request")).await.expect("an answer")
        };
        let first = send(&body).await;
        let second = send(&body).await;
        assert_eq!((first.status, &first.text), (second.status, &second.text));
        assert!(first.status < 300 && second.headers.contains_key("idempotent-replayed"));
        let other = send(&json!({ "name": "Other" })).await;
        assert_eq!((other.status, &other.json()["code"]), (422, &json!("idempotency_key_reused")));
        let teams = portico.http.get(&org.owner, "/api/teams").await.json();
        assert_eq!(teams["items"].as_array().map(Vec::len), Some(1), "{teams}");
    }
}

#[tokio::test]
async fn a_second_process_under_the_same_name_is_refused() {
    let mut portico = Portico::on_sqlite("");
    portico.serve().await;
    let config = std::fs::read_to_string(portico.config()).expect("reads");
    let (address, ops) = (portico.base.clone(), portico.ops.clone());
    let port = |url: &str| url.rsplit(':').next().expect("a port").to_owned();
    let other = config.replace(&port(&address), "1").replace(&port(&ops), "2");
    let file = portico.folder().join("other.toml");
    std::fs::write(&file, other.replace(":1\"", ":0\"").replace(":2\"", ":0\"")).expect("writes");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_portico"))
        .args(["serve", "--config"])
        .arg(&file)
        .output()
        .expect("runs");
    assert!(!output.status.success());
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("another process serves as `portico-1`"), "{told}");
}
