//! Users: a directory brings a person, and takes them away.

use std::collections::BTreeSet;

use base::args;
use identity::{Arrival, Error as Refused, Member, MemberState, Work};
use serde_json::{Value, json};

use crate::document::{self, Document};
use crate::enter::Entered;
use crate::events::{self, Came, Told};
use crate::kept::{Kept, UserId, active, key, text};
use crate::mapping::OWNER;
use crate::person::Person;
use crate::schema::Resource;
use crate::vouch::Vouched;
use crate::{Error, Scim, sql};

/// Users of one directory at most.
const USERS_MAX: u64 = 100_000;

/// The name is given already.
const NAME_TAKEN: &str = "a user of this directory has this userName already";
/// An owner is not handed over.
const IS_OWNER: &str = "a member with this e-mail address is an owner of the organization, and \
     owners are not handed to a directory: take this user out of what is provisioned, or give the \
     member another role in the console first";
/// The member is a directory's already.
const HAS_DIRECTORY: &str = "a member with this e-mail address is provisioned already, by another \
     user of this directory or by another directory: remove that one first";
/// A custom role was deleted since.
const ROLE_GONE: &str = "the role that this directory gives to members who arrive is no role of the \
     organization any more: choose another one in the console";
/// The address is somebody's.
const ADDRESS_TAKEN: &str = "another member of the organization has this e-mail address";

impl Scim {
    /// Brings a user. Whoever is a member already, invited or made by hand, is taken over;
    /// anybody else arrives.
    pub(crate) async fn add_user(&self, by: &Entered, sent: &Value) -> Result<Kept, Error> {
        let scope = by.scope()?;
        let mut document = document::read(Resource::User, sent)?;
        document.entry("active").or_insert(Value::Bool(true));
        let at = self.now();
        let id = UserId::new(at).to_string();
        let person = Person::of(&document, &id);
        let known = self.0.identity.find_member(&scope, &person.email).await?;
        let vouched = self.vouched(by).await?;
        let mut work = self.begin_as(by).await?;
        self.room_for(&mut work, by, sql::USER_COUNT, USERS_MAX).await?;
        free_name(&mut work, by, &document).await?;
        let acts = active(&document) != Some(false);
        // As of this change: whoever was removed meanwhile is nobody to take over.
        let known = match known {
            Some(known) => present(work.member(&known.id).await)?,
            None => None,
        };
        let (member, came) = match known {
            Some(known) => (
                self.take_over(&mut work, &vouched, (known, &person), acts).await?,
                Came::TakenOver,
            ),
            None => (self.arrive(&mut work, by, &person, acts).await?, Came::New),
        };
        let sealed = self.0.seals.seal(&scope, &id, &document)?;
        let args = args![
            &id,
            by.directory.id.as_str(),
            member.id.as_str(),
            name_key(&document),
            text(&document, "externalId"),
            sealed,
            at
        ];
        work.change.run(sql::USER_ADD, args).await.map_err(taken)?;
        let told = Told {
            member: member.id.to_string(),
            state: Some((Value::Null, json!(member.state))),
            ..Told::default()
        };
        let event = events::user_added(&id, came, &member.role, &told);
        self.0.identity.commit(work, event).await?;
        let subject = member.id.to_string();
        Ok(Kept {
            id,
            subject,
            given_role: None,
            document,
            version: 1,
            created_at: at,
            changed_at: at,
        })
    }

    /// Removes a user and the member behind them, for good.
    pub(crate) async fn remove_user(
        &self,
        by: &Entered,
        id: &str,
        seen: Option<&str>,
    ) -> Result<(), Error> {
        let vouched = self.vouched(by).await?;
        let (mut work, expected) = self.begin(by, seen).await?;
        let kept = self.kept(&mut work, by, sql::USER_ONE, id).await?;
        expected.still(Resource::User, &kept)?;
        // Or the org removed them by hand.
        if let Some(member) = present(work.member(&member_id(&kept)?).await)? {
            vouched.governs(&mut work, &member).await?;
            self.0.identity.depart(&mut work, &member.id).await?;
        }
        work.change.run(sql::USER_LEAVES, args![id]).await?;
        work.change.run(sql::USER_DELETE, args![id]).await?;
        self.0.identity.commit(work, events::user_removed(&kept)).await?;
        Ok(())
    }

    pub(crate) async fn room_for(
        &self,
        work: &mut Work,
        by: &Entered,
        count: base::db::Statement,
        most: u64,
    ) -> Result<(), Error> {
        let row = work.change.maybe(count, args![by.directory.id.as_str()]).await?;
        if row.map(|row| row.count("n")).transpose()?.unwrap_or_default() >= most {
            return Err(Error::Conflict("this directory has as many of these as it may have"));
        }
        Ok(())
    }

    /// One resource of the directory, as of a change.
    pub(crate) async fn kept(
        &self,
        work: &mut Work,
        by: &Entered,
        one: base::db::Statement,
        id: &str,
    ) -> Result<Kept, Error> {
        let row = work.change.maybe(one, args![by.directory.id.as_str(), id]).await?;
        Ok(self.0.seals.kept(&by.scope()?, &row.ok_or(Error::NotFound)?)?)
    }

    pub(crate) async fn arrive(
        &self,
        work: &mut Work,
        by: &Entered,
        person: &Person,
        acts: bool,
    ) -> Result<Member, Error> {
        let (email, name) = (person.email.clone(), person.name.clone());
        let arrival = Arrival { email, name, role: by.directory.role.clone() };
        let member = self.0.identity.arrive(&by.caller, work, &arrival).await;
        let member = member.map_err(address)?;
        if acts {
            return Ok(member);
        }
        let member = Member { state: MemberState::Suspended, ..member };
        Ok(self.0.identity.change_as_told(work, &member).await?)
    }

    /// A member who was here before the directory knew them. Whom the org suspended by
    /// hand stays suspended.
    async fn take_over(
        &self,
        work: &mut Work,
        vouched: &Vouched<'_>,
        (known, person): (Member, &Person),
        acts: bool,
    ) -> Result<Member, Error> {
        if known.role == OWNER {
            return Err(Error::Uniqueness(IS_OWNER));
        }
        let other = work.change.maybe(sql::USER_BY_MEMBER, args![known.id.as_str()]).await?;
        if other.is_some() {
            return Err(Error::Uniqueness(HAS_DIRECTORY));
        }
        vouched.governs(work, &known).await?;
        let state = match (known.state, acts) {
            (_, false) | (MemberState::Suspended | MemberState::Removed, true) => {
                MemberState::Suspended
            }
            (MemberState::Invited | MemberState::Active, true) => MemberState::Active,
        };
        let name = person.name.clone();
        let member = Member { name, state, ..known };
        self.0.identity.change_as_told(work, &member).await.map_err(address)
    }

    /// Makes the member behind a user what the directory says now, and says what changed.
    pub(crate) async fn tell_member(
        &self,
        work: &mut Work,
        (by, vouched): (&Entered, &Vouched<'_>),
        kept: &Kept,
        after: &Document,
    ) -> Result<Told, Error> {
        let (was, wanted) = (active(&kept.document), active(after));
        let back = wanted == Some(true) && was != Some(true);
        let Some(before) = present(work.member(&member_id(kept)?).await)? else {
            // Whom the org removed by hand stays away until the directory brings them back.
            if back {
                return self.bring_back(work, (by, vouched), kept, after).await;
            }
            return Ok(Told { member: kept.subject.clone(), ..Told::default() });
        };
        let state = match (before.state, wanted) {
            (_, Some(false)) => MemberState::Suspended,
            (MemberState::Suspended, Some(true)) if back => MemberState::Active,
            (MemberState::Invited, Some(true)) => MemberState::Active,
            (state, _) => state,
        };
        let person = Person::of(after, &kept.id);
        let told = if before.role == OWNER {
            // Made one by hand: what an owner is called and written to is not a directory's.
            Member { state, ..before.clone() }
        } else {
            Member { email: person.email, name: person.name, state, ..before.clone() }
        };
        if told != before {
            vouched.governs(work, &before).await?;
            self.0.identity.change_as_told(work, &told).await.map_err(address)?;
        }
        Ok(Told {
            member: before.id.to_string(),
            state: (before.state != state).then(|| (json!(before.state), json!(state))),
            ..Told::default()
        })
    }

    /// Whom the org removed by hand arrives anew, in the groups in which they are.
    async fn bring_back(
        &self,
        work: &mut Work,
        (by, vouched): (&Entered, &Vouched<'_>),
        kept: &Kept,
        after: &Document,
    ) -> Result<Told, Error> {
        let member = self.arrive(work, by, &Person::of(after, &kept.id), true).await?;
        let mut groups = BTreeSet::new();
        for row in work.change.all(sql::GROUPS_OF, args![&kept.id]).await? {
            self.0.identity.join_team(work, &row.parse("team_id")?, &member.id).await?;
            groups.insert(row.text("name_key")?);
        }
        let groups: Vec<String> = groups.into_iter().collect();
        if kept.given_role.is_some() {
            work.change.run(sql::USER_GIVEN, args![&kept.id, None::<String>]).await?;
        }
        let cast = self.cast(work, vouched, &kept.id, &member.id, None, &groups).await?;
        Ok(Told {
            member: member.id.to_string(),
            state: Some((Value::Null, json!(MemberState::Active))),
            role: cast.role.map(|role| (member.role, role)),
            gone: cast.gone,
        })
    }
}

/// A member, if there is one.
pub(crate) fn present(found: Result<Member, Refused>) -> Result<Option<Member>, Error> {
    match found {
        Ok(member) => Ok(Some(member)),
        Err(Refused::NotFound) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The member behind a user.
pub(crate) fn member_id(kept: &Kept) -> Result<access::MemberId, Error> {
    let id = kept.subject.parse();
    id.map_err(|cause| Error::Db(base::db::DbError::unreadable("member_id", cause)))
}

pub(crate) fn name_key(document: &Document) -> String {
    key(text(document, "userName").unwrap_or_default())
}

/// Refuses a user name that another user of the directory has.
pub(crate) async fn free_name(
    work: &mut Work,
    by: &Entered,
    document: &Document,
) -> Result<(), Error> {
    let args = args![by.directory.id.as_str(), name_key(document)];
    match work.change.maybe(sql::USER_BY_NAME, args).await? {
        Some(_) => Err(Error::Uniqueness(NAME_TAKEN)),
        None => Ok(()),
    }
}

pub(crate) fn taken(error: base::db::DbError) -> Error {
    if error.is_conflict() { Error::Uniqueness(NAME_TAKEN) } else { Error::Db(error) }
}

/// An address that somebody else has, or a role that is gone.
fn address(error: Refused) -> Error {
    match error {
        Refused::Exists(_) => Error::Uniqueness(ADDRESS_TAKEN),
        Refused::Invalid(fields) if fields.iter().any(|field| field.pointer == "/role") => {
            Error::Conflict(ROLE_GONE)
        }
        other => Error::Identity(other),
    }
}
