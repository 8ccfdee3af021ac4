//! Whose usage, and of what.

use access::{Caller, Permission, Scope};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Error;
use crate::rollup::within;

/// Bytes of a filter at most: the longest name of a model.
const FILTER_BYTES_MAX: usize = 128;

/// What usage can be told apart by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// The model that was asked for.
    #[default]
    Model,
    /// The team of whoever asked. A call of somebody in two teams counts for both.
    Team,
    /// The member or service account.
    Member,
    /// The key.
    Key,
}

impl Dimension {
    /// As in addresses and statements.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Team => "team",
            Self::Member => "member",
            Self::Key => "key",
        }
    }
}

/// Which calls; all that is given must hold, and an empty text holds for all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) model: String,
    pub(crate) team: String,
    pub(crate) member: String,
    pub(crate) key: String,
}

/// What somebody may see.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) scope: Scope,
    pub(crate) filter: Filter,
    /// Only what the caller used.
    pub(crate) own: bool,
}

impl Filter {
    pub(crate) fn of(
        model: Option<&str>,
        team: Option<&str>,
        member: Option<&str>,
        key: Option<&str>,
    ) -> Result<Self, Error> {
        let checked = |param, text: Option<&str>| {
            let text = text.unwrap_or_default();
            if text.len() > FILTER_BYTES_MAX || text.chars().any(char::is_control) {
                let detail = format!("`{param}` must be at most {FILTER_BYTES_MAX} bytes of text");
                return Err(Error::BadQuery(param, detail));
            }
            Ok(text.to_owned())
        };
        Ok(Self {
            model: checked("model", model)?,
            team: checked("team", team)?,
            member: checked("member", member)?,
            key: checked("key", key)?,
        })
    }

    /// What is given for a dimension.
    pub(crate) fn get(&self, dimension: Dimension) -> &str {
        match dimension {
            Dimension::Model => &self.model,
            Dimension::Team => &self.team,
            Dimension::Member => &self.member,
            Dimension::Key => &self.key,
        }
    }

    /// The kind and subject that one row answers for: everything, or one thing alone.
    pub(crate) fn lone(&self) -> Option<(&'static str, &str)> {
        let all = [Dimension::Model, Dimension::Team, Dimension::Member, Dimension::Key];
        let mut given = all.into_iter().filter(|dimension| !self.get(*dimension).is_empty());
        match (given.next(), given.next()) {
            (None, _) => Some(("org", "")),
            (Some(only), None) => Some((only.as_str(), self.get(only))),
            (Some(_), Some(_)) => None,
        }
    }

    /// Within what sums of other subjects are kept: everything, one model or one team.
    pub(crate) fn within(&self) -> Option<String> {
        match self.lone()? {
            ("org", _) => Some(String::new()),
            (kind @ ("model" | "team"), subject) => Some(within(kind, subject)),
            _ => None,
        }
    }

    /// How a team is looked for among the teams of a call.
    pub(crate) fn team_pattern(&self) -> String {
        if self.team.is_empty() { String::new() } else { format!("%,{},%", self.team) }
    }

    /// Who sees the settings of the org sees what everybody used; anybody else sees what
    /// they used themselves, whatever else they ask for.
    pub(crate) fn seen_by(mut self, caller: &Caller) -> Result<View, Error> {
        let own = caller.actor.id();
        match caller.require(Permission::SettingsRead) {
            Ok(scope) => Ok(View { scope, filter: self, own: false }),
            Err(denied) if !self.member.is_empty() && self.member != own => Err(denied.into()),
            Err(_) => {
                own.clone_into(&mut self.member);
                Ok(View { scope: caller.itself(), filter: self, own: true })
            }
        }
    }
}
