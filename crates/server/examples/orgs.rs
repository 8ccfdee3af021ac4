//! Fills the embedded databases of a data folder with orgs, for `bench/speed/many.py`: each with
//! an owner, a key that works, limits at five levels, and a record that begins as every record
//! does. `orgs DATA COUNT KEYS`, after `portico migrate` and a first `portico org create`, which
//! makes the root keys. The keys are written to the file KEYS, one a line.
//!
//! The record is written by the room itself, whole groups at a time. Rows of the other rooms are
//! written as their verbs write them, a thousand orgs in a transaction: by the verbs a million
//! orgs take half an hour.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use access::{Caller, Databases, KeyId, MemberId, OrgId, Region};
use anyhow::Context as _;
use audit::{Event, Record, Sealing};
use base::args;
use base::db::{Batch, Db, Value, Within};
use base::metrics::Metrics;
use base::seal::{Mac, RootKey};
use base::tasks::Tasks;
use base::time::{At, SharedClock, SystemClock};
use identity::key::Presented;
use serde_json::json;

const REGION: Region = Region::Eu;
/// Orgs in one transaction.
const TOGETHER: usize = 1_000;
const TRIES: u32 = 100;
const NANOCENTS: i64 = 100_000_000_000;
/// What is limited: the level, and the whole key of the subject.
const LEVELS: [(&str, &str); 5] = [
    ("org", "org"),
    ("team", "team:*"),
    ("member", "member:*"),
    ("key", "key:*"),
    ("model", "model:mock-model"),
];

const HOMES: Batch = Batch::new(
    "claim homes",
    "INSERT INTO regions_home (org_id, region, epoch, state, slug_tag, claimed_at)",
    6,
    "",
);
const ORGS: Batch = Batch::new(
    "add orgs",
    "INSERT INTO identity_org (org_id, name, slug, region, version, created_at)",
    6,
    "",
);
const MEMBERS: Batch = Batch::new(
    "add members",
    "INSERT INTO identity_member (org_id, member_id, email, name, role, state, created_at)",
    7,
    "",
);
const KEYS: Batch = Batch::new(
    "add keys",
    "INSERT INTO identity_key (org_id, key_id, owner_kind, owner_id, name, tag, created_at)",
    7,
    "",
);
const LIMITS: Batch = Batch::new(
    "set limits",
    "INSERT INTO limits_limit (org_id, level, subject, requests_per_minute, tokens_per_minute,
        money_per_month_nanocents, set_at, set_by)",
    8,
    "",
);

const FOLDED: Batch = Batch::new(
    "note that records are folded",
    "INSERT INTO usage_cursor (org_id, seq, at, swept)",
    4,
    "",
);

struct Seeder {
    clock: SharedClock,
    record: Record,
    directory: Db,
    region: Db,
    slugs: Mac,
    keys: Mac,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let mut next = || args.next().context("usage: orgs DATA COUNT KEYS");
    let (data, count, keys): (PathBuf, usize, PathBuf) =
        (next()?.into(), next()?.parse()?, next()?.into());
    let tasks = Tasks::new();
    let seeder = Seeder::open(&data, &tasks).await?;
    let mut keys = BufWriter::new(File::create(keys)?);
    for first in (0..count).step_by(TOGETHER) {
        seeder.some(first..count.min(first + TOGETHER), &mut keys).await?;
    }
    keys.flush()?;
    let Seeder { record, directory, region, .. } = seeder;
    tasks.stop();
    drop(record);
    tasks.ended().await;
    region.settle().await?;
    directory.settle().await?;
    Ok(())
}

impl Seeder {
    async fn open(data: &Path, tasks: &Tasks) -> anyhow::Result<Self> {
        let root = |name: &str| RootKey::load_or_create(&data.join(format!("keys/{name}.key")));
        let open = async |name: &str| {
            Db::open(&format!("sqlite://{}", data.join(format!("{name}.db")).display())).await
        };
        let (directory, region) = (open("directory").await?, open(REGION.as_str()).await?);
        let databases = Databases::new([(REGION, region.clone())]);
        let roots = BTreeMap::from([(REGION, root(REGION.as_str())?)]);
        let sealing = Sealing::new(&roots, data.join("epochs"));
        let clock: SharedClock = Arc::new(SystemClock);
        let metrics = Metrics::new();
        let record = Record::open(&databases, &clock, "seed", sealing, &[], tasks, &metrics)?;
        let (slugs, keys) = (root("directory")?, root(REGION.as_str())?);
        let (slugs, keys) = (slugs.mac("regions/slug"), keys.mac("identity/key"));
        Ok(Self { clock, record, directory, region, slugs, keys })
    }

    async fn some(
        &self,
        which: std::ops::Range<usize>,
        keys: &mut impl std::io::Write,
    ) -> anyhow::Result<()> {
        let at = self.clock.now();
        let (mut homes, mut orgs, mut members) = (Vec::new(), Vec::new(), Vec::new());
        let (mut held, mut limits, mut folded) = (Vec::new(), Vec::new(), Vec::new());
        let mut begun = Vec::new();
        for number in which {
            let (org, slug) = (OrgId::new(at), format!("many-{number}"));
            let id = || org.as_str();
            let tag = self.slugs.tag(slug.as_bytes());
            homes.push(args![id(), REGION.as_str(), 1, "active", tag.as_slice(), at]);
            // Making an org, its member and its key: one version more each.
            orgs.push(args![id(), "Many", &slug, REGION.as_str(), 3, at]);
            let (member, key) = (MemberId::new(at), KeyId::new(at));
            let email = format!("owner@{slug}.example");
            members.push(args![id(), member.as_str(), email, "Owner", "org:owner", "active", at]);
            let (presented, text) = Presented::fresh(&org, REGION)?;
            let tag = self.keys.tag(presented.hashed());
            let owner = member.as_str();
            held.push(args![id(), key.as_str(), "member", owner, "bench", tag.as_slice(), at]);
            limits.extend(LEVELS.map(|(level, subject)| limit(&org, level, subject, owner, at)));
            folded.push(args![id(), 1, at, 0]);
            writeln!(keys, "{text}")?;
            let changes = json!({
                "name": {"to": "Many"}, "slug": {"to": slug}, "region": {"to": REGION},
            });
            let event = Event::done("identity.org.created", "org", org.as_str()).changes(changes);
            let caller = Caller::operator(org.clone(), REGION, "operator");
            begun.push((self.record.note(&caller, &event), caller, event));
        }
        for (mut begun, caller, event) in begun {
            let mut tries = 0;
            // A disk that is busy for seconds is waited for.
            while begun.await.is_err() {
                tries += 1;
                anyhow::ensure!(tries < TRIES, "the record is not available");
                tokio::time::sleep(Duration::from_millis(200)).await;
                begun = self.record.note(&caller, &event);
            }
        }
        write(&self.directory, vec![(HOMES, homes)]).await?;
        let people = [(ORGS, orgs), (MEMBERS, members), (KEYS, held)];
        let all = people.into_iter().chain([(LIMITS, limits), (FOLDED, folded)]);
        write(&self.region, all.collect()).await
    }
}

/// So much that no call of a bench is refused.
fn limit(org: &OrgId, level: &str, subject: &str, by: &str, at: At) -> Vec<Value> {
    let (requests, tokens) = (1_000_000_000_i64, 1_000_000_000_000_i64);
    args![org.as_str(), level, subject, requests, tokens, 1_000_000 * NANOCENTS, at, by]
}

#[expect(clippy::disallowed_methods, reason = "rows for a bench, as their verbs write them")]
async fn write(db: &Db, all: Vec<(Batch, Vec<Vec<Value>>)>) -> anyhow::Result<()> {
    let mut tx = db.begin(&Within::node()).await?;
    for (batch, rows) in all {
        tx.many(&batch, rows).await?;
    }
    Ok(tx.commit().await?)
}
