//! How the last test sign-in of a connection ended, and what a mapping would make of it.

use access::{Caller, Permission, Scope};
use base::args;
use base::time::At;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::connection::Known;
use crate::flow::Answer;
use crate::mapping::{Claims, Mapped};
use crate::refused::Refused;
use crate::seals::Place;
use crate::{ConnectionId, Error, Mapping, Sso, events, sql};
use base::checks::Checks;

/// How long it is kept: it holds what a provider said about somebody.
const KEPT_HOURS: i64 = 24;

/// What is kept of a test.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    by: String,
    answer: Option<Answer>,
    code: Option<String>,
    detail: Option<String>,
}

/// How the last test sign-in ended.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Captured {
    /// When.
    #[schema(value_type = String)]
    pub at: At,
    /// Who tested.
    #[schema(value_type = String)]
    pub by: String,
    /// What the provider calls them.
    pub named: Option<String>,
    /// The attributes or claims that came.
    pub claims: Claims,
    /// Why it was refused.
    pub code: Option<String>,
    /// The same in words.
    pub detail: Option<String>,
}

/// A mapping to be tried.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Preview {
    /// The mapping; the one that is saved, if not given.
    pub mapping: Option<Mapping>,
}

/// What a mapping makes of the last test sign-in.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Previewed {
    /// The test.
    pub captured: Captured,
    /// Who that would be here; none: nobody, and `code` says why.
    pub mapped: Option<Mapped>,
    /// Why nobody.
    pub code: Option<String>,
    /// The same in words.
    pub detail: Option<String>,
}

impl Sso {
    /// What a mapping makes of the last test sign-in. Nothing is changed.
    pub async fn preview(
        &self,
        caller: &Caller,
        id: &ConnectionId,
        preview: Preview,
    ) -> Result<Previewed, Error> {
        let scope = caller.require(Permission::UsersConnections)?;
        let known = self.one(&scope, id).await?;
        let mapping = preview.mapping.unwrap_or_else(|| known.mapping.clone());
        let mut checks = Checks::default();
        mapping.check(&mut checks);
        checks.done()?;
        let captured = self.captured(&scope, id).await?;
        let captured = captured.ok_or(Error::Conflict("sign in through it in a test first"))?;
        self.note_read(caller, id).await?;
        Ok(previewed(&mapping, captured))
    }

    /// Tells the record that the caller is shown what a provider said about somebody.
    pub(crate) async fn note_read(&self, caller: &Caller, id: &ConnectionId) -> Result<(), Error> {
        self.0.record.note(caller, &events::about("sso.preview.read", id)).await?;
        Ok(())
    }

    /// How the last test ended, if it is not too long ago.
    pub(crate) async fn captured(
        &self,
        scope: &Scope,
        id: &ConnectionId,
    ) -> Result<Option<Captured>, Error> {
        let args = args![id.as_str(), self.now()];
        let row = self.0.databases.of(scope)?.maybe(sql::CAPTURED, args).await?;
        let Some(row) = row else { return Ok(None) };
        let place = Place::Captured(id);
        let kept: Kept = self.0.seals.open_json(scope, place, &row.bytes("body")?)?;
        let (named, claims) = kept.answer.map(|answer| (answer.named, answer.claims)).unzip();
        Ok(Some(Captured {
            at: row.at("captured_at")?,
            by: kept.by,
            named,
            claims: claims.unwrap_or_default(),
            code: kept.code,
            detail: kept.detail,
        }))
    }

    /// Keeps how a test ended.
    pub(crate) async fn capture(
        &self,
        scope: &Scope,
        known: &Known,
        by: &str,
        ended: Result<&Answer, &Refused>,
    ) -> Result<(), Error> {
        let refused = ended.err();
        let kept = Kept {
            by: by.to_owned(),
            answer: ended.ok().cloned(),
            code: refused.map(|refused| refused.code.to_owned()),
            detail: refused.map(|refused| refused.detail.clone()),
        };
        let body = self.0.seals.seal_json(scope, Place::Captured(&known.id), &kept)?;
        let now = self.now();
        let until = now + SignedDuration::from_hours(KEPT_HOURS);
        self.jot(scope, sql::CAPTURE, args![known.id.as_str(), body, now, until]).await?;
        Ok(())
    }
}

/// What a mapping makes of a test.
pub(crate) fn previewed(mapping: &Mapping, captured: Captured) -> Previewed {
    if captured.code.is_some() {
        let (code, detail) = (captured.code.clone(), captured.detail.clone());
        return Previewed { captured, mapped: None, code, detail };
    }
    match mapping.apply(&captured.claims, captured.named.as_deref().unwrap_or_default()) {
        Ok(mapped) => Previewed { captured, mapped: Some(mapped), code: None, detail: None },
        Err(refused) => Previewed {
            captured,
            mapped: None,
            code: Some(refused.code.to_owned()),
            detail: Some(refused.detail),
        },
    }
}
