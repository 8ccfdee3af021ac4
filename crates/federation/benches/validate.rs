//! How many responses are verified in a second, on one core.
#![expect(clippy::expect_used, reason = "a measurement stops at the first surprise")]

#[expect(dead_code, unused_imports, reason = "the tests need the rest")]
#[path = "../tests/saml/toolbox/mod.rs"]
mod toolbox;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use federation::saml::Policy;
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
    group.finish();
}

criterion_group!(benches, validate);
criterion_main!(benches);
