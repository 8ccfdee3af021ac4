//! Nearly valid messages in numbers. `cargo run --release -p federation --example mutants -- N`
//! makes as many as wanted.

use crate::mutation::{Dice, mutate};
use crate::toolbox::{Draft, Encrypt, NAME, NOW, REQUEST, World, at};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federation::saml::Policy;

/// How many there are in every run of the tests.
const MUTANTS: usize = 20_000;

#[test]
fn no_mutant_of_a_valid_response_signs_in_somebody_else() {
    let world = World::new();
    let policy = Policy::default();
    let evil = Draft::new()
        .assertion("alice@", "mallory@")
        .assertion("_assertion", "_evil")
        .signed(&world.attacker);
    let valid = [
        Draft::new().signed(&world.idp).xml(),
        Draft::new().response_signed(&world.idp).xml(),
        Draft::new().signed(&world.idp).response_signed(&world.idp).xml(),
        Draft::new().signed(&world.elliptic).encrypted(Encrypt::gcm(&world.ours)).xml(),
    ];
    let others: Vec<String> = valid.iter().cloned().chain([evil.xml()]).collect();
    let mut dice = Dice::new(4);
    let mut accepted = 0;
    for nth in 0..MUTANTS {
        let mutant = mutate(&valid[nth % valid.len()], &others, &mut dice);
        let posted = STANDARD.encode(&mutant);
        let found = world.sp.verify_response(
            &world.provider,
            &policy,
            posted.as_bytes(),
            Some(REQUEST),
            at(NOW),
        );
        if let Ok(found) = found {
            accepted += 1;
            assert_eq!(found.name_id, NAME, "{mutant}");
            assert_eq!(found.attributes["groups"], ["users", "legal"], "{mutant}");
            assert_eq!(found.assertion_id, "_assertion", "{mutant}");
        }
    }
    // Some change what nobody signed and nobody reads. Most are refused.
    assert!(accepted < MUTANTS / 10, "{accepted}");
}
