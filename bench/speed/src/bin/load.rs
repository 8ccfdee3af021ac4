//! A load that measures from when it meant to ask, so that whoever is slow is not asked less.
//!
//! `load --url http://127.0.0.1:8080/v1/chat/completions --key pk_… [--model mock-model]
//!       [--rate 1000] [--connections 64] [--seconds 5] [--bytes 100] [--stream]`
//!
//! Without `--stream`: whole answers at a fixed rate. With it: streams at a fixed rate, and how
//! long each event with a `sent_ns` was on its way. Prints one line of JSON, times in
//! microseconds. Threads and blocking sockets: a sleep is exact to 50 us, not to a millisecond.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use speed::{now_ns, option};

/// What one connection saw, in nanoseconds.
#[derive(Default)]
struct Seen {
    answers: Vec<u64>,
    events: Vec<u64>,
    failed: u64,
}

struct Plan {
    host: String,
    request: Vec<u8>,
    every: Duration,
    count: u64,
    start: Instant,
    next: AtomicU64,
}

fn request(host: &str, path: &str) -> Vec<u8> {
    let stream = std::env::args().any(|argument| argument == "--stream");
    let model: String = option("--model", "mock-model".to_owned());
    let text = "word ".repeat(option("--bytes", 100) / 5);
    let streamed = if stream { r#","stream":true,"stream_options":{"include_usage":true}"# } else { "" };
    let body = format!(
        r#"{{"model":"{model}","messages":[{{"role":"user","content":"{text}"}}],"max_tokens":64{streamed}}}"#
    );
    let key: String = option("--key", "none".to_owned());
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// Reads one answer to its end; `false` when it is not a 200 or breaks off.
fn read(socket: &mut TcpStream, buffer: &mut Vec<u8>, events: &mut Vec<u64>) -> bool {
    buffer.clear();
    let (mut head, mut length, mut looked) = (0, None::<usize>, 0);
    let mut piece = [0; 64 << 10];
    loop {
        if head > 0 {
            let whole = match length {
                Some(length) => buffer.len() >= head + length,
                None => buffer.ends_with(b"0\r\n\r\n"),
            };
            if whole {
                return buffer.starts_with(b"HTTP/1.1 200");
            }
        }
        let Ok(count @ 1..) = socket.read(&mut piece) else { return false };
        let at = now_ns();
        buffer.extend_from_slice(&piece[..count]);
        if head == 0 && let Some(end) = find(buffer, b"\r\n\r\n") {
            head = end + 4;
            looked = head;
            let text = String::from_utf8_lossy(&buffer[..end]).to_ascii_lowercase();
            let named = text.lines().find_map(|line| line.strip_prefix("content-length: "));
            length = named.and_then(|length| length.trim().parse().ok());
        }
        while head > 0 && let Some(found) = find(&buffer[looked..], b"\"sent_ns\":") {
            let digits = &buffer[looked + found + 10..];
            let Some(end) = digits.iter().position(|byte| !byte.is_ascii_digit()) else { break };
            let sent: u64 = String::from_utf8_lossy(&digits[..end]).parse().unwrap_or(at);
            events.push(at.saturating_sub(sent));
            looked += found + 10 + end;
        }
    }
}

/// Asks whenever it is free and something is due, until all is asked.
fn connection(plan: &Plan) -> Seen {
    let mut seen = Seen::default();
    let mut buffer = Vec::new();
    let mut socket: Option<TcpStream> = None;
    loop {
        let turn = plan.next.fetch_add(1, Ordering::Relaxed);
        if turn >= plan.count {
            return seen;
        }
        let due = plan.start + plan.every.mul_f64(turn as f64);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let mut opened = socket.take().or_else(|| TcpStream::connect(&plan.host).ok());
        let answered = opened.as_mut().is_some_and(|socket| {
            let _ = socket.set_nodelay(true);
            let _ = socket.set_read_timeout(Some(Duration::from_secs(30)));
            socket.write_all(&plan.request).is_ok() && read(socket, &mut buffer, &mut seen.events)
        });
        if answered {
            seen.answers.push(due.elapsed().as_nanos() as u64);
            socket = opened;
        } else {
            seen.failed += 1;
        }
    }
}

fn percentiles(times: &mut [u64]) -> String {
    times.sort_unstable();
    let at = |share: f64| {
        let index = ((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1));
        times.get(index).map_or(0.0, |ns| *ns as f64 / 1e3)
    };
    format!(
        r#"{{"count":{},"p50":{:.1},"p99":{:.1},"p999":{:.1}}}"#,
        times.len(), at(0.5), at(0.99), at(0.999)
    )
}

fn main() {
    let url: String = option("--url", "http://127.0.0.1:9100/v1/chat/completions".to_owned());
    let rest = url.strip_prefix("http://").expect("an address that begins with http://");
    let (host, path) = rest.split_at(rest.find('/').expect("a path"));
    let rate: f64 = option("--rate", 1000.0);
    let seconds: f64 = option("--seconds", 5.0);
    let plan = Arc::new(Plan {
        host: host.to_owned(),
        request: request(host, path),
        every: Duration::from_secs_f64(1.0 / rate),
        count: (rate * seconds) as u64,
        start: Instant::now() + Duration::from_millis(50),
        next: AtomicU64::new(0),
    });
    let threads: Vec<_> = (0..option("--connections", 64))
        .map(|_| std::thread::spawn({ let plan = plan.clone(); move || connection(&plan) }))
        .collect();
    let mut all = Seen::default();
    for thread in threads {
        let seen = thread.join().expect("a connection");
        all.answers.extend(seen.answers);
        all.events.extend(seen.events);
        all.failed += seen.failed;
    }
    println!(
        r#"{{"failed":{},"answers":{},"events":{}}}"#,
        all.failed, percentiles(&mut all.answers), percentiles(&mut all.events)
    );
}
