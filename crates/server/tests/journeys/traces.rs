//! What a collector of traces hears of calls, and what it does not.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Request};
use axum::routing::post;
use gateway::testing::{FakeProvider, HELLO};
use http_body_util::Full;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::portico::{Extra, Org, Portico};

const SECRET: &str = "the launch code is 0000";
const TRACE: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;
const SPAN: u64 = 0x00f0_67aa_0ba9_02b7;

/// A collector on loopback: what arrived, byte for byte.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<(HeaderMap, Bytes)>>>);

impl Collector {
    async fn start() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let collector = Self::default();
        let routes = Router::new().route("/v1/traces", post(take)).with_state(collector.clone());
        let serve = async { axum::serve(listener, routes).await.expect("serves") };
        #[expect(clippy::disallowed_methods, reason = "lives as long as the test")]
        drop(tokio::spawn(serve));
        (collector, format!("http://{address}/v1/traces"))
    }

    fn batches(&self) -> Vec<(HeaderMap, Bytes)> {
        self.0.lock().expect("no test panics here").clone()
    }

    /// Every span by its name, with the name of the service that sent it.
    fn spans(&self) -> BTreeMap<String, (String, Span)> {
        let mut all = BTreeMap::new();
        for (_, batch) in self.batches() {
            let request = ExportTraceServiceRequest::decode(batch).expect("OTLP");
            for of_resource in request.resource_spans {
                let service = told(&of_resource.resource.expect("a resource").attributes);
                for span in of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                    let name = (service["service.name"].clone(), span.clone());
                    assert!(all.insert(span.name.clone(), name).is_none(), "one span per call");
                }
            }
        }
        all
    }
}

async fn take(State(collector): State<Collector>, headers: HeaderMap, body: Bytes) {
    collector.0.lock().expect("no test panics here").push((headers, body));
}

fn told(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &Option<AnyValue>| match value.as_ref().and_then(|any| any.value.as_ref()) {
        Some(Any::StringValue(text)) => text.clone(),
        Some(Any::IntValue(number)) => number.to_string(),
        other => unreachable!("text or a number, not {other:?}"),
    };
    attributes.iter().map(|one| (one.key.clone(), text(&one.value))).collect()
}

fn config(provider: &FakeProvider, endpoint: &str) -> String {
    let models = ["small", "cut", "down", "unseen"].map(|model| {
        let route = "free = true\nroutes = [{ endpoint = \"fake\" }]\nattempts_max = 1\n";
        format!("[gateway.models.{model}]\n{route}")
    });
    format!(
        "[otlp]\nendpoint = \"{endpoint}\"\nservice_name = \"portico-eu\"\n\
         header_file = \"otlp.header\"\n\
         [gateway.endpoints.fake]\nspeaks = \"openai\"\nbase_url = \"{}\"\nregion = \"eu\"\n\
         provider = \"openai\"\n[gateway.models.embed]\nfree = true\ndoes = \"embeddings\"\n\
         routes = [{{ endpoint = \"fake\" }}]\n{}",
        provider.base_url(),
        models.concat()
    )
}

async fn call(portico: &Portico, org: &Org, body: &Value, parent: Option<&str>) -> String {
    let path = if body["input"].is_null() { "chat/completions" } else { "embeddings" };
    let mut request = Request::post(format!("{}/v1/{path}", portico.base))
        .header("authorization", format!("Bearer {}", org.member))
        .header("content-type", "application/json");
    if let Some(parent) = parent {
        request = request.header("traceparent", parent);
    }
    let request = request.body(Full::new(Bytes::from(body.to_string()))).expect("a request");
    let answer = portico.http.send(request).await.expect("an answer");
    answer.headers.get("portico-receipt").map_or("", |id| id.to_str().expect("text")).to_owned()
}

fn chat(model: &str, stream: bool) -> Value {
    json!({ "model": model, "stream": stream, "messages": [{ "role": "user", "content": SECRET }] })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_hears_of_every_call_by_the_conventions_and_never_its_content() {
    let provider = FakeProvider::start().await;
    let (collector, endpoint) = Collector::start().await;
    let mut portico = Portico::with(Extra {
        config: &config(&provider, &endpoint),
        files: &[("otlp.header", "x-tenant: acme-traces\n")],
        ..Extra::default()
    });
    let org = portico.org("acme", "eu");
    portico.serve().await;
    let parent = |sampled: &str| format!("00-{TRACE:032x}-{SPAN:016x}-{sampled}");
    let receipt = call(&portico, &org, &chat("small", false), Some(&parent("01"))).await;
    call(&portico, &org, &chat("cut", true), Some("00-nonsense-01")).await;
    call(&portico, &org, &chat("down", false), None).await;
    call(&portico, &org, &chat("patterns", false), None).await;
    call(&portico, &org, &json!({ "model": "embed", "input": SECRET }), None).await;
    // The caller does not keep this trace: neither do we.
    call(&portico, &org, &chat("unseen", false), Some(&parent("00"))).await;
    // What waits is sent before the end.
    assert!(portico.terminate(), "{}", portico.log());

    let spans = collector.spans();
    let names: Vec<&str> = spans.keys().map(String::as_str).collect();
    assert_eq!(names, ["chat cut", "chat down", "chat patterns", "chat small", "embeddings embed"]);
    let (service, span) = &spans["chat small"];
    assert_eq!(service, "portico-eu");
    assert_eq!(span.trace_id, TRACE.to_be_bytes());
    assert_eq!(span.parent_span_id, SPAN.to_be_bytes());
    assert!(span.end_time_unix_nano > span.start_time_unix_nano);
    let expected = [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "openai"),
        ("gen_ai.request.model", "small"),
        ("gen_ai.usage.input_tokens", "12"),
        ("gen_ai.usage.output_tokens", "7"),
        ("portico.call.id", &receipt),
        ("portico.endpoint", "fake"),
        ("portico.outcome", "success"),
        ("portico.region", "eu"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(told(&span.attributes), BTreeMap::from(expected));

    for (name, fault) in [("chat cut", "provider_failed"), ("chat down", "provider_failed")] {
        let (_, span) = &spans[name];
        let told = told(&span.attributes);
        assert_eq!(
            (told["error.type"].as_str(), told["portico.outcome"].as_str()),
            (fault, "failed")
        );
        assert!(
            span.parent_span_id.is_empty() && span.trace_id != TRACE.to_be_bytes(),
            "its own trace"
        );
    }
    assert_eq!(
        told(&spans["embeddings embed"].1.attributes)["gen_ai.operation.name"],
        "embeddings"
    );
    assert_eq!(told(&spans["chat patterns"].1.attributes)["gen_ai.provider.name"], "portico");

    for (headers, batch) in collector.batches() {
        assert_eq!(headers["x-tenant"], "acme-traces");
        let bytes = String::from_utf8_lossy(&batch).into_owned();
        for hidden in [SECRET, HELLO, &org.member, &org.member_id, &org.id, "@acme.example"] {
            assert!(!bytes.contains(hidden), "`{hidden}` left the house");
        }
    }
}

#[tokio::test]
async fn a_collector_that_is_away_costs_no_call() {
    let provider = FakeProvider::start().await;
    let mut portico = Portico::with(Extra {
        config: &config(&provider, "http://127.0.0.1:9/v1/traces"),
        files: &[("otlp.header", "x-tenant: acme\n")],
        ..Extra::default()
    });
    let org = portico.org("acme", "eu");
    portico.serve().await;
    assert!(call(&portico, &org, &chat("small", false), None).await.starts_with("call_"));
    assert!(portico.terminate(), "{}", portico.log());
    assert!(
        portico.log().contains("telemetry data will be lost"),
        "the operator is told: {}",
        portico.log()
    );
}
