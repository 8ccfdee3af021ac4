//! What stands between a node and its PostgreSQL, and can be cut.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Passes connections on until it is cut.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    to: String,
    passing: JoinSet<()>,
}

impl Relay {
    /// One in front of this address.
    pub(crate) async fn before(to: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
        let address = listener.local_addr().expect("has an address");
        let mut passing = JoinSet::new();
        passing.spawn(pass(listener, to.to_owned()));
        Self { address, to: to.to_owned(), passing }
    }

    /// Nobody gets through, and whoever was is thrown out.
    pub(crate) async fn cut(&mut self) {
        self.passing.shutdown().await;
    }

    /// Whoever was is thrown out, and whoever comes is never answered.
    pub(crate) async fn fall_silent(&mut self) {
        self.cut().await;
        let listener = TcpListener::bind(self.address).await.expect("the port is free again");
        self.passing.spawn(async move {
            let mut held = Vec::new();
            while let Ok((from, _)) = listener.accept().await {
                held.push(from);
            }
        });
    }

    /// As a proxy that has no server: whoever comes is let in and thrown out.
    pub(crate) async fn hang_up(&mut self) {
        self.cut().await;
        let listener = TcpListener::bind(self.address).await.expect("the port is free again");
        self.passing.spawn(async move { while listener.accept().await.is_ok() {} });
    }

    /// Passes connections on again until one of them says this; from then on it is cut. To be
    /// waited for with [`Relay::was_cut`].
    pub(crate) async fn restore_until(&mut self, said: &'static str) {
        self.cut().await;
        let listener = TcpListener::bind(self.address).await.expect("the port is free again");
        self.passing.spawn(listen_for(said, listener, self.to.clone()));
    }

    /// Waits until it was said.
    pub(crate) async fn was_cut(&mut self) {
        self.passing.join_next().await.expect("it passes").expect("no panic");
    }

    pub(crate) async fn restore(&mut self) {
        self.cut().await;
        let listener = TcpListener::bind(self.address).await.expect("the port is free again");
        self.passing.spawn(pass(listener, self.to.clone()));
    }
}

/// Connections end with the listener: they are dropped with it.
async fn pass(listener: TcpListener, to: String) {
    let mut connections = JoinSet::new();
    while let Ok((mut from, _)) = listener.accept().await {
        let to = to.clone();
        connections.spawn(async move {
            if let Ok(mut onward) = TcpStream::connect(to).await {
                drop(copy_bidirectional(&mut from, &mut onward).await);
            }
        });
    }
}

/// Ends, with all connections, when one of them is about to say this to the server.
async fn listen_for(said: &'static str, listener: TcpListener, to: String) {
    let (tell, mut told) = mpsc::channel::<()>(1);
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = told.recv() => return,
        };
        let Ok((from, _)) = accepted else { return };
        let (to, tell) = (to.clone(), tell.clone());
        connections.spawn(async move {
            let Ok(onward) = TcpStream::connect(to).await else { return };
            let (mut asks, mut answers) = from.into_split();
            let (mut replies, mut server) = onward.into_split();
            let back = async { drop(tokio::io::copy(&mut replies, &mut answers).await) };
            let there = async {
                let mut bytes = [0; 16 << 10];
                while let Ok(some @ 1..) = asks.read(&mut bytes).await {
                    let bytes = &bytes[..some];
                    if bytes.windows(said.len()).any(|part| part == said.as_bytes()) {
                        tell.send(()).await.expect("somebody listens");
                        return;
                    }
                    if server.write_all(bytes).await.is_err() {
                        return;
                    }
                }
            };
            tokio::join!(back, there);
        });
    }
}
