//! Teaching, changing, publishing and retiring.

use access::{Caller, Denied, Permission, Scope};
use base::time::At;

use crate::error::{self, Error};
use crate::judge::{FailedCase, Judged};
use crate::kept::{Kept, State};
use crate::view::{ChangePattern, Pattern, PublishPattern, TeachPattern};
use crate::{Patterns, cases, told};

impl Patterns {
    /// Teaches a pattern. It answers at once when the caller may publish.
    #[tracing::instrument(skip_all, fields(org.id = %caller.org))]
    pub async fn teach(&self, caller: &Caller, teach: TeachPattern) -> Result<Pattern, Error> {
        let mut scope = caller.require(Permission::PatternsCreate)?;
        let publish = teach.publish.unwrap_or(caller.access.may(Permission::PatternsPublish));
        if publish {
            scope = caller.require(Permission::PatternsPublish)?;
        }
        let (at, asked) = (self.clock.now(), teach.publish);
        let cases = cases::checked(teach.cases.clone())?;
        let mut kept = Kept::new(teach.draft()?, caller, at);
        caller.require_on(Permission::PatternsCreate, kept.thing())?;
        if publish {
            caller.require_on(Permission::PatternsPublish, kept.thing())?;
        }
        kept.cases = i64::try_from(cases.len()).unwrap_or(i64::MAX);
        let held = self.snapshots.of(caller).await?;
        let mut work = self.begin(&scope).await?;
        let mut failing = Vec::new();
        if publish {
            failing = work.failing(held, Judged::new(&kept, &kept.latest, cases.clone())).await?;
            release(&mut kept, asked, &failing, at)?;
        }
        work.add(std::slice::from_ref(&kept)).await?;
        if !cases.is_empty() {
            work.set_cases(&kept, &cases, at).await?;
        }
        work.commit(told::taught(&kept)).await?;
        Ok(Pattern { unpublished_because: because(&failing), ..Pattern::of(&kept, Some(0)) })
    }

    /// Teaches the next version of a pattern. The earlier ones stay.
    #[tracing::instrument(skip_all, fields(org.id = %caller.org, pattern.id = id))]
    pub async fn change(
        &self,
        caller: &Caller,
        id: &str,
        change: ChangePattern,
    ) -> Result<Pattern, Error> {
        let found = self.found(caller, id).await?;
        let held = self.snapshots.of(caller).await?;
        let mut work = self.begin(&may_change(caller, &found)?).await?;
        let before = work.one(&found.id).await?;
        // Somebody may have published the draft since.
        may_change(caller, &before)?;
        if change.version.is_some_and(|version| version != before.latest.number) {
            return Err(Error::Changed(before.latest.number));
        }
        let asked = change.publish;
        let publish = asked.unwrap_or(
            before.state != State::Retired && before.gives(caller, Permission::PatternsPublish),
        );
        if publish {
            caller.require_on(Permission::PatternsPublish, before.thing())?;
        }
        let draft = change.draft(&before.latest.draft)?;
        let (at, mut after) = (self.clock.now(), before.clone());
        if draft != *before.latest.draft {
            after.teach(draft, at);
            // It may be more sensitive now.
            may_change(caller, &after)?;
            if publish {
                caller.require_on(Permission::PatternsPublish, after.thing())?;
            }
            work.add_versions(std::slice::from_ref(&after)).await?;
        }
        let mut failing = Vec::new();
        if publish && after.published_number() != Some(after.latest.number) {
            let cases = work.cases(&after).await?;
            failing = work.failing(held, Judged::new(&after, &after.latest, cases)).await?;
            release(&mut after, asked, &failing, at)?;
        }
        work.update(&after).await?;
        work.commit(told::changed(&before, &after)).await?;
        let unpublished_because = because(&failing);
        Ok(Pattern { unpublished_because, ..self.shown(caller, &after).await })
    }

    /// Lets a version answer: the latest one, or an older one. Its cases must pass.
    #[tracing::instrument(skip_all, fields(org.id = %caller.org, pattern.id = id))]
    pub async fn publish(
        &self,
        caller: &Caller,
        id: &str,
        publish: &PublishPattern,
    ) -> Result<Pattern, Error> {
        let found = self.found(caller, id).await?;
        let scope = caller.require_on(Permission::PatternsPublish, found.thing())?;
        let held = self.snapshots.of(caller).await?;
        let mut work = self.begin(&scope).await?;
        let before = work.one(&found.id).await?;
        let number = publish.version.unwrap_or(before.latest.number);
        let version = work.version(&found.id, number).await?;
        let cases = work.cases(&before).await?;
        let failing = work.failing(held, Judged::new(&before, &version, cases)).await?;
        if !failing.is_empty() {
            return Err(Error::CasesFailed(failing));
        }
        let mut after = before.clone();
        after.publish(version, self.clock.now());
        caller.require_on(Permission::PatternsPublish, after.thing())?;
        work.update(&after).await?;
        work.commit(told::published(&before, &after)).await?;
        Ok(self.shown(caller, &after).await)
    }

    /// Withdraws a pattern: it stops answering with this change. Its versions stay.
    #[tracing::instrument(skip_all, fields(org.id = %caller.org, pattern.id = id))]
    pub async fn retire(&self, caller: &Caller, id: &str) -> Result<Pattern, Error> {
        let found = self.found(caller, id).await?;
        let scope = caller.require_on(Permission::PatternsPublish, found.thing())?;
        let mut work = self.begin(&scope).await?;
        let before = work.one(&found.id).await?;
        let mut after = before.clone();
        after.retire(self.clock.now());
        work.update(&after).await?;
        work.commit(told::retired(&before, &after)).await?;
        Ok(self.shown(caller, &after).await)
    }
}

/// Lets the latest version answer when its cases pass. When they do not, it is refused if
/// it was asked for, and stays a draft otherwise.
fn release(
    kept: &mut Kept,
    asked: Option<bool>,
    failing: &[FailedCase],
    at: At,
) -> Result<(), Error> {
    match (failing, asked) {
        ([], _) => kept.publish_latest(at),
        (_, Some(true)) => return Err(Error::CasesFailed(failing.to_vec())),
        (_, Some(false) | None) => {}
    }
    Ok(())
}

/// Why a version was not published.
fn because(failing: &[FailedCase]) -> Option<String> {
    (!failing.is_empty()).then(|| error::counted(failing))
}

/// Who may update patterns may change this one; who taught a draft may change it too.
pub(crate) fn may_change(caller: &Caller, kept: &Kept) -> Result<Scope, Denied> {
    caller.require_on(Permission::PatternsUpdate, kept.thing()).or_else(|denied| {
        let own = kept.state == State::Draft && kept.created_by == caller.actor.id();
        if !own || !caller.access.may(Permission::PatternsCreate) {
            return Err(denied);
        }
        caller.require(Permission::PatternsCreate)?;
        caller.require_on(Permission::PatternsCreate, kept.thing())
    })
}
