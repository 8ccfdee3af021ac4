//! One request on a connection of its own, written by hand: a probe says that a body follows and
//! keeps it back, which no client library does.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::error::Error;

/// Bytes of an answer at most: the document of all pages is the longest.
const ANSWER_BYTES_MAX: usize = 32 << 20;
/// How long connecting and the whole answer may take.
const DEADLINE: Duration = Duration::from_secs(30);
/// How long a refusal may take. A door that says nothing by then waits for the body.
const REFUSAL_DEADLINE: Duration = Duration::from_secs(5);
/// Bytes that a probe announces and never sends.
pub(crate) const WITHHELD_BYTES: usize = 1_000_000;

/// The way to one cell.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    name: String,
    host: String,
    authority: String,
    port: u16,
    tls: Option<Arc<ClientConfig>>,
}

/// What is asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ask {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Body,
}

/// What follows the head.
#[derive(Debug, Clone, Default)]
pub(crate) enum Body {
    #[default]
    Nothing,
    Whole(Vec<u8>),
    /// It is announced, and does not come.
    Withheld,
}

/// What came back.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// What a door said to a head alone.
#[derive(Debug, Clone)]
pub(crate) enum Said {
    /// An answer: the body was never asked for.
    Answer(Answer),
    /// `100 Continue`.
    GoOn,
    /// Nothing, or nothing that can be read.
    Nothing,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Wire {
    /// To a cell at this address.
    pub(crate) fn new(name: &str, url: &str, ca_file: Option<&Path>) -> Result<Self, Error> {
        let fault = |why: &str| Error::Cell(name.to_owned(), why.to_owned());
        let (scheme, rest) = url.split_once("://").ok_or_else(|| fault("url: no address"))?;
        let authority = rest.trim_end_matches('/').to_owned();
        let standard = if scheme == "https" { 443 } else { 80 };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| fault("url: no port"))?),
            None => (authority.as_str(), standard),
        };
        let tls = match scheme {
            "http" => None,
            "https" => {
                let extra = ca_file.map(certificates).transpose()?.unwrap_or_default();
                let config = base::tls::client(&extra).map_err(|why| fault(&why.to_string()))?;
                Some(Arc::new(config))
            }
            _ => return Err(fault("url: must begin with https:// or http://")),
        };
        let host = host.trim_matches(['[', ']']).to_owned();
        Ok(Self { name: name.to_owned(), host, authority, port, tls })
    }

    /// Asks, and reads the whole answer.
    pub(crate) async fn ask(&self, ask: &Ask) -> Result<Answer, Error> {
        let said = tokio::time::timeout(DEADLINE, self.exchange(ask, Until::End)).await;
        match said {
            Ok(Ok(Said::Answer(answer))) => Ok(answer),
            Ok(Err(error)) => Err(self.fault(&error.to_string())),
            Ok(Ok(Said::GoOn | Said::Nothing)) => Err(self.fault("it gives no answer")),
            Err(_) => Err(self.fault("it does not answer in time")),
        }
    }

    /// Shows the head of a request whose body is kept back.
    pub(crate) async fn show(&self, ask: &Ask) -> Result<Said, Error> {
        match tokio::time::timeout(REFUSAL_DEADLINE, self.exchange(ask, Until::Head)).await {
            Ok(Ok(said)) => Ok(said),
            Ok(Err(error)) => Err(self.fault(&error.to_string())),
            Err(_) => Ok(Said::Nothing),
        }
    }

    fn fault(&self, why: &str) -> Error {
        Error::Cell(self.name.clone(), why.to_owned())
    }

    async fn exchange(&self, ask: &Ask, until: Until) -> std::io::Result<Said> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        stream.set_nodelay(true)?;
        let request = self.written(ask);
        match &self.tls {
            None => over(stream, &request, until).await,
            Some(config) => {
                let name = ServerName::try_from(self.host.clone());
                let name = name.map_err(|_| std::io::Error::other("no name of a server"))?;
                let connector = TlsConnector::from(Arc::clone(config));
                over(connector.connect(name, stream).await?, &request, until).await
            }
        }
    }

    fn written(&self, ask: &Ask) -> Vec<u8> {
        let Ask { method, target, headers, body } = ask;
        let mut head = format!("{method} {target} HTTP/1.1\r\nhost: {}\r\n", self.authority);
        for (name, value) in headers {
            let _infallible = write!(head, "{name}: {value}\r\n");
        }
        let rest = match body {
            Body::Nothing => "connection: close\r\n\r\n".to_owned(),
            Body::Whole(body) => {
                format!("connection: close\r\ncontent-length: {}\r\n\r\n", body.len())
            }
            Body::Withheld => {
                format!("expect: 100-continue\r\ncontent-length: {WITHHELD_BYTES}\r\n\r\n")
            }
        };
        head.push_str(&rest);
        let mut written = head.into_bytes();
        if let Body::Whole(body) = body {
            written.extend_from_slice(body);
        }
        written
    }
}

/// How far an answer is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    Head,
    End,
}

async fn over<S>(mut stream: S, request: &[u8], until: Until) -> std::io::Result<Said>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    stream.write_all(request).await?;
    let mut bytes = Vec::new();
    let mut piece = vec![0; 16 << 10];
    loop {
        let end = head_end(&bytes);
        if end.is_some() && until == Until::Head {
            break;
        }
        let count = match stream.read(&mut piece).await {
            Ok(count) => count,
            // Whoever refuses a body may close while it is on its way.
            Err(_) if end.is_some() => 0,
            Err(error) => return Err(error),
        };
        if count == 0 {
            break;
        }
        bytes.extend_from_slice(piece.get(..count).unwrap_or_default());
        if bytes.len() > ANSWER_BYTES_MAX {
            return Err(std::io::Error::other("the answer is too long"));
        }
    }
    Ok(read(&bytes))
}

fn head_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n")
}

fn read(bytes: &[u8]) -> Said {
    let Some(end) = head_end(bytes) else { return Said::Nothing };
    let head = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default());
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3));
    let Some(status) = status.and_then(|status| status.parse::<u16>().ok()) else {
        return Said::Nothing;
    };
    if status == 100 {
        return Said::GoOn;
    }
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let rest = bytes.get(end + 4..).unwrap_or_default();
    let mut answer = Answer { status, headers, body: Vec::new() };
    let chunked = answer.header("transfer-encoding").is_some_and(|value| value == "chunked");
    answer.body = if chunked { whole(rest) } else { rest.to_vec() };
    Said::Answer(answer)
}

/// Puts chunks together, as far as they came.
fn whole(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let line = String::from_utf8_lossy(rest.get(..end).unwrap_or_default());
        let size = line.split(';').next().unwrap_or_default().trim();
        let Ok(size) = usize::from_str_radix(size, 16) else { break };
        rest = rest.get(end + 2..).unwrap_or_default();
        let chunk = rest.get(..size).unwrap_or(rest);
        if size == 0 || chunk.is_empty() {
            break;
        }
        body.extend_from_slice(chunk);
        rest = rest.get(size.saturating_add(2)..).unwrap_or_default();
    }
    body
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let fault = |why: String| Error::Plan(file.display().to_string(), why);
    let all = CertificateDer::pem_file_iter(file).map_err(|error| fault(error.to_string()))?;
    all.collect::<Result<_, _>>().map_err(|error| fault(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_door_says_to_a_head_is_told_apart() {
        let Said::Answer(answer) = read(
            b"HTTP/1.1 421 Misdirected Request\r\nCache-Control: no-store\r\n\
              transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n",
        ) else {
            panic!("an answer");
        };
        assert_eq!((answer.status, answer.header("cache-control")), (421, Some("no-store")));
        assert_eq!(answer.body, b"abcde");
        assert!(matches!(read(b"HTTP/1.1 100 Continue\r\n\r\n"), Said::GoOn));
        for nothing in [&b""[..], b"HTTP/1.1 200 OK\r\n", b"SSH-2.0\r\n\r\n", b"HTTP/1.1 x\r\n\r\n"]
        {
            assert!(matches!(read(nothing), Said::Nothing));
        }
        assert_eq!(whole(b"ffffffffffffffff\r\nab"), b"ab");
    }
}
