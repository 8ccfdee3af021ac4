//! Syslog over TLS, into a listener with a certificate of its own.

use std::sync::{Arc, Mutex};

use base::tasks::Tasks;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::bench::Room;

/// What arrived, one text for each connection.
type Heard = Arc<Mutex<Vec<String>>>;

async fn listening() -> (CertificateDer<'static>, u16, Heard) {
    let made =
        rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .expect("a configuration");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (heard, into) = (Heard::default(), Heard::default());
    let kept = Arc::clone(&heard);
    drop(into);
    Tasks::new().spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut bytes = Vec::new();
            let _closed = stream.read_to_end(&mut bytes).await;
            kept.lock().expect("unpoisoned").push(String::from_utf8(bytes).expect("UTF-8"));
        }
    });
    (certificate, port, heard)
}

/// The messages of a connection, by their counts of octets.
fn messages(mut text: &str) -> Vec<&str> {
    let mut messages = Vec::new();
    while !text.is_empty() {
        let (count, rest) = text.split_once(' ').expect("a count");
        let count: usize = count.parse().expect("a count");
        let (message, rest) = rest.split_at(count);
        messages.push(message);
        text = rest;
    }
    messages
}

#[tokio::test]
async fn syslog_gets_counted_messages_over_tls_that_it_trusts() {
    let (certificate, port, heard) = listening().await;
    for room in Room::trusting(certificate).await {
        let org = room.org("acme").await;
        let event = audit::Event::done("limits.limit.set", "limit", "member:ü|=]\"\\");
        room.record.note(&org.operator, &event).await.expect("is on disk");
        room.grow(&org, 3).await;
        let id =
            room.sink(&org, json!({ "kind": "syslog", "host": "localhost", "port": port })).await;
        room.until_delivered(&org, &id).await;
        let texts = std::mem::take(&mut *heard.lock().expect("unpoisoned"));
        let all: Vec<&str> = texts.iter().flat_map(|text| messages(text)).collect();
        assert_eq!(i64::try_from(all.len()), Ok(room.size(&org).await));
        for (place, message) in all.iter().enumerate() {
            let data = format!("[portico@32473 key=\"{}/{place}\" action=\"", org.id);
            assert!(message.starts_with("<110>1 2026-01-01T00:00:0"), "{message}");
            assert!(message.contains(&format!(" {} portico - event {data}", org.id)), "{message}");
            assert!(message.contains("] CEF:0|Portico|Portico|1|"), "{message}");
            assert!(!message.contains('\n'), "{message}");
        }
        let trial = room.does(&org, &id, "test", Value::Null).await.json();
        assert_eq!(trial, json!({ "taken": true, "said": "sent; syslog acknowledges nothing" }));
        heard.lock().expect("unpoisoned").clear();
    }
    // Whoever is not known to be the host gets nothing.
    for room in Room::on_each_engine().await {
        let org = room.org("acme").await;
        let id =
            room.sink(&org, json!({ "kind": "syslog", "host": "localhost", "port": port })).await;
        room.streams.deliver().await.expect("delivers");
        let shown = room.shown(&org, &id).await;
        let error = shown["error"].as_str().expect("an error");
        assert!(error.contains("no trusted TLS connection to `localhost`"), "{error}");
        assert_eq!(shown["next"], 0);
    }
    assert!(heard.lock().expect("unpoisoned").is_empty());
}
