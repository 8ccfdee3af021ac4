//! A provider in `OpenAI`'s shape that always says the same, as fast as it is told to.
//!
//! `provider --listen 127.0.0.1:9100 [--delay-ms 0] [--tokens 20] [--pace-ms 0]`
//!
//! A stream has `--tokens` events and four more. With a pace each event says in `sent_ns`
//! when it was sent, so that whoever reads it knows how long it was on its way.
//! `GET /counted` says how many calls were asked and how many were answered to their end, how many
//! are under way, and the most that were since somebody looked last.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::{Request, Response};
use speed::{Sure, now_ns, option, serve};
use tokio::sync::mpsc;

const WHOLE: &str = r#"{"id":"chatcmpl-fixed","object":"chat.completion","created":1700000000,"model":"mock-model","choices":[{"index":0,"message":{"role":"assistant","content":"Hello! This is a fixed answer of a provider that is not there, as long as a short one is."},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":12,"completion_tokens":17,"total_tokens":29}}"#;
const HEAD: &str = r#"data: {"id":"chatcmpl-fixed","object":"chat.completion.chunk","created":1700000000,"model":"mock-model","#;

struct Provider {
    delay: Duration,
    pace: Duration,
    events: Vec<Bytes>,
}

fn events(tokens: u64) -> Vec<Bytes> {
    let choice = |delta: &str, reason: &str| {
        format!(r#"{HEAD}"choices":[{{"index":0,"delta":{delta},"finish_reason":{reason}}}]}}"#)
            + "\n\n"
    };
    let mut events = vec![choice(r#"{"role":"assistant","content":""}"#, "null")];
    events.extend((0..tokens).map(|n| choice(&format!(r#"{{"content":" tok{n}"}}"#), "null")));
    events.push(choice("{}", r#""stop""#));
    let total = tokens + 12;
    events.push(format!(
        r#"{HEAD}"choices":[],"usage":{{"prompt_tokens":12,"completion_tokens":{tokens},"total_tokens":{total}}}}}"#
    ) + "\n\n");
    events.push("data: [DONE]\n\n".to_owned());
    events.into_iter().map(Bytes::from).collect()
}

/// The event with the time at which it is sent.
fn stamped(event: &Bytes) -> Bytes {
    match event.strip_prefix(b"data: {") {
        Some(rest) => {
            [format!("data: {{\"sent_ns\":{},", now_ns()).as_bytes(), rest].concat().into()
        }
        None => event.clone(),
    }
}

static ASKED: AtomicU64 = AtomicU64::new(0);
static ANSWERED: AtomicU64 = AtomicU64::new(0);
static UNDER_WAY: AtomicU64 = AtomicU64::new(0);
static PEAK: AtomicU64 = AtomicU64::new(0);

/// A call under way, until it is dropped.
struct Counted;

impl Counted {
    fn new() -> Self {
        ASKED.fetch_add(1, Ordering::Relaxed);
        PEAK.fetch_max(UNDER_WAY.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        UNDER_WAY.fetch_sub(1, Ordering::Relaxed);
    }
}

fn counted() -> String {
    let now = UNDER_WAY.load(Ordering::Relaxed);
    let (asked, answered) = (ASKED.load(Ordering::Relaxed), ANSWERED.load(Ordering::Relaxed));
    let peak = PEAK.swap(now, Ordering::Relaxed);
    format!(r#"{{"asked":{asked},"answered":{answered},"underWay":{now},"peak":{peak}}}"#)
}

/// The events of one call: all at once, or as they come.
struct Answer {
    events: Events,
    _counted: Counted,
}

enum Events {
    Ready(std::vec::IntoIter<Bytes>),
    Paced(mpsc::Receiver<Bytes>),
}

impl futures_core::Stream for Answer {
    type Item = Result<Frame<Bytes>, Infallible>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = match &mut self.get_mut().events {
            Events::Ready(events) => Poll::Ready(events.next()),
            Events::Paced(events) => events.poll_recv(context),
        };
        if matches!(next, Poll::Ready(None)) {
            ANSWERED.fetch_add(1, Ordering::Relaxed);
        }
        next.map(|event| event.map(|event| Ok(Frame::data(event))))
    }
}

impl Provider {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Sure> {
        if request.uri().path() == "/counted" {
            return Response::new(Full::from(counted()).boxed());
        }
        let known = request.uri().path().ends_with("/chat/completions");
        let asked =
            request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        if !known {
            return Response::builder()
                .status(404)
                .body(Full::default().boxed())
                .expect("a response");
        }
        let counted = Counted::new();
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
        let streamed = asked.windows(13).any(|bytes| bytes == b"\"stream\":true");
        let answer = |kind, body| {
            Response::builder().header("content-type", kind).body(body).expect("a response")
        };
        if !streamed {
            ANSWERED.fetch_add(1, Ordering::Relaxed);
            return answer("application/json", Full::from(WHOLE).boxed());
        }
        let events = if self.pace.is_zero() {
            Events::Ready(self.events.clone().into_iter())
        } else {
            let (told, heard) = mpsc::channel(4);
            tokio::spawn(async move {
                let mut tick = tokio::time::interval(self.pace);
                for event in &self.events {
                    tick.tick().await;
                    if told.send(stamped(event)).await.is_err() {
                        return;
                    }
                }
            });
            Events::Paced(heard)
        };
        answer(
            "text/event-stream",
            BodyExt::boxed(StreamBody::new(Answer { events, _counted: counted })),
        )
    }
}

fn main() {
    let provider = Arc::new(Provider {
        delay: Duration::from_millis(option("--delay-ms", 0)),
        pace: Duration::from_millis(option("--pace-ms", 0)),
        events: events(option("--tokens", 20)),
    });
    serve(option("--listen", ([127, 0, 0, 1], 9100).into()), 1, move |request| {
        let answered = provider.clone().answer(request);
        async { Ok(answered.await) }
    })
}
