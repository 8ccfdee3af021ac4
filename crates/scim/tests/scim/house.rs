//! A house with this room in it, an org, and directories that speak to it.

use std::ops::Deref;

use access::{Caller, MemberId, OrgId, Origin};
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use axum::{Extension, Router};
use base::time::Clock as _;
use identity::Member;
use identity::testing::{self, Plan};
use scim::{Directory, DirectoryId, NewDirectory, Scim};
use serde_json::{Value, json};

pub(crate) struct House {
    shared: testing::House,
    pub(crate) scim: Scim,
    service: Router,
}

pub(crate) struct Org {
    pub(crate) id: OrgId,
    pub(crate) operator: Caller,
    pub(crate) owner: Member,
}

/// An answer of the service.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Deref for House {
    type Target = testing::House;

    fn deref(&self) -> &Self::Target {
        &self.shared
    }
}

impl House {
    pub(crate) async fn on_each_engine() -> Vec<Self> {
        let houses = Plan::of(scim::sql::MIGRATIONS).houses().await;
        houses.into_iter().map(Self::of).collect()
    }

    fn of(house: testing::House) -> Self {
        let scim = Scim::open(&scim::Needs {
            databases: &house.databases,
            clock: &house.clock.shared(),
            record: &house.record,
            identity: &house.identity,
            roots: &house.roots,
            tasks: &house.tasks,
            public_url: None,
            https: false,
        });
        let scim = scim.expect("opens");
        let service = scim::routes(scim.clone()).layer(Extension(origin()));
        let ours = scim::api(scim.clone()).merge(scim::pages(scim.clone()));
        Self { shared: house.serving(ours), scim, service }
    }

    pub(crate) async fn org(&self) -> Org {
        let slug = format!("org-{}", OrgId::new(self.clock.now()).ulid().to_lowercase());
        let (id, operator) = self.found(&slug).await;
        let owner = self.member(&operator, "owner@acme.example", "org:owner").await;
        Org { id, operator, owner }
    }

    /// Whether a key lets somebody in.
    pub(crate) async fn lets_in(&self, key: &str) -> bool {
        self.caller(&self.identity, key, None).await.is_ok()
    }

    /// A directory without a mapping, and its token.
    pub(crate) async fn directory(&self, org: &Org, name: &str) -> (Directory, String) {
        self.directory_with(org, NewDirectory { name: name.to_owned(), ..NewDirectory::default() })
            .await
    }

    pub(crate) async fn directory_with(&self, org: &Org, new: NewDirectory) -> (Directory, String) {
        let made = self.scim.add_directory(&org.operator, &new).await;
        let (directory, issued) = made.expect("a directory");
        (directory, issued.secret.reveal().to_owned())
    }

    /// Sends a request of a directory as it is.
    pub(crate) async fn send(
        &self,
        token: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/scim/v2{path}"))
            .header("authorization", format!("Bearer {token}"))
            .header("host", "portico.example");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map_or_else(Body::empty, Body::from);
        let request = request.header("content-type", "application/scim+json").body(body);
        // Ids that are made later sort later.
        self.clock.advance(jiff::SignedDuration::from_millis(1));
        let answer = testing::Answer::of(self.service(), request.expect("a request")).await;
        Answer { status: answer.status, body: answer.json(), headers: answer.headers }
    }

    pub(crate) async fn ask(&self, token: &str, method: &str, path: &str, body: &Value) -> Answer {
        let body = Some(body).filter(|body| !body.is_null()).map(Value::to_string);
        self.send(token, method, path, &[], body).await
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Answer {
        self.send(token, "GET", path, &[], None).await
    }

    /// Brings a user who must be taken; gives the answer's body.
    pub(crate) async fn user(&self, token: &str, user_name: &str) -> Value {
        let answer = self.ask(token, "POST", "/Users", &json!({"userName": user_name})).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.body
    }

    /// Forms a group that must be taken; gives its id.
    pub(crate) async fn group(&self, token: &str, name: &str, users: &[&str]) -> String {
        let members: Vec<_> = users.iter().map(|id| json!({"value": id})).collect();
        let body = json!({"displayName": name, "members": members});
        let answer = self.ask(token, "POST", "/Groups", &body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        id(&answer.body)
    }

    pub(crate) async fn patch(&self, token: &str, path: &str, operations: Value) -> Answer {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": operations,
        });
        self.ask(token, "PATCH", path, &body).await
    }

    /// The member with an address, as the org sees them.
    pub(crate) async fn known(&self, org: &Org, email: &str) -> Option<Member> {
        let scope = org.operator.itself();
        self.identity.find_member(&scope, email).await.expect("reads")
    }

    pub(crate) async fn by_id(&self, org: &Org, id: &MemberId) -> Member {
        self.identity.known_member(&org.operator.itself(), id).await.expect("a member")
    }

    /// The newest events of an action, the newest first.
    pub(crate) async fn events(&self, org: &Org, action: &str) -> Vec<Value> {
        self.recorded(&org.operator, action).await
    }

    /// The same, once there are this many: refusals are recorded beside the answer.
    pub(crate) async fn noted(&self, org: &Org, action: &str, count: usize) -> Vec<Value> {
        let begun = std::time::Instant::now();
        loop {
            let events = self.events(org, action).await;
            if events.len() >= count {
                assert_eq!(events.len(), count, "{events:?}");
                return events;
            }
            assert!(begun.elapsed().as_secs() < 15, "{events:?}");
            tokio::task::yield_now().await;
        }
    }

    /// The number of all changes that this room told of.
    pub(crate) async fn told(&self, org: &Org) -> usize {
        self.events(org, "scim.*").await.len()
    }

    /// Asks our own API or a page with a key.
    pub(crate) async fn ours(
        &self,
        key: &str,
        method: &str,
        path: &str,
        body: Value,
    ) -> (u16, String) {
        let answer = self.shared.ask(key, method, path, body).await;
        (answer.status, answer.text)
    }

    pub(crate) async fn asked(&self, org: &Org, id: &DirectoryId) -> Vec<scim::Asked> {
        self.scim.asked(&org.operator, id).await.expect("reads")
    }

    pub(crate) fn service(&self) -> Router {
        self.service.clone()
    }
}

pub(crate) fn origin() -> Origin {
    Origin {
        ip: Some("192.0.2.7".parse().expect("an address")),
        user_agent: Some("test".to_owned()),
        request_id: "req_1".to_owned(),
        trace_parent: None,
    }
}

pub(crate) fn id(body: &Value) -> String {
    body["id"].as_str().expect("an id").to_owned()
}

/// The ids that stand in a list or in members.
pub(crate) fn values(list: &Value) -> Vec<String> {
    let list = list.as_array().cloned().unwrap_or_default();
    let one = |value: &Value| value.get("value").or(value.get("id")).cloned();
    list.iter().filter_map(one).filter_map(|id| id.as_str().map(str::to_owned)).collect()
}
