//! Teaching, changing, publishing and retiring.

use access::{Caller, Denied, Permission, Scope};
use base::time::At;

use crate::error::{self, Error};
use crate::judge::{FailedCase, Judged};
use crate::kept::{Kept, State};
use crate::turns::Verdicts;
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
        let mut tries = self.tries(caller, publish && !cases.is_empty()).await?;
        loop {
            tries.another()?;
            let mut verdicts = Verdicts::default();
            if publish {
                let held = self.snapshots.of(caller).await?;
                let judged = Judged::new(&kept, &kept.latest, cases.clone());
                verdicts = self.verdicts(caller, held, judged).await?;
            }
            let Some(mut work) = self.begin_judged(&scope, &verdicts).await? else { continue };
            if publish {
                release(&mut kept, asked, &verdicts.failing, at)?;
            }
            work.add(std::slice::from_ref(&kept)).await?;
            if !cases.is_empty() {
                work.set_cases(&kept, &cases, at).await?;
            }
            work.commit(told::taught(&kept)).await?;
            let unpublished_because = because(&verdicts.failing);
            return Ok(Pattern { unpublished_because, ..Pattern::of(&kept, Some(0)) });
        }
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
        let mut tries = self.tries(caller, found.cases > 0).await?;
        loop {
            tries.another()?;
            let Some(changed) = self.change_once(caller, id, &change).await? else { continue };
            let (after, failing) = changed;
            let unpublished_because = because(&failing);
            return Ok(Pattern { unpublished_because, ..self.shown(caller, &after).await });
        }
    }

    /// None: somebody else changed the org's patterns meanwhile.
    async fn change_once(
        &self,
        caller: &Caller,
        id: &str,
        change: &ChangePattern,
    ) -> Result<Option<(Kept, Vec<FailedCase>)>, Error> {
        let held = self.snapshots.of(caller).await?;
        let found = self.found(caller, id).await?;
        let at = self.clock.now();
        let mut verdicts = Verdicts::default();
        // What is wrong with it is said of the pattern as it is within the change.
        if let Ok(Next { kept, publishes: true }) = next(caller, &found, change, at) {
            let cases = self.cases_of(caller, &found).await?;
            let judged = Judged::new(&kept, &kept.latest, cases);
            verdicts = self.verdicts(caller, held, judged).await?;
        }
        let scope = may_change(caller, &found)?;
        let Some(mut work) = self.begin_judged(&scope, &verdicts).await? else { return Ok(None) };
        let before = work.one(&found.id).await?;
        let Next { kept: mut after, publishes } = next(caller, &before, change, at)?;
        if publishes && !verdicts.cover(&before) {
            return self.anew(work).await;
        }
        if after.latest.number != before.latest.number {
            work.add_versions(std::slice::from_ref(&after)).await?;
        }
        if publishes {
            release(&mut after, change.publish, &verdicts.failing, at)?;
        }
        work.update(&after).await?;
        work.commit(told::changed(&before, &after)).await?;
        Ok(Some((after, verdicts.failing)))
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
        let mut tries = self.tries(caller, found.cases > 0).await?;
        loop {
            tries.another()?;
            if let Some(after) = self.publish_once(caller, &scope, id, publish).await? {
                return Ok(self.shown(caller, &after).await);
            }
        }
    }

    /// None: somebody else changed the org's patterns meanwhile.
    async fn publish_once(
        &self,
        caller: &Caller,
        scope: &Scope,
        id: &str,
        publish: &PublishPattern,
    ) -> Result<Option<Kept>, Error> {
        let held = self.snapshots.of(caller).await?;
        let found = self.found(caller, id).await?;
        let mut verdicts = Verdicts::default();
        if found.cases > 0 {
            let number = publish.version.unwrap_or(found.latest.number);
            let version = self.version_of(scope, &found.id, number).await?;
            let cases = self.cases_of(caller, &found).await?;
            verdicts = self.verdicts(caller, held, Judged::new(&found, &version, cases)).await?;
        }
        let Some(mut work) = self.begin_judged(scope, &verdicts).await? else { return Ok(None) };
        let before = work.one(&found.id).await?;
        if !verdicts.cover(&before) {
            return self.anew(work).await;
        }
        let number = publish.version.unwrap_or(before.latest.number);
        let version = work.version(&found.id, number).await?;
        if !verdicts.failing.is_empty() {
            return Err(Error::CasesFailed(verdicts.failing));
        }
        let mut after = before.clone();
        after.publish(version, self.clock.now());
        caller.require_on(Permission::PatternsPublish, after.thing())?;
        work.update(&after).await?;
        work.commit(told::published(&before, &after)).await?;
        Ok(Some(after))
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

/// What a pattern becomes by a change.
struct Next {
    kept: Kept,
    /// Whether its latest version is to answer, if its cases pass.
    publishes: bool,
}

fn next(caller: &Caller, before: &Kept, change: &ChangePattern, at: At) -> Result<Next, Error> {
    // Somebody may have published the draft since.
    may_change(caller, before)?;
    if change.version.is_some_and(|version| version != before.latest.number) {
        return Err(Error::Changed(before.latest.number));
    }
    let publish = change.publish.unwrap_or(
        before.state != State::Retired && before.gives(caller, Permission::PatternsPublish),
    );
    if publish {
        caller.require_on(Permission::PatternsPublish, before.thing())?;
    }
    let draft = change.clone().draft(&before.latest.draft)?;
    let mut kept = before.clone();
    if draft != *before.latest.draft {
        kept.teach(draft, at);
        // It may be more sensitive now.
        may_change(caller, &kept)?;
        if publish {
            caller.require_on(Permission::PatternsPublish, kept.thing())?;
        }
    }
    let publishes = publish && kept.published_number() != Some(kept.latest.number);
    Ok(Next { kept, publishes })
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
