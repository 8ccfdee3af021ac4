//! Who somebody is here, whom a provider vouches for.

use access::{MemberId, Role, Scope, TeamId};
use base::args;
use base::db::Value;
use identity::{Arrival, Member, MemberState};
use serde_json::json;

use crate::connection::Known;
use crate::flow::Answer;
use crate::mapping::Mapped;
use crate::seals::Known as Recognised;
use crate::vouch::broken;
use crate::{Error, Refused, Sso, events, sql};

/// Two sign-ins of the same new person may race; the second looks again.
const LOOKS_MAX: usize = 3;

/// Whom a provider means by a name of its own.
#[derive(Debug)]
enum Meant<'a> {
    /// Who may act.
    Acting(Member),
    /// Nobody who is here.
    Nobody(Subject<'a>),
}

/// By what somebody is recognised who is not known by it yet.
#[derive(Debug)]
struct Subject<'a> {
    tag: &'a str,
    /// Who was meant, and was removed since.
    gone: Option<MemberId>,
}

impl Sso {
    /// The member whom an answer means. Somebody new becomes one; somebody known follows
    /// what the provider says now, where the connection says so.
    pub(crate) async fn admit(
        &self,
        scope: &Scope,
        known: &Known,
        answer: &Answer,
    ) -> Result<MemberId, Error> {
        let mapped = known.mapping.apply(&answer.claims, &answer.named)?;
        let subject = self.subject(scope, known, answer, &mapped)?;
        for _ in 0..LOOKS_MAX {
            let member = match self.meant(scope, known, &subject).await? {
                Meant::Acting(member) => {
                    self.keep_up(scope, known, answer, &mapped, &member).await?
                }
                Meant::Nobody(subject) => {
                    self.newcomer(scope, known, answer, &mapped, &subject).await?
                }
            };
            if let Some(member) = member {
                return Ok(member);
            }
        }
        Err(Error::Moved)
    }

    /// Whoever set the provider up must not become somebody who may more than they. Asked
    /// before anything follows the provider, which else would make them somebody who may less.
    async fn is_vouched(&self, scope: &Scope, known: &Known, id: &MemberId) -> Result<(), Error> {
        let reach = self.0.identity.reach_of(scope, id).await?;
        if known.vouched.covers(reach) { Ok(()) } else { Err(Refused::not_vouched().into()) }
    }

    /// By what somebody is recognised from one sign-in to the next.
    fn subject(
        &self,
        scope: &Scope,
        known: &Known,
        answer: &Answer,
        mapped: &Mapped,
    ) -> Result<String, Error> {
        let text = if answer.transient {
            format!("address:{}", mapped.email)
        } else {
            format!("name:{}", answer.named)
        };
        Ok(self.0.seals.tag_text(scope, Recognised::Subject(&known.id), &text)?)
    }

    /// The member whom the provider has meant before.
    async fn meant<'a>(
        &self,
        scope: &Scope,
        known: &Known,
        tag: &'a str,
    ) -> Result<Meant<'a>, Error> {
        let args = args![known.id.as_str(), tag];
        let row = self.0.databases.of(scope)?.maybe(sql::IDENTITY, args).await?;
        let Some(row) = row else { return Ok(Meant::Nobody(Subject { tag, gone: None })) };
        let id: MemberId = row.parse("member_id")?;
        match self.0.identity.known_member(scope, &id).await {
            Ok(member) if member.state == MemberState::Active => Ok(Meant::Acting(member)),
            Ok(_) => Err(Refused::not_acting().into()),
            Err(identity::Error::NotFound) => Ok(Meant::Nobody(Subject { tag, gone: Some(id) })),
            Err(other) => Err(other.into()),
        }
    }

    /// Somebody who comes through this connection for the first time; none: look again.
    async fn newcomer(
        &self,
        scope: &Scope,
        known: &Known,
        answer: &Answer,
        mapped: &Mapped,
        subject: &Subject<'_>,
    ) -> Result<Option<MemberId>, Error> {
        if answer.email_unverified {
            return Err(Refused::email_not_verified().into());
        }
        let Some(member) = self.0.identity.find_member(scope, &mapped.email).await? else {
            return self.arrive(scope, known, mapped, subject).await;
        };
        // An address is the org's own to give, but never that of an owner.
        if member.role == Role::Owner.as_str() {
            return Err(Refused::owner_by_email().into());
        }
        match member.state {
            MemberState::Active | MemberState::Invited => {}
            MemberState::Suspended | MemberState::Removed => {
                return Err(Refused::not_acting().into());
            }
        }
        if !known.policy.link_by_email {
            return Err(Refused::not_by_email().into());
        }
        // The address was given to somebody else since: they are not who had it before.
        if self.comes_through(scope, known, &member.id).await? {
            return Err(Refused::connected_otherwise().into());
        }
        self.is_vouched(scope, known, &member.id).await?;
        let mut work = self.0.identity.begin(scope).await?;
        if work.member(&member.id).await? != member {
            return Ok(None);
        }
        let added =
            work.change.run(sql::IDENTITY_ADD, self.link(known, subject, &member.id)).await?;
        if added == 0 {
            return Ok(None);
        }
        if member.state == MemberState::Invited {
            let after = Member { state: MemberState::Active, ..member.clone() };
            self.0.identity.change_as_told(&mut work, &after).await?;
        }
        let changes = json!({
            "connection": known.id, "by": "address", "state": { "from": member.state, "to": "active" },
        });
        let event = events::member("sso.member.connected", &member.id, changes);
        self.0.identity.commit(work, event).await?;
        Ok(Some(member.id))
    }

    /// Somebody who is new to the org.
    async fn arrive(
        &self,
        scope: &Scope,
        known: &Known,
        mapped: &Mapped,
        subject: &Subject<'_>,
    ) -> Result<Option<MemberId>, Error> {
        if !known.policy.jit {
            return Err(Refused::nobody().into());
        }
        // Else whom the directory does not bring would come in all the same.
        if self.0.identity.is_provisioned(scope).await? {
            return Err(Refused::by_directory().into());
        }
        if subject.gone.is_some() || self.0.identity.was_removed(scope, &mapped.email).await? {
            return Err(Refused::was_removed().into());
        }
        if mapped.role == Role::Owner.as_str() {
            return Err(Refused::mapping("no mapping makes an owner").into());
        }
        let identity = &self.0.identity;
        let mut work = self.begin_giving(scope, known, Some(&mapped.role), &mapped.teams).await?;
        let arrival = Arrival {
            email: mapped.email.clone(),
            name: mapped.name.clone(),
            role: mapped.role.clone(),
        };
        let member = match identity.arrive(scope.caller(), &mut work, &arrival).await {
            Ok(member) => member,
            Err(identity::Error::Exists(_)) => return Ok(None),
            Err(error) => return Err(broken(error, &mapped.role)),
        };
        let added =
            work.change.run(sql::IDENTITY_ADD, self.link(known, subject, &member.id)).await?;
        if added == 0 {
            return Ok(None);
        }
        let mut joined = Vec::new();
        for team in &mapped.teams {
            if is_there(work.team(team).await.map(drop))? {
                identity.join_team(&mut work, team, &member.id).await?;
                joined.push(team);
            }
        }
        let changes = json!({
            "connection": known.id, "role": { "to": member.role }, "teams": { "to": joined },
            "rule": mapped.by_rule,
        });
        let event = events::member("sso.member.arrived", &member.id, changes);
        identity.commit(work, event).await?;
        Ok(Some(member.id))
    }

    /// Lets name, role and teams follow the provider, unless a directory says them. Owners
    /// follow nobody. None: they were changed meanwhile; look again.
    async fn keep_up(
        &self,
        scope: &Scope,
        known: &Known,
        answer: &Answer,
        mapped: &Mapped,
        member: &Member,
    ) -> Result<Option<MemberId>, Error> {
        self.is_vouched(scope, known, &member.id).await?;
        if !known.policy.jit || member.role == Role::Owner.as_str() {
            return Ok(Some(member.id.clone()));
        }
        let identity = &self.0.identity;
        if identity.is_provisioned(scope).await? {
            return Ok(Some(member.id.clone()));
        }
        let mut after = member.clone();
        if mapped.name != mapped.email {
            after.name.clone_from(&mapped.name);
        }
        let (mut join, mut leave) = (Vec::new(), Vec::new());
        if !answer.groups_unknown {
            if known.mapping.decides_roles() && mapped.role != Role::Owner.as_str() {
                after.role.clone_from(&mapped.role);
            }
            let has = identity.teams_of(scope, &member.id).await?;
            join = mapped.teams.iter().filter(|team| !has.contains(team)).cloned().collect();
            let governed = known.mapping.teams();
            let left = |team: &TeamId| governed.contains(team) && !mapped.teams.contains(team);
            leave = has.into_iter().filter(left).collect();
        }
        if after == *member && join.is_empty() && leave.is_empty() {
            return Ok(Some(member.id.clone()));
        }
        let role = Some(&*after.role).filter(|role| *role != member.role);
        let mut work = self.begin_giving(scope, known, role, &join).await?;
        if work.member(&member.id).await? != *member {
            return Ok(None);
        }
        let told = identity.change_as_told(&mut work, &after).await;
        told.map_err(|error| broken(error, &after.role))?;
        let mut joined = Vec::new();
        for team in join {
            if is_there(work.team(&team).await.map(drop))? {
                identity.join_team(&mut work, &team, &member.id).await?;
                joined.push(team);
            }
        }
        for team in &leave {
            work.leave_team(team, &member.id).await?;
        }
        let changes = json!({
            "connection": known.id,
            "role": { "from": member.role, "to": after.role },
            "teams": { "joined": joined, "left": leave },
            "renamed": member.name != after.name,
            "rule": mapped.by_rule,
        });
        let event = events::member("sso.member.changed", &member.id, changes);
        identity.commit(work, event).await?;
        Ok(Some(member.id.clone()))
    }

    /// Makes a member who is signed in known by the provider.
    pub(crate) async fn connect(
        &self,
        scope: &Scope,
        known: &Known,
        answer: &Answer,
        member: &MemberId,
    ) -> Result<(), Error> {
        if answer.transient {
            let why = "the provider gives another name at each sign-in";
            return Err(Refused::new("transient_name", why).into());
        }
        let text = format!("name:{}", answer.named);
        let subject = self.0.seals.tag_text(scope, Recognised::Subject(&known.id), &text)?;
        let subject = match self.meant(scope, known, &subject).await? {
            Meant::Acting(meant) if meant.id == *member => return Ok(()),
            Meant::Acting(_) => return Err(Refused::connected_otherwise().into()),
            Meant::Nobody(subject) => subject,
        };
        let who = self.0.identity.known_member(scope, member).await?;
        if who.state != MemberState::Active {
            return Err(Refused::not_acting().into());
        }
        if self.comes_through(scope, known, member).await? {
            return Err(Refused::connected_otherwise().into());
        }
        let mut change = audit::Change::begin(&self.0.record, scope).await?;
        if change.run(sql::IDENTITY_ADD, self.link(known, &subject, member)).await? == 0 {
            return Err(Refused::connected_otherwise().into());
        }
        let changes = json!({ "connection": known.id, "by": "themselves" });
        change.commit(events::member("sso.member.connected", member, changes)).await?;
        Ok(())
    }

    /// Whether a member is known by this provider under some name.
    pub(crate) async fn comes_through(
        &self,
        scope: &Scope,
        known: &Known,
        member: &MemberId,
    ) -> Result<bool, Error> {
        let args = args![known.id.as_str(), member.as_str()];
        let row = self.0.databases.of(scope)?.maybe(sql::IDENTITY_OF, args).await?;
        Ok(row.is_some())
    }

    fn link(&self, known: &Known, subject: &Subject<'_>, member: &MemberId) -> Vec<Value> {
        let gone = subject.gone.as_ref().map(MemberId::as_str);
        args![known.id.as_str(), subject.tag, member.as_str(), self.now(), gone]
    }
}

/// A team may be gone since the mapping was saved.
fn is_there(found: Result<(), identity::Error>) -> Result<bool, Error> {
    match found {
        Ok(()) => Ok(true),
        Err(identity::Error::NotFound) => Ok(false),
        Err(other) => Err(other.into()),
    }
}
