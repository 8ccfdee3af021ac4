//! The whole of it: plant, probe, wait, look everywhere, and say what was found.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base::secret::Secret;
use base::time::SharedClock;
use serde_json::{Value, json};

use crate::apart::Apart;
use crate::canary::Canaries;
use crate::control::Control;
use crate::directory::Between;
use crate::document::{Document, Route};
use crate::error::Error;
use crate::found::{Found, faults};
use crate::plan::Plan;
use crate::plant::Planting;
use crate::probe::{Home, Probes, Target, probe};
use crate::statement::{sign, signer};
use crate::stores::look;
use crate::wire::Wire;

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
