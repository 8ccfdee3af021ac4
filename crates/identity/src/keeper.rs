//! What this room holds of a person: who they are, and what they sign in with.

use access::{OrgDb, Scope};
use async_trait::async_trait;
use audit::{Change, Column, Held, Keeper, Person, Standing, Table};
use base::args;
use base::db::DbError;

use crate::member::MemberState;
use crate::{Identity, sql};

const MEMBER: &[Column] = &[
    Column::Text("member_id"),
    Column::Text("name"),
    Column::Text("email"),
    Column::Text("role"),
    Column::Text("state"),
    Column::At("created_at"),
];

const KEY: &[Column] = &[
    Column::Text("key_id"),
    Column::Text("name"),
    Column::Text("addresses"),
    Column::At("created_at"),
    Column::At("expires_at"),
    Column::At("revoked_at"),
    Column::At("last_used_at"),
];

const SESSION: &[Column] = &[
    Column::Text("session_id"),
    Column::Text("ip"),
    Column::Text("user_agent"),
    Column::Text("method"),
    Column::At("created_at"),
    Column::At("seen_at"),
];

const PASSKEY: &[Column] = &[
    Column::Text("passkey_id"),
    Column::Text("name"),
    Column::At("created_at"),
    Column::At("last_used_at"),
];

const TABLES: &[Table] = &[
    Table::values(
        "identity_member",
        "name, e-mail address and password; the row stays, with an id that names nobody",
        sql::KEPT_MEMBER,
        sql::ERASE_MEMBER,
    )
    .exported(sql::EXPORT_MEMBER, MEMBER),
    Table::values("identity_key", "API keys and their names", sql::KEPT_KEYS, sql::ERASE_KEYS)
        .exported(sql::EXPORT_KEYS, KEY),
    Table::values(
        "identity_session",
        "sessions, with addresses and programs",
        sql::KEPT_SESSIONS,
        sql::ERASE_SESSIONS,
    )
    .exported(sql::EXPORT_SESSIONS, SESSION),
    Table::values("identity_passkey", "passkeys", sql::KEPT_PASSKEYS, sql::ERASE_PASSKEYS)
        .exported(sql::EXPORT_PASSKEYS, PASSKEY),
    Table::values("identity_authenticator", "authenticator apps", sql::KEPT_APPS, sql::ERASE_APPS),
    Table::values("identity_recovery_code", "recovery codes", sql::KEPT_CODES, sql::ERASE_CODES),
    Table::values(
        "identity_invitation",
        "invitations",
        sql::KEPT_INVITATIONS,
        sql::ERASE_INVITATIONS,
    ),
    Table::values(
        "identity_password_link",
        "links that set a password",
        sql::KEPT_LINKS,
        sql::ERASE_LINKS,
    ),
    Table::values("identity_grant", "grants to the person", sql::KEPT_GRANTS, sql::ERASE_GRANTS),
    Table::values("identity_team_member", "teams of the person", sql::KEPT_TEAMS, sql::ERASE_TEAMS),
    Table::ids(
        "identity_setup",
        "setup links that the person made, or was given",
        sql::KEPT_SETUPS,
        "ids alone, which name nobody once the person is erased",
    ),
    Table::nothing("identity_org"),
    Table::nothing("identity_team"),
    Table::nothing("identity_service"),
    Table::nothing("identity_role"),
    Table::nothing("identity_ceremony"),
];

#[async_trait]
impl Keeper for Identity {
    fn tables(&self) -> &'static [Table] {
        TABLES
    }

    async fn person(&self, db: &OrgDb<'_>, who: &str) -> Result<Option<Person>, DbError> {
        let of =
            |id, standing, name, email| Person { id, standing, name, email, things: Vec::new() };
        let row = if who.contains('@') {
            db.maybe(sql::MEMBER_CALLED, args![who.to_lowercase()]).await?
        } else {
            db.maybe(sql::MEMBER_ONE, args![who]).await?
        };
        if let Some(row) = row {
            let standing = match row.parse::<MemberState>("state")? {
                MemberState::Removed => Standing::Former,
                MemberState::Invited | MemberState::Active | MemberState::Suspended => {
                    Standing::Present
                }
            };
            let (id, name) = (row.text("member_id")?, row.text("name")?);
            return Ok(Some(of(id, standing, name, row.text("email")?)));
        }
        let Some(row) = db.maybe(sql::SETUP_GUEST, args![who]).await? else { return Ok(None) };
        let over = row.opt_at("ended_at")?.is_some() || row.at("expires_at")? <= self.now();
        let standing = if over { Standing::Former } else { Standing::Present };
        Ok(Some(of(who.to_owned(), standing, String::new(), String::new())))
    }

    async fn people(&self, db: &OrgDb<'_>, after: &str) -> Result<Vec<String>, DbError> {
        let rows = db.all(sql::PEOPLE_BEHIND, args![after]).await?;
        rows.iter().map(|row| row.text("id")).collect()
    }

    async fn turn_out(&self, change: &mut Change, person: &Person) -> Result<(), DbError> {
        change.run(sql::MEMBER_OUT, args![person.id.as_str()]).await?;
        change.run(sql::GUEST_OUT, args![person.id.as_str(), self.now()]).await?;
        Ok(())
    }

    /// Every node reads the org anew: no name of theirs stays in memory.
    async fn erase(&self, change: &mut Change, person: &Person) -> Result<Vec<Held>, DbError> {
        change.maybe(sql::ORG_BUMP, args![]).await?;
        Table::erase_all(TABLES, change, person).await
    }

    async fn things(
        &self,
        db: &OrgDb<'_>,
        _: &Scope,
        person: &Person,
    ) -> Result<Vec<String>, DbError> {
        let rows = db.all(sql::THINGS_OF, args![person.id.as_str()]).await?;
        rows.iter().map(|row| row.text("id")).collect()
    }
}
