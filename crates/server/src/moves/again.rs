//! A run that finds the switch made by an earlier one, which was cut off behind it: what that had
//! still to do is done before anything is erased.

use std::collections::HashSet;

use anyhow::Context as _;
use base::db::{Shape, Value, Values};
use serde_json::json;

use super::mover::Mover;
use super::rows::EVENTS;

impl Mover<'_> {
    /// Looks for what was written in the source behind the fence, and notes the arrival if
    /// nobody did. Nobody writes of an org without an event, and every event came over: one that
    /// the target does not have was written where the org no longer was.
    pub(super) async fn look_again(&self) -> anyhow::Result<()> {
        let shapes = self.source.shapes().await?;
        let shape = shapes.iter().find(|shape| shape.name == EVENTS).context("no events")?;
        let (org, mut after) = (self.org.as_str(), None);
        // The last event that both have; while the source is being erased it has none in the end.
        let (mut common, mut unseen) = (None, 0_u64);
        loop {
            let (here, more) = self.source.rows_of(shape, org, after).await?;
            let Some(first) = here.first().and_then(|row| seq_of(shape, row)) else { break };
            let before = Some(vec![Value::from(first - 1)]);
            let (there, _) = self.target.rows_of(shape, org, before).await?;
            let there: HashSet<[u8; 32]> = there.iter().map(|row| shape.digest(row, &[])).collect();
            for row in &here {
                if there.contains(&shape.digest(row, &[])) {
                    common = seq_of(shape, row);
                } else {
                    unseen += 1;
                }
            }
            after = more;
            if after.is_none() {
                break;
            }
        }
        anyhow::ensure!(
            unseen == 0 || self.erase_unseen,
            "it has moved, and its record in `{}` has events that did not come over ({unseen}): \
             somebody wrote there behind the fence. Look what that was; `--erase-unseen` erases it",
            self.from
        );
        if let Some(common) = common
            && !self.is_arrived(shape, common).await?
        {
            let changes = json!({ "from": self.from, "to": self.to, "cutOff": true });
            self.note(self.to, "regions.move.arrived", changes).await?;
        }
        Ok(())
    }

    /// Whether the record at the new home tells of the arrival, behind what came over.
    async fn is_arrived(&self, shape: &Shape, common: i64) -> anyhow::Result<bool> {
        let action = shape.place("action").context("actions")?;
        let arrived = Value::from("regions.move.arrived");
        let mut after = Some(vec![Value::from(common)]);
        while after.is_some() {
            let (rows, more) = self.target.rows_of(shape, self.org.as_str(), after).await?;
            if rows.iter().any(|row| row.get(action) == Some(&arrived)) {
                return Ok(true);
            }
            after = more;
        }
        Ok(false)
    }
}

fn seq_of(shape: &Shape, row: &Values) -> Option<i64> {
    match row.get(shape.place("seq")?) {
        Some(Value::Int(seq)) => *seq,
        _ => None,
    }
}
