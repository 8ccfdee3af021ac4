//! Callers that take nothing of their answers, or little, over real sockets.

use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::get;
use base::tasks::Tasks;
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper::body::Frame;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::outlet::{Outlet, UNTAKEN_MAX};
use super::{Door, Stage, Visit, http2};

/// What the kernel of the door holds for a caller, and what that of a caller takes unread.
const HELD: u32 = 4 << 20;
const TAKEN: u32 = 4 << 10;
/// What a slow reader reads at once: far less than makes the kernel say that there is room.
const SIP: usize = 128 << 10;

/// A piece of a model's stream at its largest.
const PIECE: usize = 256 << 10;

/// Pieces of an answer that are asked for at most by a door that waits for its caller.
const ASKED_FOR_MAX: u32 = 256;

/// After so long a call is answered by its provider.
const LATE: Duration = UNTAKEN_MAX.saturating_mul(3);

/// An answer without end.
struct Endless {
    piece: Bytes,
    pieces: u32,
    asked: Asked,
}

/// The longest that answers were not asked for more, and when they last were.
#[derive(Debug, Clone, Default)]
struct Asked(Arc<Mutex<(Duration, Option<Instant>)>>);

impl Asked {
    fn now(&self) -> Duration {
        let now = Instant::now();
        let (longest, last) = &mut *self.0.lock().unwrap();
        *longest = last.replace(now).map_or(Duration::ZERO, |last| now - last).max(*longest);
        *longest
    }
}

impl hyper::body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.asked.now();
        self.pieces += 1;
        assert!(self.pieces < ASKED_FOR_MAX, "the door takes what its caller does not");
        Poll::Ready(Some(Ok(Frame::data(self.piece.clone()))))
    }
}

/// Answers so whatever is asked, in pieces of so many bytes.
fn answers(piece: usize, asked: &Asked) -> Router {
    let (piece, asked) = (Bytes::from(vec![b'y'; piece]), asked.clone());
    let answer = async move || Body::new(Endless { piece, pieces: 0, asked });
    Router::new().fallback(answer)
}

/// Answers so whatever is asked, and `/late` after [`LATE`].
fn endless() -> Router {
    let late = async || tokio::time::sleep(LATE).await;
    answers(64 << 10, &Asked::default()).route("/late", get(late))
}

fn stage(routes: Router) -> Stage {
    let stage = Stage::empty();
    stage.set(routes);
    stage
}

fn listen() -> (TcpListener, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(HELD).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(16).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A door with one place.
fn open(served: &mut JoinSet<()>, routes: Router) -> SocketAddr {
    let (listener, address) = listen();
    let (draining, cut) = (CancellationToken::new(), CancellationToken::new());
    let head_timeout = Duration::from_hours(1);
    let door = Door { listener, tls: None, connections_max: 1, head_timeout, draining, cut };
    served.spawn(door.serve(stage(routes), Tasks::new(), pending()));
    address
}

/// One HTTP/2 connection: it is served by `served`.
async fn connect(served: &mut JoinSet<()>) -> TcpStream {
    let (listener, address) = listen();
    let caller = reach(address, TAKEN).await;
    let (stream, peer) = listener.accept().await.unwrap();
    let visit = Visit {
        peer,
        stage: stage(endless()),
        ending: Tasks::new(),
        draining: CancellationToken::new(),
        head_timeout: Duration::from_hours(1),
    };
    served.spawn(http2(TokioIo::new(Outlet::of(stream)), visit));
    caller
}

async fn reach(address: SocketAddr, taken: u32) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(taken).unwrap();
    socket.connect(address).await.unwrap()
}

async fn asks(address: SocketAddr, taken: u32) -> TcpStream {
    let mut caller = reach(address, taken).await;
    caller.write_all(b"GET / HTTP/1.1\r\nhost: portico\r\n\r\n").await.unwrap();
    caller
}

/// A caller over HTTP/2 and what drives its connection, of which each answer has 64 KiB of window,
/// and all together eight times as much.
async fn calls(
    served: &mut JoinSet<()>,
) -> (SendRequest<Empty<Bytes>>, JoinSet<hyper::Result<()>>) {
    const WINDOW: u32 = 64 << 10;
    let stream = TokioIo::new(connect(served).await);
    let mut builder = Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(WINDOW).initial_connection_window_size(WINDOW * 8);
    let (sender, connection) = builder.handshake(stream).await.unwrap();
    let mut driven = JoinSet::new();
    driven.spawn(connection);
    (sender, driven)
}

/// Over HTTP/2: its preface, settings and a window that leave room for everything, and `GET /`.
const ASKING: [&[u8]; 4] = [
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    &[0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0x7f, 0xff, 0xff, 0xff],
    &[0, 0, 4, 8, 0, 0, 0, 0, 0, 0x7f, 0xff, 0, 0],
    &[0, 0, 3, 1, 5, 0, 0, 0, 1, 0x82, 0x86, 0x84],
];

fn request(path: &str) -> Request<Empty<Bytes>> {
    Request::get(format!("http://portico{path}")).body(Empty::new()).unwrap()
}

/// Time passes for whoever waits, but not for the kernel.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// How much time passes until one of these has ended.
async fn ended<T: 'static>(tasks: &mut JoinSet<T>) -> Duration {
    let step = UNTAKEN_MAX / 4;
    let mut passed = Duration::ZERO;
    while tasks.try_join_next().is_none() {
        assert!(passed < UNTAKEN_MAX * 6, "it is there for ever");
        pass(step).await;
        passed += step;
    }
    passed
}

#[tokio::test]
async fn a_caller_that_takes_nothing_of_its_answer_gives_its_place_to_the_next() {
    let mut served = JoinSet::new();
    let address = open(&mut served, endless());
    let mut deaf = asks(address, TAKEN).await;
    deaf.readable().await.unwrap();
    let mut next = JoinSet::new();
    next.spawn(async move { asks(address, TAKEN).await.read_u8().await.unwrap() });
    let after = ended(&mut next).await;
    assert!((UNTAKEN_MAX..UNTAKEN_MAX * 2).contains(&after), "{after:?}");
    assert!(deaf.read_to_end(&mut Vec::new()).await.is_err(), "it was told");
}

#[tokio::test]
async fn a_caller_that_reads_slowly_is_not_cut_off() {
    let mut served = JoinSet::new();
    let mut slow = asks(open(&mut served, endless()), TAKEN).await;
    let mut sip = vec![0; SIP];
    for _ in 0..40 {
        slow.read_exact(&mut sip).await.expect("it is served");
        pass(UNTAKEN_MAX * 3 / 4).await;
    }
}

#[tokio::test]
async fn the_stream_of_a_caller_that_reads_16_kilobytes_a_second_is_asked_for_more_in_time() {
    // What the kernel of a caller takes unread it says in lumps, the more the larger.
    for taken in [TAKEN, 3 << 20] {
        let (mut served, asked) = (JoinSet::new(), Asked::default());
        let mut slow = asks(open(&mut served, answers(PIECE, &asked)), taken).await;
        let mut sip = vec![0; 160 << 10];
        for _ in 0..120 {
            slow.read_exact(&mut sip).await.expect("it is served");
            pass(Duration::from_secs(10)).await;
        }
        let longest = asked.now();
        assert!(longest < gateway::UNREAD_MAX, "{longest:?}");
    }
}

#[tokio::test]
async fn over_http2_a_socket_that_takes_nothing_is_closed_too() {
    let mut served = JoinSet::new();
    let mut caller = connect(&mut served).await;
    for frame in ASKING {
        caller.write_all(frame).await.unwrap();
    }
    let after = ended(&mut served).await;
    assert!((UNTAKEN_MAX..UNTAKEN_MAX * 2).contains(&after), "{after:?}");
    assert!(caller.read_to_end(&mut Vec::new()).await.is_err(), "it was told");
}

#[tokio::test]
async fn over_http2_answers_whose_windows_stay_shut_end_with_their_connection() {
    let mut served = JoinSet::new();
    let (mut sender, _driven) = calls(&mut served).await;
    let answer = sender.send_request(request("/")).await.unwrap();
    let after = ended(&mut served).await;
    assert!((UNTAKEN_MAX..=UNTAKEN_MAX * 9 / 4).contains(&after), "{after:?}");
    drop(answer);
}

#[tokio::test]
async fn over_http2_a_caller_that_reads_one_answer_slowly_keeps_all() {
    let mut served = JoinSet::new();
    let (mut sender, _driven) = calls(&mut served).await;
    let unread = sender.send_request(request("/")).await.unwrap();
    let mut slow = sender.send_request(request("/")).await.unwrap().into_body();
    for _ in 0..20 {
        let mut sip = 0;
        while sip < SIP {
            let frame = slow.frame().await.expect("no end").expect("it is served");
            sip += frame.data_ref().map_or(0, Bytes::len);
        }
        pass(UNTAKEN_MAX * 3 / 4).await;
    }
    assert!(served.try_join_next().is_none());
    drop(unread);
}

#[tokio::test]
async fn over_http2_who_leaves_an_answer_unread_loses_no_other() {
    let mut served = JoinSet::new();
    let (mut sender, mut driven) = calls(&mut served).await;
    let unread = sender.send_request(request("/")).await.unwrap();
    let mut late = JoinSet::new();
    late.spawn(sender.send_request(request("/late")));
    let after = ended(&mut driven).await;
    assert!((LATE..=LATE + UNTAKEN_MAX * 9 / 4).contains(&after), "{after:?}");
    let answer = late.try_join_next().expect("it is there").unwrap();
    assert!(answer.expect("it is answered").status().is_success());
    drop(unread);
}

#[tokio::test]
async fn over_http2_an_answer_that_is_given_up_was_not_taken() {
    let mut served = JoinSet::new();
    let (mut sender, _driven) = calls(&mut served).await;
    let mut unread = Vec::new();
    // So many fill the window of the connection.
    for _ in 0..8 {
        unread.push(sender.send_request(request("/")).await.unwrap());
    }
    let mut passed = Duration::ZERO;
    while served.try_join_next().is_none() {
        assert!(passed < UNTAKEN_MAX * 4, "it is there for ever");
        let given_up = sender.send_request(request("/")).await;
        drop(given_up);
        pass(UNTAKEN_MAX / 4).await;
        passed += UNTAKEN_MAX / 4;
    }
}
