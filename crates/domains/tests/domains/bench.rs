//! The room over a fresh database, and people who ask.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use access::{
    Access, Actor, Caller, Grant, Identified, MemberId, OrgId, Origin, Region, Role, Standing,
};
use axum::http::StatusCode;
use base::problem::Problem;
use base::time::Clock as _;
use domains::{Claim, Dns, Domain, DomainName, Domains, Error, Needs, Registry};
use identity::testing::{Answer, House, Plan, request};
use serde_json::Value;
use tokio::sync::oneshot::{Receiver, Sender, channel};

use crate::dns::TestDns;

/// Where all domains stand, of one test.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    known: Mutex<HashMap<String, OrgId>>,
    held: Mutex<Option<(Sender<()>, Receiver<()>)>>,
}

#[async_trait::async_trait]
impl Registry for Shelf {
    async fn put(&self, domain: &str, org: &OrgId, _: Region) -> Result<bool, Problem> {
        self.wait().await;
        let mut known = self.known.lock().expect("unpoisoned");
        Ok(known.entry(domain.to_owned()).or_insert_with(|| org.clone()) == org)
    }

    async fn release(&self, domain: &str, org: &OrgId) -> Result<(), Problem> {
        self.wait().await;
        self.known.lock().expect("unpoisoned").retain(|known, of| known != domain || of != org);
        Ok(())
    }
}

impl Shelf {
    /// Holds up whoever writes next: says that they came, and when they go on.
    pub(crate) fn hold(&self) -> (Receiver<()>, Sender<()>) {
        let ((came, comes), (go, goes)) = (channel(), channel());
        *self.held.lock().expect("unpoisoned") = Some((came, goes));
        (comes, go)
    }

    async fn wait(&self) {
        let held = self.held.lock().expect("unpoisoned").take();
        if let Some((came, goes)) = held {
            came.send(()).expect("somebody waits");
            goes.await.expect("goes on");
        }
    }

    pub(crate) fn of(&self, domain: &str) -> Option<OrgId> {
        self.known.lock().expect("unpoisoned").get(domain).cloned()
    }
}

pub(crate) struct Room {
    shared: House,
    pub(crate) dns: TestDns,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) domains: Domains,
}

impl Deref for Room {
    type Target = House;

    fn deref(&self) -> &Self::Target {
        &self.shared
    }
}

impl Room {
    pub(crate) async fn on_each_engine() -> Vec<Self> {
        let mut rooms = Vec::new();
        for house in Plan::of(domains::sql::MIGRATIONS).houses().await {
            rooms.push(Self::of(house).await);
        }
        rooms
    }

    async fn of(house: House) -> Self {
        let (names, shelf) = (TestDns::start().await, Arc::new(Shelf::default()));
        let domains = Domains::open(Needs {
            databases: house.databases.clone(),
            clock: house.clock.shared(),
            record: house.record.clone(),
            registry: shelf.clone(),
            dns: Dns::open(Some(names.at), Duration::from_millis(200)).expect("a resolver"),
            tasks: house.tasks.clone(),
        });
        Self { shared: house, dns: names, shelf, domains }
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
        let events = self.recorded(&operator, "").await;
        let action = |event: &Value| event["action"].as_str().unwrap_or_default().to_owned();
        events.iter().rev().map(action).collect()
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
        let body = if path.starts_with("/api/") {
            serde_json::from_str(body).unwrap_or_default()
        } else {
            Value::from(body)
        };
        let routes = routes.layer(axum::Extension(caller.clone()));
        let answer = Answer::of(routes, request::<&str>(method, path, &[], body)).await;
        (StatusCode::from_u16(answer.status).expect("a status"), answer.text)
    }
}

pub(crate) fn named(domain: &str) -> DomainName {
    domain.parse().expect("a domain")
}
