//! What a check of a permission costs: without guardrails, with ten and with twenty that
//! all have to be asked.
#![expect(clippy::expect_used, reason = "a bench stops at the first surprise")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use access::{Caller, Databases, OrgId, Origin, Permission, Region, Resource};
use audit::Record;
use base::metrics::Metrics;
use base::seal::RootKey;
use base::tasks::Tasks;
use base::testing::{Bench, StillClock};
use base::time::Clock as _;
use criterion::{Criterion, criterion_group, criterion_main};
use guardrails::{Guardrails, NewGuardrail, Shelf};
use identity::{Config, FindOrg, Found, Identity, Needs, NewKey, NewMember, NewOrg};

/// What companies write: from where, how freshly confirmed, when, by whom and with what.
const CONDITIONS: [&str; 5] = [
    "unless { context has ip && (context.ip.isInRange(ip(\"192.0.2.0/24\")) || \
     context.ip.isInRange(ip(\"2001:db8::/32\"))) }",
    "unless { context.with_key || (context has factor_age_secs && context.factor_age_secs <= 900) }",
    "when { [\"saturday\", \"sunday\"].contains(context.weekday) || context.hour >= 22 }",
    "when { principal in Role::\"org:viewer\" }",
    "when { context has method && context.method == \"password\" }",
];

#[derive(Debug)]
struct Nobody;

impl FindOrg for Nobody {
    fn find<'a>(&'a self, _: &'a str) -> Found<'a> {
        Box::pin(async { Ok(None) })
    }
}

/// As the server has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A member's key in an org with so many guardrails.
async fn caller(policies: usize) -> Caller {
    let steps =
        [audit::sql::MIGRATIONS, identity::sql::MIGRATIONS, guardrails::sql::MIGRATIONS].concat();
    let bench = Bench::sqlite(&steps).await;
    let databases = Databases::new([(Region::Eu, bench.db.clone())]);
    let (clock, tasks) = (StillClock::new(), Tasks::new());
    let record = Record::open(&databases, &clock.shared(), "n1", &[], &tasks, &Metrics::new());
    let record = record.expect("opens");
    let identity = Identity::open(Needs {
        databases: databases.clone(),
        clock: clock.shared(),
        record: record.clone(),
        roots: BTreeMap::from([(Region::Eu, RootKey::fresh().expect("randomness"))]),
        tasks,
        find_org: Arc::new(Nobody),
        guards: Arc::new(Shelf::new(&databases)),
        visits: Arc::new(identity::NoVisits),
        mail: None,
        config: Config::default(),
    });
    let identity = identity.expect("opens");
    let operator = Caller::operator(OrgId::new(clock.now()), Region::Eu, "bench");
    let new = NewOrg { name: "Acme".to_owned(), slug: "acme".to_owned() };
    identity.create_org(&operator, &new).await.expect("an org");
    let new = NewMember {
        email: "ada@acme.example".to_owned(),
        name: "Ada".to_owned(),
        role: "org:member".to_owned(),
        password: None,
    };
    let member = identity.add_member(&operator, &new).await.expect("a member");
    let new = NewKey {
        owner: Some(member.id.to_string()),
        name: "laptop".to_owned(),
        ..NewKey::default()
    };
    let key = identity.create_key(&operator, &new).await.expect("a key");
    let room = Guardrails::open(&databases, &clock.shared(), &record, &identity).expect("opens");
    for (number, condition) in CONDITIONS.iter().cycle().take(policies).enumerate() {
        let policy =
            format!("forbid (principal, action in Action::\"models\", resource) {condition};");
        let new = NewGuardrail { name: format!("No {number}"), policy, on: None };
        room.create(&operator, &new).await.expect("a guardrail");
    }
    let mut headers = axum::http::HeaderMap::new();
    headers.insert("x-api-key", key.secret.reveal().parse().expect("a header"));
    let origin = Origin { ip: "192.0.2.7".parse().ok(), ..Origin::default() };
    identity.identify(&axum::http::Method::GET, &headers, origin).await.expect("somebody")
}

fn decide(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let (models, patterns) = (Permission::ModelsInvoke, Permission::PatternsRead);
    for policies in [0, 10, 20] {
        let caller = runtime.block_on(caller(policies));
        assert!(caller.require(models).is_ok(), "all are asked, and none objects");
        let same = Resource::new("model", "small");
        let again = |_| drop(black_box(&caller).require_on(black_box(models), &same));
        // A thing that nobody asked about before: nothing is remembered.
        let anew = |number: usize| {
            let on = Resource::new("model", &format!("m{number}"));
            drop(black_box(&caller).require_on(black_box(models), &on));
        };
        let another = |_| drop(black_box(&caller).require(black_box(patterns)));
        let mut number = 0;
        let mut bench = |what: &str, ask: &dyn Fn(usize)| {
            criterion.bench_function(&format!("{what}, {policies} guardrails"), |bencher| {
                bencher.iter(|| {
                    number += 1;
                    ask(number);
                });
            });
            percentiles(what, policies, ask, number);
        };
        bench("require again", &again);
        bench("require anew", &anew);
        bench("require what none is about", &another);
    }
}

/// Criterion gives means; what is promised is the slowest of a hundred.
fn percentiles(what: &str, policies: usize, ask: &dyn Fn(usize), from: usize) {
    let mut each: Vec<_> = (from..from + 50_000)
        .map(|number| {
            let begun = std::time::Instant::now();
            ask(number);
            begun.elapsed()
        })
        .collect();
    each.sort_unstable();
    let at = |share: usize| each.get(each.len() * share / 1000).copied().unwrap_or_default();
    let (half, most) = (at(500), at(990));
    let figures = format!("{what}, {policies} guardrails: p50 {half:?}, p99 {most:?}\n");
    // Where the figures of a bench are read.
    let _unread = std::io::Write::write_all(&mut std::io::stdout(), figures.as_bytes());
}

criterion_group!(benches, decide);
criterion_main!(benches);
