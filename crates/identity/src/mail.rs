//! Mail: a link goes to its person by mail too, where the operator named a mail server.

use std::error::Error as StdError;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use access::Caller;
use base::page::filters::percent_encoded;
use base::secret::Secret;
use base::time::At;

use crate::{Error, Identity, Invited, PasswordLink, Viewer};

/// Whoever makes a link waits for the mail server this long at most.
const PATIENCE: Duration = Duration::from_secs(10);

/// Hands letters to a mail server. The server speaks SMTP.
pub trait Mail: Send + Sync + std::fmt::Debug {
    /// Where people reach this Portico: `https://portico.example`. What a browser calls
    /// it is not believed: it would decide where the links of others lead.
    fn public_url(&self) -> &str;
    /// Comes back when the mail server has taken the letter.
    fn send(&self, letter: Letter) -> Sent<'_>;
}

/// What [`Mail::send`] gives.
pub type Sent<'a> = Pin<Box<dyn Future<Output = Result<(), NotSent>> + Send + 'a>>;

/// A letter to one person.
#[derive(Debug, Clone)]
pub struct Letter {
    /// An e-mail address.
    pub to: String,
    /// One line.
    pub subject: String,
    /// Plain text with a link in it.
    pub text: Secret,
}

/// Why a letter was not taken. It is logged: it says neither to whom the letter was
/// going nor what stood in it, so it never quotes the mail server.
#[derive(Debug, thiserror::Error)]
pub enum NotSent {
    /// The address is not one that mail is sent to.
    #[error("no letter can be addressed like this")]
    Address,
    /// No connection, or one that cannot be trusted or understood.
    #[error("the mail server could not be used")]
    Failed(#[source] Box<dyn StdError + Send + Sync>),
    /// The mail server answered with a code of refusal.
    #[error("the mail server refused with code {0}")]
    Refused(u16),
    /// The mail server did not answer in time.
    #[error("the mail server did not answer in time")]
    TooLate,
}

impl Identity {
    /// Mails an invitation to whom it is for; none: there is no mail server.
    pub(crate) async fn mail_invitation(&self, caller: &Caller, made: &Invited) -> Option<bool> {
        let mail = self.0.mail.as_deref()?;
        let viewer = self.viewer(caller).await;
        let write = |from: &Viewer| {
            let link = link(mail.public_url(), "join", &made.token);
            invitation(from, &made.member.email, &link, made.expires_at)
        };
        Some(post(mail, viewer, write).await)
    }

    /// Mails a password link to whom it is for; none: there is no mail server.
    pub(crate) async fn mail_password_link(
        &self,
        caller: &Caller,
        made: &PasswordLink,
    ) -> Option<bool> {
        let mail = self.0.mail.as_deref()?;
        let viewer = self.viewer(caller).await;
        let write = |from: &Viewer| {
            let link = link(mail.public_url(), "reset", &made.token);
            password(from, &made.member.email, &link, made.expires_at)
        };
        Some(post(mail, viewer, write).await)
    }
}

/// The address of a link, below where this Portico is reached.
pub(crate) fn link(base: &str, path: &str, token: &Secret) -> String {
    format!("{base}/{path}?token={}", percent_encoded(token.reveal()))
}

/// Sends what is written; whether the mail server took it. The link was committed before:
/// whatever goes wrong here is told and logged, and refuses nothing.
async fn post(
    mail: &dyn Mail,
    from: Result<Viewer, Error>,
    write: impl FnOnce(&Viewer) -> Letter,
) -> bool {
    let sent = match from {
        Ok(from) => within(PATIENCE, mail, write(&from)).await,
        Err(cause) => {
            let cause: &dyn StdError = &cause;
            tracing::warn!(error = cause, "who wrote a letter is not known: it was not sent");
            return false;
        }
    };
    if let Err(cause) = &sent {
        let cause: &dyn StdError = cause;
        tracing::warn!(error = cause, "a letter was not sent: its link must be handed out");
    }
    sent.is_ok()
}

/// Sends a letter that nobody waits for.
pub(crate) async fn post_aside(mail: Arc<dyn Mail>, letter: Letter) {
    if let Err(cause) = within(PATIENCE, mail.as_ref(), letter).await {
        let cause: &dyn StdError = &cause;
        tracing::warn!(error = cause, "a letter was not sent");
    }
}

async fn within(patience: Duration, mail: &dyn Mail, letter: Letter) -> Result<(), NotSent> {
    let sent = tokio::time::timeout(patience, mail.send(letter)).await;
    sent.unwrap_or(Err(NotSent::TooLate))
}

fn invitation(from: &Viewer, to: &str, link: &str, until: At) -> Letter {
    let Viewer { name, org_name: org, .. } = from;
    let text = format!(
        "Hello,\n\n\
         {name} invites you to {org} on Portico.\n\n\
         Open this link and choose a name and a password:\n\n\
         {link}\n\n\
         It works once, until {}. If you did not expect it, do nothing.\n\n\
         {NEVER_ASKED}",
        told(until)
    );
    let subject = format!("{name} invites you to {org} on Portico");
    Letter { to: to.to_owned(), subject, text: Secret::new(text) }
}

fn password(from: &Viewer, to: &str, link: &str, until: At) -> Letter {
    let Viewer { name, org_name: org, .. } = from;
    let text = format!(
        "Hello,\n\n\
         {name} made a link with which you set a new password for {org} on Portico:\n\n\
         {link}\n\n\
         It works once, until {}. Setting a password ends all of your sessions. If you did\n\
         not ask for it, do nothing, and tell {name}: your password stays as it is.\n\n\
         {NEVER_ASKED}",
        told(until)
    );
    let subject = format!("Set a new password for {org} on Portico");
    Letter { to: to.to_owned(), subject, text: Secret::new(text) }
}

const NEVER_ASKED: &str = "Nobody at Portico ever asks you for a password, or for this link.\n";

/// As people write it; a letter does not know where its reader is.
pub(crate) fn told(at: At) -> String {
    at.strftime("%-d %B %Y, %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Silent;

    impl Mail for Silent {
        fn public_url(&self) -> &'static str {
            "https://portico.example"
        }

        fn send(&self, _: Letter) -> Sent<'_> {
            Box::pin(std::future::pending())
        }
    }

    #[tokio::test]
    async fn a_mail_server_that_says_nothing_is_not_waited_for_without_end() {
        let text = Secret::new("a link".to_owned());
        let letter =
            Letter { to: "ada@acme.example".to_owned(), subject: "Hello".to_owned(), text };
        let sent = within(Duration::ZERO, &Silent, letter).await;
        assert!(matches!(sent, Err(NotSent::TooLate)), "{sent:?}");
    }
}
