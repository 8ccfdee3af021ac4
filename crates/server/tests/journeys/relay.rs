//! What stands between a node and its PostgreSQL, and can be cut.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
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
