//! The catalogue, as an org sees it.

use access::{Caller, Role};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::bench::{Door, PLAIN};

/// Prices that change, routes in two orders, one model of another region, and a name that
/// is script.
const VARIED: &str = r#"
default_model = "small"
[endpoints.first]
speaks = "openai"
base_url = "http://127.0.0.1:9/v1"
region = "eu"
provider = "acme"
breaker_failures = 2
[endpoints.second]
speaks = "openai"
base_url = "PROVIDER"
region = "eu"
[endpoints.us]
speaks = "openai"
base_url = "PROVIDER"
region = "us"
[models.small]
max_output_tokens = 1000
context_tokens = 32000
attempts_max = 2
routes = [{ endpoint = "second", order = 1 }, { endpoint = "first" }, { endpoint = "us" }]
[[models.small.prices]]
from = "2025-01-01"
input_per_million = "1.00"
output_per_million = "2.00"
[[models.small.prices]]
from = "2026-03-01"
input_per_million = "0.80"
output_per_million = "1.60"
cached_input_per_million = "0.08"
[models."<script>alert(1)</script>"]
free = true
does = "embeddings"
routes = [{ endpoint = "second" }, { endpoint = "second", model = "other", weight = 3 }]
[models.far]
free = true
routes = [{ endpoint = "us" }]
"#;

async fn get(routes: Router, caller: &Caller, path: &str) -> (StatusCode, String) {
    let mut request = Request::get(path).header("host", "ai.example.com");
    request.extensions_mut().expect("extensions").insert(caller.clone());
    let response = routes.oneshot(request.body(Body::empty()).expect("a request")).await;
    let response = response.expect("infallible");
    let status = response.status();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, String::from_utf8(body.to_vec()).expect("text"))
}

async fn page(door: &Door, caller: &Caller, path: &str) -> (StatusCode, String) {
    let (routes, _) = gateway::pages(door.gateway.clone()).split_for_parts();
    get(routes, caller, path).await
}

async fn api(door: &Door, caller: &Caller) -> Value {
    let (routes, _) = gateway::api_routes(door.gateway.clone()).split_for_parts();
    let (status, text) = get(routes, caller, "/api/models").await;
    assert_eq!(status, StatusCode::OK, "{text}");
    serde_json::from_str(&text).expect("json")
}

#[tokio::test]
async fn the_catalogue_is_that_of_the_region_and_says_who_may_call() {
    let door = Door::on_sqlite(VARIED).await;
    let member = door.member();
    let seen = api(&door, &member).await;
    assert_eq!((&seen["region"], &seen["default_model"]), (&json!("eu"), &json!("small")));
    let names: Vec<_> = seen["items"].as_array().expect("a list").iter().collect();
    let names: Vec<_> = names.iter().filter_map(|model| model["name"].as_str()).collect();
    assert_eq!(names, ["<script>alert(1)</script>", "small"], "what is elsewhere is not here");
    let small = &seen["items"][1];
    assert_eq!(small["may_call"], true);
    assert_eq!(
        small["price"],
        json!({"from": "2025-01-01", "input_per_million": "1.00",
               "cached_input_per_million": "1.00", "output_per_million": "2.00"})
    );
    assert_eq!(small["coming_prices"][0]["from"], "2026-03-01");
    assert_eq!(small["coming_prices"][0]["cached_input_per_million"], "0.08");
    let endpoints = small["endpoints"].as_array().expect("a list");
    let order: Vec<_> = endpoints.iter().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(order, ["first", "second"], "in the order in which they are tried");
    assert_eq!(
        (&endpoints[0]["provider"], &endpoints[0]["health"]),
        (&json!("acme"), &json!("no_failures"))
    );
    let shares = &seen["items"][0]["endpoints"];
    assert_eq!(
        (&shares[0]["share_percent"], &shares[1]["share_percent"]),
        (&json!(75), &json!(25))
    );

    let viewer = door.somebody(member.org.clone(), Role::Viewer, None);
    let small = &api(&door, &viewer).await["items"][1];
    assert_eq!(small["why_not"], "no role of the caller includes `models:invoke`");
    let narrow = door.somebody(member.org.clone(), Role::Member, Some(vec!["other".to_owned()]));
    let small = &api(&door, &narrow).await["items"][1];
    assert_eq!(small["may_call"], false);
    assert_eq!(small["why_not"], "the key that was shown may call other models only");
}

#[tokio::test]
async fn the_health_of_an_endpoint_is_what_its_last_calls_say() {
    let door = Door::on_sqlite(VARIED).await;
    let caller = door.member();
    let ask = json!({ "model": "small", "messages": [{ "role": "user", "content": "hi" }] });
    for health in ["failing", "resting"] {
        let answer = door.chat(&caller, ask.clone()).await;
        assert_eq!(answer.status, 200, "the second endpoint answers: {}", answer.text);
        let seen = api(&door, &caller).await;
        assert_eq!(seen["items"][1]["endpoints"][0]["health"], health);
        assert_eq!(seen["items"][1]["endpoints"][1]["health"], "no_failures");
    }
    let (_, html) = page(&door, &caller, "/models").await;
    assert!(html.contains("left alone</span>") && html.contains("until <time"), "{html}");
    door.clock.advance(SignedDuration::from_secs(11));
    assert_eq!(api(&door, &caller).await["items"][1]["endpoints"][0]["health"], "on_trial");
    let (_, html) = page(&door, &caller, "/models/small").await;
    assert!(html.contains("next call tries it"), "{html}");
}

#[tokio::test]
async fn the_page_of_models_says_what_the_api_says_to_each_role() {
    let door = Door::on_sqlite(VARIED).await;
    let org = door.member().org.clone();
    for (role, may) in
        [(Role::Viewer, false), (Role::Member, true), (Role::Admin, true), (Role::Owner, true)]
    {
        let caller = door.somebody(org.clone(), role, None);
        assert_eq!(api(&door, &caller).await["items"][1]["may_call"], may, "{role}");
        let (status, html) = page(&door, &caller, "/models").await;
        assert_eq!(status, StatusCode::OK);
        assert!(html.contains("the European Union") && html.contains("from 2026-03-01"), "{html}");
        assert!(html.contains("default of patterns") && !html.contains(">far<"), "{html}");
        assert_eq!(html.contains("you may call it"), may, "{role}: {html}");
        assert_eq!(html.contains("not for you"), !may, "{role}: {html}");
        let (status, one) = page(&door, &caller, "/models/small").await;
        assert_eq!(status, StatusCode::OK, "{one}");
        assert_eq!(one.contains("https://ai.example.com/v1/chat/completions"), may, "{one}");
    }
    let (status, _) = page(&door, &door.member(), "/models/far").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn script_in_the_name_of_a_model_is_text_here_too() {
    let door = Door::on_sqlite(VARIED).await;
    for path in ["/models", "/models/%3Cscript%3Ealert(1)%3C%2Fscript%3E"] {
        let (status, html) = page(&door, &door.member(), path).await;
        assert_eq!(status, StatusCode::OK, "{html}");
        assert!(!html.contains("<script") && html.contains("&#60;script"), "{html}");
        assert!(!html.contains("style="), "{html}");
    }
}

#[tokio::test]
async fn without_models_the_page_says_what_the_operator_has_to_do() {
    let door = Door::on_sqlite("").await;
    let (status, html) = page(&door, &door.member(), "/models").await;
    assert_eq!(status, StatusCode::OK);
    assert!(html.contains("No models in this region yet"), "{html}");
    assert!(html.contains("region = &#34;eu&#34;") && html.contains("Patterns answer without"));
    // What the page proposes is a catalogue that is taken as it stands.
    let snippet = html.split("<code id=\"first-model\">").nth(1).expect("a snippet");
    let snippet = snippet.split("</code>").next().expect("its end").replace("&#34;", "\"");
    let proposed: toml::Table = toml::from_str(&snippet).expect("TOML");
    let proposed = toml::to_string(&proposed["gateway"]).expect("TOML");
    assert!(door.apply(&proposed).is_ok());
    assert_eq!(api(&door, &door.member()).await["default_model"], "small");
    assert!(door.apply(PLAIN).is_ok());
}
