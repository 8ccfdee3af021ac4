//! Members who make calls and ask for proofs.

use std::sync::Arc;

use access::{
    Access, Actor, Caller, Grant, Identified, MemberId, OrgId, Origin, PermissionSet, Standing,
};
use audit::{CallFacts, Event, Log, Outcome};
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use base::time::Clock as _;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::house::{EU, House};

/// What came back; no body: it broke off.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Vec<u8>>,
}

impl Answer {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.body.as_ref().expect("a whole body")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.bytes().to_vec()).expect("text")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(self.bytes()).expect("json")
    }
}

impl House {
    /// Somebody of an org who may exactly this.
    pub(crate) fn member(&self, org: &OrgId, permissions: &[&str], standing: Standing) -> Caller {
        let permissions = PermissionSet::exactly(permissions.iter().copied()).expect("permissions");
        let role = "test".to_owned();
        let grant = Grant { role, permissions, on: None, through: "member".to_owned() };
        Caller::identified(Identified {
            org: org.clone(),
            region: EU,
            actor: Actor::Member(MemberId::new(self.clock.now())),
            key: None,
            teams: Arc::default(),
            access: Arc::new(Access::compile(vec![grant], None, 0)),
            models: None,
            origin: Origin::default(),
            standing,
        })
    }

    /// One event of a call.
    pub(crate) async fn tell(&self, caller: &Caller, action: &'static str, id: &str) -> i64 {
        let outcome = match action {
            "gateway.call.started" => Outcome::Started,
            "gateway.call.refused" => Outcome::Denied,
            _ => Outcome::Success,
        };
        let facts = CallFacts {
            tokens_in: 3,
            tokens_out: 4,
            price_nanocents: 5,
            attempts: 1,
            ..CallFacts::begun("small", self.clock.now())
        };
        let event = Event::done(action, "call", id).outcome(outcome).call(facts);
        let pending = match outcome {
            Outcome::Started => self.record.open_call(caller, &event),
            Outcome::Success => self.record.close_call(caller, &event),
            _ => self.record.note(caller, &event),
        };
        pending.await.expect("durable").seq().expect("in the record")
    }

    /// A call from its beginning to its end.
    pub(crate) async fn call(&self, caller: &Caller, id: &str) -> i64 {
        self.tell(caller, "gateway.call.started", id).await;
        self.tell(caller, "gateway.call.ended", id).await
    }

    /// The receipt of a call.
    pub(crate) async fn receipt(&self, caller: &Caller, id: &str) -> Value {
        self.receipt_from(&self.log, caller, id).await
    }

    /// The same, from another process.
    pub(crate) async fn receipt_from(&self, log: &Log, caller: &Caller, id: &str) -> Value {
        let receipt = log.receipt(caller, id).await.expect("a receipt");
        serde_json::to_value(receipt).expect("json")
    }

    /// Asks through the routes of the log.
    pub(crate) async fn ask(&self, caller: &Caller, path: &str, accept: &str) -> Answer {
        let (routes, _) = audit::log_routes(self.log.clone()).split_for_parts();
        let routes = routes.layer(axum::Extension(caller.clone()));
        let request = Request::get(path).header("accept", accept).body(Body::empty());
        let response = routes.oneshot(request.expect("a request")).await.expect("infallible");
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.into_body().collect().await.ok();
        Answer { status, headers, body: body.map(|body| body.to_bytes().to_vec()) }
    }
}
