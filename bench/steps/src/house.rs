//! Whom the steps are done for: two orgs on SQLite, one of them with guardrails.

use std::sync::Arc;

use access::{Caller, Origin};
use guardrails::{Guardrails, NewGuardrail, Shelf};
use http::{HeaderMap, HeaderValue, Method, header};
use identity::testing::{House as Rooms, Plan};
use tokio::runtime::{Builder, Runtime};

/// What companies write. That one names a model keeps all of them apart.
const GUARDRAILS: [&str; 5] = [
    "unless { context has ip && (context.ip.isInRange(ip(\"192.0.2.0/24\")) || \
     context.ip.isInRange(ip(\"2001:db8::/32\"))) }",
    "unless { context.with_key || (context has factor_age_secs && context.factor_age_secs <= 900) }",
    "when { principal in Role::\"org:viewer\" }",
    "when { context has method && context.method == \"password\" }",
    "when { resource == Model::\"retired\" }",
];

pub(crate) struct House {
    pub(crate) runtime: Runtime,
    pub(crate) rooms: Rooms,
    /// Whoever calls, as identification found them by their key.
    pub(crate) ada: Caller,
    /// The same in an org with guardrails.
    pub(crate) guarded: Caller,
    /// What the calls of the first one carry.
    pub(crate) headers: HeaderMap,
}

impl House {
    pub(crate) fn open() -> Self {
        // One thread: what runs beside a step runs when the step waits.
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (rooms, [ada, guarded], headers) = runtime.block_on(async {
            let migrations = [guardrails::sql::MIGRATIONS, limits::sql::MIGRATIONS].concat();
            let plan = Plan { guards: || Arc::new(Shelf), ..Plan::of(&migrations) };
            let rooms = plan.houses().await.remove(0);
            let (ada, key) = member(&rooms, "acme", &[]).await;
            let (guarded, _) = member(&rooms, "guarded", &GUARDRAILS).await;
            (rooms, [ada, guarded], carrying(&key))
        });
        Self { runtime, rooms, ada, guarded, headers }
    }
}

/// A member with a key and a team, in an org with these guardrails.
async fn member(rooms: &Rooms, slug: &str, conditions: &[&str]) -> (Caller, String) {
    let (_, operator) = rooms.found(slug).await;
    let clock = rooms.clock.shared();
    let room = Guardrails::open(&rooms.databases, &clock, &rooms.record, &rooms.identity);
    let room = room.expect("opens");
    for (number, condition) in conditions.iter().enumerate() {
        let policy =
            format!("forbid (principal, action in Action::\"models\", resource) {condition};");
        let new = NewGuardrail { name: format!("No {number}"), policy, on: None };
        room.create(&operator, &new).await.expect("a guardrail");
    }
    let ada = rooms.somebody(&operator, &format!("ada@{slug}.example"), "org:member").await;
    let team = rooms.identity.add_team(&operator, "Claims").await.expect("a team");
    let id = ada.id.parse().expect("a member's id");
    rooms.identity.add_to_team(&operator, &team.id, &id).await.expect("joins");
    let caller = rooms.identity.identify(&Method::POST, &carrying(&ada.key), origin()).await;
    (caller.expect("a member"), ada.key)
}

fn carrying(key: &str) -> HeaderMap {
    let value = HeaderValue::from_str(&format!("Bearer {key}")).expect("a header");
    HeaderMap::from_iter([(header::AUTHORIZATION, value)])
}

/// From where calls come.
pub(crate) fn origin() -> Origin {
    Origin { ip: Some([192, 0, 2, 7].into()), ..Origin::default() }
}
