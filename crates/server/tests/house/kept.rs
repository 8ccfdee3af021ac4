//! Every table is answered for: what it holds of a person, and what an erasure does to it.

use std::collections::BTreeMap;

use crate::{crates, files};

/// How a keeper names a table that it answers for.
const CLAIM: &str = "Table::";

/// The tables that a file of a keeper claims.
fn claims(text: &str) -> Vec<String> {
    let claim = |rest: &str| {
        let (_, arguments) = rest.split_once('(')?;
        let name = arguments.trim_start().strip_prefix('"')?.split('"').next()?;
        Some(name.to_owned())
    };
    text.split(CLAIM).skip(1).filter_map(claim).collect()
}

/// The tables that there are when every step was gone, by the room that made them.
fn tables() -> BTreeMap<String, String> {
    let mut steps = files(&crates(), ".sql");
    steps.sort();
    let mut tables = BTreeMap::new();
    for (path, text) in steps {
        let path = path.to_string_lossy().replace('\\', "/");
        let room = path.split("/crates/").nth(1).and_then(|rest| rest.split('/').next());
        let room = room.expect("a room").to_owned();
        let name = |part: &str| part.split([' ', '(', ';']).next().expect("a name").to_owned();
        for line in text.lines() {
            if let Some(dropped) = line.strip_prefix("DROP TABLE ") {
                tables.remove(&name(dropped));
            } else if let Some(made) = line.strip_prefix("CREATE TABLE ") {
                tables.insert(name(made), room.clone());
            } else if line.starts_with("ALTER TABLE ")
                && let Some((_, renamed)) = line.split_once(" RENAME TO ")
            {
                tables.insert(name(renamed), room.clone());
            }
        }
    }
    tables
}

#[test]
fn every_table_is_answered_for_by_exactly_one_keeper() {
    let mut claimed: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let wire = std::fs::read_to_string(crates().join("server/src/wire.rs")).expect("wire.rs");
    for (path, text) in files(&crates(), ".rs") {
        let path = path.to_string_lossy().replace('\\', "/");
        let answers = text.contains("impl Keeper for ") && text.contains("fn tables(&self)");
        if !path.contains("/src/") || !answers {
            continue;
        }
        let keeper = text.split("impl Keeper for ").nth(1).and_then(|rest| rest.split(' ').next());
        let keeper = keeper.expect("a name");
        let wired = [format!("Arc::new({}.clone())", keeper.to_lowercase()), format!("{keeper})")];
        assert!(wired.iter().any(|plug| wire.contains(plug)), "wire.rs leaves out `{keeper}`");
        for table in claims(&text) {
            claimed.entry(table).or_default().push(path.clone());
        }
    }
    let tables = tables();
    assert!(tables.len() > 50, "{tables:?}");
    for (table, room) in &tables {
        let by = claimed.remove(table).unwrap_or_default();
        assert_eq!(
            by.len(),
            1,
            "`{table}` of `{room}` is answered for by {by:?}: see audit::Keeper"
        );
    }
    assert!(claimed.is_empty(), "no step makes these: {claimed:?}");
}

/// Tables whose rows are of no org: nothing of them moves with one.
const OF_NO_ORG: [&str; 3] = ["nodes_member", "nodes_writer", "regions_node"];

#[test]
fn every_table_names_its_org_and_so_moves_with_it() {
    for (path, text) in files(&crates(), ".sql") {
        for made in text.split("CREATE TABLE ").skip(1) {
            let name = made.split([' ', '(']).next().expect("a name");
            let columns = made.split(");").next().expect("columns");
            let known = columns.contains("org_id") || OF_NO_ORG.contains(&name);
            assert!(known, "`{name}` of {} does not say whose its rows are", path.display());
        }
    }
}
