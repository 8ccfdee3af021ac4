//! A sink on this machine that does what a test tells it, over plain HTTP.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use base::tasks::Tasks;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// What it does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Keeps it and says so.
    Take,
    /// Keeps it, and closes without a word.
    TakeAndDrop,
    /// Keeps it, and says this: a status, headers, a body.
    TakeAndSay(u16, &'static str, &'static str),
    /// Keeps nothing, and closes without a word.
    Drop,
    /// Keeps nothing, and says this.
    Say(u16, &'static str, &'static str),
    /// Keeps nothing, and says this status when it is told to.
    SayWhenTold(Arc<Notify>, u16),
    /// Keeps it, and never answers.
    Hold,
}

/// A request that it heard.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

#[derive(Clone)]
pub(crate) struct Hook {
    pub(crate) url: String,
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    came: Notify,
}

#[derive(Default)]
pub(crate) struct State {
    /// What it does next; then it takes everything.
    pub(crate) next: VecDeque<Act>,
    /// Instead of taking: by what is in the body.
    pub(crate) refuses: Option<(String, Act)>,
    /// What it says when it takes.
    pub(crate) says: Option<(u16, String)>,
    /// All that it heard.
    pub(crate) heard: Vec<Heard>,
    /// What it kept.
    pub(crate) kept: Vec<Heard>,
}

impl Heard {
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

impl Hook {
    pub(crate) async fn listening() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let hook = Self { url, inner: Arc::default() };
        let serving = hook.clone();
        let tasks = Tasks::new();
        tasks.clone().spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serving.clone();
                tasks.spawn(async move {
                    drop(serving.answer(stream).await);
                });
            }
        });
        hook
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().expect("nobody panicked")
    }

    pub(crate) fn will(&self, acts: impl IntoIterator<Item = Act>) {
        self.state().next.extend(acts);
    }

    /// Resolves when it has heard something.
    pub(crate) async fn came(&self) {
        self.inner.came.notified().await;
    }

    /// The members of every array that it kept, in the order in which they came.
    pub(crate) fn items(&self) -> Vec<Value> {
        let kept = self.state().kept.clone();
        let arrays = kept.iter().map(|heard| heard.json().as_array().cloned());
        arrays.flat_map(|array| array.expect("an array")).collect()
    }

    async fn answer(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let heard = read(&mut stream).await?;
        let (act, says) = {
            let mut state = self.state();
            state.heard.push(heard.clone());
            let refused = state.refuses.clone().filter(|(text, _)| heard.body.contains(text));
            let act = match refused {
                Some((_, act)) => act,
                None => state.next.pop_front().unwrap_or(Act::Take),
            };
            if matches!(act, Act::Take | Act::TakeAndDrop | Act::TakeAndSay(..) | Act::Hold) {
                state.kept.push(heard);
            }
            (act, state.says.clone())
        };
        self.inner.came.notify_one();
        let (status, headers, body) = match act {
            Act::Take => {
                let (status, body) = says.unwrap_or((200, String::new()));
                (status, "", body)
            }
            Act::TakeAndSay(status, headers, body) | Act::Say(status, headers, body) => {
                (status, headers, body.to_owned())
            }
            Act::SayWhenTold(told, status) => {
                told.notified().await;
                (status, "", String::new())
            }
            Act::TakeAndDrop | Act::Drop => return Ok(()),
            Act::Hold => return std::future::pending().await,
        };
        let length = body.len();
        let text =
            format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n{headers}\r\n{body}");
        stream.write_all(text.as_bytes()).await?;
        stream.shutdown().await
    }
}

async fn read(stream: &mut TcpStream) -> std::io::Result<Heard> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let mut lines = text.lines();
    let mut first = lines.next().unwrap_or_default().split(' ').map(ToOwned::to_owned);
    let (method, path) = (first.next().expect("a method"), first.next().expect("a path"));
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.map_or(0, |(_, value)| value.parse().expect("a length"));
    let mut body = bytes.split_off(head + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    let body = String::from_utf8_lossy(&body).into_owned();
    Ok(Heard { method, path, headers, body })
}
