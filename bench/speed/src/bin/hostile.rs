//! Clients that mean no good.
//!
//! `hostile --kind slow-head|slow-body|idle|huge --to 127.0.0.1:8080 --key pk_… [--sockets 5000]`
//!
//! | kind | each socket |
//! |---|---|
//! | `idle` | connects and says nothing |
//! | `slow-head` | sends a byte of a request head each second |
//! | `slow-body` | sends a head with a good key and a length of 1 MB, then a byte each second |
//! | `huge` | sends a body of 1 GiB, half of them without a length |
//!
//! Whoever is thrown out comes again. They stop when the standard input ends; then one line of
//! JSON says how many connected, were thrown out, and which statuses they got.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use speed::option;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

static SEEN: Mutex<BTreeMap<String, u64>> = Mutex::new(BTreeMap::new());

fn saw(what: &str) {
    *SEEN.lock().expect("nobody panics").entry(what.to_owned()).or_default() += 1;
}

fn head(length: Option<u64>) -> String {
    let key: String = option("--key", "none".to_owned());
    let length =
        length.map_or("transfer-encoding: chunked".to_owned(), |n| format!("content-length: {n}"));
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: portico.test\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\n{length}\r\n\r\n"
    )
}

/// A byte each second until the other side has enough.
async fn drip(socket: &mut TcpStream) {
    let mut answer = [0; 64];
    loop {
        tokio::select! {
            count = socket.read(&mut answer) => {
                let said = String::from_utf8_lossy(&answer[..count.unwrap_or(0)]).into_owned();
                saw(said.split(' ').nth(1).unwrap_or("closed"));
                return;
            }
            () = tokio::time::sleep(Duration::from_secs(1)) => {
                if socket.write_all(b"a").await.is_err() {
                    return saw("closed");
                }
            }
        }
    }
}

/// As much as the other side takes, up to 1 GiB.
async fn flood(socket: TcpStream, chunked: bool) {
    let (mut from, mut to) = socket.into_split();
    let all = 1 << 30;
    let piece = if chunked {
        [b"10000\r\n".as_slice(), &[b' '; 65536], b"\r\n"].concat()
    } else {
        vec![b' '; 65536]
    };
    let asking = async {
        to.write_all(head((!chunked).then_some(all)).as_bytes()).await?;
        for _ in 0..all / 65536 {
            to.write_all(&piece).await?;
        }
        std::io::Result::Ok(())
    };
    let mut answer = [0; 64];
    let count = tokio::select! {
        count = from.read(&mut answer) => count.unwrap_or(0),
        asked = asking => {
            saw(if asked.is_ok() { "taken whole" } else { "cut off" });
            from.read(&mut answer).await.unwrap_or(0)
        }
    };
    let said = String::from_utf8_lossy(&answer[..count]).into_owned();
    saw(said.split(' ').nth(1).unwrap_or("closed"));
}

async fn client(kind: String, to: String, at: usize) {
    loop {
        let Ok(mut socket) = TcpStream::connect(&to).await else {
            saw("not connected");
            tokio::time::sleep(Duration::from_secs(1)).await;
            continue;
        };
        saw("connected");
        match kind.as_str() {
            "slow-head" => {
                let _ = socket.write_all(b"POST /v1/chat/completions HTTP/1.1\r\nx-slow: ").await;
                drip(&mut socket).await;
            }
            "slow-body" => {
                let _ = socket.write_all(head(Some(1_000_000)).as_bytes()).await;
                drip(&mut socket).await;
            }
            "huge" => flood(socket, at % 2 == 1).await,
            _ => {
                let _ = socket.read(&mut [0; 64]).await;
                saw("closed");
            }
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let kind: String = option("--kind", "idle".to_owned());
    assert!(
        ["idle", "slow-head", "slow-body", "huge"].contains(&kind.as_str()),
        "no such kind: {kind}"
    );
    let to: String = option("--to", "127.0.0.1:8080".to_owned());
    for at in 0..option("--sockets", 5000) {
        tokio::spawn(client(kind.clone(), to.clone(), at));
        // The backlog of a listener is finite; this is not about that.
        if at % 100 == 99 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let _ = tokio::task::spawn_blocking(|| {
        std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink())
    })
    .await;
    let seen = SEEN.lock().expect("nobody panics");
    let told: Vec<String> =
        seen.iter().map(|(what, count)| format!("\"{what}\":{count}")).collect();
    println!("{{{}}}", told.join(","));
    std::process::exit(0);
}
