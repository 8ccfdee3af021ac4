//! Callers that ask again and again, and write down how each of their calls ended.
//!
//! `callers --to 127.0.0.1:8080 --key pk_… --out calls.jsonl [--model fixed] [--singles 8]
//!          [--streams 8] [--pause-ms 20] [--rate 0] [--max-tokens 64] [--silence-secs 90]`
//!
//! Each waits for its answer, pauses, and asks again; with a rate the whole answers are asked for
//! at so many a second together. They stop when the standard input ends, let what is under way
//! end, and then end themselves. A line for each call, times in milliseconds since 1970:
//!
//! | `how` | is |
//! |---|---|
//! | `ok` | whole |
//! | `told` | the stream ended with an error event; `code` says which |
//! | `broken` | the connection ended in the middle: HTTP itself says that it is not whole |
//! | `truncated` | HTTP says that it is whole, and it is not: nobody would notice |
//! | `nothing` | no answer at all |
//! | `silent` | nothing came for so long |
//! | `503`, … | another status; `code` is the error's |

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use speed::{now_ns, option};

struct Plan {
    to: String,
    /// Of a whole answer, of a stream.
    requests: [Vec<u8>; 2],
    pause: Duration,
    /// Between two whole answers of all callers; none: as fast as they are answered.
    every: Option<Duration>,
    begun: Instant,
    turn: AtomicU64,
    stop: AtomicBool,
    silence: Duration,
    out: Mutex<File>,
}

struct Ended {
    how: String,
    code: String,
    receipt: String,
    first_ms: u64,
}

fn now_ms() -> u64 {
    now_ns() / 1_000_000
}

fn request(stream: bool) -> Vec<u8> {
    let (model, key): (String, String) =
        (option("--model", "fixed".to_owned()), option("--key", "none".to_owned()));
    let most: u64 = option("--max-tokens", 64);
    let body = format!(
        r#"{{"model":"{model}","messages":[{{"role":"user","content":"hi"}}],"max_tokens":{most},"stream":{stream}}}"#
    );
    let length = body.len();
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: portico.test\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
    .into_bytes()
}

/// What stands behind `name` in `text`, up to `end`.
fn behind<'a>(text: &'a str, name: &str, end: char) -> &'a str {
    text.split_once(name).and_then(|(_, rest)| rest.split(end).next()).unwrap_or_default().trim()
}

fn judged(answer: &[u8], stream: bool, silent: bool, first_ms: u64) -> Ended {
    let text = String::from_utf8_lossy(answer);
    let (head, rest) = text.split_once("\r\n\r\n").unwrap_or_default();
    let lower = head.to_ascii_lowercase();
    let status = head.split(' ').nth(1).unwrap_or_default();
    let receipt = behind(&lower, "portico-receipt:", '\r').to_ascii_uppercase();
    let told = rest.contains("\"error\"");
    let code = if told { behind(rest, "\"code\":\"", '"') } else { "" };
    let length = behind(&lower, "content-length:", '\r').parse::<usize>().ok();
    let how = match status {
        _ if silent => "silent",
        "" => "nothing",
        "200" if !stream && length == Some(rest.len()) => "ok",
        "200" if !stream => "broken",
        "200" if rest.contains("data: [DONE]") => "ok",
        "200" if told => "told",
        "200" if rest.ends_with("0\r\n\r\n") => "truncated",
        "200" => "broken",
        other => other,
    };
    Ended { how: how.to_owned(), code: code.to_owned(), receipt, first_ms }
}

fn call(plan: &Plan, stream: bool) -> Ended {
    let (mut answer, mut first_ms, mut silent) = (Vec::new(), 0, false);
    if let Ok(mut socket) = TcpStream::connect(&plan.to) {
        let _ = socket.set_nodelay(true);
        let _ = socket.set_read_timeout(Some(plan.silence));
        if socket.write_all(&plan.requests[usize::from(stream)]).is_ok() {
            let mut piece = [0; 16 << 10];
            loop {
                match socket.read(&mut piece) {
                    Ok(count @ 1..) => {
                        if answer.is_empty() {
                            first_ms = now_ms();
                        }
                        answer.extend_from_slice(&piece[..count]);
                    }
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => {
                        silent =
                            matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
                        break;
                    }
                    Ok(_) => break,
                }
            }
        }
    }
    judged(&answer, stream, silent, first_ms)
}

fn caller(plan: &Plan, stream: bool) {
    while !plan.stop.load(Ordering::Relaxed) {
        if let (Some(every), false) = (plan.every, stream) {
            let due = every.mul_f64(plan.turn.fetch_add(1, Ordering::Relaxed) as f64);
            std::thread::sleep(due.saturating_sub(plan.begun.elapsed()));
            if plan.stop.load(Ordering::Relaxed) {
                return;
            }
        }
        let sent = now_ms();
        let Ended { how, code, receipt, first_ms } = call(plan, stream);
        let line = format!(
            "{{\"sent\":{sent},\"first\":{first_ms},\"ended\":{},\"stream\":{stream},\"how\":\"{how}\",\
             \"code\":\"{code}\",\"receipt\":\"{receipt}\"}}\n",
            now_ms()
        );
        plan.out.lock().expect("nobody panics").write_all(line.as_bytes()).expect("a disk");
        std::thread::sleep(plan.pause);
    }
}

fn main() {
    let out: String = option("--out", "calls.jsonl".to_owned());
    let rate: f64 = option("--rate", 0.0);
    let plan = Arc::new(Plan {
        to: option("--to", "127.0.0.1:8080".to_owned()),
        requests: [request(false), request(true)],
        pause: Duration::from_millis(option("--pause-ms", 20)),
        every: (rate > 0.0).then(|| Duration::from_secs_f64(1.0 / rate)),
        begun: Instant::now(),
        turn: AtomicU64::new(0),
        stop: AtomicBool::new(false),
        silence: Duration::from_secs(option("--silence-secs", 90)),
        out: Mutex::new(File::create(out).expect("a file")),
    });
    let (singles, streams): (usize, usize) = (option("--singles", 8), option("--streams", 8));
    let kinds = std::iter::repeat_n(false, singles).chain(std::iter::repeat_n(true, streams));
    let threads: Vec<_> = kinds
        .map(|stream| {
            std::thread::spawn({
                let plan = plan.clone();
                move || caller(&plan, stream)
            })
        })
        .collect();
    let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
    plan.stop.store(true, Ordering::Relaxed);
    for thread in threads {
        thread.join().expect("a caller");
    }
}
