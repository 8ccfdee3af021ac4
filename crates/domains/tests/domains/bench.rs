//! The room over a fresh database, and people who ask.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use access::{
    Access, Actor, Caller, Databases, Grant, Identified, MemberId, OrgId, Origin, Region, Role,
    Standing,
};
use audit::Record;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use base::metrics::Metrics;
use base::problem::Problem;
use base::tasks::Tasks;
use base::testing::{Bench, StillClock};
use base::time::Clock;
use domains::{Claim, Dns, Domain, DomainName, Domains, Error, Needs, Registry};
use http_body_util::BodyExt;
use tower::ServiceExt;

use crate::dns::TestDns;

/// Where all domains stand, of one test.
#[derive(Debug, Default)]
pub(crate) struct Shelf(Mutex<HashMap<String, OrgId>>);

#[async_trait::async_trait]
impl Registry for Shelf {
    async fn put(&self, domain: &str, org: &OrgId, _: Region) -> Result<bool, Problem> {
        let mut known = self.0.lock().expect("unpoisoned");
        Ok(known.entry(domain.to_owned()).or_insert_with(|| org.clone()) == org)
    }

    async fn release(&self, domain: &str, org: &OrgId) -> Result<(), Problem> {
        self.0.lock().expect("unpoisoned").retain(|known, of| known != domain || of != org);
        Ok(())
    }
}

impl Shelf {
    pub(crate) fn of(&self, domain: &str) -> Option<OrgId> {
        self.0.lock().expect("unpoisoned").get(domain).cloned()
    }
}

pub(crate) struct Room {
    pub(crate) bench: Bench,
    pub(crate) clock: StillClock,
    pub(crate) dns: TestDns,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) domains: Domains,
    pub(crate) record: Record,
}

impl Room {
    pub(crate) async fn on_each_engine() -> Vec<Self> {
        let steps = [audit::sql::MIGRATIONS, domains::sql::MIGRATIONS].concat();
        let mut rooms = Vec::new();
        for bench in Bench::on_each_engine(&steps, audit::sql::APPEND_ONLY).await {
            rooms.push(Self::on(bench).await);
        }
        rooms
    }

    async fn on(bench: Bench) -> Self {
        let (clock, names) = (StillClock::new(), TestDns::start().await);
        let databases = Databases::new([(Region::Eu, bench.db.clone())]);
        let (shared, tasks, metrics) = (clock.shared(), Tasks::new(), Metrics::new());
        let record = Record::open(&databases, &shared, "n1", &[], &tasks, &metrics)
            .expect("starts its thread");
        let shelf = Arc::new(Shelf::default());
        let domains = Domains::open(Needs {
            databases,
            clock: shared,
            registry: shelf.clone(),
            dns: Dns::open(Some(names.at), Duration::from_millis(200)).expect("a resolver"),
            tasks,
        });
        Self { bench, clock, dns: names, shelf, domains, record }
    }

    pub(crate) fn org(&self) -> OrgId {
        OrgId::new(self.clock.now())
    }

    pub(crate) fn somebody(&self, org: &OrgId, role: Role) -> Caller {
        let grant = Grant {
            role: role.to_string(),
            permissions: role.permissions().expect("a role"),
            on: None,
            through: "member".to_owned(),
        };
        Caller::identified(Identified {
            org: org.clone(),
            region: Region::Eu,
            actor: Actor::Member(MemberId::new(self.clock.now())),
            key: None,
            teams: Arc::default(),
            access: Arc::new(Access::compile(vec![grant], None, 0)),
            models: None,
            origin: Origin::default(),
            standing: Standing::default(),
        })
    }

    pub(crate) async fn claim(&self, caller: &Caller, domain: &str) -> Result<Domain, Error> {
        self.domains.claim(caller, &Claim { domain: domain.to_owned() }).await
    }

    /// Claims a domain, publishes its record and has it checked.
    pub(crate) async fn prove(&self, caller: &Caller, domain: &str) -> Result<Domain, Error> {
        let claimed = self.claim(caller, domain).await?;
        self.dns.put(&claimed.record_name, &["v=spf1 -all", &claimed.record_value]);
        self.check(caller, domain).await
    }

    pub(crate) async fn check(&self, caller: &Caller, domain: &str) -> Result<Domain, Error> {
        self.domains.check(caller, &named(domain)).await
    }

    /// What was recorded, oldest first.
    pub(crate) async fn actions(&self, caller: &Caller) -> Vec<String> {
        let operator = Caller::operator(caller.org.clone(), Region::Eu, "test");
        let filter = audit::Filter::default();
        let page = self.record.events(&operator, &filter).await.expect("reads");
        let mut actions: Vec<_> = page
            .items
            .iter()
            .map(|event| event["action"].as_str().unwrap_or_default().to_owned())
            .collect();
        actions.reverse();
        actions
    }

    pub(crate) async fn send(
        &self,
        caller: &Caller,
        method: &str,
        path: &str,
        body: &str,
    ) -> (StatusCode, String) {
        let (routes, _) = domains::routes(self.domains.clone())
            .merge(domains::pages(self.domains.clone()))
            .split_for_parts();
        let kind = if path.starts_with("/api/") {
            "application/json"
        } else {
            "application/x-www-form-urlencoded"
        };
        let request = Request::builder().method(method).uri(path).header("content-type", kind);
        let request = request.body(Body::from(body.to_owned())).expect("a request");
        let routes = routes.layer(axum::Extension(caller.clone()));
        let response = routes.oneshot(request).await.expect("infallible");
        let status = response.status();
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        (status, String::from_utf8(body.to_vec()).expect("text"))
    }
}

pub(crate) fn named(domain: &str) -> DomainName {
    domain.parse().expect("a domain")
}
