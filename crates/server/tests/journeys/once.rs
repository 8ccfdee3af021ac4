//! Sending twice.

use axum::body::Bytes;
use axum::http::Request;
use http_body_util::Full;
use serde_json::{Value, json};

use crate::http::Answer;
use crate::portico::{Portico, text};

async fn send(portico: &Portico, key: &str, path: &str, body: &Value) -> Answer {
    let request = Request::post(format!("{}{path}", portico.base))
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json")
        .header("idempotency-key", "k-1")
        .body(Full::new(Bytes::from(body.to_string())));
    portico.http.send(request.expect("a request")).await.expect("an answer")
}

#[tokio::test]
async fn an_idempotency_key_does_a_post_once() {
    for mut portico in Portico::on_each_engine("").await {
        let org = portico.org("acme", "eu");
        portico.serve().await;
        let body = json!({ "name": "Research" });
        let send = async |body: &Value| send(&portico, &org.owner, "/api/teams", body).await;
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
async fn a_secret_that_one_key_was_given_is_not_told_to_another_key_of_the_same_member() {
    let mut portico = Portico::on_sqlite("");
    let org = portico.org("acme", "eu");
    portico.serve().await;
    let body = json!({ "name": "nightly" });
    let first = send(&portico, &org.owner, "/api/keys", &body).await;
    let again = send(&portico, &org.owner, "/api/keys", &body).await;
    assert_eq!((first.status, &first.text), (again.status, &again.text));
    // The new key belongs to the same member.
    let second_key = text(&first.json()["secret"]);
    let other = send(&portico, &second_key, "/api/keys", &body).await;
    assert!(other.status < 300, "{}", other.text);
    assert!(!other.headers.contains_key("idempotent-replayed"), "{}", other.text);
    assert_ne!(other.text, first.text);
}
