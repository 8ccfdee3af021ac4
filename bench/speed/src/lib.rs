//! What the three programs share: how they are told what to do, and how they serve.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

/// The value behind `--name`, or what is taken without it.
///
/// # Panics
/// When the value is not of its type: the program says so and ends.
pub fn option<T: std::str::FromStr>(name: &str, otherwise: T) -> T {
    let given = std::env::args().skip_while(|argument| argument != name).nth(1);
    let Some(given) = given else { return otherwise };
    given.parse().unwrap_or_else(|_| panic!("{name}: {given} is not understood"))
}

/// Nanoseconds since 1970, the same clock in all programs of a machine.
pub fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock behind 1970");
    u64::try_from(since.as_nanos()).expect("a year before 2554")
}

/// Answers HTTP/1.1 on a loopback address until the process ends.
pub fn serve<S, A, B>(address: SocketAddr, threads: usize, answer: S) -> !
where
    S: Fn(Request<Incoming>) -> A + Clone + Send + 'static,
    A: Future<Output = Result<Response<B>, hyper_util::client::legacy::Error>> + Send + 'static,
    B: Body<Error: std::error::Error + Send + Sync, Data: Send> + Send + 'static,
{
    assert!(address.ip().is_loopback(), "only on a loopback address");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build();
    runtime.expect("a runtime").block_on(async move {
        let listener = tokio::net::TcpListener::bind(address).await.expect("a free port");
        loop {
            let Ok((socket, _)) = listener.accept().await else { continue };
            let _ = socket.set_nodelay(true);
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut http = http1::Builder::new();
                http.pipeline_flush(true);
                let _ = http.serve_connection(TokioIo::new(socket), service_fn(answer)).await;
            });
        }
    })
}

/// A body that cannot fail.
pub type Sure = http_body_util::combinators::BoxBody<bytes::Bytes, Infallible>;
