//! Reading an org from its tables.

use std::collections::HashMap;

use access::{Caller, Databases, MemberId, OrgDb, OrgId, PermissionSet, Region, ServiceId, TeamId};
use base::args;
use base::db::{DbError, Row, Statement, Value};
use base::time::At;

use crate::grant::Grant;
use crate::guards::Guards;
use crate::member::MemberState;
use crate::org::Org;
use crate::rules::Rules;
use crate::snapshot::{OrgSnapshot, Raw, RawHolder, RawKey};
use crate::sql;
use crate::subject::Owner;

/// How long a key that ended is still known by name, so that its caller hears why.
const ENDED_KEYS_KNOWN_HOURS: i64 = 30 * 24;
/// Readings of an org that changes meanwhile; behind that the last one is taken.
const READINGS_MAX: u32 = 3;

/// The org as it is now; none if this region has no such org.
///
/// INVARIANT: the version is read first, so the content is at least as new as the
/// version says. A change that comes between leads to another reading.
pub(crate) async fn load(
    databases: &Databases,
    guards: &dyn Guards,
    org: &OrgId,
    region: Region,
    now: At,
) -> Result<Option<OrgSnapshot>, DbError> {
    Ok(raw(databases, guards, org, region, now).await?.map(OrgSnapshot::compile))
}

/// What the tables say of it.
pub(crate) async fn raw(
    databases: &Databases,
    guards: &dyn Guards,
    org: &OrgId,
    region: Region,
    now: At,
) -> Result<Option<Raw>, DbError> {
    let scope = Caller::node(org.clone(), region, "identity").itself();
    let db = databases.of(&scope)?;
    let Some(mut before) = head(&db).await? else { return Ok(None) };
    let mut readings = 1;
    loop {
        let mut raw = read(&db, before, now).await?;
        raw.guard = guards.of(&scope).await?;
        let version = raw.version;
        let Some(after) = head(&db).await? else { return Ok(None) };
        if after.1 == version || readings == READINGS_MAX {
            return Ok((raw.org.region == region).then_some(raw));
        }
        before = after;
        readings += 1;
    }
}

/// The row of the org itself.
type Head = (Org, u64, Rules);

async fn head(db: &OrgDb<'_>) -> Result<Option<Head>, DbError> {
    let row = db.maybe(sql::ORG_READ, args![]).await?;
    row.map(|row| Ok((Org::of(&row)?, row.count("version")?, Rules::of(&row)?))).transpose()
}

async fn read(db: &OrgDb<'_>, (org, version, decided): Head, now: At) -> Result<Raw, DbError> {
    let ended_after = now - jiff::SignedDuration::from_hours(ENDED_KEYS_KNOWN_HOURS);
    let members = behind(db, sql::MEMBER_CHUNK, "member_id", None).await?;
    let services = behind(db, sql::SERVICE_CHUNK, "service_id", None).await?;
    let team_names = behind(db, sql::TEAM_CHUNK, "team_id", None).await?;
    let roles = behind(db, sql::ROLE_CHUNK, "name", None).await?;
    let grants = behind(db, sql::GRANT_CHUNK, "grant_id", None).await?;
    let keys = behind(db, sql::KEY_CHUNK, "key_id", Some(ended_after)).await?;
    Ok(Raw {
        org,
        version,
        rules: decided,
        holders: each(&members, member)?.into_iter().chain(each(&services, service)?).collect(),
        teams: teams(db).await?,
        team_names: each(&team_names, |row| Ok((row.parse("team_id")?, row.text("name")?)))?
            .into_iter()
            .collect(),
        roles: each(&roles, role)?.into_iter().collect::<HashMap<_, _>>(),
        grants: each(&grants, Grant::of)?,
        keys: each(&keys, key)?,
        guard: None,
    })
}

fn each<T>(rows: &[Row], of: impl Fn(&Row) -> Result<T, DbError>) -> Result<Vec<T>, DbError> {
    rows.iter().map(of).collect()
}

/// All rows, in chunks, each behind the last id of the one before.
pub(crate) async fn behind(
    db: &OrgDb<'_>,
    statement: Statement,
    id: &str,
    more: Option<At>,
) -> Result<Vec<Row>, DbError> {
    let mut all = Vec::new();
    let mut after = String::new();
    loop {
        let mut args = args![after.as_str()];
        args.extend(more.map(Value::from));
        let rows = db.all(statement, args).await?;
        let full = rows.len() >= sql::CHUNK;
        all.extend(rows);
        match all.last() {
            Some(last) if full => after = last.text(id)?,
            Some(_) | None => return Ok(all),
        }
    }
}

async fn teams(db: &OrgDb<'_>) -> Result<Vec<(TeamId, MemberId)>, DbError> {
    let mut all: Vec<(TeamId, MemberId)> = Vec::new();
    loop {
        let (team, member) = all.last().map_or(("", ""), |(t, m)| (t.as_str(), m.as_str()));
        let rows = db.all(sql::TEAM_MEMBER_CHUNK, args![team, member]).await?;
        all.extend(each(&rows, |row| Ok((row.parse("team_id")?, row.parse("member_id")?)))?);
        if rows.len() < sql::CHUNK {
            return Ok(all);
        }
    }
}

/// A stored role that this version does not understand is an error, not a guess.
pub(crate) fn role(row: &Row) -> Result<(String, PermissionSet), DbError> {
    let texts: Vec<String> = row.json("permissions")?;
    let permissions = PermissionSet::parse(texts.iter().map(String::as_str))
        .map_err(|cause| DbError::unreadable("permissions", cause))?;
    Ok((row.text("name")?, permissions))
}

fn member(row: &Row) -> Result<RawHolder, DbError> {
    Ok(RawHolder {
        owner: Owner::Member(row.parse::<MemberId>("member_id")?),
        name: row.text("name")?,
        email: Some(row.text("email")?),
        role: row.text("role")?,
        state: row.parse("state")?,
        factor: row.opt_at("factor_since")?.is_some(),
        break_glass: row.opt_at("break_glass_at")?.is_some(),
    })
}

fn service(row: &Row) -> Result<RawHolder, DbError> {
    Ok(RawHolder {
        owner: Owner::Service(row.parse::<ServiceId>("service_id")?),
        name: row.text("name")?,
        email: None,
        role: row.text("role")?,
        state: MemberState::Active,
        factor: false,
        break_glass: false,
    })
}

fn key(row: &Row) -> Result<RawKey, DbError> {
    Ok(RawKey {
        id: row.parse("key_id")?,
        owner: row.parse("owner_id")?,
        name: row.text("name")?,
        tag: tag(row)?,
        roles: list(row, "roles")?,
        models: list(row, "models")?,
        addresses: list(row, "addresses")?,
        replaces: row.opt_text("replaces")?.map(|_| row.parse("replaces")).transpose()?,
        expires_at: row.opt_at("expires_at")?,
        revoked_at: row.opt_at("revoked_at")?,
    })
}

/// A keyed hash.
pub(crate) fn tag(row: &Row) -> Result<[u8; 32], DbError> {
    bytes(row, "tag")
}

/// A keyed hash in another column.
pub(crate) fn bytes(row: &Row, column: &'static str) -> Result<[u8; 32], DbError> {
    let tag = row.bytes(column)?;
    tag.as_slice().try_into().map_err(|cause| DbError::unreadable(column, cause))
}

/// A JSON list, or nothing.
pub(crate) fn list<T: serde::de::DeserializeOwned>(
    row: &Row,
    column: &str,
) -> Result<Option<Vec<T>>, DbError> {
    row.opt_text(column)?.map(|_| row.json(column)).transpose()
}
