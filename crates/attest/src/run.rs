//! The whole of it: plant, probe, wait, look everywhere, and say what was found.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base::secret::Secret;
use base::time::SharedClock;
use serde::Serialize;
use serde_json::{Value, json};

use crate::apart::Apart;
use crate::canary::Canaries;
use crate::control::Control;
use crate::directory::Between;
use crate::document::{Document, Route};
use crate::error::Error;
use crate::plan::{Holds, Place, Plan, Store};
use crate::plant::Planting;
use crate::probe::{Home, Probes, Target, probe};
use crate::statement::{sign, signer};
use crate::stores::{Looked, look};
use crate::wire::Wire;

/// Findings that a statement tells at most; the others are counted.
const TOLD_MAX: usize = 100;

/// What no attestation of this kind shows, in plain words.
const CANNOT_PROVE: [&str; 10] = [
    "That the plan names every store of a cell: what an operator does not name is not read.",
    "Anything about stores that lie elsewhere: copies that a provider of disks, of backups or of \
     a network makes by itself, and what was read and kept by people.",
    "That bytes encrypted with a key of another place are not there: what is sealed looks like \
     chance. Canaries of a cell are not found where they are sealed, wherever that is.",
    "That a provider of models processes where it says: a cell sends calls only to endpoints of \
     its region, and the place of an endpoint is a statement of its operator.",
    "Anything about time before this run and after it: it shows a deployment as it was.",
    "Anything about the forms of the console: they call the verbs that the API calls, and were \
     probed, yet not filled in.",
    "That a door that asks for nobody's credentials (a sign-in, an invitation) refuses before it \
     reads: whoever types their password at another cell has sent it there.",
    "That nothing is written in a way that is not on the list of writings, deflated without a \
     head, encrypted, or packed more than three times.",
    "That pages of PostgreSQL which hold deleted or compressed (TOAST) values are free of them: \
     tables are read as rows, files of the engine as bytes.",
    "That the machines which run cells are in the region that the plan says.",
];

/// How much is done.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// How many probes are sent; one for each combination, and 10,000 at least, if not told.
    pub probes: Option<u64>,
}

/// What was found.
#[derive(Debug)]
pub struct Attested {
    /// The statement, signed.
    pub note: String,
    /// What others verify it with.
    pub verifier: String,
    /// The same for programs.
    pub statement: Value,
    /// What is wrong; nothing if the cells keep what is theirs.
    pub faults: Vec<String>,
}

/// One cell, open.
struct Open {
    wire: Wire,
    key: Secret,
    document: Document,
}

/// Attests what a plan names. `tell` hears how far it is.
pub async fn attest(
    plan: &Plan,
    options: Options,
    clock: &SharedClock,
    mut tell: impl FnMut(&str),
) -> Result<Attested, Error> {
    let signer = signer(&plan.name, &plan.key_file)?;
    let begun = clock.now();
    let mut open = Vec::new();
    for cell in &plan.cells {
        let wire = Wire::new(&cell.name, &cell.url, cell.ca_file.as_deref())?;
        let (key, document) = (cell.key()?, Document::read(&wire).await?);
        open.push(Open { wire, key, document });
    }
    tell("trying the detector on what is planted for it");
    let control = Control::run(plan).await?;
    let mut canaries = Canaries::default();
    let (mut marks, mut directories) = (Vec::new(), Vec::new());
    let (mut asked, mut done) = (0, 0);
    for (at, (cell, open)) in plan.cells.iter().zip(&open).enumerate() {
        tell(&format!("planting in {}", cell.name));
        let parts = (&open.wire, &open.document);
        let mut planting = Planting::new(at, parts, &open.key, &mut canaries);
        planting.all().await?;
        let mut mark = |field: &str| planting.canary("a probe", field);
        marks.push([mark("path")?, mark("query")?, mark("header user-agent")?]);
        asked += planting.planted.asked;
        done += planting.planted.done;
        directories.push(planting.planted.directory);
    }
    tell("probing");
    let probes = probes(plan, &open, (&marks, &directories), options).await?;
    tell(&format!("waiting {} s until all is written", plan.settle_secs));
    tokio::time::sleep(Duration::from_secs(plan.settle_secs)).await;
    let mut apart = Apart::default();
    let mut found = Found::new(&canaries, plan);
    for (at, (cell, open)) in plan.cells.iter().zip(&open).enumerate() {
        for store in &cell.stores {
            tell(&format!("looking through {} of {}", store.holds.name(), cell.name));
            let looked = look(store, &canaries).await?;
            apart.store(&cell.name, &looked.identity);
            found.add(Some(at), store, &looked);
        }
        apart.cell(cell, &open.wire, open.key.reveal()).await?;
    }
    for store in &plan.directories {
        let looked = look(store, &canaries).await?;
        found.add(None, store, &looked);
    }
    let between = Between::read(&plan.directories).await?;
    let faults = faults(&probes, &control, &apart, &between, &found);
    let statement = json!({
        "v": 1,
        "begunAt": begun,
        "madeAt": clock.now(),
        "name": plan.name,
        "cells": found.cells(),
        "canaries": {
            "planted": canaries.len(), "requests": asked, "requestsDone": done,
            "doors": canaries.all().iter().map(|one| (one.cell, &one.door)).collect::<BTreeSet<_>>().len(),
        },
        "probes": probes,
        "leaks": { "count": found.leaks_count, "told": found.leaks },
        "control": control,
        "apart": apart,
        "between": between,
        "blind": found.blind,
        "faults": faults,
        "cannotProve": CANNOT_PROVE,
    });
    let note = sign(&signer, &statement)?;
    Ok(Attested { note, verifier: signer.verifier().to_string(), statement, faults })
}

async fn probes(
    plan: &Plan,
    open: &[Open],
    (marks, directories): (&[[String; 3]], &[Option<Secret>]),
    options: Options,
) -> Result<Probes, Error> {
    let mut routes: BTreeMap<(bool, String), Route> = BTreeMap::new();
    for route in open.iter().flat_map(|open| &open.document.routes) {
        let known = routes.entry((route.page, route.path.clone())).or_insert_with(|| route.clone());
        known.open.extend(route.open.iter().cloned());
        known.open.sort();
        known.open.dedup();
    }
    let routes: Vec<Route> = routes.into_values().collect();
    let mut pairs = Vec::new();
    for (home, (cell, own)) in plan.cells.iter().zip(open).enumerate() {
        for (target, (other, their)) in plan.cells.iter().zip(open).enumerate() {
            if home == target {
                continue;
            }
            let from = Home {
                name: &cell.name,
                region: cell.region.as_str(),
                key: &own.key,
                directory: directories.get(home).and_then(Option::as_ref),
                marks: marks.get(home).cloned().unwrap_or_default(),
            };
            let to = Target { name: &other.name, wire: &their.wire, region: other.region.as_str() };
            pairs.push((from, to));
        }
    }
    probe(&pairs, &routes, options.probes).await
}

/// What was found in the stores of all cells.
struct Found<'a> {
    canaries: &'a Canaries,
    plan: &'a Plan,
    leaks: Vec<String>,
    leaks_count: u64,
    blind: Vec<String>,
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
    fn new(canaries: &'a Canaries, plan: &'a Plan) -> Self {
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
    fn add(&mut self, cell: Option<usize>, store: &Store, looked: &Looked) {
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

    fn cells(&self) -> Vec<Value> {
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
fn faults(
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
