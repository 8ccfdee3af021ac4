//! What calls of an org need of its rows.

use access::OrgId;
use anyhow::Context as _;
use base::db::{Db, DbError, Packed, Shape, Value, Writes};

/// The tables that a call is decided by, and what of them is not kept, as no call needs it:
/// who people are, and how they sign in.
const TABLES: [(&str, &[&str]); 15] = [
    ("audit_wrapper", &[]),
    ("guardrails_policy", &[]),
    ("guardrails_setting", &[]),
    ("identity_grant", &[]),
    ("identity_key", &[]),
    ("identity_member", &["email", "name", "password_hash"]),
    ("identity_org", &[]),
    ("identity_role", &[]),
    ("identity_service", &[]),
    ("identity_team", &[]),
    ("identity_team_member", &[]),
    ("limits_limit", &[]),
    ("patterns_org", &[]),
    ("patterns_pattern", &[]),
    ("patterns_version", &[]),
];
/// The table whose row says of which version an org is.
const ORG: &str = "identity_org";
/// Readings of an org that changes meanwhile; behind that the last one is taken.
const READINGS_MAX: u32 = 3;

/// The tables as a database describes them.
#[derive(Debug)]
pub(super) struct Shapes(Vec<(Shape, &'static [&'static str])>);

impl Shapes {
    pub(super) async fn of(db: &Db) -> anyhow::Result<Self> {
        let all = db.shapes().await?;
        let shape = |(name, left_out): &(&str, &'static [&'static str])| {
            let shape = all.iter().find(|shape| shape.name == *name);
            Ok((shape.with_context(|| format!("no table `{name}`"))?.clone(), *left_out))
        };
        Ok(Self(TABLES.iter().map(shape).collect::<anyhow::Result<_>>()?))
    }

    /// The rows of an org, packed, and of which version it was at least then. None: it is gone.
    pub(super) async fn read(
        &self,
        db: &Db,
        org: &OrgId,
    ) -> anyhow::Result<Option<(u64, Vec<u8>)>> {
        let Some(mut before) = self.version(db, org).await? else { return Ok(None) };
        for reading in 1.. {
            let mut packed = Vec::new();
            for (shape, left_out) in &self.0 {
                rows(db, shape, left_out, org).await?.pack(&mut packed)?;
            }
            let Some(after) = self.version(db, org).await? else { return Ok(None) };
            if after == before || reading == READINGS_MAX {
                return Ok(Some((before, packed)));
            }
            before = after;
        }
        Ok(None)
    }

    async fn version(&self, db: &Db, org: &OrgId) -> anyhow::Result<Option<u64>> {
        let shape = self.0.iter().map(|(shape, _)| shape).find(|shape| shape.name == ORG);
        let shape = shape.context("no table of orgs")?;
        let (rows, _) = db.rows_of(shape, org.as_str(), None).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let version = shape.place("version").and_then(|place| row.get(place));
        let Some(Value::Int(Some(version))) = version else {
            anyhow::bail!("an org of no version")
        };
        Ok(Some(u64::try_from(*version)?))
    }

    /// Puts rows that were kept where nothing is. What an earlier or later version of the
    /// program kept does not fit.
    pub(super) async fn put(&self, db: &Db, tables: Vec<Packed>) -> anyhow::Result<()> {
        for Packed { table, columns, rows } in tables {
            let shape = self.0.iter().map(|(shape, _)| shape).find(|shape| shape.name == table);
            let fits = shape.filter(|shape| shape.columns().eq(columns.iter().map(String::as_str)));
            let shape = fits.context("another version of Portico kept it")?;
            let writes = Writes { fresh: rows, ..Writes::default() };
            db.put_rows(shape, "", writes, None).await?;
        }
        Ok(())
    }
}

async fn rows(db: &Db, shape: &Shape, left_out: &[&str], org: &OrgId) -> Result<Packed, DbError> {
    let mut rows = Vec::new();
    let mut after = None;
    loop {
        let (more, next) = db.rows_of(shape, org.as_str(), after).await?;
        rows.extend(more);
        if next.is_none() {
            break;
        }
        after = next;
    }
    let id = shape.place("member_id");
    let places: Vec<usize> = left_out.iter().filter_map(|name| shape.place(name)).collect();
    for row in &mut rows {
        // Whatever must differ from row to row does: the id says nothing of a person.
        let id = id.and_then(|id| row.get(id).cloned());
        for place in &places {
            if let Some(value) = row.get_mut(*place) {
                *value = id.clone().unwrap_or(Value::Text(None));
            }
        }
    }
    let columns = shape.columns().map(ToOwned::to_owned).collect();
    Ok(Packed { table: shape.name.clone(), columns, rows })
}
