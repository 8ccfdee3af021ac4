//! Every statement of every room, on each engine.

use std::collections::BTreeMap;

use base::db::{Batch, Engine, Migration, Statement};
use base::testing::Bench;

use crate::{crates, files};

fn statements() -> Vec<(&'static str, Statement)> {
    let rooms: [(&str, &[Statement]); 15] = [
        ("audit", audit::sql::STATEMENTS),
        ("chat", chat::sql::STATEMENTS),
        ("domains", domains::sql::STATEMENTS),
        ("guardrails", guardrails::sql::STATEMENTS),
        ("reviews", reviews::sql::STATEMENTS),
        ("scim", scim::sql::STATEMENTS),
        ("sso", sso::sql::STATEMENTS),
        ("streams", streams::sql::STATEMENTS),
        ("support", support::sql::STATEMENTS),
        ("identity", identity::sql::STATEMENTS),
        ("limits", limits::sql::STATEMENTS),
        ("nodes", nodes::sql::STATEMENTS),
        ("patterns", patterns::sql::STATEMENTS),
        ("privacy", privacy::sql::STATEMENTS),
        ("usage", usage::sql::STATEMENTS),
    ];
    rooms.iter().flat_map(|(room, all)| all.iter().map(|one| (*room, *one))).collect()
}

fn batches() -> Vec<(&'static str, Batch)> {
    let rooms: [(&str, &[Batch]); 15] = [
        ("audit", audit::sql::BATCHES),
        ("chat", chat::sql::BATCHES),
        ("domains", domains::sql::BATCHES),
        ("guardrails", guardrails::sql::BATCHES),
        ("reviews", reviews::sql::BATCHES),
        ("scim", scim::sql::BATCHES),
        ("sso", sso::sql::BATCHES),
        ("streams", streams::sql::BATCHES),
        ("support", support::sql::BATCHES),
        ("identity", identity::sql::BATCHES),
        ("limits", limits::sql::BATCHES),
        ("nodes", nodes::sql::BATCHES),
        ("patterns", patterns::sql::BATCHES),
        ("privacy", privacy::sql::BATCHES),
        ("usage", usage::sql::BATCHES),
    ];
    rooms.iter().flat_map(|(room, all)| all.iter().map(|one| (*room, *one))).collect()
}

fn steps() -> Vec<Migration> {
    [
        audit::sql::MIGRATIONS,
        identity::sql::MIGRATIONS,
        limits::sql::MIGRATIONS,
        nodes::sql::MIGRATIONS,
        patterns::sql::MIGRATIONS,
        privacy::sql::MIGRATIONS,
        chat::sql::MIGRATIONS,
        domains::sql::MIGRATIONS,
        guardrails::sql::MIGRATIONS,
        reviews::sql::MIGRATIONS,
        scim::sql::MIGRATIONS,
        sso::sql::MIGRATIONS,
        support::sql::MIGRATIONS,
        streams::sql::MIGRATIONS,
        usage::sql::MIGRATIONS,
    ]
    .concat()
}

#[tokio::test]
async fn every_statement_is_understood_by_each_engine_and_names_its_org() {
    for bench in Bench::on_each_engine(&steps(), audit::sql::APPEND_ONLY).await {
        let texts = statements().into_iter().map(|(room, one)| (room, one.text.to_owned()));
        let engine = bench.db.engine();
        let many = batches().into_iter().map(|(room, one)| (room, one.text(engine, 2)));
        for (room, text) in texts.chain(many) {
            let understood = bench.db.understands(&text).await;
            assert!(
                understood.is_ok(),
                "{room} on {:?}: {understood:?}\n{text}",
                bench.db.engine()
            );
            assert!(text.contains("org_id"), "{room} does not name the org: {text}");
        }
    }
    // Who serves a region is of no org, like the directory.
    for bench in Bench::on_each_engine(nodes::sql::MIGRATIONS, &[]).await {
        for one in nodes::sql::OF_THE_REGION {
            let understood = bench.db.understands(one.text).await;
            assert!(understood.is_ok(), "{:?}: {understood:?}", bench.db.engine());
        }
    }
    for bench in Bench::on_each_engine(regions::sql::MIGRATIONS, &[]).await {
        for one in regions::sql::STATEMENTS {
            let understood = bench.db.understands(one.text).await;
            assert!(understood.is_ok(), "{:?}: {understood:?}", bench.db.engine());
        }
    }
}

/// What a distributed PostgreSQL lacks, or only one engine knows.
const REFUSED: [&str; 10] = [
    "nextval",
    "serial",
    "pg_advisory",
    "listen ",
    "notify ",
    "for update skip locked",
    "insert or replace",
    "ilike",
    "autoincrement",
    " json",
];

#[test]
fn statements_stay_within_what_every_engine_knows() {
    let texts = statements().into_iter().map(|(room, one)| (room, one.text.to_owned()));
    let many = batches().into_iter().map(|(room, one)| (room, one.text(Engine::Postgres, 1)));
    for (room, text) in texts.chain(many) {
        let lower = text.to_lowercase();
        for word in REFUSED {
            assert!(!lower.contains(word), "{room} uses `{word}`: {text}");
        }
    }
}

#[test]
fn a_room_mentions_only_its_own_tables() {
    let steps = steps().into_iter().chain(regions::sql::MIGRATIONS.iter().copied());
    let mut tables = Vec::new();
    for step in steps {
        for part in step.sqlite.split("CREATE TABLE ").skip(1) {
            tables.push(part.split([' ', '(']).next().expect("a name").to_owned());
        }
    }
    assert!(tables.len() > 10, "{tables:?}");
    for (path, text) in files(&crates(), ".rs") {
        let path = path.to_string_lossy().into_owned();
        if path.contains("/tests/") {
            continue;
        }
        let room = path.split("/crates/").nth(1).and_then(|rest| rest.split('/').next());
        let room = room.expect("a room");
        for table in &tables {
            let owner = table.split('_').next().expect("a prefix");
            let mentions = ["FROM ", "INTO ", "UPDATE ", "JOIN "]
                .iter()
                .any(|verb| text.contains(&format!("{verb}{table}")));
            assert!(!mentions || owner == room, "{path} mentions `{table}`");
        }
    }
}

#[tokio::test]
async fn both_engines_migrate_to_the_same_tables() {
    let mut shapes = Vec::new();
    for bench in Bench::on_each_engine(&steps(), audit::sql::APPEND_ONLY).await {
        let sqlite = Statement::new(
            "list columns",
            "SELECT m.name AS t, c.name AS c FROM sqlite_master m, pragma_table_info(m.name) c
              WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY 1, 2",
        );
        let postgres = Statement::new(
            "list columns",
            "SELECT table_name::text AS t, column_name::text AS c FROM information_schema.columns
              WHERE table_schema = current_schema() ORDER BY 1, 2",
        );
        let statement = match bench.db.engine() {
            Engine::Sqlite => sqlite,
            Engine::Postgres => postgres,
        };
        let rows = bench.db.all(&base::db::Within::node(), statement, vec![]).await;
        let mut shape: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in rows.expect("reads") {
            shape.entry(row.text("t").expect("t")).or_default().push(row.text("c").expect("c"));
        }
        shapes.push(shape);
    }
    if let [sqlite, postgres] = shapes.as_slice() {
        assert_eq!(sqlite, postgres);
    }
}
