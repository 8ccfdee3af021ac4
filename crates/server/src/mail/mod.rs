//! Letters go out by SMTP, where the operator named a mail server: identity writes them,
//! and this is the socket that it hands them to.

mod read;

use std::time::Duration;

use identity::{Letter, NotSent, Sent};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};

pub(crate) use self::read::BadMail;

/// Each step of the talk with the mail server; identity bounds the whole of it.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);

/// A mail server that letters are handed to. Each letter has a connection of its own:
/// letters are rare, and one that was broken off leaves nothing behind for the next.
#[derive(Debug)]
pub(crate) struct Post {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    public_url: String,
}

/// Where the mail server is.
#[derive(Debug, PartialEq, Eq)]
struct Server {
    host: String,
    port: u16,
    how: How,
}

/// How the connection is kept from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// TLS from the first byte.
    Tls,
    /// TLS after a word in the open. A server that does not offer it gets no letter.
    StartTls,
    /// Not at all: the server is on this machine.
    Plain,
}

impl Server {
    /// `greeting` is what we call ourselves there.
    fn transport(
        &self,
        tls: TlsParameters,
        greeting: ClientId,
        credentials: Option<smtp::authentication::Credentials>,
    ) -> AsyncSmtpTransport<Tokio1Executor> {
        let tls = match self.how {
            How::Tls => Tls::Wrapper(tls),
            How::StartTls => Tls::Required(tls),
            How::Plain => Tls::None,
        };
        let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&*self.host)
            .port(self.port)
            .tls(tls)
            .hello_name(greeting)
            .timeout(Some(STEP_TIMEOUT));
        match credentials {
            Some(credentials) => builder.credentials(credentials).build(),
            None => builder.build(),
        }
    }
}

impl identity::Mail for Post {
    fn public_url(&self) -> &str {
        &self.public_url
    }

    fn send(&self, letter: Letter) -> Sent<'_> {
        Box::pin(async move {
            let message = self.write(letter)?;
            self.transport.send(message).await.map(drop).map_err(not_sent)
        })
    }
}

impl Post {
    fn write(&self, letter: Letter) -> Result<Message, NotSent> {
        let to: Address = letter.to.parse().map_err(|_| NotSent::Address)?;
        // RFC 3834: nobody's absence note answers this.
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(letter.subject)
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text.reveal().to_owned())
            .map_err(|error| NotSent::Failed(error.into()))
    }
}

/// What a mail server says may repeat the address: of its answers only the code is kept.
fn not_sent(error: smtp::Error) -> NotSent {
    match error.status() {
        Some(code) => NotSent::Refused(code.into()),
        None if error.is_response() => NotSent::Failed("what it answered is not SMTP".into()),
        None => NotSent::Failed(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use base::secret::Secret;
    use identity::Mail as _;
    use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
    use tokio::net::TcpListener;

    use super::*;

    fn letter(to: &str) -> Letter {
        let text = Secret::new("https://portico.example/join?token=x\n".to_owned());
        Letter { to: to.to_owned(), subject: "Grüße".to_owned(), text }
    }

    fn post(port: u16, how: How) -> Post {
        let server = Server { host: "127.0.0.1".to_owned(), port, how };
        let tls = TlsParameters::new("127.0.0.1".to_owned()).unwrap();
        Post {
            transport: server.transport(tls, ClientId::default(), None),
            from: "Portico <portico@acme.example>".parse().unwrap(),
            public_url: "https://portico.example".to_owned(),
        }
    }

    #[tokio::test]
    async fn a_mail_server_that_offers_no_encryption_gets_no_letter() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = async {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            stream.write_all(b"220 mail\r\n").await.unwrap();
            let mut line = String::new();
            stream.read_line(&mut line).await.unwrap();
            stream.write_all(b"250-mail\r\n250 AUTH PLAIN\r\n").await.unwrap();
            // What else it says until it hangs up.
            let mut rest = String::new();
            drop(stream.read_to_string(&mut rest).await);
            (line, rest)
        };
        let sender = post(port, How::StartTls);
        let (sent, (hello, rest)) = tokio::join!(sender.send(letter("ada@acme.example")), server);
        assert!(matches!(sent, Err(NotSent::Failed(_))), "{sent:?}");
        assert!(hello.starts_with("EHLO "), "{hello}");
        assert!(!rest.contains("MAIL") && !rest.contains("AUTH"), "{rest}");
    }

    #[test]
    fn an_address_that_could_smuggle_commands_is_not_written_to() {
        let post = post(1, How::Plain);
        for to in ["", "ada", "ada@acme.example\r\nRCPT TO:<eve@evil.example>", "a <b@c.example>"] {
            assert!(matches!(post.write(letter(to)), Err(NotSent::Address)), "{to}");
        }
        let written = post.write(letter("ada@acme.example")).unwrap().formatted();
        let written = String::from_utf8(written).unwrap();
        assert!(written.contains("From: Portico <portico@acme.example>\r\n"), "{written}");
        assert!(written.contains("To: ada@acme.example\r\n"), "{written}");
        assert!(written.contains("Auto-Submitted: auto-generated\r\n"), "{written}");
    }
}
