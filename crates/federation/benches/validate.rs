//! How many responses are verified in a second, on one core.
#![expect(clippy::expect_used, reason = "a measurement stops at the first surprise")]

#[expect(dead_code, unused_imports, reason = "the tests need the rest")]
#[path = "../tests/saml/toolbox/mod.rs"]
mod toolbox;

use std::hint::black_box;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use federation::saml::{Keypair, Policy};
use toolbox::{Draft, Encrypt, NOW, REQUEST, World, at};

fn validate(criterion: &mut Criterion) {
    let world = World::new();
    let (policy, now) = (Policy::default(), at(NOW));
    let cbc = Encrypt::with(&world.ours, "http://www.w3.org/2001/04/xmlenc#aes256-cbc");
    let honest = || Draft::new().signed(&world.idp);
    let shapes = [
        ("signed assertion, RSA-2048", honest()),
        ("signed assertion and response, RSA-2048", honest().response_signed(&world.idp)),
        ("signed assertion, P-256", Draft::new().signed(&world.elliptic)),
        ("encrypted, our key RSA-2048", honest().encrypted(Encrypt::gcm(&world.ours))),
        (
            "encrypted with AES-CBC, our key RSA-2048",
            honest().encrypted(cbc).response_signed(&world.idp),
        ),
    ];
    let mut group = criterion.benchmark_group("saml");
    group.throughput(Throughput::Elements(1));
    for (name, draft) in &shapes {
        let posted = draft.posted();
        group.bench_function(*name, |bencher| {
            bencher.iter(|| {
                let (idp, posted) = (&world.provider, black_box(posted.as_slice()));
                world.sp.verify_response(idp, &policy, posted, Some(REQUEST), now)
            });
        });
    }
    // What a generated key pair costs: RSA with 3072 bits.
    let ours = Keypair::generate(now).expect("a key pair");
    let certificate = STANDARD.decode(ours.certificate().to_base64()).expect("a certificate");
    let mut sp = world.sp.clone();
    sp.keys = vec![ours];
    let large = Encrypt { to: &certificate, ..Encrypt::gcm(&world.ours) };
    let posted = honest().encrypted(large).posted();
    group.bench_function("encrypted, our key RSA-3072", |bencher| {
        bencher.iter(|| {
            let posted = black_box(posted.as_slice());
            sp.verify_response(&world.provider, &policy, posted, Some(REQUEST), now)
        });
    });
    group.finish();
}

criterion_group!(benches, validate);
criterion_main!(benches);
