//! A provider for tests: real sockets, `OpenAI`'s and Anthropic's shapes, and faults on
//! request. What it does is chosen by the name of the model that it is asked for.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a test provider that cannot be built should stop the test"
)]

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::wires::{Went, Wire};

/// What it says.
pub const HELLO: &str = "Hello from the fake provider.";

/// How long it rests between two words of model `paced`, which goes on for ever.
const PACE: Duration = Duration::from_millis(10);

/// Passes on a provider's stream that comes in these chunks, as a call does whose caller did not
/// ask for the usage: the bytes that they get, and the tokens read and written.
pub fn pass_on(chunks: &[Bytes]) -> (usize, Option<(u64, u64)>) {
    let mut wire = Wire::openai(false);
    let pieces = chunks.iter().map(|chunk| match wire.pass(chunk) {
        Went::On(bytes) | Went::Done(bytes) | Went::Failed(bytes) => bytes.len(),
    });
    let passed = pieces.sum();
    (passed, wire.tally().usage.map(|usage| (usage.prompt, usage.completion)))
}

/// A provider that listens until it is dropped.
#[derive(Debug, Clone)]
pub struct FakeProvider {
    address: SocketAddr,
    seen: Arc<Seen>,
    _stop: Arc<Running>,
}

#[derive(Debug)]
struct Running(tokio::task::JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[derive(Debug, Default)]
struct Seen {
    calls: AtomicUsize,
    last: Mutex<Option<(HeaderMap, Bytes)>>,
    /// Streams that were dropped before their end: the caller left.
    cancelled: AtomicUsize,
    /// The bodies of the calls for model `held` that arrived, in order.
    held: Mutex<Vec<Bytes>>,
    /// Lets one call for model `held` go for each permit.
    gate: Gate,
    /// Calls in hand, and the most that there were.
    in_hand: AtomicUsize,
    in_hand_max: AtomicUsize,
}

#[derive(Debug)]
struct Gate(Semaphore);

impl Default for Gate {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

/// Counts a call for as long as it is in hand; dropped too when the caller leaves.
struct InHand(Arc<Seen>);

impl InHand {
    fn of(seen: &Arc<Seen>) -> Self {
        let now = seen.in_hand.fetch_add(1, Ordering::SeqCst) + 1;
        seen.in_hand_max.fetch_max(now, Ordering::SeqCst);
        Self(seen.clone())
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.0.in_hand.fetch_sub(1, Ordering::SeqCst);
    }
}

impl FakeProvider {
    /// Starts one on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Seen::default());
        let routes = Router::new()
            .route("/v1/chat/completions", post(chat))
            .route("/v1/embeddings", post(embeddings))
            .route("/v1/messages", post(messages))
            .layer(axum::extract::DefaultBodyLimit::max(64 << 20))
            .with_state(seen.clone());
        let serve = async move {
            axum::serve(listener, routes).await.expect("serves");
        };
        #[expect(clippy::disallowed_methods, reason = "lives as long as its handle")]
        let task = tokio::spawn(serve);
        Self { address, seen, _stop: Arc::new(Running(task)) }
    }

    /// What goes into `base_url`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// How many calls arrived.
    pub fn calls(&self) -> usize {
        self.seen.calls.load(Ordering::SeqCst)
    }

    /// How many streams were cancelled.
    pub fn cancelled(&self) -> usize {
        self.seen.cancelled.load(Ordering::SeqCst)
    }

    /// Lets so many calls for model `held` go on.
    pub fn let_go(&self, calls: usize) {
        self.seen.gate.0.add_permits(calls);
    }

    /// The bodies of the calls for model `held` that arrived, in order.
    pub fn held(&self) -> Vec<Value> {
        let held = self.seen.held.lock().expect("no test panics here");
        held.iter().map(|body| serde_json::from_slice(body).expect("json")).collect()
    }

    /// Chat completions that are answered now. Of a stream only its beginning counts.
    pub fn in_hand(&self) -> usize {
        self.seen.in_hand.load(Ordering::SeqCst)
    }

    /// The most that were answered at once.
    pub fn in_hand_max(&self) -> usize {
        self.seen.in_hand_max.load(Ordering::SeqCst)
    }

    /// The headers and the body of the last call.
    pub fn last(&self) -> Option<(HeaderMap, Bytes)> {
        self.seen.last.lock().expect("no test panics here").clone()
    }
}

impl Seen {
    fn note(&self, headers: HeaderMap, body: &Bytes) -> Value {
        self.calls.fetch_add(1, Ordering::SeqCst);
        *self.last.lock().expect("no test panics here") = Some((headers, body.clone()));
        serde_json::from_slice(body).unwrap_or_default()
    }
}

async fn chat(State(seen): State<Arc<Seen>>, headers: HeaderMap, body: Bytes) -> Response {
    let ask = seen.note(headers, &body);
    let _in_hand = InHand::of(&seen);
    let model = ask["model"].as_str().unwrap_or_default().to_owned();
    match model.as_str() {
        "held" => {
            seen.held.lock().expect("no test panics here").push(body.clone());
            seen.gate.0.acquire().await.expect("it is never closed").forget();
        }
        "down" => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        "busy" => return (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "7")]).into_response(),
        "locked" => return StatusCode::UNAUTHORIZED.into_response(),
        "picky" => {
            let error = json!({ "error": { "message": "not like this", "type": "invalid_request_error",
                                           "param": "messages", "code": "picky" } });
            let pretty = serde_json::to_string_pretty(&error).expect("json");
            return (StatusCode::BAD_REQUEST, pretty).into_response();
        }
        "unfit" => {
            let error = json!({ "error": { "message": "nobody here takes tools", "code": 404 } });
            return (StatusCode::NOT_FOUND, Json(error)).into_response();
        }
        "stalled" => {
            let nothing = stream::pending::<Result<Bytes, std::io::Error>>();
            return (StatusCode::BAD_REQUEST, Body::from_stream(nothing)).into_response();
        }
        "silent" => tokio::time::sleep(Duration::from_mins(1)).await,
        _ => {}
    }
    if let Some(status) = model.strip_prefix("status-").and_then(|status| status.parse().ok()) {
        let status = StatusCode::from_u16(status).expect("a status");
        let error =
            json!({ "error": { "message": "not for org-operator", "code": "model_not_found" } });
        return (status, [("retry-after", "7")], Json(error)).into_response();
    }
    if model == "dripping" {
        return dripping(ask["stream"] == true);
    }
    if model == "long-unsaid" {
        return unsaid(whole(&model, &ask)).await;
    }
    if ask["stream"] == true { streamed(&seen, &model, &ask) } else { whole(&model, &ask) }
}

/// What a whole answer says. A `long` model writes as much as it may: four bytes for each token.
fn said(ask: &Value) -> String {
    let long = ask["model"].as_str().is_some_and(|model| model.contains("long"));
    let tokens = ask["max_tokens"].as_u64().filter(|_| long);
    tokens.map_or(HELLO.to_owned(), |tokens| "word".repeat(tokens.try_into().unwrap_or(0)))
}

/// The same answer, in pieces that do not say how many there are.
async fn unsaid(answer: Response) -> Response {
    let whole = axum::body::to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
    let pieces = (0..whole.len()).step_by(64 << 10).map(move |from| {
        Ok::<_, std::io::Error>(whole.slice(from..whole.len().min(from + (64 << 10))))
    });
    Body::from_stream(stream::iter(pieces)).into_response()
}

fn whole(model: &str, ask: &Value) -> Response {
    let answered =
        ask["messages"].as_array().is_some_and(|all| all.iter().any(|m| m["role"] == "tool"));
    let (message, reason) = if let (Some(tool), false) = (ask["tools"].get(0), answered) {
        let function =
            json!({ "name": tool["function"]["name"], "arguments": "{\"city\":\"Oslo\"}" });
        let call = json!({ "id": "call_1", "type": "function", "function": function });
        (json!({ "role": "assistant", "content": null, "tool_calls": [call] }), "tool_calls")
    } else if ask["response_format"]["type"] == "json_schema" {
        (json!({ "role": "assistant", "content": "{\"name\":\"Ada\",\"age\":36}" }), "stop")
    } else if answered {
        (json!({ "role": "assistant", "content": "It is sunny." }), "stop")
    } else {
        (json!({ "role": "assistant", "content": said(ask) }), "stop")
    };
    Json(json!({
        "id": "chatcmpl-fake", "object": "chat.completion", "created": 1_700_000_000, "model": model,
        "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": reason }],
        "usage": { "prompt_tokens": 12, "completion_tokens": 7, "total_tokens": 19 },
    }))
    .into_response()
}

/// Counts a stream that is dropped before its end.
struct Watch(Arc<Seen>, bool);

impl Watch {
    fn ended(mut self) {
        self.1 = true;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.1 {
            self.0.cancelled.fetch_add(1, Ordering::SeqCst);
        }
    }
}

fn streamed(seen: &Arc<Seen>, model: &str, ask: &Value) -> Response {
    let chunk = |choices: Value| {
        json!({ "id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": 1_700_000_000,
                "model": model, "choices": choices })
    };
    let choice = |delta: Value, reason: Value| json!([{ "index": 0, "delta": delta, "finish_reason": reason }]);
    let mut events =
        vec![chunk(choice(json!({ "role": "assistant", "content": "" }), Value::Null))];
    for word in HELLO.split_inclusive(' ') {
        events.push(chunk(choice(json!({ "content": word }), Value::Null)));
    }
    let cut = model == "cut";
    if !cut {
        events.push(chunk(choice(json!({}), "stop".into())));
        if ask["stream_options"]["include_usage"] == true {
            let mut last = chunk(json!([]));
            last["usage"] =
                json!({ "prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17 });
            events.push(last);
        }
    }
    let mut pieces: Vec<String> = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    if !cut {
        pieces.push("data: [DONE]\n\n".to_owned());
    }
    if model == "paced" {
        return paced(seen, &events);
    }
    let pause = match model {
        "endless" => Duration::from_hours(1),
        "slow" => Duration::from_millis(1_500),
        _ => Duration::ZERO,
    };
    let watch = Watch(seen.clone(), false);
    let body = stream::unfold(
        (pieces.into_iter(), watch, 0),
        move |(mut pieces, watch, sent)| async move {
            let Some(piece) = pieces.next() else {
                watch.ended();
                return None;
            };
            if sent == 3 && !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
            Some((piece, (pieces, watch, sent + 1)))
        },
    );
    let body = body.map(move |piece| Ok::<_, std::io::Error>(Bytes::from(piece)));
    let body = if cut {
        // What was written before must have left the socket: a death takes it along otherwise.
        let broken = stream::once(async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Err(std::io::Error::other("the provider died"))
        });
        Body::from_stream(body.chain(broken))
    } else {
        Body::from_stream(body)
    };
    ([("content-type", "text/event-stream")], body).into_response()
}

/// Begins well, and then says one byte each tenth of a second.
fn dripping(streams: bool) -> Response {
    let (begin, kind) =
        if streams { ("data: {}\n\n", "text/event-stream") } else { ("{", "application/json") };
    let drops = stream::unfold((), async |()| {
        tokio::time::sleep(Duration::from_millis(100)).await;
        Some((Ok::<_, std::io::Error>(Bytes::from_static(b" ")), ()))
    });
    let begin = stream::once(async move { Ok(begin.into()) });
    ([("content-type", kind)], Body::from_stream(begin.chain(drops))).into_response()
}

/// Says the same words again and again, one each hundredth of a second.
fn paced(seen: &Arc<Seen>, events: &[Value]) -> Response {
    let pieces: Vec<String> = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    let said = pieces.into_iter().skip(1).take(HELLO.split(' ').count()).cycle();
    let watch = Watch(seen.clone(), false);
    let body = stream::unfold((said, watch), async |(mut said, watch)| {
        tokio::time::sleep(PACE).await;
        said.next().map(|piece| (Ok::<_, std::io::Error>(Bytes::from(piece)), (said, watch)))
    });
    ([("content-type", "text/event-stream")], Body::from_stream(body)).into_response()
}

async fn embeddings(State(seen): State<Arc<Seen>>, headers: HeaderMap, body: Bytes) -> Response {
    let ask = seen.note(headers, &body);
    let count = ask["input"].as_array().map_or(1, Vec::len);
    // Numbers of four bytes, of which three become four letters.
    let letters = |count: u64| json!("A".repeat(usize::try_from(count * 16 / 3).unwrap_or(0)));
    let embedding = ask["dimensions"].as_u64().map_or(json!([0.1, 0.2, 0.3]), letters);
    let data: Vec<Value> = (0..count)
        .map(|index| json!({ "object": "embedding", "index": index, "embedding": embedding }))
        .collect();
    // Images are counted in the total alone.
    let total =
        4 + ask["input"].as_array().into_iter().flatten().filter(|it| it.is_object()).count();
    Json(json!({ "object": "list", "data": data, "model": ask["model"],
                 "usage": { "prompt_tokens": 4, "total_tokens": total } }))
    .into_response()
}

async fn messages(State(seen): State<Arc<Seen>>, headers: HeaderMap, body: Bytes) -> Response {
    let ask = seen.note(headers, &body);
    if ask["stream"] != true {
        return Json(json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": ask["model"],
            "content": [{ "type": "text", "text": said(&ask) }], "stop_reason": "end_turn",
            "usage": { "input_tokens": 10, "output_tokens": 6 },
        }))
        .into_response();
    }
    let events = [
        json!({ "type": "message_start", "message": { "id": "msg_1", "usage": { "input_tokens": 10, "output_tokens": 1 } } }),
        json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }),
        json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": HELLO } }),
        json!({ "type": "content_block_stop", "index": 0 }),
        json!({ "type": "message_delta", "delta": { "stop_reason": "end_turn" }, "usage": { "output_tokens": 6 } }),
        json!({ "type": "message_stop" }),
    ];
    let mut body = String::new();
    for event in &events {
        let kind = event["type"].as_str().unwrap_or_default();
        let _infallible = write!(body, "event: {kind}\ndata: {event}\n\n");
    }
    ([("content-type", "text/event-stream")], body).into_response()
}
