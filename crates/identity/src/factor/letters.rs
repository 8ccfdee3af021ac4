//! Letters about second factors: whoever did not do it themselves hears of it.

use std::sync::Arc;

use access::{Caller, MemberId};
use audit::Event;
use base::args;
use base::secret::Secret;
use base::time::At;

use crate::mail::{Letter, Mail, post_aside, told};
use crate::subject::Owner;
use crate::{Error, Identity, sql};

/// What happened.
#[derive(Debug, Clone, Copy)]
pub(super) enum Notice {
    /// Something was added.
    Added(&'static str),
    /// Something was removed.
    Removed(&'static str),
    /// A recovery code was used.
    Recovered,
    /// Somebody who governs members took all away.
    Reset,
}

impl Notice {
    fn subject(self) -> &'static str {
        match self {
            Self::Added(_) => "A second factor was added to your account",
            Self::Removed(_) => "A second factor was removed from your account",
            Self::Recovered => "A recovery code of your account was used",
            Self::Reset => "Your second factors were taken away",
        }
    }

    fn sentence(self, org: &str, at: At) -> String {
        let at = told(at);
        match self {
            Self::Added(what) => {
                format!("On {at}, {what} was added to your account at {org} on Portico.")
            }
            Self::Removed(what) => {
                format!("On {at}, {what} was removed from your account at {org} on Portico.")
            }
            Self::Recovered => format!(
                "On {at}, a recovery code opened your account at {org} on Portico. It works no more."
            ),
            Self::Reset => format!(
                "On {at}, an administrator took away all second factors of your account at {org} \
                 on Portico.\nYour sessions have ended. Sign in and set a new one."
            ),
        }
    }
}

fn letter(to: String, subject: String, sentence: &str, then: &str) -> Letter {
    let text = format!("Hello,\n\n{sentence}\n\n{then}\n");
    Letter { to, subject, text: Secret::new(text) }
}

impl Identity {
    /// Tells a member what happened to their second factors. Nobody waits for the mail
    /// server, and nothing is refused because of it.
    pub(super) async fn tell(&self, caller: &Caller, id: &MemberId, what: Notice) {
        let Some(mail) = &self.0.mail else { return };
        let Ok(org) = self.own(caller).await else { return };
        let holder = org.holder(&Owner::Member(id.clone()));
        let Some(to) = holder.and_then(|holder| holder.email.clone()) else { return };
        let sentence = what.sentence(&org.org.name, self.now());
        let then = "If this was you, there is nothing to do. If not, tell an administrator of \
                    your organization at\nonce: they can end your sessions.";
        self.send(mail, letter(to, what.subject().to_owned(), &sentence, then));
    }

    /// An owner came in past the identity provider: it stands in the record before they
    /// are let in, and all owners hear of it.
    pub(super) async fn alarm(&self, caller: &Caller, id: &MemberId) -> Result<(), Error> {
        let event = Event::done("identity.break_glass.used", "member", id.as_str());
        self.0.record.note(caller, &event).await?;
        tracing::warn!(
            org.id = %caller.org, member.id = %id,
            "an owner signed in past the identity provider that the org enforces"
        );
        let Some(mail) = &self.0.mail else { return Ok(()) };
        let viewer = self.viewer(caller).await?;
        let scope = caller.itself();
        let owners = self.0.databases.of(&scope)?.all(sql::OWNERS, args![]).await?;
        let sentence = format!(
            "On {}, {} signed in to {} on Portico with a passkey, past the identity provider that\n\
             your organization enforces.",
            told(self.now()),
            viewer.name,
            viewer.org_name
        );
        let then = "This is meant for the day on which the identity provider fails. If you do \
                    not know why\nit was done, ask, and look at the record.";
        for owner in &owners {
            let subject = format!("{} was opened past its identity provider", viewer.org_name);
            self.send(mail, letter(owner.text("email")?, subject, &sentence, then));
        }
        Ok(())
    }

    fn send(&self, mail: &Arc<dyn Mail>, letter: Letter) {
        self.0.tasks.spawn(post_aside(mail.clone(), letter));
    }
}
