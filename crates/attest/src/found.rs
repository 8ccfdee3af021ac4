//! What was found in the stores of all cells, and what of it is wrong.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Value, json};

use crate::apart::Apart;
use crate::canary::Canaries;
use crate::control::Control;
use crate::directory::Between;
use crate::plan::{Holds, Place, Plan, Store};
use crate::probe::Probes;
use crate::stores::Looked;

/// Findings that a statement tells at most; the others are counted.
const TOLD_MAX: usize = 100;

/// What was found in the stores of all cells.
pub(crate) struct Found<'a> {
    canaries: &'a Canaries,
    plan: &'a Plan,
    pub(crate) leaks: Vec<String>,
    pub(crate) leaks_count: u64,
    pub(crate) blind: Vec<String>,
    /// By cell: what its stores were, and the canaries of its own that lie there in the open.
    stores: Vec<Vec<Stated>>,
    open: Vec<BTreeSet<usize>>,
    /// Stores that cannot be those that the plan says.
    others: Vec<String>,
}

/// What the statement says of a store.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Stated {
    holds: Holds,
    kind: Option<&'static str>,
    bytes: u64,
    unpacked_bytes: u64,
    /// Canaries of its own cell that lie in it in the open.
    own: usize,
}

impl<'a> Found<'a> {
    pub(crate) fn new(canaries: &'a Canaries, plan: &'a Plan) -> Self {
        let cells = plan.cells.len();
        Self {
            canaries,
            plan,
            leaks: Vec::new(),
            leaks_count: 0,
            blind: Vec::new(),
            stores: vec![Vec::new(); cells],
            open: vec![BTreeSet::new(); cells],
            others: Vec::new(),
        }
    }

    /// Sorts what was found in a store: a cell's own, or another's.
    pub(crate) fn add(&mut self, cell: Option<usize>, store: &Store, looked: &Looked) {
        let place = store.place();
        let shown = place.as_ref().map(Place::shown).unwrap_or_default();
        let named = cell.and_then(|cell| self.plan.cells.get(cell));
        let named = named.map_or("the directory", |cell| cell.name.as_str());
        let mut own = BTreeSet::new();
        for ((number, form), count) in &looked.seen.found {
            let Some(planted) = self.canaries.planted(*number) else { continue };
            if Some(planted.cell) == cell {
                own.insert(*number);
                continue;
            }
            self.leaks_count += count;
            if self.leaks.len() < TOLD_MAX {
                let home = self.plan.cells.get(planted.cell).map_or("", |cell| cell.name.as_str());
                self.leaks.push(format!(
                    "{} of {named} ({shown}) holds what was planted in {home} by {} in {}: {}",
                    store.holds.name(),
                    planted.door,
                    planted.field,
                    form.words()
                ));
            }
        }
        self.blind.extend(looked.blind.iter().cloned());
        if looked.seen.unopened > 0 {
            let count = looked.seen.unopened;
            self.blind.push(format!("{shown}: {count} packed things were not read to their end"));
        }
        let Some(cell) = cell else { return };
        if own.is_empty() {
            let what = format!("{} {shown}", store.holds.name());
            let rows = matches!(place, Some(Place::Postgres(_) | Place::Sqlite(_)));
            if store.holds == Holds::Database && rows {
                self.others.push(format!(
                    "nothing of `{named}` was found in the rows of its {what}: it is probably another \
                     than that named"
                ));
            } else {
                // A log says no names, a copy may be older, what is published is sealed.
                self.blind.push(format!(
                    "that the {what} is the one of `{named}`: {} bytes were read, and nothing that \
                     was planted there lies in it in the open",
                    looked.seen.bytes
                ));
            }
        }
        if let Some(stores) = self.stores.get_mut(cell) {
            stores.push(Stated {
                holds: store.holds,
                kind: place.map(|place| place.kind()),
                bytes: looked.seen.bytes,
                unpacked_bytes: looked.seen.unpacked_bytes,
                own: own.len(),
            });
        }
        if let Some(open) = self.open.get_mut(cell) {
            open.append(&mut own);
        }
    }

    pub(crate) fn cells(&self) -> Vec<Value> {
        let each = self.plan.cells.iter().zip(&self.stores).zip(&self.open).enumerate();
        each.map(|(at, ((cell, stores), open))| {
            let own = self.canaries.all().iter().filter(|planted| planted.cell == at).count();
            let looked = |holds: &Holds| stores.iter().any(|it| it.holds == *holds && it.bytes > 0);
            let not: Vec<_> = Holds::OF_A_CELL.iter().filter(|holds| !looked(holds)).collect();
            json!({
                "name": cell.name, "region": cell.region, "stores": stores,
                "notLookedAt": not,
                "own": { "planted": own, "inTheOpen": open.len(), "sealedOrNotKept": own - open.len() },
            })
        })
        .collect()
    }
}

/// Everything that is wrong, in words.
pub(crate) fn faults(
    probes: &Probes,
    control: &Control,
    apart: &Apart,
    between: &Between,
    found: &Found<'_>,
) -> Vec<String> {
    let mut faults = Vec::new();
    if probes.refused != probes.asked || probes.asked == 0 {
        let open = probes.asked - probes.refused;
        faults.push(format!("{open} of {} probes were not refused", probes.asked));
    }
    if found.leaks_count > 0 {
        faults.push(format!(
            "canaries were found {} times where they do not belong",
            found.leaks_count
        ));
    }
    if control.found != control.planted || control.planted == 0 {
        let missed = control.planted - control.found;
        faults.push(format!("the detector missed {missed} of {} controls", control.planted));
    }
    for (cell, open) in found.plan.cells.iter().zip(&found.open) {
        if open.is_empty() {
            faults.push(format!(
                "nothing of `{}` was found at home: its stores may be others than those named",
                cell.name
            ));
        }
    }
    faults.extend(found.others.iter().cloned());
    faults.extend(apart.faults.iter().take(TOLD_MAX).cloned());
    if between.empty > 0 {
        let empty = between.empty;
        faults.push(format!(
            "{empty} of the directories name no organization: they are probably others"
        ));
    }
    let strange = between.strange.iter().take(TOLD_MAX);
    faults.extend(strange.map(|column| format!("the directory has a column `{column}`")));
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canary::{Canary, Planted};
    use crate::scan::Scan;

    const PLAN: &str = r#"
        name = "acme.example"
        key_file = "k"
        [[cell]]
        name = "eu-1"
        region = "eu"
        url = "https://x"
        key_file = "k"
        store = [{ holds = "database", sqlite = "eu.db" }, { holds = "database", sqlite = "old.db" },
                 { holds = "log", files = "old" }, { holds = "backup", files = "empty" }]
    "#;

    #[test]
    fn a_store_that_shows_nothing_of_its_cell_is_told() {
        let plan: Plan = toml::from_str(PLAN).unwrap();
        let (mut canaries, canary) = (Canaries::default(), Canary::fresh().unwrap());
        let door = "POST /api/teams".to_owned();
        canaries.plant(&canary, Planted { cell: 0, door, field: "/name".to_owned() }).unwrap();
        let mut found = Found::new(&canaries, &plan);
        let own = canary.text();
        for (store, bytes) in plan.cells[0].stores.iter().zip([&*own, "others", "lines", ""]) {
            let mut looked = Looked::default();
            Scan::value(bytes.as_bytes(), &canaries, &mut looked.seen);
            found.add(Some(0), store, &looked);
        }
        assert_eq!(
            found.others,
            ["nothing of `eu-1` was found in the rows of its database old.db: it is probably \
              another than that named"]
        );
        let blind = |place: &str, bytes: u8| {
            format!(
                "that the {place} is the one of `eu-1`: {bytes} bytes were read, and nothing that \
                 was planted there lies in it in the open"
            )
        };
        assert_eq!(found.blind, [blind("log old", 5), blind("backup empty", 0)]);
        let cell = &found.cells()[0];
        assert_eq!(cell["own"], json!({ "planted": 1, "inTheOpen": 1, "sealedOrNotKept": 0 }));
        let own: Vec<_> = (0..4).map(|at| cell["stores"][at]["own"].clone()).collect();
        assert_eq!(own, [1, 0, 0, 0]);
        let not: Vec<_> = cell["notLookedAt"].as_array().unwrap().iter().collect();
        assert!(not.contains(&&json!("backup")), "a folder without a byte: {not:?}");
        assert!(!not.contains(&&json!("log")), "{not:?}");

        let between = Between { empty: 1, ..Between::default() };
        let (probes, control) = (Probes::default(), Control::default());
        let faults = faults(&probes, &control, &Apart::default(), &between, &found);
        for fault in [
            &*found.others[0],
            "1 of the directories name no organization: they are probably others",
        ] {
            assert!(faults.iter().any(|told| told == fault), "{faults:?}");
        }
    }
}
