//! Bytes to a host and port over TLS, for protocols in which nobody answers.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::connect::{Stream, Target};
use super::{Failed, Fetch};

/// How long the other side may take to close too, once all was written and we closed.
const CLOSING: Duration = Duration::from_secs(5);
/// Bytes that the other side may say before it closes; they mean nothing.
const SAID_BYTES_MAX: usize = 4_096;

impl Fetch {
    /// Whether this is a host and port that could be told something: for checking it when
    /// it is typed.
    pub fn check_host(&self, host: &str, port: u16) -> Result<(), Failed> {
        target(host, port).map(drop)
    }

    /// Writes `bytes` to a host and port over TLS, closes, and waits a little until the other
    /// side closes too. A connection that broke meanwhile is an error; one that ends well
    /// says that the bytes arrived at the machine, not what became of them.
    pub async fn tell(
        &self,
        host: &str,
        port: u16,
        bytes: &[u8],
        within: Duration,
    ) -> Result<(), Failed> {
        let target = target(host, port)?;
        match tokio::time::timeout(within, self.write(&target, bytes, within)).await {
            Ok(told) => told,
            Err(_) => Err(Failed::TooSlow(target.host)),
        }
    }

    async fn write(&self, target: &Target, bytes: &[u8], within: Duration) -> Result<(), Failed> {
        let broken = || Failed::Broken(target.host.clone());
        let _place = self.place(target).await?;
        let Stream::Tls(mut stream) = self.connect(target, within).await? else {
            return Err(Failed::NotAnAddress);
        };
        stream.write_all(bytes).await.map_err(|_| broken())?;
        stream.shutdown().await.map_err(|_| broken())?;
        let closing = async {
            let mut said = [0; 256];
            let mut count = 0;
            while count < SAID_BYTES_MAX {
                match stream.read(&mut said).await {
                    Ok(0) => break,
                    Ok(more) => count += more,
                    // Closed without the word of TLS for it, after we had closed.
                    Err(error) if error.kind() == ErrorKind::UnexpectedEof => break,
                    Err(_) => return Err(broken()),
                }
            }
            Ok(())
        };
        // Whoever keeps its side open has not refused anything.
        tokio::time::timeout(CLOSING, closing).await.unwrap_or(Ok(()))
    }
}

fn target(host: &str, port: u16) -> Result<Target, Failed> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let host = if bare.contains(':') { format!("[{bare}]") } else { bare.to_owned() };
    // A path or a port in the name would say another host than the one that was meant.
    if port == 0 || host.contains(['/', '?', '@', ' ']) {
        return Err(Failed::NotAnAddress);
    }
    Target::read(&format!("https://{host}:{port}"), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_and_nothing_cleverer() {
        for host in ["siem.example.com", "2001:db8::1", "[2001:db8::1]", "10.0.0.1"] {
            assert!(target(host, 6514).is_ok(), "{host}");
        }
        for host in ["", "a/b", "user@siem.example", "siem.example?x", "a b"] {
            assert_eq!(target(host, 6514).err(), Some(Failed::NotAnAddress), "{host}");
        }
        assert_eq!(target("siem.example", 0).err(), Some(Failed::NotAnAddress));
    }
}
