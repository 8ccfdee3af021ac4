//! Callers that take nothing of their answers, or little, over real sockets.

use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use base::tasks::Tasks;
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper::body::Frame;
use hyper::client::conn::http2::{Builder, Connection, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::outlet::{Outlet, UNTAKEN_MAX};
use super::{Door, Stage, Visit, http2};

/// What the kernel of the door holds for a caller, and what that of a caller takes unread.
const HELD: u32 = 1 << 20;
const TAKEN: u32 = 4 << 10;
/// What a slow reader reads at once: far less than makes the kernel say that there is room.
const SIP: usize = 128 << 10;

/// Pieces of an answer that are asked for at most by a door that waits for its caller.
const ASKED_FOR_MAX: u32 = 256;

/// An answer without end, and how many pieces of it were asked for.
struct Endless(Bytes, u32);

impl hyper::body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.1 += 1;
        assert!(self.1 < ASKED_FOR_MAX, "the door takes what its caller does not");
        Poll::Ready(Some(Ok(Frame::data(self.0.clone()))))
    }
}

/// It answers so to whatever is asked.
fn endless() -> Stage {
    let stage = Stage::empty();
    let answer = async || Body::new(Endless(Bytes::from(vec![b'y'; 64 << 10]), 0));
    stage.set(Router::new().fallback(answer));
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
fn open(served: &mut JoinSet<()>) -> SocketAddr {
    let (listener, address) = listen();
    let (draining, cut) = (CancellationToken::new(), CancellationToken::new());
    let head_timeout = Duration::from_hours(1);
    let door = Door { listener, tls: None, connections_max: 1, head_timeout, draining, cut };
    served.spawn(door.serve(endless(), Tasks::new(), pending()));
    address
}

/// One HTTP/2 connection: it is served by `served`.
async fn connect(served: &mut JoinSet<()>) -> TcpStream {
    let (listener, address) = listen();
    let caller = reach(address).await;
    let (stream, peer) = listener.accept().await.unwrap();
    let visit = Visit {
        peer,
        stage: endless(),
        ending: Tasks::new(),
        draining: CancellationToken::new(),
        head_timeout: Duration::from_hours(1),
    };
    served.spawn(http2(TokioIo::new(Outlet::of(stream)), visit));
    caller
}

async fn reach(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(TAKEN).unwrap();
    socket.connect(address).await.unwrap()
}

async fn asks(address: SocketAddr) -> TcpStream {
    let mut caller = reach(address).await;
    caller.write_all(b"GET / HTTP/1.1\r\nhost: portico\r\n\r\n").await.unwrap();
    caller
}

type Caller =
    (SendRequest<Empty<Bytes>>, Connection<TokioIo<TcpStream>, Empty<Bytes>, TokioExecutor>);

/// A caller whose answers have such windows, and whose connection one eight times as large.
async fn hand(stream: TcpStream, window: u32) -> Caller {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(window).initial_connection_window_size(window * 8);
    builder.handshake(TokioIo::new(stream)).await.unwrap()
}

/// Over HTTP/2: its preface, settings and a window that leave room for everything, and `GET /`.
const ASKING: [&[u8]; 4] = [
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    &[0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0x7f, 0xff, 0xff, 0xff],
    &[0, 0, 4, 8, 0, 0, 0, 0, 0, 0x7f, 0xff, 0, 0],
    &[0, 0, 3, 1, 5, 0, 0, 0, 1, 0x82, 0x86, 0x84],
];

fn request() -> Request<Empty<Bytes>> {
    Request::get("http://portico/").body(Empty::new()).unwrap()
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
        assert!(passed < UNTAKEN_MAX * 4, "it is there for ever");
        pass(step).await;
        passed += step;
    }
    passed
}

#[tokio::test]
async fn a_caller_that_takes_nothing_of_its_answer_gives_its_place_to_the_next() {
    let mut served = JoinSet::new();
    let address = open(&mut served);
    let mut deaf = asks(address).await;
    deaf.readable().await.unwrap();
    let mut next = JoinSet::new();
    next.spawn(async move { asks(address).await.read_u8().await.unwrap() });
    let after = ended(&mut next).await;
    assert!((UNTAKEN_MAX..UNTAKEN_MAX * 2).contains(&after), "{after:?}");
    assert!(deaf.read_to_end(&mut Vec::new()).await.is_err(), "it was told");
}

#[tokio::test]
async fn a_caller_that_reads_slowly_is_not_cut_off() {
    let mut served = JoinSet::new();
    let mut slow = asks(open(&mut served)).await;
    let mut sip = vec![0; SIP];
    for _ in 0..40 {
        slow.read_exact(&mut sip).await.expect("it is served");
        pass(UNTAKEN_MAX * 3 / 4).await;
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
    let caller = connect(&mut served).await;
    let (mut sender, connection) = hand(caller, 64 << 10).await;
    let mut driven = JoinSet::new();
    driven.spawn(connection);
    let answer = sender.send_request(request()).await.unwrap();
    let after = ended(&mut served).await;
    assert!((UNTAKEN_MAX..=UNTAKEN_MAX * 9 / 4).contains(&after), "{after:?}");
    drop(answer);
}

#[tokio::test]
async fn over_http2_a_caller_that_reads_one_answer_slowly_keeps_all() {
    let mut served = JoinSet::new();
    let caller = connect(&mut served).await;
    let (mut sender, connection) = hand(caller, 64 << 10).await;
    let mut driven = JoinSet::new();
    driven.spawn(connection);
    let unread = sender.send_request(request()).await.unwrap();
    let mut slow = sender.send_request(request()).await.unwrap().into_body();
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
