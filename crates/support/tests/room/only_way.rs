//! Nothing but a grant lets an operator see an org over HTTP.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::bench::House;

/// Every route of the rooms here that reads, asked for by an operator with a request that
/// nobody has granted, with the customer's own ids wherever an id belongs.
#[tokio::test]
async fn without_a_grant_nothing_of_an_org_is_seen() {
    for house in House::on_each_engine().await {
        let id = house.asked("acme", &["users:read", "events:read", "events:export"], 4).await;
        let operators = &house.operators;
        let operator = house.sign_in(operators, &operators.owner).await;
        let key = house.key(operators, &operators.owner).await;
        let rooms = identity::routes(house.identity.clone())
            .merge(identity::pages(house.identity.clone()))
            .merge(support::routes(house.support.clone()))
            .merge(support::pages(house.support.clone()));
        let (_, document) = rooms.split_for_parts();
        let document = serde_json::to_value(document).expect("json");
        let mut asked = 0;
        for (path, methods) in document["paths"].as_object().expect("paths") {
            let public =
                methods["get"]["security"][0].as_object().is_none_or(serde_json::Map::is_empty);
            if methods.get("get").is_none() || public {
                continue;
            }
            for theirs in [house.acme.owner.as_str(), house.acme.id.as_str(), id.as_str()] {
                let parts =
                    path.split('/').map(|part| if part.starts_with('{') { theirs } else { part });
                let path = parts.collect::<Vec<_>>().join("/");
                for who in [&operator, &key] {
                    let answer = house.get(who, &path).await;
                    asked += 1;
                    let own_request = path.contains("/support");
                    assert!(answer.status < 500, "{path}: {}", answer.text);
                    assert!(!answer.text.contains("of acme"), "{path}: {}", answer.text);
                    assert!(
                        own_request
                            || !answer.text.contains(house.acme.owner.as_str())
                            || answer.status >= 400
                            || path.contains(house.acme.owner.as_str())
                                && !answer.text.contains("acme.example"),
                        "{path}: {}",
                        answer.text
                    );
                }
            }
        }
        assert!(asked > 150, "only {asked}");
        let enter = house.post(&operator, &format!("/support/desk/{id}/enter"), Value::Null).await;
        assert_eq!((enter.status, enter.code().as_str()), (409, "not_granted"));
        assert!(enter.headers.get("set-cookie").is_none());
        // Nor does a made-up token, or a session's own secret in the shape of a visit.
        let secret = operator.rsplit('_').next().expect("a secret");
        for secret in [secret, &"A".repeat(32)] {
            let made_up = format!("portico_session=px_eu_{}_{secret}", house.acme.id.ulid());
            assert_eq!(house.get(&made_up, "/api/members").await.status, 401);
        }
    }
}

/// Who acts as the operator, in the whole source: identification, from an org's consent;
/// and the command line, which no request reaches.
#[test]
fn only_consent_makes_an_operator_over_http() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("crates/");
    // The last one weighs what was done before against a draft of guardrails.
    let may_make = ["access/src/caller.rs", "identity/src/visit.rs", "guardrails/src/past.rs"];
    // The last two are what `portico org move` runs, and nothing else.
    let command_line = [
        "server/src/commands/",
        "server/src/demo/",
        "server/src/moves/mover.rs",
        "server/src/moves/erase.rs",
    ];
    let mut files = Vec::new();
    sources(crates, &mut files);
    assert!(files.len() > 200, "{}", files.len());
    let tests: Vec<PathBuf> = files.iter().flat_map(|file| modules_of_tests(file)).collect();
    for file in files {
        let name = file.strip_prefix(crates).expect("below").to_string_lossy().into_owned();
        if !name.contains("/src/") || name.contains("/tests/") || tests.contains(&file) {
            continue;
        }
        let text = std::fs::read_to_string(&file).expect("readable");
        let text = text.split("#[cfg(test)]").next().expect("a beginning").to_owned();
        let makes = text.lines().any(|line| {
            line.contains("Actor::Operator(") && !line.contains("Operator(_)")
                || line.contains("Self::Operator(") && line.contains("to_owned")
        });
        assert!(!makes || may_make.contains(&name.as_str()), "{name} makes an operator");
        let system = text.contains("Caller::operator(");
        let may = command_line.iter().any(|folder| name.starts_with(folder));
        assert!(!system || may, "{name} acts as the operator at the command line");
    }
}

/// What is behind the feature `testing` is taken in by tests, and by no program.
#[test]
fn no_program_has_what_is_for_tests() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("crates/");
    for entry in std::fs::read_dir(crates).expect("a folder") {
        let manifest = entry.expect("an entry").path().join("Cargo.toml");
        let text = std::fs::read_to_string(&manifest).expect("readable");
        let mut table = "";
        for line in text.lines() {
            table = if line.starts_with('[') { line } else { table };
            let asks = line.contains("features") && line.contains("\"testing\"");
            assert!(!asks || table == "[dev-dependencies]", "{}: {line}", manifest.display());
            assert!(!line.starts_with("default ="), "{}: {line}", manifest.display());
        }
    }
}

/// The files that a file takes in for tests alone.
fn modules_of_tests(file: &Path) -> Vec<PathBuf> {
    let text = std::fs::read_to_string(file).expect("readable");
    let lines: Vec<&str> = text.lines().collect();
    let for_tests = ["#[cfg(test)]", "#[cfg(feature = \"testing\")]"];
    let declared = lines.windows(2).filter(|pair| for_tests.contains(&pair[0]));
    let names = declared.filter_map(|pair| {
        pair[1].trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';')
    });
    let beside = file.parent().expect("a folder");
    names
        .flat_map(|name| {
            let leaf = format!("{name}.rs");
            [beside.join(&leaf), file.with_extension("").join(&leaf)]
        })
        .collect()
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            into.push(path);
        }
    }
}
