//! What a stranger cannot make us wait for, or keep.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::portico::{Extra, Portico};

/// What one of these sockets hears until it is closed, and how long that took.
async fn until_closed(socket: &mut TcpStream) -> (String, Duration) {
    let begun = Instant::now();
    let mut heard = Vec::new();
    let reading = socket.read_to_end(&mut heard);
    let ended = tokio::time::timeout(Duration::from_secs(10), reading).await;
    // A reset is an end too.
    assert!(ended.is_ok(), "the door left it open: {}", String::from_utf8_lossy(&heard));
    (String::from_utf8_lossy(&heard).into_owned(), begun.elapsed())
}

async fn connect(portico: &Portico) -> TcpStream {
    let address = portico.base.strip_prefix("http://").expect("a URL");
    TcpStream::connect(address).await.expect("connects")
}

async fn answers(portico: &Portico, key: &str) {
    let begun = Instant::now();
    assert_eq!(portico.http.get(key, "/v1/models").await.status, 200);
    assert!(begun.elapsed() < Duration::from_secs(1), "others are served meanwhile");
}

#[tokio::test]
async fn a_head_that_does_not_end_is_cut_off_while_others_are_served() {
    let mut portico = Portico::with(Extra { listen: "head_timeout_ms = 600", ..Extra::default() });
    let org = portico.org("acme", "eu");
    portico.serve().await;
    let half = "POST /v1/chat/completions HTTP/1.1\r\nhost: portico\r\nx-half: ";
    let (mut half_head, mut silent, mut drip) =
        (connect(&portico).await, connect(&portico).await, connect(&portico).await);
    half_head.write_all(half.as_bytes()).await.expect("writes");
    answers(&portico, &org.member).await;
    // A byte now and then does not buy time.
    let dripping = async {
        let begun = Instant::now();
        while drip.write_all(half.get(..1).expect("a byte").as_bytes()).await.is_ok() {
            assert!(begun.elapsed() < Duration::from_secs(10), "it drips for ever");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        begun.elapsed()
    };
    let ((heard, took), (nothing, idle), dripped) =
        tokio::join!(until_closed(&mut half_head), until_closed(&mut silent), dripping);
    assert!(!heard.contains("200 OK") && nothing.is_empty(), "{heard} {nothing}");
    for took in [took, idle, dripped] {
        assert!(took < Duration::from_secs(3), "{took:?}");
    }
    answers(&portico, &org.member).await;
}

#[tokio::test]
async fn five_hundred_idle_sockets_stop_no_call() {
    let mut portico = Portico::on_sqlite("");
    let org = portico.org("acme", "eu");
    portico.serve().await;
    let mut idle = Vec::new();
    for _ in 0..500 {
        idle.push(connect(&portico).await);
    }
    for _ in 0..20 {
        answers(&portico, &org.member).await;
    }
    drop(idle);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let mut portico = Portico::on_sqlite("");
    let org = portico.org("acme", "eu");
    portico.serve().await;
    let many = "x-many: y\r\n".repeat(101);
    let long = |len: usize| format!("x-long: {}\r\n", "y".repeat(len));
    for (headers, status) in
        [(long(30 << 10), "200"), (long(33 << 10), "431"), (long(200 << 10), "431"), (many, "431")]
    {
        let mut socket = connect(&portico).await;
        let head = format!(
            "GET /v1/models HTTP/1.1\r\nhost: portico\r\nconnection: close\r\n\
             authorization: Bearer {}\r\n{headers}\r\n",
            org.member
        );
        // The door may answer and close before all is written.
        drop(socket.write_all(head.as_bytes()).await);
        let (answer, _) = until_closed(&mut socket).await;
        let refused_without_a_word = status == "431" && answer.is_empty();
        assert!(
            refused_without_a_word || answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{} bytes of headers: {answer}",
            headers.len()
        );
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_and_the_refusal_can_be_read() {
    let mut portico = Portico::on_sqlite("");
    let org = portico.org("acme", "eu");
    portico.serve().await;
    let head = |length: usize, more: &str| {
        format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: portico\r\n\
             authorization: Bearer {}\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n{more}\r\n",
            org.member
        )
    };
    // A gigabyte, or anything too large that waits to be asked for: not one byte is read.
    for (length, more) in [(1 << 30, ""), (33 << 20, "expect: 100-continue\r\n")] {
        let mut socket = connect(&portico).await;
        socket.write_all(head(length, more).as_bytes()).await.expect("writes");
        let (answer, took) = until_closed(&mut socket).await;
        assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("\"error\""), "{answer}");
        assert!(took < Duration::from_secs(2), "{took:?}");
    }
    // One that is on its way is read, and thrown away, so that its sender gets to the
    // answer; the connection lives on.
    let mut socket = connect(&portico).await;
    socket.write_all(head(33 << 20, "").as_bytes()).await.expect("writes");
    socket.write_all(&vec![b'y'; 33 << 20]).await.expect("writes");
    let next = format!(
        "GET /v1/models HTTP/1.1\r\nhost: portico\r\nauthorization: Bearer {}\r\n\
         connection: close\r\n\r\n",
        org.member
    );
    socket.write_all(next.as_bytes()).await.expect("writes");
    let (answers, _) = until_closed(&mut socket).await;
    assert!(
        answers.starts_with("HTTP/1.1 413 ") && answers.contains("HTTP/1.1 200 OK"),
        "{answers}"
    );
}
