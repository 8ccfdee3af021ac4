//! A way to a server that a test can cut.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

const WHOLE: u8 = 0;
const LOSE_ANSWER: u8 = 1;
const LOSE_COMMIT: u8 = 2;

/// Passes bytes on between a client and a server, until told otherwise.
#[derive(Debug, Clone)]
pub struct Relay(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    server: String,
    at_commit: AtomicU8,
    pairs: Mutex<Vec<JoinHandle<()>>>,
}

impl Relay {
    /// A relay before the server of a URL, and the URL that leads through it.
    #[expect(clippy::disallowed_methods, reason = "what a test spawns ends with it")]
    pub async fn before(url: &str) -> (Self, String) {
        let (head, rest) = url.split_once('@').expect("a user");
        let (server, tail) = rest.split_once('/').expect("a database");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let here = listener.local_addr().expect("an address");
        let at_commit = AtomicU8::new(WHOLE);
        let inner = Inner { server: server.to_owned(), at_commit, pairs: Mutex::default() };
        let relay = Self(Arc::new(inner));
        let accepting = relay.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let pair = tokio::spawn(accepting.clone().pass(client));
                accepting.0.pairs.lock().unwrap_or_else(PoisonError::into_inner).push(pair);
            }
        });
        (relay, format!("{head}@{here}/{tail}"))
    }

    /// Cuts every connection that there is; new ones are let through.
    pub fn cut(&self) {
        let mut pairs = self.0.pairs.lock().unwrap_or_else(PoisonError::into_inner);
        pairs.drain(..).for_each(|pair| pair.abort());
    }

    /// The next commit is done by the server, and its answer is lost with the connection.
    pub fn lose_the_answer_to_the_next_commit(&self) {
        self.0.at_commit.store(LOSE_ANSWER, Ordering::SeqCst);
    }

    /// The next commit never arrives, and the connection is cut.
    pub fn lose_the_next_commit(&self) {
        self.0.at_commit.store(LOSE_COMMIT, Ordering::SeqCst);
    }

    async fn pass(self, mut client: TcpStream) {
        let Ok(mut server) = TcpStream::connect(&self.0.server).await else { return };
        let (mut up, mut down) = ([0; 16_384], [0; 16_384]);
        loop {
            tokio::select! {
                Ok(count) = client.read(&mut up) => {
                    let said = up.get(..count).unwrap_or_default();
                    let commits = said.windows(6).any(|word| word == b"COMMIT");
                    let how = if commits {
                        self.0.at_commit.swap(WHOLE, Ordering::SeqCst)
                    } else {
                        WHOLE
                    };
                    if count == 0 || how == LOSE_COMMIT || server.write_all(said).await.is_err() {
                        return;
                    }
                    if how == LOSE_ANSWER {
                        // It has answered: so it is done.
                        let _answered = server.read(&mut down).await;
                        return;
                    }
                }
                Ok(count) = server.read(&mut down) => {
                    let said = down.get(..count).unwrap_or_default();
                    if count == 0 || client.write_all(said).await.is_err() {
                        return;
                    }
                }
                else => return,
            }
        }
    }
}
