//! How long each inner step of a call takes.

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// As the server has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn time(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("steps");
    for mut step in steps::all() {
        group.throughput(Throughput::Elements(step.times));
        group.bench_function(step.name, |bencher| {
            if !step.is_prepared() {
                return bencher.iter(|| step.run());
            }
            bencher.iter_custom(|runs| {
                let mut total = Duration::ZERO;
                for _ in 0..runs {
                    step.prepare();
                    let begun = Instant::now();
                    step.run();
                    total += begun.elapsed();
                }
                total
            });
        });
    }
    group.finish();
}

criterion_group!(benches, time);
criterion_main!(benches);
