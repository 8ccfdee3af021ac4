//! An answer on its way: forwards all that is ready in one write, meters it, and
//! releases its end only when the outcome is on disk.
//!
//! ```text
//! provider ─chunks─► wire (meter, hold back [DONE]) ─► ready ─► caller
//!                                   gate: intent durable ┘        │
//!                     end ─► settle, outcome ─► durable ─► receipt, [DONE]
//! credential ends ─► provider dropped, ready thrown away ─► settle, outcome ─► error
//! nobody reads    ─► the same
//! ```

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use access::{CredentialsEnded, LifeEnd};
use audit::{NotDurable, Outcome, Pending};
use base::problem::Problem;
use base::tasks::Tasks;
use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};
use hyper::body::Incoming;
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep};

use crate::call::{Call, End, Lease};
use crate::error::{Error, as_openai};
use crate::gate::Gate;
use crate::provider::Trial;
use crate::reply::{frame, last_frame};
use crate::wire::tally::Tally;
use crate::wires::{DONE, Went, Wire};

/// After this much silence a comment tells the caller that the stream lives.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// A stream that its caller does not read for so long is ended: it holds a slot of its provider.
pub const UNREAD_MAX: Duration = Duration::from_mins(1);
/// How often that is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Bytes that wait for the caller before the provider is read no further.
const READY_MAX: usize = 256 << 10;

/// The body of a streamed answer.
#[derive(Debug)]
pub(crate) struct Stream {
    flow: Arc<Mutex<Flow>>,
    /// Dropped with the stream: nobody watches over it any longer.
    _watched: oneshot::Sender<()>,
}

/// Where a stream comes from.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) body: Incoming,
    pub(crate) wire: Wire,
    pub(crate) prompt_estimate: u64,
    pub(crate) idle_timeout: Duration,
    /// What came already, if that was waited for.
    pub(crate) first: Option<Bytes>,
    /// The try that it comes from.
    pub(crate) trial: Trial,
}

/// What flows.
#[derive(Debug)]
struct Flow {
    call: Call,
    /// Dropped at the end, so that the provider stops when the caller has left.
    up: Option<Incoming>,
    /// Ends with `up`: its slot is free for the next call.
    trial: Option<Trial>,
    wire: Wire,
    prompt_estimate: u64,
    idle_timeout: Duration,
    gate: Gate,
    ready: Vec<Bytes>,
    ready_bytes: usize,
    state: State,
    tick: Pin<Box<Sleep>>,
    heard_at: Instant,
    spoke_at: Instant,
    /// When somebody last came to read.
    polled_at: Instant,
    /// Whoever reads, to be told of an end that comes from elsewhere.
    reader: Option<Waker>,
}

#[derive(Debug)]
enum State {
    Flowing,
    /// The outcome is on its way to disk; `tail` goes out behind it.
    Closing {
        outcome: Pending,
        tail: Bytes,
    },
    Done,
}

impl Stream {
    /// Begins, and watches over the life of the caller's credential, the reservation and whether
    /// they read: a body is not looked at while its caller does not.
    pub(crate) fn begin((call, gate): (Call, Gate), from: Upstream, tasks: &Tasks) -> Self {
        let now = Instant::now();
        let (end, lease) = (call.caller.standing.life.end_of(), call.lease());
        let mut flow = Flow {
            call,
            up: Some(from.body),
            trial: Some(from.trial),
            wire: from.wire,
            prompt_estimate: from.prompt_estimate,
            idle_timeout: from.idle_timeout,
            gate,
            ready: Vec::new(),
            ready_bytes: 0,
            state: State::Flowing,
            tick: Box::pin(tokio::time::sleep(HEARTBEAT.min(from.idle_timeout))),
            heard_at: now,
            spoke_at: now,
            polled_at: now,
            reader: None,
        };
        if let Some(first) = from.first {
            flow.heard(&first);
        }
        let flow = Arc::new(Mutex::new(flow));
        let (watched, left) = oneshot::channel();
        tasks.spawn(watch(end, left, lease, Arc::downgrade(&flow)));
        Self { flow, _watched: watched }
    }
}

/// Ends a stream with the credential that it runs on, and one that nobody reads; until then its
/// reservation is kept.
async fn watch(
    mut end: LifeEnd,
    mut left: oneshot::Receiver<()>,
    lease: Lease,
    flow: Weak<Mutex<Flow>>,
) {
    let (mut over, mut kept) = (false, pin!(lease.keep()));
    while !over {
        tokio::select! {
            () = &mut end => over = true,
            _ = &mut left => return,
            never = &mut kept => never,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        let Some(flow) = flow.upgrade() else { return };
        let reader = {
            let mut flow = lock(&flow);
            if over {
                flow.cut();
            } else {
                flow.look();
            }
            flow.reader.take()
        };
        // Whoever waits comes again, and so shows that they are there.
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

fn lock(flow: &Mutex<Flow>) -> MutexGuard<'_, Flow> {
    flow.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Flow {
    /// Takes in all that the provider has ready. Afterwards either the stream has
    /// ended, or the provider will wake us.
    fn take_in(&mut self, context: &mut Context<'_>) {
        while self.ready_bytes < READY_MAX {
            let Some(up) = &mut self.up else { return };
            match Pin::new(up).poll_frame(context) {
                Poll::Pending => return,
                Poll::Ready(Some(Ok(frame))) => {
                    let Ok(chunk) = frame.into_data() else { continue };
                    self.heard(&chunk);
                }
                Poll::Ready(Some(Err(_))) => self.end(Outcome::Failed, Some(Error::ProviderFailed)),
                Poll::Ready(None) => {
                    let went = self.wire.finish();
                    self.went(went);
                }
            }
        }
    }

    /// A piece came. Only a whole event is heard: a provider that drips bytes is as good as silent.
    fn heard(&mut self, chunk: &Bytes) {
        if let Some(trial) = &mut self.trial {
            trial.began();
        }
        let before = self.wire.events();
        let went = self.wire.pass(chunk);
        if self.wire.events() > before {
            self.heard_at = Instant::now();
        }
        self.went(went);
    }

    fn went(&mut self, went: Went) {
        let (bytes, end) = match went {
            Went::On(bytes) => (bytes, None),
            Went::Done(bytes) => (bytes, Some((Outcome::Success, None))),
            Went::Failed(bytes) => (bytes, Some((Outcome::Failed, Some(Error::ProviderFailed)))),
        };
        if !bytes.is_empty() {
            self.ready_bytes += bytes.len();
            self.ready.push(bytes);
        }
        if let Some((outcome, error)) = end {
            self.end(outcome, error);
        }
    }

    /// Settles, submits the outcome, and writes down how the caller will hear of it.
    fn end(&mut self, outcome: Outcome, error: Option<Error>) {
        self.up = None;
        match (self.trial.take(), outcome) {
            (Some(trial), Outcome::Success) => trial.ended_well(),
            (Some(trial), Outcome::Failed) => trial.failed(),
            // The caller, or its credential, ended it: that says nothing of the endpoint.
            (trial, _) => drop(trial),
        }
        let problem = error.map(Problem::from);
        let tail = match &problem {
            Some(problem) => as_openai(problem).to_event(),
            None => Bytes::from([self.receipt().as_bytes(), DONE].concat()),
        };
        let outcome = self.close(outcome, problem);
        self.state = State::Closing { outcome, tail };
    }

    fn close(&mut self, outcome: Outcome, problem: Option<Problem>) -> Pending {
        let tally: &Tally = self.wire.tally();
        let (usage, estimated) = tally.settled(self.prompt_estimate);
        self.call.close(&End { outcome, usage, estimated, problem })
    }

    fn receipt(&self) -> String {
        format!(": portico-receipt {}\n\n", self.call.id)
    }

    /// All that waits, in one piece.
    fn take_ready(&mut self) -> Option<Bytes> {
        self.ready_bytes = 0;
        match self.ready.len() {
            0 => None,
            1 => self.ready.pop(),
            _ => {
                let mut whole = BytesMut::new();
                self.ready.drain(..).for_each(|piece| whole.extend_from_slice(&piece));
                Some(whole.freeze())
            }
        }
    }

    /// Silence: a heartbeat for the caller, and an end for a provider that fell silent.
    fn poll_silence(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        ready!(self.tick.as_mut().poll(context));
        let now = Instant::now();
        if now.duration_since(self.heard_at) >= self.idle_timeout {
            self.end(Outcome::Failed, Some(Error::ProviderTooSlow));
            return Poll::Ready(None);
        }
        let next = (self.spoke_at + HEARTBEAT).min(self.heard_at + self.idle_timeout);
        let due = now.duration_since(self.spoke_at) >= HEARTBEAT;
        let next =
            if due { (now + HEARTBEAT).min(self.heard_at + self.idle_timeout) } else { next };
        self.tick.as_mut().reset(next.max(now + Duration::from_millis(1)));
        Poll::Ready(due.then(|| Bytes::from_static(b": keep-alive\n\n")))
    }
}

impl Body for Stream {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let mut flow = lock(&self.flow);
        flow.polled_at = Instant::now();
        let polled = flow.poll(context);
        flow.reader = polled.is_pending().then(|| context.waker().clone());
        polled
    }
}

impl Flow {
    fn poll(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::convert::Infallible>>> {
        loop {
            if matches!(self.state, State::Done) {
                return Poll::Ready(None);
            }
            if self.call.caller.standing.life.is_over() {
                self.cut();
            }
            self.take_in(context);
            let proof = match ready!(self.gate.poll(context)) {
                Ok(proof) => proof,
                Err(lost) => return self.refuse(lost),
            };
            if let Some(bytes) = self.take_ready() {
                self.spoke_at = Instant::now();
                return Poll::Ready(Some(Ok(frame(&proof, bytes))));
            }
            match &mut self.state {
                State::Flowing => {
                    if let Some(beat) = ready!(self.poll_silence(context)) {
                        self.spoke_at = Instant::now();
                        return Poll::Ready(Some(Ok(frame(&proof, beat))));
                    }
                }
                State::Closing { outcome, tail } => {
                    let written = ready!(Pin::new(outcome).poll(context));
                    let tail = std::mem::take(tail);
                    return match written {
                        Ok(proof) => {
                            self.state = State::Done;
                            Poll::Ready(Some(Ok(last_frame(&proof, tail))))
                        }
                        Err(lost) => self.refuse(lost),
                    };
                }
                State::Done => {}
            }
        }
    }

    /// The credential ended: what waits is not released, the provider is dropped, and what
    /// it said until now is settled.
    fn cut(&mut self) {
        self.ready.clear();
        self.ready_bytes = 0;
        match &mut self.state {
            State::Flowing => {
                self.end(Outcome::Aborted, Some(Error::CredentialsEnded(CredentialsEnded)));
            }
            // It was complete, and is recorded so; its last words come too late.
            State::Closing { tail, .. } => *tail = as_openai(&CredentialsEnded.into()).to_event(),
            State::Done => {}
        }
    }

    /// If nobody has come to read for long, it ends as if its caller had left.
    fn look(&mut self) {
        if !matches!(self.state, State::Flowing) || self.polled_at.elapsed() < UNREAD_MAX {
            return;
        }
        self.ready.clear();
        self.ready_bytes = 0;
        self.end(Outcome::Aborted, Some(Error::NotRead));
    }

    /// The record failed: what waits is not released, and the caller is told.
    fn refuse(
        &mut self,
        lost: NotDurable,
    ) -> Poll<Option<Result<Frame<Bytes>, std::convert::Infallible>>> {
        let problem = Problem::from(lost);
        if matches!(self.state, State::Flowing) {
            // What it said until now was produced, and is charged.
            drop(self.close(Outcome::Failed, Some(problem.clone())));
        }
        self.up = None;
        self.trial = None;
        self.ready.clear();
        self.state = State::Done;
        Poll::Ready(Some(Ok(Frame::data(as_openai(&problem).to_event()))))
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        // The caller left: what was produced until now is settled and recorded.
        if matches!(self.state, State::Flowing) {
            let ended = self.call.caller.standing.life.check().err();
            drop(self.close(Outcome::Aborted, ended.map(Problem::from)));
        }
    }
}
