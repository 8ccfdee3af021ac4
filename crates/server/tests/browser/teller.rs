//! A provider that has something to say: for pictures, and for what a model should not
//! say. `FakeProvider` knows one sentence.

use std::fmt::Write as _;
use std::net::SocketAddr;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The model that answers with script.
pub(crate) const SLY: &str = "sly";
/// What would run if a page took it for its own: it leaves a mark.
pub(crate) const SCRIPT: &str =
    "<img src=x onerror=\"window.ran=1\"><script>window.ran=1</script>\"><svg onload=window.ran=1>";

/// What is answered to a question that has these words.
const ANSWERS: [(&str, &str); 4] = [
    (
        "SQL",
        "Contracts are in `contracts`, one row each. This lists those that end within the next \
         **60 days**, the largest premium first:\n\n\
         ```sql\nSELECT number, holder, ends_on, premium\nFROM contracts\n\
         WHERE ends_on BETWEEN CURRENT_DATE AND CURRENT_DATE + 60\n  AND cancelled_on IS NULL\n\
         ORDER BY premium DESC;\n```\n\n\
         Two things to know:\n\n\
         - `ends_on` is the end of the insurance year, not of the contract.\n\
         - Motor contracts end on 30 November and can be cancelled until then.\n",
    ),
    (
        "letter",
        "Dear Ms Brandt,\n\nthank you for sending the photos. Your claim is complete, and we pay \
         within five working days.\n\nKind regards",
    ),
    ("minutes", "**Decided:** the hail desk opens on Monday.\n\n**Open:** who covers the weekend."),
    ("translate", "The insured event occurred on 14 November at about half past six."),
];
const OTHERWISE: &str = "Say a little more about what you need, and for whom.";

/// Listens until it is dropped.
pub(crate) struct Teller {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Teller {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let routes = Router::new().route("/v1/chat/completions", post(tell));
        let serve = async move { axum::serve(listener, routes).await.expect("serves") };
        #[expect(clippy::disallowed_methods, reason = "ends with its handle")]
        let serving = tokio::spawn(serve);
        Self { address, serving }
    }

    /// What goes into `base_url`.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn answer_to(ask: &Value) -> String {
    if ask["model"] == SLY {
        return format!("{SCRIPT}\n\n[here](javascript:window.ran=1)\n\n```html\n{SCRIPT}\n```\n");
    }
    let last = ask["messages"].as_array().and_then(|all| all.last());
    let question = last.and_then(|one| one["content"].as_str()).unwrap_or_default();
    let known = ANSWERS.iter().find(|(words, _)| question.contains(words));
    known.map_or(OTHERWISE, |(_, answer)| answer).to_owned()
}

async fn tell(body: Bytes) -> Response {
    let ask: Value = serde_json::from_slice(&body).expect("json");
    let answer = answer_to(&ask);
    let tokens = |text: &str| text.len().div_ceil(4);
    let (read, written) = (tokens(&ask["messages"].to_string()), tokens(&answer));
    let usage = json!({ "prompt_tokens": read, "completion_tokens": written,
                        "total_tokens": read + written });
    let chunk = |choices: Value, usage: &Value| {
        json!({ "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000,
                "model": ask["model"], "choices": choices, "usage": usage })
    };
    if ask["stream"] != true {
        let message = json!({ "role": "assistant", "content": answer });
        let choice = json!({ "index": 0, "message": message, "finish_reason": "stop" });
        return Json(json!({ "id": "chatcmpl-1", "object": "chat.completion",
            "created": 1_700_000_000, "model": ask["model"], "choices": [choice],
            "usage": usage }))
        .into_response();
    }
    let choice = |delta: Value, reason: Value| json!([{ "index": 0, "delta": delta, "finish_reason": reason }]);
    let mut events: Vec<Value> = answer
        .split_inclusive(' ')
        .map(|word| chunk(choice(json!({ "content": word }), Value::Null), &Value::Null))
        .collect();
    events.push(chunk(choice(json!({}), "stop".into()), &Value::Null));
    events.push(chunk(json!([]), &usage));
    let mut text = String::new();
    for event in events {
        let _infallible = write!(text, "data: {event}\n\n");
    }
    text.push_str("data: [DONE]\n\n");
    ([("content-type", "text/event-stream")], Body::from(text)).into_response()
}
