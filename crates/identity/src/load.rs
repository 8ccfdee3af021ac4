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
/// INVARIANT: the version is read with the first chunks, so the content is at least as new as the
/// version says. Where more is read behind them, a change that comes between leads to another
/// reading.
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
    let mut readings = 1;
    loop {
        let Some((raw, is_of_one_moment)) = read(&db, guards, org, now).await? else {
            return Ok(None);
        };
        let is_still_so = is_of_one_moment || {
            let Some((_, version, _)) = head(db.maybe(sql::ORG_READ, args![]).await?)? else {
                return Ok(None);
            };
            version == raw.version
        };
        if is_still_so || readings == READINGS_MAX {
            return Ok((raw.org.region == region).then_some(raw));
        }
        readings += 1;
    }
}

/// The row of the org itself.
type Head = (Org, u64, Rules);

fn head(row: Option<Row>) -> Result<Option<Head>, DbError> {
    row.map(|row| Ok((Org::of(&row)?, row.count("version")?, Rules::of(&row)?))).transpose()
}

/// One reading, and whether all of it is of one moment.
async fn read(
    db: &OrgDb<'_>,
    guards: &dyn Guards,
    org: &OrgId,
    now: At,
) -> Result<Option<(Raw, bool)>, DbError> {
    let ended_after = now - jiff::SignedDuration::from_hours(ENDED_KEYS_KNOWN_HOURS);
    let [of_org, members, services, team_names, roles, grants, keys, teams, guardrails] = db
        .together([
            (sql::ORG_READ, args![]),
            (sql::MEMBER_CHUNK, args![""]),
            (sql::SERVICE_CHUNK, args![""]),
            (sql::TEAM_CHUNK, args![""]),
            (sql::ROLE_CHUNK, args![""]),
            (sql::GRANT_CHUNK, args![""]),
            (sql::KEY_CHUNK, args!["", ended_after]),
            (sql::TEAM_MEMBER_CHUNK, args!["", ""]),
            (guards.read(), args![]),
        ])
        .await?;
    let Some((about, version, decided)) = head(of_org.into_iter().next())? else {
        return Ok(None);
    };
    let chunks = [&members, &services, &team_names, &roles, &grants, &keys, &teams];
    let is_of_one_moment = chunks.iter().all(|rows| rows.len() < sql::CHUNK);
    let members = rest(db, sql::MEMBER_CHUNK, "member_id", None, members).await?;
    let services = rest(db, sql::SERVICE_CHUNK, "service_id", None, services).await?;
    let team_names = rest(db, sql::TEAM_CHUNK, "team_id", None, team_names).await?;
    let roles = rest(db, sql::ROLE_CHUNK, "name", None, roles).await?;
    let grants = rest(db, sql::GRANT_CHUNK, "grant_id", None, grants).await?;
    let keys = rest(db, sql::KEY_CHUNK, "key_id", Some(ended_after), keys).await?;
    let raw = Raw {
        org: about,
        version,
        rules: decided,
        holders: each(&members, member)?.into_iter().chain(each(&services, service)?).collect(),
        teams: rest_of_teams(db, teams).await?,
        team_names: each(&team_names, |row| Ok((row.parse("team_id")?, row.text("name")?)))?
            .into_iter()
            .collect(),
        roles: each(&roles, role)?.into_iter().collect::<HashMap<_, _>>(),
        grants: each(&grants, Grant::of)?,
        keys: each(&keys, key)?,
        guard: guards.of(org, &guardrails)?,
    };
    Ok(Some((raw, is_of_one_moment)))
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
    let first = db.all(statement, asked("", more)).await?;
    rest(db, statement, id, more, first).await
}

fn asked(after: &str, more: Option<At>) -> Vec<Value> {
    std::iter::once(after.into()).chain(more.map(Value::from)).collect()
}

/// The same, where the first chunk is read.
async fn rest(
    db: &OrgDb<'_>,
    statement: Statement,
    id: &str,
    more: Option<At>,
    first: Vec<Row>,
) -> Result<Vec<Row>, DbError> {
    let (mut is_full, mut all) = (first.len() >= sql::CHUNK, first);
    while is_full && let Some(last) = all.last() {
        let rows = db.all(statement, asked(&last.text(id)?, more)).await?;
        is_full = rows.len() >= sql::CHUNK;
        all.extend(rows);
    }
    Ok(all)
}

async fn rest_of_teams(
    db: &OrgDb<'_>,
    first: Vec<Row>,
) -> Result<Vec<(TeamId, MemberId)>, DbError> {
    let of = |row: &Row| -> Result<(TeamId, MemberId), DbError> {
        Ok((row.parse("team_id")?, row.parse("member_id")?))
    };
    let (mut is_full, mut all) = (first.len() >= sql::CHUNK, each(&first, of)?);
    while is_full && let Some((team, member)) = all.last() {
        let rows = db.all(sql::TEAM_MEMBER_CHUNK, args![team.as_str(), member.as_str()]).await?;
        is_full = rows.len() >= sql::CHUNK;
        all.extend(each(&rows, of)?);
    }
    Ok(all)
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
