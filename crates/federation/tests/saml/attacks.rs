//! The whole corpus, class by class.

use std::collections::BTreeSet;

use crate::corpus::{all, judge};
use crate::toolbox::World;

/// Judges the cases of a class and tells every one that went otherwise than expected.
fn judged(class: &str) -> usize {
    let world = World::new();
    let cases: Vec<_> = all(&world).into_iter().filter(|case| case.class == class).collect();
    let wrong: Vec<String> = cases
        .iter()
        .map(|case| (case, judge(&world, case)))
        .filter(|(case, verdict)| verdict != case.verdict)
        .map(|(case, verdict)| format!("{}: {verdict}, not {}", case.name, case.verdict))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    cases.len()
}

#[test]
fn every_legitimate_shape_signs_in_on_default_settings() {
    assert!(judged("accepted") >= 30);
}

#[test]
fn no_wrapped_signature_is_taken_for_another_element() {
    assert!(judged("wrapping") >= 35);
}

#[test]
fn no_signature_but_one_of_the_metadata_counts_and_only_by_a_strong_algorithm() {
    assert!(judged("signatures") >= 55);
}

#[test]
fn what_is_not_meant_for_us_or_not_whole_is_refused() {
    assert!(judged("contents") >= 65);
}

#[test]
fn the_strict_switch_asks_for_what_spid_asks_for() {
    assert!(judged("strict") >= 8);
}

#[test]
fn what_is_stale_or_early_or_timeless_is_refused() {
    assert!(judged("times") >= 25);
}

#[test]
fn xml_is_data_and_has_one_reading() {
    assert!(judged("xml") >= 60);
}

#[test]
fn encryption_proves_nothing_and_reveals_nothing() {
    assert!(judged("encryption") >= 40);
}

#[test]
fn no_unsigned_or_altered_logout_ends_a_session() {
    assert!(judged("logout") >= 45);
}

#[test]
fn metadata_without_a_usable_certificate_is_refused() {
    assert!(judged("metadata") >= 25);
}

#[test]
fn the_corpus_names_more_than_a_hundred_attacks_and_each_once() {
    let world = World::new();
    let cases = all(&world);
    let names: BTreeSet<_> = cases.iter().map(|case| (case.class, case.name)).collect();
    assert_eq!(names.len(), cases.len());
    assert!(cases.iter().filter(|case| case.inner.is_some()).count() >= 40);
    assert!(cases.iter().filter(|case| case.verdict != "accepted").count() >= 300);
}
