//! A mail server takes links to their people, where the operator named one.

use std::sync::{Arc, Mutex};

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::portico::{Extra, PASSWORD, Portico, text};

/// `\0portico\0hunter2`, as SMTP asks for it.
const SIGNED_IN: &str = "AUTH PLAIN AHBvcnRpY28AaHVudGVyMg==";

/// A mail server on this machine that keeps the talks it had.
#[derive(Clone, Default)]
struct MailServer {
    talks: Arc<Mutex<Vec<Talk>>>,
    /// Whom it has no box for.
    unknown: Option<&'static str>,
}

/// What one client said.
#[derive(Clone, Default)]
struct Talk {
    commands: Vec<String>,
    letter: Vec<String>,
}

impl MailServer {
    /// Serves in the open, or over TLS.
    async fn start(&self, tls: Option<TlsAcceptor>) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let server = self.clone();
        let serve = async move {
            while let Ok((stream, _)) = listener.accept().await {
                match &tls {
                    Some(tls) => {
                        // Whoever does not trust us hangs up.
                        if let Ok(stream) = tls.accept(stream).await {
                            server.talk(stream).await;
                        }
                    }
                    None => server.talk(stream).await,
                }
            }
        };
        #[expect(clippy::disallowed_methods, reason = "lives as long as the test")]
        drop(tokio::spawn(serve));
        port
    }

    async fn talk(&self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let (reader, mut writer) = tokio::io::split(stream);
        let mut lines = BufReader::new(reader).lines();
        let mut talk = Talk::default();
        let mut answer = "220 mail.acme.example";
        loop {
            writer.write_all(format!("{answer}\r\n").as_bytes()).await.expect("writes");
            writer.flush().await.expect("writes");
            let Ok(Some(line)) = lines.next_line().await else { break };
            answer = match line.get(..4).unwrap_or_default() {
                "EHLO" => "250-mail.acme.example\r\n250 AUTH PLAIN",
                "AUTH" => "235 welcome",
                "RCPT" if self.unknown.is_some_and(|whom| line.contains(whom)) => {
                    "550 5.1.1 <nobody@acme.example>: no such box"
                }
                "DATA" => "354 go on",
                "QUIT" => "221 bye",
                _ => "250 ok",
            };
            talk.commands.push(line);
            if answer.starts_with("354") {
                writer.write_all(b"354 go on\r\n").await.expect("writes");
                writer.flush().await.expect("writes");
                while let Ok(Some(line)) = lines.next_line().await {
                    if line == "." {
                        break;
                    }
                    talk.letter.push(line);
                }
                answer = "250 taken";
                self.talks.lock().expect("unpoisoned").push(talk.clone());
            }
        }
    }

    fn only(&self) -> Talk {
        let mut talks = std::mem::take(&mut *self.talks.lock().expect("unpoisoned"));
        assert_eq!(talks.len(), 1);
        talks.pop().expect("one")
    }
}

impl Talk {
    /// What follows on the line that begins like this, as a mail program reads it.
    fn line(&self, begins: &str) -> String {
        let read = self.letter.join("\n").replace("=\n", "").replace("=3D", "=");
        let found = read.lines().find_map(|line| line.strip_prefix(begins));
        assert!(found.is_some(), "no `{begins}` in {read}");
        found.unwrap_or_default().to_owned()
    }

    fn said(&self, what: &str) -> bool {
        self.commands.iter().any(|line| line.starts_with(what))
    }
}

/// Where people reach the Portico of these tests.
const PUBLIC: &str = "public_url = \"http://portico.example\"";

fn config(smtp_url: &str, more: &str) -> String {
    format!("[mail]\nsmtp_url = \"{smtp_url}\"\nfrom = \"Portico <portico@acme.example>\"\n{more}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_arrives_by_mail_and_lets_its_reader_in() {
    let server = MailServer { unknown: Some("nobody@"), ..MailServer::default() };
    let port = server.start(None).await;
    let mut portico = Portico::with(Extra {
        listen: PUBLIC,
        config: &config(&format!("smtp://localhost:{port}"), ""),
        ..Extra::default()
    });
    let org = portico.org("acme", "eu");
    portico.serve().await;
    let invite = json!({ "email": "ingrid@acme.example", "role": "org:member" });
    let made = portico.http.post(&org.owner, "/api/members", &invite).await;
    assert_eq!((made.status, &made.json()["mailed"]), (201, &json!(true)), "{}", made.text);
    let talk = server.only();
    assert!(talk.said("EHLO portico.example"), "{:?}", talk.commands);
    assert!(talk.said("MAIL FROM:<portico@acme.example>"), "{:?}", talk.commands);
    assert!(talk.said("RCPT TO:<ingrid@acme.example>"), "{:?}", talk.commands);
    assert!(!talk.said("AUTH"), "nobody signs in without a user");
    assert_eq!(talk.line("To: "), "ingrid@acme.example");
    let token = talk.line("http://portico.example/join?token=");
    let accept = json!({ "token": token, "name": "Ingrid", "password": PASSWORD });
    let joined = portico.http.post("", "/api/invitations/accept", &accept).await;
    assert_eq!(joined.status, 201, "{}", joined.text);

    let invite = json!({ "email": "nobody@acme.example", "role": "org:member" });
    let made = portico.http.post(&org.owner, "/api/members", &invite).await;
    assert_eq!((made.status, &made.json()["mailed"]), (201, &json!(false)), "{}", made.text);
    let token = text(&made.json()["token"]);
    assert!(portico.terminate(), "{}", portico.log());
    let log = portico.log();
    assert!(log.contains("a letter was not sent"), "{log}");
    assert!(log.contains("refused with code 550"), "{log}");
    for hidden in [token.as_str(), "nobody@acme.example", "no such box", "ingrid@"] {
        assert!(!log.contains(hidden), "`{hidden}` is in the log: {log}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_server_over_tls_must_be_the_one_that_was_named() {
    let server = MailServer::default();
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()));
    let provider = rustls::crypto::aws_lc_rs::default_provider().into();
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .expect("a certificate and its key");
    let port = server.start(Some(TlsAcceptor::from(Arc::new(tls)))).await;
    let url = format!("smtps://localhost:{port}");
    let login = "user = \"portico\"\npassword_file = \"mail.password\"\nca_file = \"ca.pem\"\n";
    let mut portico = Portico::with(Extra {
        listen: PUBLIC,
        config: &config(&url, login),
        files: &[("mail.password", "hunter2\n"), ("ca.pem", &own.cert.pem())],
    });
    let org = portico.org("acme", "eu");
    portico.serve().await;
    let path = format!("/api/members/{}/password-link", org.member_id);
    let made = portico.http.ask("POST", &org.owner, &path, None).await;
    assert_eq!((made.status, &made.json()["mailed"]), (201, &json!(true)), "{}", made.text);
    let talk = server.only();
    assert!(talk.said(SIGNED_IN), "{:?}", talk.commands);
    let token = talk.line("http://portico.example/reset?token=");
    let reset = json!({ "token": token, "password": "staple battery horse" });
    let answer = portico.http.post("", "/api/password/reset", &reset).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(portico.terminate(), "{}", portico.log());

    // Nobody vouches for it here.
    let mut portico =
        Portico::with(Extra { listen: PUBLIC, config: &config(&url, ""), ..Extra::default() });
    let org = portico.org("acme", "eu");
    portico.serve().await;
    let path = format!("/api/members/{}/password-link", org.member_id);
    let made = portico.http.ask("POST", &org.owner, &path, None).await;
    assert_eq!((made.status, &made.json()["mailed"]), (201, &json!(false)), "{}", made.text);
    assert!(server.talks.lock().expect("unpoisoned").is_empty());
    assert!(portico.terminate(), "{}", portico.log());
    assert!(portico.log().contains("a letter was not sent"), "{}", portico.log());
}

#[test]
fn nonsense_about_the_mail_server_is_refused_by_name_and_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("portico.toml");
    for (text, said) in [
        ("[mail]\nsmtp_url = \"http://x\"\n", "portico.toml:1: missing field `from`"),
        (
            "[mail]\nsmtp_url = \"http://x\"\nfrom = \"a@b.example\"\n",
            "portico.toml:2: mail.smtp_url: must be `smtps://HOST` or `smtp://HOST`",
        ),
        (
            "[listen]\npublic_url = \"https://p\"\n[mail]\nsmtp_url = \"smtp://x\"\nfrom = \"me\"\n",
            "portico.toml:5: mail.from: must be an address",
        ),
        (
            "[mail]\nsmtp_url = \"smtp://x\"\nfrom = \"a@b.example\"\n",
            "portico.toml:2: mail.smtp_url: mailed links need listen.public_url to begin with",
        ),
        (
            "[listen]\npublic_url = \"p\"\n",
            "portico.toml:2: listen.public_url: must be `https://HOST`",
        ),
        (
            "[mail]\nsmtp_url = \"smtp://x\"\nfrom = \"a@b.example\"\npasword_file = \"x\"\n",
            "portico.toml:4: unknown key `pasword_file`; did you mean `password_file`?",
        ),
    ] {
        std::fs::write(&file, text).expect("writes");
        let told = std::process::Command::new(env!("CARGO_BIN_EXE_portico"))
            .args(["config", "check", "--config"])
            .arg(&file)
            .output()
            .expect("runs");
        assert!(!told.status.success(), "{text}");
        let told = String::from_utf8_lossy(&told.stderr).into_owned();
        assert!(told.contains(said), "{told}");
    }
}
