//! What is kept of a user and of a group. What a directory knows of people is sealed at
//! rest; only what is looked up by stands beside it.

use std::collections::BTreeMap;
use std::io;

use access::{Homes, Region, Scope};
use base::db::{DbError, Row};
use base::seal::{NotOpened, RootKey, Sealer};
use base::time::At;
use serde_json::Value;

use crate::document::Document;

base::ids! {
    /// A directory of an org.
    DirectoryId = "dir";
    /// A token of a directory.
    TokenId = "dtk";
    /// A user, as a directory knows them. The member behind them has an id of their own.
    UserId = "scu";
    /// A group, as a directory knows it.
    GroupId = "scg";
}

/// A user or a group.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) id: String,
    /// The member or team behind it.
    pub(crate) subject: String,
    /// The role that the mapping of groups gave last.
    pub(crate) given_role: Option<String>,
    pub(crate) document: Document,
    pub(crate) version: i64,
    pub(crate) created_at: At,
    pub(crate) changed_at: At,
}

/// The sealing keys of the regions that this node serves.
#[derive(Debug)]
pub(crate) struct Seals(BTreeMap<Region, Sealer>, Homes);

impl Seals {
    pub(crate) fn new(roots: &BTreeMap<Region, RootKey>, homes: &Homes) -> io::Result<Self> {
        let sealers =
            roots.iter().map(|(region, root)| Ok((*region, root.sealer("scim/document")?)));
        sealers.collect::<io::Result<_>>().map(|keys| Self(keys, homes.clone()))
    }

    /// Seals a document for its own place: it opens in no other.
    pub(crate) fn seal(
        &self,
        scope: &Scope,
        id: &str,
        what: &Document,
    ) -> Result<Vec<u8>, DbError> {
        let bytes = Value::Object(what.clone()).to_string();
        self.of(scope)?.seal(&purpose(scope, id), bytes.as_bytes()).map_err(unreadable)
    }

    /// Opens the document of a row.
    pub(crate) fn open(&self, scope: &Scope, id: &str, row: &Row) -> Result<Document, DbError> {
        let bytes = row.bytes("document")?;
        let bytes = self.of(scope)?.open(&purpose(scope, id), &bytes).map_err(unreadable)?;
        serde_json::from_slice(&bytes).map_err(unreadable)
    }

    /// Reads a row.
    pub(crate) fn kept(&self, scope: &Scope, row: &Row) -> Result<Kept, DbError> {
        let id = row.text("id")?;
        Ok(Kept {
            document: self.open(scope, &id, row)?,
            id,
            subject: row.text("subject")?,
            given_role: row.opt_text("given_role")?,
            version: row.int("version")?,
            created_at: row.at("created_at")?,
            changed_at: row.at("changed_at")?,
        })
    }

    fn of(&self, scope: &Scope) -> Result<&Sealer, DbError> {
        self.0.get(&self.1.born(scope.org(), scope.region())).ok_or_else(|| unreadable(NotOpened))
    }
}

fn purpose(scope: &Scope, id: &str) -> String {
    format!("{}/{id}", scope.org())
}

fn unreadable(cause: impl std::error::Error + Send + Sync + 'static) -> DbError {
    DbError::unreadable("document", cause)
}

/// A text as it is looked up by: without regard to case.
pub(crate) fn key(text: &str) -> String {
    text.trim().to_lowercase()
}

/// A text of a document.
pub(crate) fn text<'a>(document: &'a Document, name: &str) -> Option<&'a str> {
    document.get(name).and_then(Value::as_str)
}

/// Whether the directory says that a user may act; nothing, if it says nothing.
pub(crate) fn active(document: &Document) -> Option<bool> {
    document.get("active").and_then(Value::as_bool)
}
