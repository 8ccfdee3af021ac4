//! The mail server, as the operator wrote it, checked.

use std::net::IpAddr;

use axum::http::Uri;
use gateway::Secrets as _;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;

use super::{How, Post, Server};
use crate::config::{Config, Mail, OperatorSecrets, authority};

/// Ports of a URL that names none.
const SUBMISSIONS: u16 = 465;
const SUBMISSION: u16 = 587;
const LOCAL: u16 = 25;

/// A key of `[mail]` has a fault.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {why}")]
pub(crate) struct BadMail {
    pub(crate) key: &'static str,
    pub(crate) why: String,
}

impl Post {
    /// What the file says; nothing if there is no mail server.
    pub(crate) fn read(config: &Config) -> Result<Option<Self>, BadMail> {
        let Some(mail) = &config.mail else { return Ok(None) };
        let server = Server::read(&mail.smtp_url).map_err(|why| bad("smtp_url", why))?;
        let from: Mailbox = mail.from.parse().map_err(|_| {
            bad("from", "must be an address: `portico@acme.example`, or with a name before it")
        })?;
        if config.listen.public_url.is_none() {
            return Err(bad("smtp_url", "mailed links need listen.public_url to begin with"));
        }
        let whence = |why: &str| bad("smtp_url", &format!("listen.public_url {why}"));
        let public_url = config.public_url().map_err(whence)?;
        let host = config.public_host().map_err(whence)?;
        let credentials = credentials(mail)?;
        let transport = server.transport(tls(mail, &server.host)?, greeting(host), credentials);
        Ok(Some(Self { transport, from, public_url }))
    }
}

impl Server {
    fn read(url: &str) -> Result<Self, &'static str> {
        let known = "must be `smtps://HOST` or `smtp://HOST`, perhaps with a port";
        let url: Uri = url.parse().map_err(|_| known)?;
        let (host, port) = authority(&url).ok_or(known)?;
        let (how, usual) = match url.scheme_str() {
            Some("smtps") => (How::Tls, SUBMISSIONS),
            Some("smtp") if is_here(host) => (How::Plain, LOCAL),
            Some("smtp") => (How::StartTls, SUBMISSION),
            _ => return Err(known),
        };
        Ok(Self { host: host.to_owned(), port: port.unwrap_or(usual), how })
    }
}

fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What we call ourselves in the greeting.
fn greeting(host: String) -> ClientId {
    match host.parse() {
        Ok(IpAddr::V4(address)) => ClientId::Ipv4(address),
        Ok(IpAddr::V6(address)) => ClientId::Ipv6(address),
        Err(_) => ClientId::Domain(host),
    }
}

fn credentials(mail: &Mail) -> Result<Option<Credentials>, BadMail> {
    let password = match (&mail.password_env, &mail.password_file) {
        (Some(_), Some(_)) => {
            return Err(bad("password_env", "give `password_env` or `password_file`, not both"));
        }
        (Some(env), None) if !env.starts_with("PORTICO_") => {
            return Err(bad("password_env", &format!("`{env}` must begin with `PORTICO_`")));
        }
        (Some(env), None) => {
            Some(OperatorSecrets.env(env).map_err(|why| bad("password_env", &why))?)
        }
        (None, Some(file)) => {
            let text = OperatorSecrets.file(&file.display().to_string());
            Some(text.map_err(|why| bad("password_file", &why))?)
        }
        (None, None) => None,
    };
    match (&mail.user, password) {
        (None, None) => Ok(None),
        (Some(user), Some(password)) => {
            Ok(Some(Credentials::new(user.clone(), password.reveal().to_owned())))
        }
        (Some(_), None) => Err(bad("user", "needs `password_env` or `password_file`")),
        (None, Some(_)) => Err(bad("user", "a password needs its user")),
    }
}

/// Public roots, and those of the operator beside them.
fn tls(mail: &Mail, host: &str) -> Result<TlsParameters, BadMail> {
    let mut tls = TlsParameters::builder(host.to_owned());
    if let Some(file) = &mail.ca_file {
        let pem = std::fs::read(file)
            .map_err(|error| bad("ca_file", &format!("`{}`: {error}", file.display())))?;
        if !String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----") {
            return Err(bad("ca_file", "holds no certificate (PEM)"));
        }
        let roots = Certificate::from_pem(&pem);
        tls = tls
            .add_root_certificate(roots.map_err(|_| bad("ca_file", "holds no certificate (PEM)"))?);
    }
    tls.build().map_err(|error| bad("ca_file", &error.to_string()))
}

fn bad(key: &'static str, why: &str) -> BadMail {
    BadMail { key, why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> Mail {
        Mail {
            smtp_url: "smtps://mail.acme.example".to_owned(),
            from: "Portico <portico@acme.example>".to_owned(),
            user: None,
            password_env: None,
            password_file: None,
            ca_file: None,
        }
    }

    fn with(mail: Mail) -> Config {
        let public_url = Some("https://portico.example".to_owned());
        let listen = crate::config::Listen { public_url, ..crate::config::Listen::default() };
        Config { mail: Some(mail), listen, ..Config::default() }
    }

    fn fault(mail: Mail) -> &'static str {
        let config = with(mail);
        Post::read(&config).map(drop).unwrap_err().key
    }

    #[test]
    fn there_is_no_mail_server_without_its_table() {
        assert!(Post::read(&Config::default()).unwrap().is_none());
        assert!(Post::read(&with(mail())).unwrap().is_some());
        let nowhere = Config { mail: Some(mail()), ..Config::default() };
        assert!(Post::read(&nowhere).is_err(), "a link would lead nowhere");
    }

    #[test]
    fn mail_leaves_this_machine_encrypted() {
        for (url, host, port, how) in [
            ("smtps://mail.acme.example", "mail.acme.example", 465, How::Tls),
            ("smtps://localhost:1465/", "localhost", 1465, How::Tls),
            ("smtp://mail.acme.example", "mail.acme.example", 587, How::StartTls),
            ("smtp://10.0.0.7:25", "10.0.0.7", 25, How::StartTls),
            ("smtp://localhost", "localhost", 25, How::Plain),
            ("smtp://127.0.0.1:1025", "127.0.0.1", 1025, How::Plain),
            ("smtp://[::1]:1025", "::1", 1025, How::Plain),
        ] {
            let host = host.to_owned();
            assert_eq!(Server::read(url), Ok(Server { host, port, how }), "{url}");
        }
    }

    #[test]
    fn nonsense_about_mail_is_refused_by_its_key() {
        for url in [
            "",
            "mail.acme.example",
            "http://mail.acme.example",
            "smtp://",
            "smtp://user:secret@mail.acme.example",
            "smtp://mail.acme.example:99999",
            "smtp://mail.acme.example:0",
            "smtp://mail.acme.example/?tls=none",
        ] {
            assert_eq!(fault(Mail { smtp_url: url.to_owned(), ..mail() }), "smtp_url", "{url}");
        }
        for from in ["", "portico", "portico@", "a@b.example, c@d.example"] {
            assert_eq!(fault(Mail { from: from.to_owned(), ..mail() }), "from", "{from}");
        }
        let text = |text: &str| Some(text.to_owned());
        let file = || Some("nowhere/at/all".into());
        let user = || Mail { user: text("portico"), ..mail() };
        assert_eq!(fault(user()), "user");
        let env = Mail { password_env: text("HOME"), ..user() };
        assert_eq!(fault(env.clone()), "password_env", "no variable of others is read");
        assert_eq!(fault(Mail { password_file: file(), ..env }), "password_env", "not both");
        let env = Mail { password_env: text("PORTICO_NOT_SET_ANYWHERE"), ..user() };
        assert_eq!(fault(env), "password_env");
        assert_eq!(fault(Mail { password_file: file(), ..user() }), "password_file");
        assert_eq!(fault(Mail { ca_file: file(), ..mail() }), "ca_file");
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty");
        std::fs::write(&empty, "").unwrap();
        assert_eq!(fault(Mail { ca_file: Some(empty.clone()), ..mail() }), "ca_file");
        assert_eq!(fault(Mail { password_file: Some(empty), ..mail() }), "user");
    }
}
