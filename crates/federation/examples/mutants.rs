//! Alters valid responses, as often as wanted, and looks for a forged identity or a panic:
//! `cargo run --release -p federation --example mutants -- 1000000`. Then tells what the dearest
//! messages of the corpus, and hostile mebibytes, cost in CPU time.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a program for developers stops at the first surprise"
)]

#[expect(dead_code, unused_imports, reason = "the program that writes the corpus needs the rest")]
#[path = "../tests/saml/corpus/mod.rs"]
mod corpus;
#[path = "../tests/saml/mutation.rs"]
mod mutation;
#[path = "../tests/saml/toolbox/mod.rs"]
mod toolbox;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federation::saml::{IdentityProvider, Policy};
use mutation::{Dice, mutate};
use toolbox::{Draft, Encrypt, NAME, NOW, REQUEST, World, at};

fn main() {
    let wanted = std::env::args().nth(1).map_or(100_000, |text| text.parse().expect("a number"));
    let world = World::new();
    mutants(&world, wanted);
    costs(&world);
}

fn mutants(world: &World, wanted: usize) {
    let (policy, now) = (Policy::default(), at(NOW));
    let honest = || Draft::new().signed(&world.idp);
    let cbc = Encrypt::with(&world.ours, "http://www.w3.org/2001/04/xmlenc#aes256-cbc");
    let evil = Draft::new()
        .assertion("alice@", "mallory@")
        .assertion("_assertion", "_evil")
        .signed(&world.attacker);
    let valid = [
        honest().xml(),
        Draft::new().response_signed(&world.idp).xml(),
        honest().response_signed(&world.idp).xml(),
        Draft::new().signed(&world.elliptic).xml(),
        honest().encrypted(Encrypt::gcm(&world.ours)).xml(),
        honest().encrypted(cbc).response_signed(&world.idp).xml(),
    ];
    let others: Vec<String> = valid.iter().cloned().chain([evil.xml()]).collect();
    let mut dice = Dice::new(u64::try_from(wanted).expect("a seed"));
    let (mut accepted, mut forged) = (0_usize, 0_usize);
    let mut codes = std::collections::BTreeMap::<&str, usize>::new();
    for nth in 0..wanted {
        let mutant = mutate(&valid[nth % valid.len()], &others, &mut dice);
        let posted = STANDARD.encode(&mutant);
        let found = world.sp.verify_response(
            &world.provider,
            &policy,
            posted.as_bytes(),
            Some(REQUEST),
            now,
        );
        match found {
            Err(refusal) => *codes.entry(refusal.code()).or_default() += 1,
            Ok(found) => {
                accepted += 1;
                let honest = found.name_id == NAME
                    && found.assertion_id == "_assertion"
                    && found.attributes["groups"] == ["users", "legal"];
                if !honest {
                    forged += 1;
                    println!("FORGED: {mutant}");
                }
            }
        }
    }
    println!("{wanted} mutants: {accepted} accepted, {forged} forged identities, 0 panics");
    for (code, count) in codes {
        println!("  {count:>8} {code}");
    }
}

/// The CPU time of this thread would be better; this program does nothing else meanwhile.
fn took(mut work: impl FnMut()) -> Duration {
    let mut least = Duration::MAX;
    for _ in 0..5 {
        let begun = Instant::now();
        work();
        least = least.min(begun.elapsed());
    }
    least
}

fn costs(world: &World) {
    let mut all: Vec<(Duration, String)> = corpus::all(world)
        .iter()
        .map(|case| {
            (took(|| drop(corpus::judge(world, case))), format!("{}: {}", case.class, case.name))
        })
        .collect();
    all.extend(hostile(world));
    all.sort();
    println!("the dearest messages, least of five runs:");
    for (time, name) in all.iter().rev().take(12) {
        println!("  {time:>12?} {name}");
    }
    let dearest = all.last().expect("a case").0;
    assert!(dearest <= Duration::from_millis(50), "{dearest:?} is more than 50 ms");
}

/// Messages as large as they may be, and metadata of a mebibyte.
fn hostile(world: &World) -> Vec<(Duration, String)> {
    let room = 190 * 1024;
    let fill = |begin: &str, one: &str, end: &str| {
        format!("{begin}{}{end}", one.repeat((room - begin.len() - end.len()) / one.len()))
    };
    let mut many = String::from("<a ");
    let mut nth = 0;
    while many.len() < room {
        nth += 1;
        let _infallible = write!(many, "a{nth}=\"\" ");
    }
    let signed = Draft::new().signed(&world.idp).xml();
    let (before, after) = signed.split_once("<samlp:Status>").expect("a status");
    let messages = [
        ("text", fill("<a>", "x", "</a>")),
        ("references", fill("<a>", "&#x41;", "</a>")),
        ("elements", fill("<a>", "<b/>", "</a>")),
        ("elements with attributes", fill("<a>", "<b c='' d='' e='' f=''/>", "</a>")),
        ("namespaces", fill("<a>", "<b xmlns:c='urn:c' xmlns:d='urn:d'/>", "</a>")),
        ("attributes", many),
        ("depth", fill("<a>", "<b>", "")),
        ("comments", fill("<a>", "<!---->", "</a>")),
        ("an attribute", fill("<a b=\"", "&amp;", "\"/>")),
        (
            "text in a signed response",
            fill(&format!("{before}<x>"), "x", &format!("</x><samlp:Status>{after}")),
        ),
        ("elements in a signed response", {
            let room = 9_000;
            format!("{before}<x>{}</x><samlp:Status>{after}", "<y z=''/>".repeat(room))
        }),
    ];
    let policy = Policy::default();
    let mut found: Vec<(Duration, String)> = messages
        .iter()
        .map(|(name, message)| {
            let posted = STANDARD.encode(message);
            let time = took(|| {
                let (idp, posted) = (&world.provider, posted.as_bytes());
                drop(world.sp.verify_response(idp, &policy, posted, Some(REQUEST), at(NOW)));
            });
            (time, format!("hostile message: {name}"))
        })
        .collect();
    let mebibyte = 1024 * 1024;
    for (name, one) in [("text", "x"), ("elements", "<md:b/>"), ("references", "&#x41;")] {
        let begin = "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">";
        let end = "</md:EntitiesDescriptor>";
        let count = (mebibyte - begin.len() - end.len()) / one.len();
        let xml = format!("{begin}{}{end}", one.repeat(count));
        let time = took(|| drop(IdentityProvider::read(xml.as_bytes(), None, at(NOW))));
        found.push((time, format!("hostile mebibyte of metadata: {name}")));
    }
    found
}
