//! Writes the corpus to disk, for another verifier: `cargo run -p federation --example corpus --
//! DIR` (`bench/second-verifier`).
//!
//! `metadata.xml` and `certificates.pem` are the identity provider's, `key.pem` is the service
//! provider's. `cases.json` lists every case with our verdict; each has a file with its message as
//! XML. Of an encrypted response there is the decrypted assertion in a second file.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a program for developers stops at the first surprise"
)]

#[path = "../tests/saml/corpus/mod.rs"]
mod corpus;
#[path = "../tests/saml/mutation.rs"]
mod mutation;
#[path = "../tests/saml/toolbox/mod.rs"]
mod toolbox;

use std::collections::BTreeSet;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use corpus::{Case, Kind};
use federation::saml::{Certificate, Policy};
use mutation::{Dice, mutate};
use serde_json::json;
use toolbox::{Draft, World};

fn main() {
    let folder = std::env::args().nth(1).map(PathBuf::from).expect("a folder");
    std::fs::create_dir_all(&folder).expect("a folder");
    let world = World::new();
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.join(name), bytes).expect("a file");
    };
    let certificates: Vec<String> =
        world.provider.certificates.iter().map(Certificate::to_base64).collect();
    write("metadata.xml", corpus::metadata(&certificates).as_bytes());
    let pem: String = world.provider.certificates.iter().map(Certificate::to_pem).collect();
    write("certificates.pem", pem.as_bytes());
    write("key.pem", world.ours.pem.as_bytes());

    let mut listed = Vec::new();
    let mut wrong = 0;
    for (nth, case) in corpus::all(&world).iter().enumerate() {
        let verdict = corpus::judge(&world, case);
        wrong += usize::from(verdict != case.verdict);
        let file = format!("{nth:04}.xml");
        write(&file, &message(case));
        let inner = case.inner.as_ref().map(|inner| {
            let file = format!("{nth:04}.inner.xml");
            write(&file, inner.as_bytes());
            file
        });
        let query = matches!(case.kind, Kind::LogoutRequestRedirect | Kind::LogoutResponseRedirect);
        listed.push(json!({
            "class": case.class,
            "name": case.name,
            "kind": format!("{:?}", case.kind),
            "file": file,
            "inner": inner,
            "is_query": query,
            "request": case.expected,
            "widened": case.policy.widened_algorithms,
            "other_certificates": case.provider.is_some(),
            "expected": case.verdict,
            "verdict": verdict,
        }));
    }
    for (nth, mutant) in accepted_mutants(&world).iter().enumerate() {
        let file = format!("mutant{nth:04}.xml");
        write(&file, mutant.as_bytes());
        listed.push(json!({ "class": "mutants", "name": file, "kind": "Response", "file": file,
            "inner": null, "is_query": false, "request": toolbox::REQUEST, "widened": false,
            "other_certificates": false, "expected": "accepted", "verdict": "accepted" }));
    }
    let manifest = json!({ "now": toolbox::NOW, "sp": toolbox::SP, "acs": toolbox::ACS,
        "idp": toolbox::IDP, "cases": listed });
    write("cases.json", manifest.to_string().as_bytes());
    println!("{} cases, {wrong} judged otherwise than expected", listed.len());
}

/// How many mutants are made to find those that are accepted.
const MUTANTS: usize = 20_000;

/// Altered messages that are accepted because nobody signed, and nobody reads, what was altered:
/// where two verifiers would disagree if anywhere.
fn accepted_mutants(world: &World) -> BTreeSet<String> {
    let valid = [
        Draft::new().signed(&world.idp).xml(),
        Draft::new().response_signed(&world.idp).xml(),
        Draft::new().signed(&world.elliptic).response_signed(&world.elliptic).xml(),
    ];
    let mut dice = Dice::new(19);
    let mutants = (0..MUTANTS).map(|nth| mutate(&valid[nth % valid.len()], &valid, &mut dice));
    let accepted = |mutant: &String| {
        let posted = STANDARD.encode(mutant);
        let (idp, posted) = (&world.provider, posted.as_bytes());
        let now = toolbox::at(toolbox::NOW);
        let policy = Policy::default();
        world.sp.verify_response(idp, &policy, posted, Some(toolbox::REQUEST), now).is_ok()
    };
    mutants.filter(accepted).collect()
}

/// The message itself: XML out of base64, where that is what it is.
fn message(case: &Case) -> Vec<u8> {
    let posted =
        matches!(case.kind, Kind::Response | Kind::LogoutRequestPost | Kind::LogoutResponsePost);
    let decoded = || {
        let solid: Vec<u8> =
            case.message.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        STANDARD.decode(solid).ok()
    };
    let decoded = if posted { decoded() } else { None };
    decoded.unwrap_or_else(|| case.message.clone())
}
