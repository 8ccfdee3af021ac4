//! Letters to those who decide: something waits for them.

use std::sync::Arc;

use access::{Caller, MemberId, Permission};
use base::secret::Secret;
use base::tasks::Tasks;

use crate::mail::{Letter, Mail, post_aside};
use crate::member::MemberState;
use crate::subject::Owner;
use crate::{Error, Identity};

/// People who hear of one thing at most: they are asked to look, not the whole org.
const HEARERS_MAX: usize = 20;

/// Who hears of something by mail.
#[derive(Debug)]
pub struct Hearers {
    mail: Arc<dyn Mail>,
    tasks: Tasks,
    org: String,
    people: Vec<(MemberId, String)>,
}

impl Identity {
    /// The acting members of the caller's org who have a permission on all of it, the
    /// longest here first and twenty at most; none: there is no mail server.
    pub async fn hearers(
        &self,
        caller: &Caller,
        permission: Permission,
    ) -> Result<Option<Hearers>, Error> {
        let Some(mail) = self.0.mail.clone() else { return Ok(None) };
        let org = self.own(caller).await?;
        let mut people: Vec<(MemberId, String)> = Vec::new();
        for (owner, holder) in org.holders() {
            if let (Owner::Member(id), Some(email)) = (owner, &holder.email)
                && holder.state == MemberState::Active
                && holder.access.may(permission)
            {
                people.push((id.clone(), email.clone()));
            }
        }
        people.sort_unstable_by(|(left, _), (right, _)| left.as_str().cmp(right.as_str()));
        people.truncate(HEARERS_MAX);
        Ok(Some(Hearers { mail, tasks: self.0.tasks.clone(), org: org.org.name.clone(), people }))
    }
}

impl Hearers {
    /// Who they are, for the record.
    pub fn ids(&self) -> Vec<&MemberId> {
        self.people.iter().map(|(id, _)| id).collect()
    }

    /// Writes to each of them; `about` and `text` are told the name of the org, and a page
    /// is where they decide. Nobody waits for the mail server, and a letter that it does not
    /// take is logged.
    pub fn write(self, about: impl Fn(&str) -> String, text: impl Fn(&str) -> String, page: &str) {
        let (subject, said) = (about(&self.org), text(&self.org));
        let link = format!("{}{page}", self.mail.public_url());
        for (_, to) in self.people {
            let text = Secret::new(format!("Hello,\n\n{said}\n\n{link}\n"));
            let letter = Letter { to, subject: subject.clone(), text };
            self.tasks.spawn(post_aside(self.mail.clone(), letter));
        }
    }
}
