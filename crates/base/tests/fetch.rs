//! Addresses that admins give, asked by the one client for them.
#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

use std::sync::Arc;
use std::time::Duration;

use base::fetch::{Failed, Fetch, FetchConfig, Request};
use base::secret::Secret;
use base::tasks::Tasks;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio_rustls::TlsAcceptor;

/// What a server heard, one text for each connection.
type Heard = Arc<Mutex<Vec<String>>>;

fn permissive() -> Fetch {
    fetch(FetchConfig { private_addresses: true, plain_http: true, ..FetchConfig::default() })
}

fn fetch(config: FetchConfig) -> Fetch {
    Fetch::new(config).expect("a client")
}

/// Answers each connection with the same bytes; gives its port and what it was sent.
async fn serving(answer: impl Into<Vec<u8>>, tls: Option<TlsAcceptor>) -> (u16, Heard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (answer, heard) = (answer.into(), Heard::default());
    let into = heard.clone();
    Tasks::new().spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            match &tls {
                None => one(stream, &answer, &into).await,
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => one(stream, &answer, &into).await,
                    Err(_) => into.lock().await.push("no TLS;".to_owned()),
                },
            }
        }
    });
    (port, heard)
}

async fn one(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &[u8], heard: &Heard) {
    let mut bytes = vec![0; 16 << 10];
    let read = stream.read(&mut bytes).await.unwrap_or_default();
    bytes.truncate(read);
    heard.lock().await.push(String::from_utf8_lossy(&bytes).into_owned());
    drop(stream.write_all(answer).await);
    if answer.is_empty() {
        // Says nothing until the other side has had enough.
        drop(stream.read(&mut [0]).await);
    }
    drop(stream.shutdown().await);
}

fn http(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn a_private_or_plain_address_is_asked_only_if_the_operator_allows() {
    let (port, heard) = serving(http("200 OK", "hello"), None).await;
    let strict = fetch(FetchConfig::default());
    let plain = fetch(FetchConfig { plain_http: true, ..FetchConfig::default() });
    for host in [
        "127.0.0.1",
        "localhost",
        "0.0.0.0",
        "127.1",
        "2130706433",
        "0x7f000001",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
        "10.0.0.1",
    ] {
        // As of a name that there is not: nobody finds out by names who is in there.
        let nowhere = Failed::NotFound(host.trim_matches(['[', ']']).to_owned());
        let url = format!("http://{host}:{port}/");
        assert_eq!(strict.send(Request::get(&url)).await.map(drop), Err(Failed::NotHttps));
        let why = plain.send(Request::get(&url)).await.expect_err(host);
        assert_eq!(why, nowhere);
        let url = format!("https://{host}:{port}/");
        let why = strict.send(Request::get(&url)).await.expect_err(host);
        assert_eq!(why, nowhere);
    }
    assert!(heard.lock().await.is_empty());
    let url = format!("http://localhost:{port}/x?y");
    let answer = permissive().send(Request::get(&url)).await.expect("answered");
    assert_eq!((answer.status.as_u16(), &*answer.body), (200, &b"hello"[..]));
    let asked = heard.lock().await.concat();
    assert!(asked.starts_with("GET /x?y HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains(&format!("host: localhost:{port}\r\n")));
}

#[tokio::test]
async fn a_form_is_posted_with_a_name_and_a_password() {
    let (port, heard) = serving(http("200 OK", ""), None).await;
    let url = format!("http://127.0.0.1:{port}/token");
    let request = Request::form(&url, &[("a", "b c&=+é"), ("d", "")])
        .basic("name", &Secret::new("pass".to_owned()));
    assert!(!format!("{request:?}").contains("b c"));
    permissive().send(request).await.expect("answered");
    let asked = heard.lock().await.concat();
    assert!(asked.starts_with("POST /token HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("authorization: Basic bmFtZTpwYXNz\r\n"), "{asked}");
    assert!(asked.ends_with("\r\n\r\na=b+c%26%3D%2B%C3%A9&d="), "{asked}");
    let split = Request::get(&url).bearer(&Secret::new("a\r\nx: y".to_owned()));
    assert_eq!(permissive().send(split).await.map(drop), Err(Failed::NotSendable));
}

#[tokio::test]
async fn an_answer_that_leads_elsewhere_or_never_ends_goes_nowhere() {
    let (target, asked) = serving(http("200 OK", "secret"), None).await;
    let elsewhere = format!("302 Found\r\nlocation: http://127.0.0.1:{target}/");
    let host = || "127.0.0.1".to_owned();
    let chunk = format!("400\r\n{}\r\n", "x".repeat(1_024));
    let chunked = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunk}");
    for (answer, expected) in [
        (http(&elsewhere, ""), Ok(302)),
        (http("404 Not Found", ""), Ok(404)),
        (http("200 OK", &"x".repeat(1_025)), Err(Failed::TooLarge(host()))),
        (http("200 OK", &"x".repeat(1_024)), Ok(200)),
        (http("200 OK\r\ncontent-encoding: gzip", "x"), Err(Failed::Encoded(host()))),
        (chunked.clone(), Err(Failed::Broken(host()))),
        (chunked + &chunk, Err(Failed::TooLarge(host()))),
        (http(&format!("200 OK\r\nx: {}", "x".repeat(200_000)), ""), Err(Failed::Broken(host()))),
        ("SSH-2.0-OpenSSH_9.9\r\n".to_owned(), Err(Failed::Broken(host()))),
        (String::new(), Err(Failed::TooSlow(host()))),
    ] {
        let (port, _) = serving(answer, None).await;
        let url = format!("http://127.0.0.1:{port}/");
        let request = Request::get(&url).body_bytes_max(1_024).deadline(Duration::from_millis(500));
        let answer = permissive().send(request).await;
        assert_eq!(answer.map(|answer| answer.status.as_u16()), expected);
    }
    assert!(asked.lock().await.is_empty());
}

#[tokio::test]
async fn a_host_that_is_not_there_is_said_to_be_so() {
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = gone.local_addr().expect("an address").port();
    drop(gone);
    let request = Request::get(&format!("http://127.0.0.1:{port}/"));
    let why = permissive().send(request).await.map(drop);
    assert_eq!(why, Err(Failed::Unreachable("127.0.0.1".to_owned())));
    let request = Request::get("https://name.invalid/");
    let why = permissive().send(request).await.map(drop);
    assert_eq!(why, Err(Failed::NotFound("name.invalid".to_owned())));
}

#[tokio::test]
async fn a_server_is_trusted_by_its_certificate_and_its_name() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let certificate: CertificateDer<'static> = made.cert.der().clone();
    let key = made.signing_key.serialize_der().try_into().expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .expect("a certificate");
    let tls = TlsAcceptor::from(Arc::new(config));
    let (port, heard) = serving(http("200 OK", "hello"), Some(tls)).await;

    let stranger = fetch(FetchConfig { private_addresses: true, ..FetchConfig::default() });
    let knows = fetch(FetchConfig {
        private_addresses: true,
        extra_root_certificates: vec![certificate],
        ..FetchConfig::default()
    });
    let ask = async |fetch: &Fetch, host: &str| {
        let request = Request::get(&format!("https://{host}:{port}/"));
        fetch.send(request).await.map(|answer| answer.body)
    };
    let why = ask(&stranger, "localhost").await.expect_err("unknown");
    assert!(why.to_string().contains("authority that is not trusted"), "{why}");
    let why = ask(&knows, "127.0.0.1").await.expect_err("another name");
    assert!(why.to_string().contains("for another name"), "{why}");
    assert_eq!(ask(&knows, "localhost").await.as_deref(), Ok(&b"hello"[..]));
    // Nothing was asked of whom we did not trust.
    assert!(heard.lock().await.concat().starts_with("no TLS;no TLS;GET / "));

    let (port, _) = serving("220 smtp.example.com\r\n", None).await;
    let request = Request::get(&format!("https://localhost:{port}/"));
    let why = knows.send(request).await.expect_err("no TLS");
    assert_eq!(why.code(), "untrusted");
    let broken = CertificateDer::from(vec![1, 2, 3]);
    let config = FetchConfig { extra_root_certificates: vec![broken], ..FetchConfig::default() };
    assert!(Fetch::new(config).is_err());
}

#[tokio::test]
async fn whose_addresses_are_slow_keeps_nobody_else_waiting() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let slow = format!("http://{}/", silent.local_addr().expect("an address"));
    let (port, _) = serving("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", None).await;
    let fetch = permissive();
    let tasks = Tasks::new();
    for _ in 0..64 {
        let (fetch, slow) = (fetch.on_behalf_of("a"), slow.clone());
        tasks.spawn(async move { drop(fetch.send(Request::get(&slow)).await) });
    }
    // One of them waits for an answer that never comes; the others do, or wait for a place.
    let _heard = silent.accept().await.expect("one of them");
    let (other, url) = (fetch.on_behalf_of("b"), format!("http://127.0.0.1:{port}/"));
    let answer = tokio::time::timeout(Duration::from_secs(5), other.send(Request::get(&url)));
    let answer = answer.await.expect("at once");
    assert_eq!(answer.expect("an answer").body, "ok");
}
