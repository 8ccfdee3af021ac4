//! A house with the operators' org, two customers and their people, and a door in front.

use std::ops::Deref;
use std::sync::Arc;

use access::{Caller, MemberId, Method, OrgId, Permission};
use base::time::Clock as _;
use identity::testing::{self, Plan};
use identity::{Birth, Identity};
use jiff::SignedDuration;
use serde_json::{Value, json};
use support::{Config, Consents, Support};

pub(crate) struct House {
    shared: testing::House,
    pub(crate) support: Support,
    pub(crate) operators: Org,
    pub(crate) acme: Org,
    pub(crate) globex: Org,
}

/// An org and three of its people.
pub(crate) struct Org {
    pub(crate) id: OrgId,
    pub(crate) system: Caller,
    pub(crate) owner: MemberId,
    pub(crate) other: MemberId,
    pub(crate) viewer: MemberId,
}

impl Deref for House {
    type Target = testing::House;

    fn deref(&self) -> &Self::Target {
        &self.shared
    }
}

impl House {
    pub(crate) async fn on_each_engine() -> Vec<Self> {
        Self::with(Config { operators: Some("operators".to_owned()) }).await
    }

    pub(crate) async fn with(config: Config) -> Vec<Self> {
        let plan = Plan {
            visits: |databases, clock, record| Arc::new(Consents::new(databases, clock, record)),
            config: identity::Config { cookie_secure: false, ..identity::Config::default() },
            ..Plan::of(support::sql::MIGRATIONS)
        };
        let mut houses = Vec::new();
        for house in plan.houses().await {
            houses.push(Self::of(house, config.clone()).await);
        }
        houses
    }

    async fn of(house: testing::House, config: Config) -> Self {
        let support = Support::open(support::Needs {
            databases: house.databases.clone(),
            clock: house.clock.shared(),
            record: house.record.clone(),
            identity: house.identity.clone(),
            find_org: house.directory.clone(),
            config,
        });
        let routes = audit::routes(house.record.clone())
            .merge(support::routes(support.clone()))
            .merge(support::pages(support.clone()));
        let (operators, acme, globex) = (
            org(&house, "operators").await,
            org(&house, "acme").await,
            org(&house, "globex").await,
        );
        Self { shared: house.serving(routes), support, operators, acme, globex }
    }

    /// The same after a restart, or another process beside it.
    pub(crate) fn restarted(&self) -> Identity {
        self.second_node()
    }

    /// A session in which a second factor was shown just now, as a cookie.
    pub(crate) async fn sign_in(&self, org: &Org, member: &MemberId) -> String {
        let birth = Birth::of(member.clone(), Method::Passkey, Some(self.clock.now()));
        self.let_in(&org.id, birth, None).await
    }

    /// A session without a second factor.
    pub(crate) async fn sign_in_plainly(&self, org: &Org, member: &MemberId) -> String {
        self.let_in(&org.id, Birth::of(member.clone(), Method::Password, None), None).await
    }

    /// A key of a member, for programs.
    pub(crate) async fn key(&self, org: &Org, member: &MemberId) -> String {
        self.shared.key(&org.system, member.as_str()).await
    }

    /// The operator asks an org; gives the id of the request.
    pub(crate) async fn asked(&self, org: &str, permissions: &[&str], hours: u32) -> String {
        let operator = self.sign_in(&self.operators, &self.operators.owner).await;
        let body = json!({
            "org": org, "reason": "case 4711: patterns do not answer",
            "permissions": permissions, "hours": hours,
        });
        let answer = self.post(&operator, "/api/support/asks", body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()["id"].as_str().expect("an id").to_owned()
    }

    /// An approver of acme grants a request as it was asked for.
    pub(crate) async fn granted(&self, permissions: &[&str], hours: u32) -> String {
        let id = self.asked("acme", permissions, hours).await;
        let owner = self.sign_in(&self.acme, &self.acme.owner).await;
        let path = format!("/api/support/requests/{id}/grant");
        let answer = self.post(&owner, &path, json!({})).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        id
    }

    /// The operator goes in; gives the visit's cookie.
    pub(crate) async fn entered(&self, id: &str) -> String {
        let operator = self.sign_in(&self.operators, &self.operators.owner).await;
        let answer = self.post(&operator, &format!("/support/desk/{id}/enter"), Value::Null).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        let cookie = answer.cookie();
        assert!(cookie.starts_with("portico_session=px_eu_"), "{cookie}");
        cookie
    }

    /// An approver of acme ends what was granted.
    pub(crate) async fn ended(&self, id: &str) {
        let owner = self.sign_in(&self.acme, &self.acme.owner).await;
        let path = format!("/api/support/requests/{id}/end");
        let answer = self.post(&owner, &path, Value::Null).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }

    pub(crate) fn pass(&self, minutes: i64) {
        self.clock.advance(SignedDuration::from_mins(minutes));
    }

    /// Who a cookie makes somebody, on this or another node.
    pub(crate) async fn who(&self, node: &Identity, cookie: &str) -> Option<Caller> {
        self.caller(node, cookie, None).await.ok()
    }

    /// The events of an org, oldest first.
    pub(crate) async fn events(&self, org: &Org) -> Vec<Value> {
        let scope = org.system.require(Permission::EventsRead).expect("may");
        self.record.read_on(&scope, 0).await.expect("reads")
    }
}

async fn org(house: &testing::House, slug: &str) -> Org {
    let (id, system) = house.found(slug).await;
    let somebody = async |name: &str, role: &str| {
        let (called, email) = (format!("{name} of {slug}"), format!("{name}@{slug}.example"));
        house.named(&system, &called, &email, role).await.id
    };
    Org {
        owner: somebody("owner", "org:owner").await,
        other: somebody("other", "org:owner").await,
        viewer: somebody("viewer", "org:viewer").await,
        id,
        system: system.clone(),
    }
}
