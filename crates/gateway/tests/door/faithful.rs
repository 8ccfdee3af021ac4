//! What reaches the provider is what the caller sent.

use serde_json::json;

use crate::bench::{Door, PLAIN};

#[tokio::test]
async fn unknown_fields_reach_the_provider_untouched() {
    let door = Door::on_sqlite(PLAIN).await;
    let caller = door.member();
    let body = "{ \"x_new\" : [1,  2.50, {\"deep\":null}],\n \"model\":\"fixed\", \"messages\":[{\"role\":\"user\",\"content\":\"caf\\u00e9 \\uD83D\\uDE00\"}] , \"seed\":1e2 }";
    let answer = door.post(&caller, "/v1/chat/completions", body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let (headers, sent) = door.provider.last().expect("a call");
    assert_eq!(sent, body, "byte for byte");
    assert_eq!(headers["authorization"], "Bearer value of PORTICO_FAKE");
    // Only the name of the model changes when the endpoint has another one for it.
    let answer = door.post(&caller, "/v1/chat/completions", body.replace("fixed", "fake")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(door.provider.last().expect("a call").1, body);
}

#[tokio::test]
async fn the_callers_own_credentials_never_reach_the_provider() {
    let door = Door::on_sqlite(PLAIN).await;
    let caller = door.member();
    let request = axum::http::Request::post("/v1/chat/completions")
        .header("content-type", "application/json")
        .header("authorization", "Bearer pk_secret")
        .header("cookie", "portico_session=s")
        .header("x-forwarded-for", "192.0.2.1");
    let ask = json!({ "model": "claude", "messages": [{ "role": "user", "content": "hi" }] });
    let request = request.body(ask.to_string().into()).expect("a request");
    assert_eq!(door.send(&caller, request).await.status, 200);
    let (headers, _) = door.provider.last().expect("a call");
    for name in ["authorization", "cookie", "x-forwarded-for"] {
        assert!(headers.get(name).is_none(), "{name}");
    }
}

#[tokio::test]
async fn a_faulty_catalogue_changes_nothing() {
    let door = Door::on_sqlite(PLAIN).await;
    let caller = door.member();
    let ask = json!({ "model": "fake", "messages": [{ "role": "user", "content": "hi" }] });
    let faults =
        door.apply("[models.fake]\nroutes = [{ endpoint = \"nowhere\" }]").expect_err("a fault");
    assert_eq!(
        faults[0].to_string(),
        "gateway.models.fake.routes[0].endpoint: there is no endpoint `nowhere`"
    );
    assert_eq!(door.chat(&caller, ask.clone()).await.status, 200, "the old one stays");
    door.apply("").expect("no fault");
    let answer = door.chat(&caller, ask.clone()).await;
    assert_eq!(
        (answer.status, answer.json()["error"]["code"].clone()),
        (404, json!("model_not_found"))
    );
    door.apply(PLAIN).expect("no fault");
    assert_eq!(door.chat(&caller, ask).await.status, 200);
}
