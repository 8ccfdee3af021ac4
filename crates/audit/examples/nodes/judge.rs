//! Judges the records afterwards, from the rows and the checkpoints alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use access::OrgId;
use base::args;
use base::db::{Db, Statement, Within};
use tlog::{Frontier, Hash, Note};

/// Org, position and what was recorded there.
pub(crate) type Acknowledged = Vec<(String, i64, String)>;

const ROWS: Statement = Statement::new(
    "read the record",
    "SELECT seq, resource_id, body FROM audit_event
      WHERE org_id = $1 AND seq >= $2 ORDER BY seq LIMIT 5000",
);
/// Where the entry stands in a stored event.
const ENTRY: std::ops::Range<usize> = 17..121;

/// Every checkpoint that was seen of each org: root by size.
pub(crate) struct Judge {
    folder: PathBuf,
    seen: BTreeMap<String, BTreeMap<u64, Hash>>,
}

impl Judge {
    pub(crate) fn new(folder: &Path, orgs: &[OrgId]) -> Self {
        let seen = orgs.iter().map(|org| (org.to_string(), BTreeMap::new())).collect();
        Self { folder: folder.join("log"), seen }
    }

    /// Remembers the checkpoints that are published now.
    pub(crate) fn look(&mut self) {
        for (org, seen) in &mut self.seen {
            let Ok(note) = std::fs::read(self.folder.join(org).join("checkpoint")) else {
                continue;
            };
            let note = Note::parse(&note).expect("a note, whole");
            let checkpoint = tlog::Checkpoint::parse(note.text()).expect("a checkpoint");
            let other = seen.insert(checkpoint.size(), *checkpoint.root());
            assert!(other.is_none_or(|root| root == *checkpoint.root()), "two heads of one size");
        }
    }

    /// Fails at the first thing that is not as it must be.
    pub(crate) async fn judge(&self, db: &Db, acknowledged: &Acknowledged) {
        let mut ids: BTreeMap<(String, i64), String> = BTreeMap::new();
        let (mut checkpoints, mut events) = (0, 0);
        for (org, seen) in &self.seen {
            let (mut frontier, mut checked) = (Frontier::new(), 0);
            loop {
                let next = i64::try_from(frontier.size()).expect("small");
                let within = Within::org(org);
                let rows = db.all(&within, ROWS, args![org.as_str(), next]).await.expect("reads");
                for row in &rows {
                    let seq = row.int("seq").expect("a position");
                    assert_eq!(u64::try_from(seq), Ok(frontier.size()), "{org}: a gap");
                    let entry = &row.bytes("body").expect("bytes")[ENTRY];
                    frontier.append(Hash::of_leaf(entry), |_, _| {}).expect("room");
                    ids.insert((org.clone(), seq), row.text("resource_id").expect("an id"));
                    if let Some(root) = seen.get(&frontier.size()) {
                        assert_eq!(*root, frontier.root(), "{org}: a fork at {}", frontier.size());
                        checked += 1;
                    }
                }
                if rows.is_empty() {
                    break;
                }
            }
            assert_eq!(checked, seen.len(), "{org}: a checkpoint beyond the record");
            (checkpoints, events) = (checkpoints + checked, events + frontier.size());
        }
        for (org, seq, id) in acknowledged {
            let found = ids.get(&(org.clone(), *seq));
            assert_eq!(found, Some(id), "{org} {seq} was acknowledged");
        }
        println!(
            "{} of {events} events were acknowledged, and none is missing",
            acknowledged.len()
        );
        println!("{} records are contiguous from 0", self.seen.len());
        println!("{checkpoints} checkpoints were seen, all of the same trees");
        assert!(checkpoints > 0 && !acknowledged.is_empty(), "nothing happened");
    }
}
