//! Groups: a directory forms a team, and says who is in it.

use std::collections::BTreeSet;

use access::TeamId;
use base::args;
use base::db::DbError;
use identity::{Error as Refused, Work};
use serde_json::Value;

use crate::amend::{Amend, Amendment, differing};
use crate::document::{self, Document};
use crate::enter::Entered;
use crate::events::{self, Moved};
use crate::join::Group;
use crate::kept::{GroupId, Kept, key, text};
use crate::mapping::maps;
use crate::members::{Membership, after, ids};
use crate::patch::{self, member};
use crate::schema::Resource;
use crate::{Error, Scim, sql};

/// Groups of one directory at most.
const GROUPS_MAX: u64 = 5_000;
/// The name is given already.
const NAME_TAKEN: &str = "there is a team or group of this name already: rename or remove the team \
     in the console, or give the group another name";

impl Scim {
    /// Forms a team.
    pub(crate) async fn add_group(&self, by: &Entered, sent: &Value) -> Result<Kept, Error> {
        let scope = by.scope()?;
        let document = document::read(Resource::Group, sent)?;
        let members: BTreeSet<String> =
            sent_members(sent)?.unwrap_or_default().into_iter().collect();
        let (at, name) = (self.now(), shown_name(&document).to_owned());
        let id = GroupId::new(at).to_string();
        let vouched = self.vouched(by).await?;
        let mut work = self.begin_as(by).await?;
        self.room_for(&mut work, by, sql::GROUP_COUNT, GROUPS_MAX).await?;
        free_name(&mut work, by, &name).await?;
        let team = self.0.identity.form_team(&mut work, &name).await.map_err(named)?;
        let sealed = self.0.seals.seal(&scope, &id, &document)?;
        let args = args![
            &id,
            by.directory.id.as_str(),
            team.id.as_str(),
            key(&name),
            text(&document, "externalId"),
            sealed,
            at
        ];
        work.change.run(sql::GROUP_ADD, args).await.map_err(taken)?;
        let (mut moved, key) = (Moved::default(), key(&name));
        let group = Group { id: &id, team: &team.id, name: &key };
        let nobody = BTreeSet::new();
        self.move_members(&mut work, &vouched, group, (&nobody, &members), &mut moved).await?;
        let event = events::group_added(&id, team.id.as_str(), &name, &moved);
        self.0.identity.commit(work, event).await?;
        Ok(Kept {
            id,
            subject: team.id.to_string(),
            given_role: None,
            document,
            version: 1,
            created_at: at,
            changed_at: at,
        })
    }

    /// Changes a group and who is in it.
    pub(crate) async fn amend_group(
        &self,
        by: &Entered,
        id: &str,
        how: &Amend<'_>,
        seen: Option<&str>,
    ) -> Result<Kept, Error> {
        let scope = by.scope()?;
        let amendment = Amendment::read(Resource::Group, how)?;
        let whole = match how {
            // A whole group that says nothing of members keeps them; an empty list has none.
            Amend::Replace(sent) => sent_members(sent)?.map(Membership::Replace),
            Amend::Patch(_) => None,
        };
        let vouched = self.vouched(by).await?;
        let (mut work, expected) = self.begin(by, seen).await?;
        let kept = self.kept(&mut work, by, sql::GROUP_ONE, id).await?;
        expected.still(Resource::Group, &kept)?;
        let (after_document, steps) = match amendment {
            Amendment::Replace(sent) => (sent, whole.into_iter().collect()),
            Amendment::Patch(operations) => {
                let patched = patch::apply(Resource::Group, kept.document.clone(), &operations)?;
                (patched.document, patched.memberships)
            }
        };
        let (was, is) = (shown_name(&kept.document), shown_name(&after_document));
        let mut moved = Moved::default();
        let (team, formed) = self.team_behind(&mut work, &kept, is).await?;
        if was != is {
            self.rename(&mut work, by, &team, (was, is)).await?;
        }
        let mut before = self.in_group(&mut work, id).await?;
        let after = after(&before, &steps)?;
        if formed {
            // Everybody who is meant to be in it joins the new team.
            work.change.run(sql::MEMBERS_DELETE, args![id]).await?;
            before.clear();
        }
        let (sealed, at) = (self.0.seals.seal(&scope, id, &after_document)?, self.now());
        let names = differing(&kept.document, &after_document);
        if names.is_empty() && before == after && !formed {
            return Ok(kept);
        }
        let external = text(&after_document, "externalId");
        let args = args![id, key(is), external, sealed, team.as_str(), at];
        work.change.run(sql::GROUP_CHANGE, args).await.map_err(taken)?;
        let renamed_key = key(is);
        let group = Group { id, team: &team, name: &renamed_key };
        self.move_members(&mut work, &vouched, group, (&before, &after), &mut moved).await?;
        if key(was) != key(is) {
            // Another name may give another role, to everybody who is in it.
            let name = BTreeSet::from([key(is)]);
            self.cast_groups(&mut work, &vouched, &name, &mut moved).await?;
        }
        let renamed = (was != is).then_some((was, is));
        let event = events::group_changed(&kept, team.as_str(), renamed, &moved);
        self.0.identity.commit(work, event).await?;
        let (version, subject) = (kept.version + 1, team.to_string());
        Ok(Kept { subject, document: after_document, version, changed_at: at, ..kept })
    }

    /// Dissolves the team behind a group. Its members lose what they had by it.
    pub(crate) async fn remove_group(
        &self,
        by: &Entered,
        id: &str,
        seen: Option<&str>,
    ) -> Result<(), Error> {
        let vouched = self.vouched(by).await?;
        let (mut work, expected) = self.begin(by, seen).await?;
        let kept = self.kept(&mut work, by, sql::GROUP_ONE, id).await?;
        expected.still(Resource::Group, &kept)?;
        let (name, mut moved) = (shown_name(&kept.document), Moved::default());
        if maps(&by.directory.mapping, &key(name)) {
            let members = self.in_group(&mut work, id).await?;
            let team = team_id(&kept)?;
            let key = key(name);
            let group = Group { id, team: &team, name: &key };
            let nobody = BTreeSet::new();
            self.move_members(&mut work, &vouched, group, (&members, &nobody), &mut moved).await?;
        }
        work.change.run(sql::MEMBERS_DELETE, args![id]).await?;
        work.change.run(sql::GROUP_DELETE, args![id]).await?;
        work.dissolve_team(&team_id(&kept)?).await?;
        self.0.identity.commit(work, events::group_removed(&kept, name, &moved)).await?;
        Ok(())
    }

    /// The team of a group; if the org deleted it by hand, a new one that must be filled.
    async fn team_behind(
        &self,
        work: &mut Work,
        kept: &Kept,
        name: &str,
    ) -> Result<(TeamId, bool), Error> {
        match work.team(&team_id(kept)?).await {
            Ok(team) => Ok((team.id, false)),
            Err(Refused::NotFound) => {
                let formed = self.0.identity.form_team(work, name).await.map_err(named)?;
                Ok((formed.id, true))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn rename(
        &self,
        work: &mut Work,
        by: &Entered,
        team: &TeamId,
        (was, is): (&str, &str),
    ) -> Result<(), Error> {
        if key(was) != key(is) {
            free_name(work, by, is).await?;
        }
        work.rename_team(team, is).await.map_err(named)
    }
}

fn team_id(kept: &Kept) -> Result<TeamId, Error> {
    kept.subject.parse().map_err(|cause| Error::Db(DbError::unreadable("team_id", cause)))
}

/// What a group is called: the team has the same name.
fn shown_name(document: &Document) -> &str {
    text(document, "displayName").unwrap_or_default().trim()
}

/// The members that were sent with a whole group.
fn sent_members(sent: &Value) -> Result<Option<Vec<String>>, Error> {
    let members = sent.as_object().and_then(|sent| member(sent, "members"));
    members.map(ids).transpose()
}

async fn free_name(work: &mut Work, by: &Entered, name: &str) -> Result<(), Error> {
    let args = args![by.directory.id.as_str(), key(name)];
    match work.change.maybe(sql::GROUP_BY_NAME, args).await? {
        Some(_) => Err(Error::Uniqueness(NAME_TAKEN)),
        None => Ok(()),
    }
}

fn taken(error: DbError) -> Error {
    if error.is_conflict() { Error::Uniqueness(NAME_TAKEN) } else { Error::Db(error) }
}

fn named(error: Refused) -> Error {
    match error {
        Refused::Exists(_) => Error::Uniqueness(NAME_TAKEN),
        other => Error::Identity(other),
    }
}
