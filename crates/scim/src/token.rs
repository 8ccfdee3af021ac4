//! Tokens of directories: two live while one is replaced.

use access::{Caller, Permission, Scope};
use audit::Change;
use base::args;
use base::db::{DbError, Row};
use base::secret::Secret;
use base::time::At;
use identity::key::DirectoryToken;
use serde::Serialize;

use crate::directory::{Directory, gives, may_connect};
use crate::kept::{DirectoryId, TokenId};
use crate::{Error, Scim, events, sql, vouch};

/// A token, without its secret: that is nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Token {
    /// Its id.
    #[schema(value_type = String)]
    pub id: TokenId,
    /// Since when.
    #[schema(value_type = String)]
    pub created_at: At,
    /// Since when it is refused.
    #[schema(value_type = Option<String>)]
    pub ended_at: Option<At>,
    /// When it was last used, to the minute.
    #[schema(value_type = Option<String>)]
    pub last_used_at: Option<At>,
}

/// A token that was made, and its text, which is shown this once.
#[derive(Debug, Clone)]
pub struct Issued {
    /// Its id.
    pub id: TokenId,
    /// What the identity provider sends as `Authorization: Bearer`.
    pub secret: Secret,
}

impl Token {
    fn of(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parse("token_id")?,
            created_at: row.at("created_at")?,
            ended_at: row.opt_at("ended_at")?,
            last_used_at: row.opt_at("last_used_at")?,
        })
    }
}

impl Scim {
    /// The last tokens of a directory, the newest first.
    pub async fn tokens(&self, caller: &Caller, id: &DirectoryId) -> Result<Vec<Token>, Error> {
        let scope = caller.require(Permission::UsersConnections)?;
        let args = args![id.as_str()];
        let rows = self.0.databases.of(&scope)?.all(sql::TOKEN_LIST, args).await?;
        Ok(rows.iter().map(Token::of).collect::<Result<_, _>>()?)
    }

    /// Makes a new token. The one before lives on until it is ended or the next is made;
    /// older ones end at once. Whoever makes one answers for what is done with it.
    pub async fn rotate(&self, caller: &Caller, id: &DirectoryId) -> Result<Issued, Error> {
        let scope = may_connect(caller)?;
        let mut work = self.0.identity.begin(&scope).await?;
        let directory = held(&mut work.change, id).await?;
        // Whoever has a token lets in whom the directory lets in, with its roles.
        gives(caller, &mut work, &directory).await?;
        let ended = work.change.run(sql::TOKENS_END, args![id.as_str(), self.now()]).await?;
        let issued = self.issue(&mut work.change, &scope, id).await?;
        work.change.run(sql::TOKENS_FORGET, args![id.as_str()]).await?;
        let event = events::token_made(&directory, issued.id.as_str(), ended);
        self.0.identity.commit(work, event).await?;
        Ok(issued)
    }

    /// Ends a token at once.
    pub async fn end_token(
        &self,
        caller: &Caller,
        id: &DirectoryId,
        token: &TokenId,
    ) -> Result<(), Error> {
        let scope = may_connect(caller)?;
        let mut change = Change::begin(&self.0.record, &scope).await?;
        let directory = held(&mut change, id).await?;
        let args = args![id.as_str(), token.as_str(), self.now()];
        if change.run(sql::TOKEN_END, args).await? == 0 {
            return Err(Error::NotFound);
        }
        change.commit(events::token_ended(&directory, token.as_str())).await?;
        Ok(())
    }

    pub(crate) async fn issue(
        &self,
        change: &mut Change,
        scope: &Scope,
        directory: &DirectoryId,
    ) -> Result<Issued, Error> {
        let unserved = || Error::Machine(std::io::Error::other("the region has no key"));
        let mac = self.0.macs.get(&scope.region()).ok_or_else(unserved)?;
        let (token, secret) = DirectoryToken::fresh(scope.org(), scope.region())?;
        let (id, at) = (TokenId::new(self.now()), self.now());
        let tag = mac.tag(token.hashed());
        let vouched = vouch::written(vouch::by(scope.caller()));
        let args = args![id.as_str(), directory.as_str(), tag.as_slice(), at, vouched];
        change.run(sql::TOKEN_ADD, args).await?;
        Ok(Issued { id, secret })
    }
}

async fn held(change: &mut Change, id: &DirectoryId) -> Result<Directory, Error> {
    change.run(sql::DIRECTORY_HOLD, args![id.as_str()]).await?;
    let row = change.maybe(sql::DIRECTORY_ONE, args![id.as_str()]).await?;
    row.as_ref().map(Directory::of).transpose()?.ok_or(Error::NotFound)
}
