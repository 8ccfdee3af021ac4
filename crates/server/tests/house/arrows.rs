//! What each crate may lean on.

use std::collections::BTreeMap;

use crate::{crates, files};

/// An arrow that is not here is refused, and an arrow that is here and unused is
/// refused too: this is the map of the house.
const ARROWS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("tlog", &[]),
    ("verify", &[]),
    ("witness", &["base", "tlog"]),
    ("access", &["base"]),
    ("attest", &["access", "base", "tlog"]),
    ("audit", &["access", "base", "tlog"]),
    ("identity", &["access", "audit", "base"]),
    ("regions", &["access", "audit", "base"]),
    ("limits", &["access", "audit", "base"]),
    ("gateway", &["access", "audit", "base", "limits"]),
    ("patterns", &["access", "audit", "base", "gateway"]),
    ("chat", &["access", "audit", "base", "gateway"]),
    ("privacy", &["access", "audit", "base"]),
    ("usage", &["access", "audit", "base"]),
    ("domains", &["access", "audit", "base"]),
    ("federation", &["base"]),
    ("sso", &["access", "audit", "base", "federation", "identity"]),
    ("scim", &["access", "audit", "base", "identity"]),
    ("guardrails", &["access", "audit", "base", "identity"]),
    ("reviews", &["access", "audit", "base", "identity"]),
    ("support", &["access", "audit", "base", "identity"]),
    ("streams", &["access", "audit", "base"]),
    ("nodes", &["access", "audit", "base"]),
    (
        "server",
        &[
            "access",
            "attest",
            "audit",
            "base",
            "chat",
            "domains",
            "gateway",
            "guardrails",
            "identity",
            "limits",
            "nodes",
            "patterns",
            "privacy",
            "regions",
            "reviews",
            "scim",
            "sso",
            "streams",
            "support",
            "tlog",
            "usage",
            "verify",
            "witness",
        ],
    ),
];

#[test]
fn arrows_point_one_way() {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(crates()).expect("crates/") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("utf-8");
        let manifest =
            std::fs::read_to_string(entry.path().join("Cargo.toml")).expect("a manifest");
        let dependencies = manifest.split("[dependencies]").nth(1).unwrap_or_default();
        let dependencies = dependencies.split("\n[").next().unwrap_or_default();
        let mut leans_on: Vec<&str> = dependencies
            .lines()
            .filter_map(|line| line.split(['.', ' ']).next())
            .filter(|name| ARROWS.iter().any(|(known, _)| known == name))
            .collect();
        leans_on.sort_unstable();
        found.insert(name, leans_on.join(" "));
    }
    let map: BTreeMap<_, _> =
        ARROWS.iter().map(|(name, on)| ((*name).to_owned(), on.join(" "))).collect();
    assert_eq!(found, map);
}

#[test]
fn only_identification_makes_callers() {
    for (path, text) in files(&crates(), ".rs") {
        let path = path.to_string_lossy().replace('\\', "/");
        let may = path.contains("/access/src/")
            || path.contains("/identity/src/")
            || path.contains("/tests/");
        assert!(may || !text.contains("Caller::identified("), "{path} makes a caller");
    }
}
