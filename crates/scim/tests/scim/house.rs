//! A house with this room in it, an org, and directories that speak to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use access::{Caller, Databases, MemberId, OrgId, Origin, Region};
use audit::{Filter, Record};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Request, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use base::metrics::Metrics;
use base::seal::RootKey;
use base::tasks::Tasks;
use base::testing::{Bench, StillClock};
use base::time::Clock as _;
use http_body_util::BodyExt;
use identity::{Config, FindOrg, Found, Identity, Member, NewKey, NewMember, NewOrg};
use scim::{Directory, DirectoryId, NewDirectory, Scim};
use serde_json::{Value, json};
use tower::ServiceExt;

pub(crate) struct House {
    pub(crate) bench: Bench,
    pub(crate) clock: StillClock,
    pub(crate) identity: Identity,
    pub(crate) record: Record,
    pub(crate) scim: Scim,
    routes: Router,
    ours: Router,
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

#[derive(Debug)]
struct Nowhere;

impl FindOrg for Nowhere {
    fn find<'a>(&'a self, _: &'a str) -> Found<'a> {
        Box::pin(async { Ok(None) })
    }
}

impl House {
    pub(crate) async fn on_each_engine() -> Vec<Self> {
        let steps =
            [audit::sql::MIGRATIONS, identity::sql::MIGRATIONS, scim::sql::MIGRATIONS].concat();
        let benches = Bench::on_each_engine(&steps, audit::sql::APPEND_ONLY).await;
        benches.into_iter().map(Self::on).collect()
    }

    fn on(bench: Bench) -> Self {
        let databases = Databases::new([(Region::Eu, bench.db.clone())]);
        let clock = StillClock::new();
        let shared = clock.shared();
        let (tasks, metrics) = (Tasks::new(), Metrics::new());
        let record = Record::open(&databases, &shared, "n1", &[], &tasks, &metrics)
            .expect("starts its thread");
        let roots = BTreeMap::from([(Region::Eu, RootKey::fresh().expect("randomness"))]);
        let identity = Identity::open(identity::Needs {
            guards: Arc::new(identity::NoGuards),
            visits: Arc::new(identity::NoVisits),
            databases: databases.clone(),
            clock: shared.clone(),
            record: record.clone(),
            roots: roots.clone(),
            tasks: tasks.clone(),
            find_org: Arc::new(Nowhere),
            mail: None,
            config: Config::default(),
        });
        let identity = identity.expect("opens");
        let scim = Scim::open(&scim::Needs {
            databases: &databases,
            clock: &shared,
            record: &record,
            identity: &identity,
            roots: &roots,
            tasks: &tasks,
            public_url: None,
            https: false,
        });
        let scim = scim.expect("opens");
        let ours = scim::api(scim.clone()).merge(scim::pages(scim.clone()));
        let (ours, _) = ours.split_for_parts();
        let ours = ours.layer(from_fn_with_state(identity.clone(), door));
        let routes = scim::routes(scim.clone()).layer(Extension(origin()));
        Self { bench, clock, identity, record, scim, routes, ours }
    }

    pub(crate) async fn org(&self) -> Org {
        let id = OrgId::new(self.clock.now());
        let operator = Caller::operator(id.clone(), Region::Eu, "test");
        let slug = format!("org-{}", id.ulid().to_lowercase());
        let new = NewOrg { name: "Acme".to_owned(), slug };
        self.identity.create_org(&operator, &new).await.expect("an org");
        let owner = self.member(&operator, "owner@acme.example", "org:owner").await;
        Org { id, operator, owner }
    }

    pub(crate) async fn member(&self, operator: &Caller, email: &str, role: &str) -> Member {
        let new = NewMember {
            email: email.to_owned(),
            name: email.split('@').next().unwrap_or_default().to_owned(),
            role: role.to_owned(),
            password: None,
        };
        self.identity.add_member(operator, &new).await.expect("a member")
    }

    /// A key of a member, as text.
    pub(crate) async fn key(&self, operator: &Caller, member: &str) -> String {
        let new = NewKey {
            owner: Some(member.to_owned()),
            name: "laptop".to_owned(),
            ..NewKey::default()
        };
        let issued = self.identity.create_key(operator, &new).await.expect("a key");
        issued.secret.reveal().to_owned()
    }

    /// Whether a key lets somebody in.
    pub(crate) async fn lets_in(&self, key: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, format!("Bearer {key}").parse().expect("a header"));
        self.identity.identify(&Method::GET, &headers, origin()).await.is_ok()
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
        let request = request.expect("a request");
        // Ids that are made later sort later.
        self.clock.advance(jiff::SignedDuration::from_millis(1));
        let response = self.routes.clone().oneshot(request).await.expect("infallible");
        answer(response).await
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
        let filter = Filter { action: action.to_owned(), ..Filter::default() };
        self.record.events(&org.operator, &filter).await.expect("reads").items
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
        body: (&str, String),
    ) -> (u16, String) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {key}"))
            .header("host", "portico.example")
            .header("content-type", body.0)
            .body(Body::from(body.1))
            .expect("a request");
        let response = self.ours.clone().oneshot(request).await.expect("infallible");
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        (status, String::from_utf8(bytes.to_vec()).expect("text"))
    }

    pub(crate) async fn asked(&self, org: &Org, id: &DirectoryId) -> Vec<scim::Asked> {
        self.scim.asked(&org.operator, id).await.expect("reads")
    }

    pub(crate) fn service(&self) -> Router {
        self.routes.clone()
    }
}

async fn answer(response: Response) -> Answer {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.expect("a body").to_bytes();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: serde_json::from_slice(&bytes).unwrap_or_default(),
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

/// What the server does in front of our own routes.
async fn door(
    State(identity): State<Identity>,
    mut request: axum::extract::Request,
    next: Next,
) -> Response {
    match identity.identify(request.method(), request.headers(), origin()).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(refused) => refused.problem.into_response(),
    }
}
