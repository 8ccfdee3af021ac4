//! Over a real socket.

use std::time::Duration;

use base::tasks::Tasks;
use base::testing::StillClock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;
use witness::Serving;

use crate::log::SmallLog;
use crate::stand::config;

#[tokio::test]
async fn a_connection_is_kept_for_several_requests_until_the_witness_stops() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = config(&folder.path().join("data"));
    let serving = Serving::start(&config, StillClock::new().shared()).await.expect("listens");
    let address = serving.address();
    let (stop, stopped) = oneshot::channel::<()>();
    let tasks = Tasks::new();
    tasks.spawn(serving.until(async move { drop(stopped.await) }));

    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let log = SmallLog::honest();
    for (old, new) in [(0, 3), (3, 9)] {
        let body = log.request(old, new).to_string();
        let length = body.len();
        let request = format!(
            "POST /add-checkpoint HTTP/1.1\r\nhost: w\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.expect("sent");
        let answer = answer(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert_eq!(answer.matches("\u{2014} witness.customer.example/w1 ").count(), 2);
    }
    let mut idle = TcpStream::connect(address).await.expect("a connection");
    idle.write_all(b"GET / HT").await.expect("sent");
    // It is accepted and read: what began to be asked is waited for, and then cut off.
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }

    stop.send(()).expect("it serves");
    let patience = Duration::from_secs(20);
    timeout(patience, tasks.ended()).await.expect("it stops, whoever is still connected");
    let mut rest = Vec::new();
    let at_once = Duration::from_secs(5);
    drop(timeout(at_once, idle.read_to_end(&mut rest)).await.expect("the connection ends"));
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens");
}

/// An answer with a length, to its end.
async fn answer(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let read = stream.read_buf(&mut bytes).await.expect("an answer");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let length = |head: &str| {
            let line = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            line.and_then(|length| length.parse::<usize>().ok())
        };
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && length(head) == Some(body.len())
        {
            return text;
        }
        assert!(read > 0, "it broke off: {text}");
    }
}
